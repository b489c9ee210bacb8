"""What two revisions declare differently about one feature, in words, with the place in the later one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from breakeven.governance.charter import Assumptions, Charter
from breakeven.reports.words import MINUS, count, dollars
from breakeven.settings import Feature
from breakeven.settings.revision import Revision

ChangeKind = Literal["feature", "model", "prompt", "limit", "value", "owner", "assumptions"]


class Change(NamedTuple):
    """One declared difference."""

    kind: ChangeKind
    what: str
    place: str = ""


def characters(name: str, base: Revision, head: Revision) -> int:
    """By how many characters the prompts of a feature grew; 0 where one revision names none: then nothing is known of it."""
    before, after = base.characters(name), head.characters(name)
    return 0 if before is None or after is None else after - before


def declared_changes(name: str, base: Revision, head: Revision) -> list[Change]:
    """Everything that is declared differently about a feature."""
    old, new = base.settings.features.get(name), head.settings.features.get(name)
    if old is None and new is None:
        return []
    if new is None:
        return [Change("feature", "its charter is removed: nobody owns its cost any more")]
    if old is None:
        return [Change("feature", "it is new in the configuration", new.place)]
    found = [*_prompts(name, old, new, base, head), *_models(old.charter, new.charter), *_limits(old, new)]
    if old.values != new.values:
        found.append(Change("value", "its value model is another one", new.charter.at("value")))
    if old.owner != new.owner:
        found.append(Change("owner", f"owner {old.owner or 'nobody'} → {new.owner or 'nobody'}", new.charter.at("owner")))
    if old.assumptions != new.assumptions:
        what = f"assumptions {_assumed(old.assumptions)} → {_assumed(new.assumptions)}"
        found.append(Change("assumptions", what, new.charter.at("assumptions")))
    return found


def _prompts(name: str, old: Feature, new: Feature, base: Revision, head: Revision) -> list[Change]:
    place = new.charter.at("prompt")
    if not old.prompts or not new.prompts:
        named = ", ".join(new.prompts or old.prompts)
        verb = "names" if new.prompts else "no longer names"
        return [Change("prompt", f"it {verb} the prompt {named}", place)] if old.prompts != new.prompts else []
    grown = characters(name, base, head)
    if not grown and all(base.prompts.get(path) == head.prompts.get(path) for path in new.prompts):
        return []
    word = "grew" if grown > 0 else "shrank" if grown < 0 else "changed"
    before, after = base.characters(name) or 0, head.characters(name) or 0
    return [Change("prompt", f"the prompt {word} {before:,} → {after:,} characters in {', '.join(new.prompts)}", place)]


def _models(old: Charter, new: Charter) -> list[Change]:
    if old.named_models == new.named_models:
        return []
    place = new.at("models", "model", "rungs")
    if not old.named_models:
        return [
            Change("model", f"it names its models for the first time: {_listed(new.named_models)}; taken as a description", place)
        ]
    return [Change("model", f"models {_listed(old.named_models)} → {_listed(new.named_models)}", place)]


def _limits(old: Feature, new: Feature) -> list[Change]:
    charter = new.charter
    pairs = (
        ("margin_floor", "margin floor", _share(old.margin_floor), _share(new.margin_floor)),
        ("quality_floor", "quality floor", _share(old.quality_floor), _share(new.quality_floor)),
        ("unit_cost_ceiling", "ceiling per outcome", _money(old.unit_cost_ceiling), _money(new.unit_cost_ceiling)),
        ("rungs", "allowed rungs", _listed(old.rungs), _listed(new.rungs)),
    )
    return [
        Change("limit", f"{title} {before} → {after}", charter.at(field))
        for field, title, before, after in pairs
        if before != after
    ]


def _share(value: Decimal | None) -> str:
    return "none" if value is None else share_words(value)


def share_words(value: Decimal) -> str:
    """A declared share as it was meant: `20%`, `12.5%`."""
    return f"{(value * 100).normalize():f}%".replace("-", MINUS)


def _money(value: int | None) -> str:
    return "none" if value is None else dollars(value)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _assumed(assumptions: Assumptions | None) -> str:
    if assumptions is None:
        return "none"
    calls = count(assumptions.calls_per_month, "call")
    return f"{calls} a month of {assumptions.input_tokens:,} + {assumptions.output_tokens:,} tokens"
