"""Past requests and answers that were kept by consent, as examples to compile a handler from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from breakeven.errors import DataError

if TYPE_CHECKING:
    from breakeven.alignment.compiled.replay import Past
    from breakeven.alignment.compiled.shape import Shaped, Spoken
    from breakeven.ledger.captures import Exchange

FEWEST = 20


def read_captured(ledger: Path, feature: str, since: str | None, until: str | None, workflow: str | None) -> Shaped:
    """The shape of a feature's task and its examples, oldest first.

    Only answers of models count: what a handler or the cache answered would teach it its own mistakes.
    Raises UsageError where nothing is kept and DataError where what is kept has no shape or is too little.
    """
    from breakeven.alignment.compiled.shape import find_shape
    from breakeven.cli.captures import kept_exchanges

    exchanges = [each for each in kept_exchanges(ledger, feature, since, until) if workflow is None or each.workflow == workflow]
    spoken = _spoken([each for each in exchanges if not _without_a_model(each.rung)])
    if len(spoken) < FEWEST:
        raise DataError(
            f"of {feature} {len(exchanges):,} requests are kept, {len(spoken):,} of them with a text answered by a model",
            f"At least {FEWEST} are needed to see a shape; the smallest record that admits answers is 42 right tries.",
        )
    return find_shape(spoken)


def as_past(shaped: Shaped) -> list[Past]:
    """The examples as the replay reads them."""
    from breakeven.alignment.compiled.documents import read_document
    from breakeven.alignment.compiled.replay import Past

    return [Past(one.name, partial(read_document, one.text, one.name), dict(one.answer)) for one in shaped.examples]


def told(shaped: Shaped) -> list[str]:
    """The shape in words."""
    shape = shaped.shape
    count = len(shaped.examples)
    lines = [
        f"The task, from {count:,} kept requests: {len(shape.before) + len(shape.after):,} characters of the prompt are constant,"
    ]
    lengths = sorted(len(one.text) for one in shaped.examples)
    way = "text" if shape.writing == "text" else f"JSON ({shape.writing}) with {', '.join(shape.fields)}"
    lines.append(f"the input between them has {lengths[0]:,} to {lengths[-1]:,} characters; answers are {way}.")
    return lines + [f"Left out: {number:,}, which {why}." for why, number in shaped.left_out.items()]


def _spoken(exchanges: Sequence[Exchange]) -> list[Spoken]:
    from breakeven.alignment.compiled.shape import Spoken
    from breakeven.providers.spoken import answer_of, task_of

    found: list[Spoken] = []
    for each in exchanges:
        task, answer = task_of(each.request), answer_of(each.response)
        if task is not None and answer is not None:
            found.append(Spoken(each.call_id, task, answer))
    return found


def _without_a_model(rung: str | None) -> bool:
    return rung is not None and (rung == "cache" or rung.startswith("handler"))
