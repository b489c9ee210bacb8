"""Whether charters hold together: with themselves, with what is served, and with the traffic that there is.

Faults make the check fail; warnings are worth a look. Each names the line it is about.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from breakeven.errors import Problem
from breakeven.governance.charter import RUNGS, Charter

Severity = Literal["fault", "warning"]
WITHOUT_MODEL = ("cache", "handler")
"""Rungs that answer without a model: nothing has to be served for them."""


class Finding(NamedTuple):
    """One thing that does not hold together."""

    severity: Severity
    feature: str | None
    problem: Problem


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What charters are held against.

    `traffic` maps features to calls of the last full month (None: no ledger), `rung_of` models to the rung they were recorded on,
    `serves` tells whether something configured serves a model, `prompt_exists` whether a named file is there. `scopes` are features
    that budgets and policies name, with the place of each. `file` is the configuration.
    """

    file: str
    traffic: Mapping[str, int] | None
    rung_of: Mapping[str, str]
    serves: Callable[[str], bool]
    prompt_exists: Callable[[str], bool]
    scopes: Sequence[tuple[str, str, str]] = field(default=())


def findings(charters: Sequence[Charter], around: Surroundings) -> list[Finding]:
    """Everything that does not hold together, faults first, in the order of the file."""
    found = [finding for charter in charters for finding in _charter(charter, around)]
    found += _uncharted(charters, around)
    found += _unknown_scopes(charters, around)
    return sorted(found, key=lambda finding: finding.severity)


def _charter(charter: Charter, around: Surroundings) -> Iterator[Finding]:
    yield from _answerable(charter)
    yield from _judgeable(charter)
    yield from _served(charter, around)
    yield from _laddered(charter, around)
    for path in charter.prompts:
        if not around.prompt_exists(path):
            yield _fault(charter, f"there is no prompt file {path}", "Correct the path; it is relative to this file.", "prompt")
    if around.traffic and not around.traffic.get(charter.feature):
        near = _near(charter.feature, around.traffic)
        hint = f"Is {near!r} meant, which has calls?" if near else "Is the name the one that calls carry?"
        yield _warning(charter, "it has no calls in the last full month", hint)


def _answerable(charter: Charter) -> Iterator[Finding]:
    if not charter.owner:
        yield _fault(charter, "nobody owns it", f"Run: breakeven owner assign '{charter.feature}' OWNER")
    if not charter.unit:
        yield _warning(charter, "it has no unit", "Name what one outcome is: `unit: document`.")


def _judgeable(charter: Charter) -> Iterator[Finding]:
    """Limits that nothing can be held against."""
    if charter.margin_floor is not None and not charter.valued:
        yield _fault(
            charter, "it has a margin floor and no value model", "Declare its `value`, or drop margin_floor.", "margin_floor"
        )
    if charter.valued and charter.margin_floor is None:
        yield _warning(charter, "it has a value model and no margin floor", "Say what it must keep: `margin_floor: 0.3`.", "value")
    if charter.quality_floor is None and len(charter.rungs) > 1:
        what = "it may use several rungs and has no quality floor"
        yield _warning(charter, what, "Say how good an answer must be: `quality_floor: 0.95`.", "rungs")


def _served(charter: Charter, around: Surroundings) -> Iterator[Finding]:
    for model in charter.models:
        if charter.allows(model, around.rung_of.get(model)) is False:
            what = f"it uses {model}, which its rungs ({', '.join(charter.rungs)}) do not allow"
            yield _fault(charter, what, "Use another model, or add it to rungs.", "models", "model")
        if not around.serves(model):
            yield _fault(charter, f"nothing configured serves the model {model}", _SERVE, "models", "model")
    for rung in charter.rungs:
        if rung not in RUNGS:
            if not around.serves(rung):
                yield _fault(charter, f"no route or provider serves the rung {rung}", _SERVE, "rungs")
        elif rung not in WITHOUT_MODEL and around.rung_of and rung not in around.rung_of.values():
            yield _warning(charter, f"no recorded model is of the rung {rung}", "Check its spelling, or name the models.", "rungs")


def _laddered(charter: Charter, around: Surroundings) -> Iterator[Finding]:
    """A ladder whose capabilities the charter does not allow, or that nothing serves."""
    for name, tier in charter.ladder:
        if name in WITHOUT_MODEL:
            allowed = not charter.rungs or name in charter.rungs
        else:
            allowed = charter.allows(name, tier or around.rung_of.get(name)) is not False
            if not around.serves(name):
                yield _fault(charter, f"nothing configured serves {name}, a rung of its ladder", _SERVE, "ladder")
            elif charter.models and name not in charter.models:
                what = f"its ladder uses {name}, which is not among its models ({', '.join(charter.models)})"
                yield _warning(charter, what, "Add it to `models`, or leave `models` out.", "ladder")
        if not allowed:
            what = f"its ladder uses {name}, which its rungs ({', '.join(charter.rungs)}) do not allow"
            yield _fault(charter, what, "Take it off the ladder, or add it to rungs.", "ladder")


_SERVE = "Correct the name, or add a route or a provider for it."


def _uncharted(charters: Sequence[Charter], around: Surroundings) -> Iterator[Finding]:
    known = {charter.feature for charter in charters}
    for name, calls in sorted((around.traffic or {}).items(), key=lambda pair: -pair[1]):
        if name not in known and calls:
            what = f"feature {name} has {calls:,} calls in the last full month and no charter"
            yield Finding("fault", name, Problem(around.file, what, f"Run: breakeven owner assign '{name}' OWNER"))


def _unknown_scopes(charters: Sequence[Charter], around: Surroundings) -> Iterator[Finding]:
    known = {charter.feature for charter in charters} | set(around.traffic or {})
    for what, feature, place in around.scopes:
        if feature not in known:
            near = _near(feature, known)
            hint = f"Is {near!r} meant?" if near else "Correct the name."
            yield Finding("warning", feature, Problem(place, f"{what} is about feature {feature}, which nothing else knows", hint))


def _near(name: str, names: Mapping[str, int] | set[str]) -> str | None:
    plain = {other.lower().replace("-", " ").replace("_", " "): other for other in names}
    found = difflib.get_close_matches(name.lower().replace("-", " ").replace("_", " "), plain, n=1, cutoff=0.75)
    return plain[found[0]] if found else None


def _fault(charter: Charter, what: str, remedy: str, *fields: str) -> Finding:
    return Finding("fault", charter.feature, Problem(charter.at(*fields), f"feature {charter.feature}: {what}", remedy))


def _warning(charter: Charter, what: str, remedy: str, *fields: str) -> Finding:
    return Finding("warning", charter.feature, Problem(charter.at(*fields), f"feature {charter.feature}: {what}", remedy))
