"""What `breakeven doctor` says of ladders: rungs that could not take what a feature's calls were like, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from breakeven.gateway.preparation import window_of
from breakeven.gateway.targets import Targets
from breakeven.ledger import open_ledger
from breakeven.ledger.layout import Layout
from breakeven.pricebook import open_card
from breakeven.settings.capabilities import models_of, too_long

if TYPE_CHECKING:
    from pathlib import Path

    from breakeven.settings import Settings
    from breakeven.settings.ladders import Rung

_DAYS = 90
_WHOSE = f"a call of the last {_DAYS} days had"
_LONGEST = """
    SELECT feature, max(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
        + coalesce(output_tokens, 0) + coalesce(reasoning_tokens, 0))
    FROM calls
    WHERE occurred_at >= $since AND call_count = 1 AND environment IS DISTINCT FROM 'audit' AND feature IS NOT NULL
    GROUP BY feature"""
_SENT = """
    SELECT DISTINCT feature, CASE WHEN usage_class LIKE '%audio%' THEN 'audio' ELSE 'images' END
    FROM cost_lines
    WHERE occurred_at >= $since AND environment IS DISTINCT FROM 'audit' AND feature IS NOT NULL AND quantity > 0
        AND (usage_class LIKE '%audio%' OR usage_class LIKE '%image%') AND usage_class NOT LIKE '%output%'"""


class Told(NamedTuple):
    """One thing to be told: how bad it is, in words, and what to do."""

    state: Literal["fault", "warning"]
    what: str
    remedy: str


class Past(NamedTuple):
    """What calls of the last days were like, by feature: the longest, in tokens, and what they sent beside text."""

    longest: Mapping[str, int]
    sent: Mapping[str, frozenset[str]]


def ladders_told(settings: Settings, ledger: Path) -> Iterator[Told]:
    """Every rung that is too small for its feature's calls of the last 90 days; at last, once, those of which it is not known.

    Raises BreakevenError where ledger, prices or providers cannot be read.
    """
    rungs = [(name, rung) for name, each in settings.features.items() if each.ladder is not None for rung in models_of(each.ladder)]
    if not rungs:
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    past = _past(ledger, now - timedelta(days=_DAYS))
    windows, targets = open_card(Layout(ledger).prices, settings.overlays, now).context_window, Targets(settings.gateway)
    unsaid: list[str] = []
    for name, rung in rungs:
        yield from _too_small(name, rung, past, windows, targets)
        window = window_of(rung, targets, windows)
        missing = [*(["context"] if window is None else []), *(["takes"] if rung.takes is None else [])]
        unsaid += [f"{name}/{rung.name} ({', '.join(missing)})"] if missing else []
    if unsaid:
        what = f"it is not known what these rungs can take, so nothing is refused for it: {'; '.join(unsaid)}"
        yield Told("warning", what, "Say it in breakeven.yaml: `context:` in tokens, `takes: [images, files, tools, structured]`.")


def _too_small(feature: str, rung: Rung, past: Past, windows: Callable[[str, str], int | None], targets: Targets) -> Iterator[Told]:
    window = window_of(rung, targets, windows)
    if window is not None:
        for problem in too_long(f"feature {feature}", rung, window, past.longest.get(feature, 0), _WHOSE):
            yield Told("fault", f"{problem.where}: {problem.what}", problem.remedy)
    lacks = sorted(past.sent.get(feature, frozenset()) - set(rung.takes)) if rung.takes is not None else []
    if lacks:
        what = f"{rung.place}: feature {feature}: rung {rung.name} takes no {' and no '.join(lacks)}, which its calls sent"
        yield Told("fault", what, "Name another model, correct its `takes`, or give such calls a feature of their own.")


def _past(ledger: Path, since: datetime) -> Past:
    """What calls were like since a time."""
    with open_ledger(ledger) as opened:
        longest = {str(name): int(tokens or 0) for name, tokens in opened.query(_LONGEST, {"since": since})}
        sent: dict[str, set[str]] = {}
        for name, what in opened.query(_SENT, {"since": since}):
            sent.setdefault(str(name), set()).add(str(what))
    return Past(longest, {name: frozenset(what) for name, what in sent.items()})
