"""The checks of a rung in `breakeven.yaml`: a list of kinds with their options, every fault with its file and line.

checks:
  - schema: request
  - sum: {of: [net, tax], is: total}
  - agreement: {with: mini, value: number}
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points

from breakeven.alignment.checks import CHECKS, CheckFault, Checks, Kind, Order, checks_from
from breakeven.errors import ConfigError
from breakeven.yamlfields import Problems, items
from breakeven.yamlfile import Node

GROUP = "breakeven.checks"


@cache
def check_kinds() -> tuple[Kind, ...]:
    """The kinds of pure checks: the built-in ones, then those of other packages. Raises ConfigError for one that is no Kind."""
    found = list(CHECKS)
    for point in entry_points(group=GROUP):
        try:
            kind = point.load()
        except Exception as error:
            raise ConfigError(
                f"the check {point.name} ({point.value}) cannot be loaded: {error}", "Correct or uninstall it."
            ) from error
        if not isinstance(kind, Kind):
            raise ConfigError(f"the check {point.name} ({point.value}) is no Kind", "See docs/concepts/checks.md.")
        found.append(kind)
    return tuple(found)


def checks_of(node: Node | None, what: str, problems: Problems, order: Order = "sequence") -> Checks:
    """The checks that a node declares; a node at fault leaves none behind and is told in `problems`."""
    found: list[tuple[Node, str, Node]] = []
    for item in items(node, f"{what}: checks", problems):
        pairs = item.mapping
        if pairs is None and isinstance(item.value, str):
            pairs = {item.value: Node(None, item.file, item.line)}
        if pairs is None or len(pairs) != 1:
            problems.add(
                item, f"{what}: a check is {item.kind}", "Write one check an entry: `- kind: options`, such as `- schema: request`."
            )
            continue
        found.extend((item, name, options) for name, options in pairs.items())
    while found:
        try:
            return checks_from([(name, options.plain()) for _, name, options in found], check_kinds(), order)
        except CheckFault as fault:
            number = int(fault.path[0])
            problems.add(_place(found[number][2], fault.path[1:]), f"{what}: {fault.what}", fault.remedy)
            del found[number]
    return Checks(order=order)


def _place(node: Node, path: Sequence[str | int]) -> Node:
    """The node at a path, or the deepest one there is."""
    for part in path:
        if node.mapping is not None and part in node.mapping:
            node = node.mapping[str(part)]
        elif node.sequence is not None and isinstance(part, int) and part < len(node.sequence):
            node = node.sequence[part]
    return node
