"""The plan: what each feature is meant to cost and earn, month by month, as a reviewable file beside the configuration.

    plan:
      name: act on contracts
      adopted: 2026-11-02
      from: 2026-11
      features:
        Contract extraction:
          tasks: ["43010", "44890"]
          cost: ["7905.20", "8250.11"]
          value: ["19208.27", "20047.87"]
      unattributed:
        tasks: ["5900"]
        cost: ["1335.00"]

Each list has one figure for every month from `from` on. A feature without `value` has none that is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from breakeven.economics.money import atto
from breakeven.errors import ConfigError
from breakeven.yamlfields import Fields, Problems, entries
from breakeven.yamlfile import Node, read_yaml

PLAN_NAME = "plan.yaml"
PLAN_FIELDS = ("name", "adopted", "scenario", "seed", "from", "features", "unattributed")
LINE_FIELDS = ("tasks", "cost", "value")


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One feature's months: tasks, and cost and value in atto-units; `value` None: none is known."""

    tasks: tuple[int, ...]
    cost: tuple[int, ...]
    value: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan by feature (None: what nobody is known for), from the month `start` on."""

    name: str
    start: datetime
    lines: Mapping[str | None, PlanLine]
    source: str

    @property
    def months(self) -> int:
        """How many months it covers."""
        return max((len(line.cost) for line in self.lines.values()), default=0)


def load_plan(path: Path) -> Plan:
    """The plan of a file. Raises Unreachable where there is none, ConfigError with every fault and its line."""
    root = read_yaml(path, shown_as=path.name)
    problems = Problems()
    node = Fields(root, "the file", ("plan",), problems).get("plan")
    if node is None:
        problems.add(root, "there is no plan in it", "Adopt one: breakeven scenario run FILE --adopt.")
        node = Node({}, root.file, root.line)
    plan = _plan(node, path.name, problems)
    if problems.found:
        first = problems.found[0]
        raise ConfigError(f"{first.where}: {first.what}", first.remedy, tuple(problems.found))
    return plan


def _plan(node: Node, source: str, problems: Problems) -> Plan:
    fields = Fields(node, "plan", PLAN_FIELDS, problems)
    start = _month(fields)
    named = entries(fields.get("features"), "plan: features", problems)
    lines: dict[str | None, PlanLine] = {name: _line(one, f"plan of {name}", problems) for name, one in named.items()}
    nobody = fields.get("unattributed")
    if nobody is not None:
        lines[None] = _line(nobody, "plan of what is unattributed", problems)
    if len({len(line.cost) for line in lines.values()}) > 1 and not problems.found:
        fields.fault("features", "features have plans of different length", "Give each as many months as the others.")
    return Plan(fields.text("name") or source, start, lines, source)


def _month(fields: Fields) -> datetime:
    text = fields.text("from", required=True) or ""
    try:
        return datetime.strptime(text, "%Y-%m")  # noqa: DTZ007 - facts are UTC without zone
    except ValueError:
        fields.fault("from", f"from is {text!r}", "Write a month, such as 2026-11.")
        return datetime(1970, 1, 1)  # noqa: DTZ001 - facts are UTC without zone


def _line(node: Node, what: str, problems: Problems) -> PlanLine:
    fields = Fields(node, what, LINE_FIELDS, problems)
    cost, tasks = _amounts(fields, "cost", problems), _amounts(fields, "tasks", problems)
    value = _amounts(fields, "value", problems) if "value" in fields else None
    if len({len(cost), len(tasks), len(cost if value is None else value)}) > 1:
        fields.fault("cost", "tasks, cost and value have lists of different length", "Give each one figure per month.")
    return PlanLine(tuple(round(one / atto(1)) for one in tasks), cost, value)


def _amounts(fields: Fields, name: str, problems: Problems) -> tuple[int, ...]:
    node = fields.get(name)
    if node is None or node.sequence is None:
        fields.fault(name, f"{name} is not a list of months", f'Write `{name}: ["100", "110"]`.')
        return ()
    found: list[int] = []
    for item in node.sequence:
        try:
            found.append(atto(str(item.value)))
        except ValueError as error:
            problems.add(item, f"{fields.what}: {name}: {error}", "Write an amount with at most 18 decimal places.")
            found.append(0)
    return tuple(found)
