"""Rollouts in `breakeven.yaml`: a cheaper rung for one task class, by stages.

rollouts:
  - {class: clause lookup, to: small, model: gpt-5.4-mini, shares: [5%, 25%, 100%], checks: 200, checked: 10%, margin: 2%,
     alarm: 0.001, until: 2026-12-31, certificate: gpt-5.4-mini}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, DecimalException
from pathlib import Path

from breakeven.alignment.rollout import ALARM, CHECKED, CHECKS, SHARES, Plan, tested_now
from breakeven.alignment.scoring import RULES
from breakeven.settings.ladders import HANDLER, Ladder
from breakeven.settings.quantities import flag, whole
from breakeven.yamlfields import Fields, Problems, items
from breakeven.yamlfile import Node

ROLLOUT_FIELDS = (
    "class", "to", "model", "shares", "checks", "checked", "margin", "alarm", "until", "certificate", "templates",
    "agree", "agree_model", "route", "scorer", "fields", "tolerance", "judge", "criterion", "unlabelled",
)  # fmt: skip
_MOST_CHECKS = 1_000_000


def rollouts_of(
    node: Node | None, feature: str, quality_floor: Decimal | None, folder: Path, problems: Problems
) -> tuple[Plan, ...]:
    """The rollouts that a feature declares; the margin of one that says none is what the feature's quality floor leaves.

    Files of routes lie in `folder`, where they are not named by a whole path.
    """
    listed = items(node, f"feature {feature}: rollouts", problems)
    found = [_plan(item, feature, quality_floor, folder, problems) for item in listed]
    classes = [plan.task_class for plan in found]
    if node is not None:
        for name in dict.fromkeys(name for name in classes if classes.count(name) > 1):
            what = f"feature {feature}: two rollouts are of the class {name!r}"
            problems.add(node, what, "Keep one: a class moves to one rung at a time.")
    return tuple(found)


def rung_of(to: str, model: str | None, ladder: Ladder | None) -> tuple[str | None, Mapping[str, object]]:
    """Model (or handler) of the rung that calls are moved to, and what it sets besides; none where the ladder has no such rung.

    A rung that the ladder does not name is the model alone.
    """
    rungs = () if ladder is None else ladder.rungs
    if to == HANDLER:
        return next((rung.handler for rung in rungs if rung.kind == HANDLER), None), {}
    rung = next((rung for rung in rungs if rung.name == to), None)
    return (model, {}) if rung is None else (rung.handler or rung.model, rung.parameters)


def tested_of(plan: Plan, ladder: Ladder | None) -> str | None:
    """What a plan's rung is in the configuration as it stands, in the words of its certificate; None where there is none."""
    model, parameters = rung_of(plan.to, plan.model, ladder)
    second, others = (None, {}) if plan.agree is None else rung_of(plan.agree, plan.agree_model, ladder)
    if model is None or (plan.agree is not None and second is None):
        return None
    if plan.agree_model is not None and second != plan.agree_model:
        return f"{model} + {second}"
    return tested_now(plan, model, {**parameters, **({"agree_parameters": dict(others)} if others else {})})


def warn_of_idle(node: Node | None, plans: Sequence[Plan], ladder: Ladder | None, warnings: Problems) -> None:
    """Say which rollouts move nothing: their rung is not there, or is another one than their certificate was given for."""
    if node is None:
        return
    for plan in plans:
        now, given_for = tested_of(plan, ladder), plan.certificate or plan.model
        what = f"feature {plan.feature}: the rollout of {plan.task_class} moves nothing"
        if now is None:
            remedy = "Add the rung to the feature's `ladder:`, or say the `model:` of the rollout."
            warnings.add(node, f"{what}, the feature has no rung {plan.to}", remedy)
        elif given_for is not None and now != given_for:
            remedy = "Prove what it is now (breakeven audit run, then audit accept), or put back what was tested."
            warnings.add(node, f"{what}, {plan.to} is another one than its certificate was given for", remedy)


def _plan(node: Node, feature: str, quality_floor: Decimal | None, folder: Path, problems: Problems) -> Plan:
    fields = Fields(node, f"feature {feature}: rollout", ROLLOUT_FIELDS, problems)
    route, agree = fields.text("route"), fields.text("agree")
    if route is not None and agree is not None:
        fields.fault("route", "route and agree are two policies", "Keep one of them.")
    if agree is not None and agree == fields.text("to"):
        fields.fault("agree", f"{agree} would have to agree with itself", "Name another rung.")
    if flag(fields, "unlabelled", default=False) and not fields.words("templates"):
        fields.fault("unlabelled", "unlabelled calls are known by their prompts, and none is named", "Add `templates: [...]`.")
    margin = _share(fields, "margin", Decimal(1) - quality_floor if quality_floor is not None else Decimal("0.02"))
    return Plan(
        feature=feature,
        task_class=fields.text("class", required=True) or "",
        to=fields.text("to", required=True) or "",
        model=fields.text("model"),
        shares=_shares(fields),
        checks=whole(fields, "checks", CHECKS, 10, _MOST_CHECKS),
        checked=_share(fields, "checked", Decimal(str(CHECKED))),
        margin=margin,
        alarm=_share(fields, "alarm", Decimal(str(ALARM))),
        until=_until(fields),
        certificate=fields.text("certificate"),
        templates=fields.words("templates"),
        scorer=fields.choice("scorer", RULES, RULES[0]),
        fields=fields.words("fields"),
        tolerance=_share(fields, "tolerance", Decimal(0)) if "tolerance" in fields else 0.0,
        judge=fields.text("judge"),
        criterion=fields.text("criterion"),
        unlabelled=flag(fields, "unlabelled", default=False),
        agree=agree,
        agree_model=fields.text("agree_model"),
        route=None if route is None else str(folder / Path(route).expanduser()),
    )


def _shares(fields: Fields) -> tuple[float, ...]:
    """Growing shares of the class's calls, above nothing."""
    if "shares" not in fields:
        return SHARES
    found = [_number(word) for word in fields.words("shares")]
    known = [share for share in found if share is not None and 0 < share <= 1]
    if not known or len(known) < len(found) or known != sorted(set(known)):
        fields.fault("shares", "shares are no growing shares above 0", "Write for example: shares: [5%, 25%, 100%].")
        return SHARES
    return tuple(float(share) for share in known)


def _share(fields: Fields, name: str, default: Decimal) -> float:
    text = fields.text(name)
    if text is None:
        return float(default)
    value = _number(text)
    if value is None or not 0 < value < 1:
        fields.fault(name, f"{name} is {text[:40]!r}", "Write a share between 0 and 1, such as 0.02 or 2%.")
        return float(default)
    return float(value)


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except DecimalException:
        return None


def _until(fields: Fields) -> datetime | None:
    text = fields.text("until")
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        fields.fault("until", f"until is {text[:40]!r}", "Write a day: 2026-12-31.")
        return None
