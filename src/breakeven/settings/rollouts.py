"""Rollouts in `breakeven.yaml`: a cheaper rung for one task class, by stages.

rollouts:
  - {class: clause lookup, to: small, model: gpt-5.4-mini, shares: [5%, 25%, 100%], checks: 200, checked: 10%, margin: 2%,
     alarm: 0.001, until: 2026-12-31, certificate: gpt-5.4-mini}
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, DecimalException

from breakeven.alignment.rollout import ALARM, CHECKED, CHECKS, SHARES, Plan
from breakeven.settings.quantities import whole
from breakeven.yamlfields import Fields, Problems, items
from breakeven.yamlfile import Node

ROLLOUT_FIELDS = (
    "class", "to", "model", "shares", "checks", "checked", "margin", "alarm", "until", "certificate", "templates",
)  # fmt: skip
_MOST_CHECKS = 1_000_000


def rollouts_of(node: Node | None, feature: str, quality_floor: Decimal | None, problems: Problems) -> tuple[Plan, ...]:
    """The rollouts that a feature declares; the margin of one that says none is what the feature's quality floor leaves."""
    found = [_plan(item, feature, quality_floor, problems) for item in items(node, f"feature {feature}: rollouts", problems)]
    classes = [plan.task_class for plan in found]
    if node is not None:
        for name in dict.fromkeys(name for name in classes if classes.count(name) > 1):
            what = f"feature {feature}: two rollouts are of the class {name!r}"
            problems.add(node, what, "Keep one: a class moves to one rung at a time.")
    return tuple(found)


def _plan(node: Node, feature: str, quality_floor: Decimal | None, problems: Problems) -> Plan:
    fields = Fields(node, f"feature {feature}: rollout", ROLLOUT_FIELDS, problems)
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
