"""Editing `breakeven.yaml` in place: the least that changes, comments and formatting kept, and proof that nothing else did."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from breakeven.errors import DataError
from breakeven.yamlfile import parse_yaml

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 ._/@-]*[A-Za-z0-9]\Z|[A-Za-z]\Z")
_BARE = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]+)?%?\Z|[0-9]{4}-[0-9]{2}-[0-9]{2}\Z|true\Z")
"""Numbers, shares, days and *true*: written without quotes. A fingerprint may look like a long number, and is none."""
_STEP = 2
_OF_FEATURE = "feature "


def with_owner(text: str, name: str, feature: str, owner: str) -> str:
    """The text of a configuration in which a feature has this owner; `name` is what messages call the file.

    The feature is added where it is not there yet. Raises DataError where the place cannot be edited safely, ConfigError where the
    text is not valid YAML.
    """
    before = parse_yaml(text, name).plain()
    after = _wanted(before, feature, owner)
    edited = _edited(text, feature, owner) if after is not None else None
    if edited is None or parse_yaml(edited, name).plain() != after:
        raise DataError(
            f"{name}: the owner of {feature} cannot be written without touching other lines",
            f"Write it yourself: under `features:`, `{feature}:`, add `owner: {owner}`.",
        )
    return edited


def with_limit(text: str, name: str, budget: str, limit: str) -> str:
    """The text of a configuration in which the budget of this name (`feature NAME`: a feature's own) has this limit.

    Raises DataError where the place cannot be edited safely, ConfigError where the text is not valid YAML.
    """
    before = parse_yaml(text, name).plain()
    where = ("features", budget.removeprefix(_OF_FEATURE), "budget") if budget.startswith(_OF_FEATURE) else ("budgets", budget)
    node = yaml.compose(text, Loader=yaml.BaseLoader)
    for step in (*where, "limit"):
        found = _field(node, step) if isinstance(node, yaml.MappingNode) else None
        node = None if found is None else found[1]
    if isinstance(node, yaml.ScalarNode):
        edited = _replaced(text, node.start_mark.index, node.end_mark.index, json.dumps(limit))
        after = parse_yaml(edited, name).plain()
        if _without(before, where) == _without(after, where):
            return edited
    raise DataError(
        f"{name}: the limit of {budget} cannot be written without touching other lines", "Write it yourself, where it is declared."
    )


def with_rollout(text: str, name: str, feature: str, rollout: Mapping[str, object]) -> str:
    """The text of a configuration in which a feature has one more rollout, first in its list.

    Raises DataError where the feature is not there, or its place cannot be edited safely.
    """
    before = parse_yaml(text, name).plain()
    declared = ((before or {}).get("features") or {}).get(feature) if isinstance(before, dict) else None
    item = _flow(rollout)
    if isinstance(declared, dict):
        listed = [parse_yaml(item, name).plain(), *(declared.get("rollouts") or [])]
        after = {**before, "features": {**before["features"], feature: {**declared, "rollouts": listed}}}
        edited = _with_item(text, feature, item)
        if edited is not None and parse_yaml(edited, name).plain() == after:
            return edited
    raise DataError(
        f"{name}: a rollout of {feature} cannot be written without touching other lines",
        f"Write it yourself: under `features:`, `{feature}:`, add `rollouts: [{item}]`.",
    )


def _with_item(text: str, feature: str, item: str) -> str | None:
    newline = "\r\n" if "\r\n" in text else "\n"
    node: yaml.Node | None = yaml.compose(text, Loader=yaml.BaseLoader)
    for step in ("features", feature):
        found = _field(node, step) if isinstance(node, yaml.MappingNode) else None
        node = None if found is None else found[1]
    if not isinstance(node, yaml.MappingNode):
        return None
    known = _field(node, "rollouts")
    if known is not None:
        start = known[1].start_mark.index
        if not isinstance(known[1], yaml.SequenceNode) or not known[1].value:
            return None
        if known[1].flow_style:
            return _replaced(text, start + 1, start + 1, f"{item}, ")
        return _replaced(text, start, start, f"- {item}{newline}{' ' * known[1].start_mark.column}")
    start = node.start_mark.index
    if node.flow_style:
        return _replaced(text, start + 1, start + 1, f"rollouts: [{item}]{', ' if node.value else ''}")
    indent = " " * node.start_mark.column
    return _replaced(text, start, start, f"rollouts:{newline}{indent}{' ' * _STEP}- {item}{newline}{indent}")


def _flow(fields: Mapping[str, object]) -> str:
    """A mapping on one line."""
    return "{" + ", ".join(f"{name}: {_value(value)}" for name, value in fields.items()) + "}"


def _value(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    text = str(value)
    return text if _BARE.match(text) else scalar(text)


def _without(tree: Any, where: tuple[str, ...]) -> Any:  # noqa: ANN401 - a tree of plain values
    """The same tree without the limit at this place."""
    if not where:
        return {name: value for name, value in tree.items() if name != "limit"}
    return {**tree, where[0]: _without(tree[where[0]], where[1:])}


def _wanted(before: Any, feature: str, owner: str) -> dict[str, Any] | None:  # noqa: ANN401 - a tree of plain values
    """What the file must say afterwards; None where something else than a mapping stands in the way."""
    whole = before if before is not None else {}
    features = (whole.get("features") or {}) if isinstance(whole, dict) else None
    declared = (features.get(feature) or {}) if isinstance(features, dict) else None
    if not isinstance(whole, dict) or not isinstance(features, dict) or not isinstance(declared, dict):
        return None
    return {**whole, "features": {**features, feature: {**declared, "owner": owner}}}


def _edited(text: str, feature: str, owner: str) -> str | None:
    newline = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, Loader=yaml.BaseLoader)
    entry = f"{scalar(feature)}:{newline}"
    if root is None or not isinstance(root, yaml.MappingNode):
        return _appended(text, f"features:{newline}  {entry}    owner: {scalar(owner)}{newline}", newline) if root is None else None
    section = _field(root, "features")
    if section is None:
        return _appended(text, f"features:{newline}  {entry}    owner: {scalar(owner)}{newline}", newline)
    key, features = section
    if not isinstance(features, yaml.MappingNode):
        return None if features.value else _below(text, key, features, f"{entry}{' ' * _STEP}owner: {scalar(owner)}", newline)
    declared = _field(features, feature)
    if declared is None:
        return _new_feature(text, features, feature, owner, newline)
    return _declared_feature(text, declared, owner, newline)


def _declared_feature(text: str, declared: tuple[yaml.Node, yaml.Node], owner: str, newline: str) -> str | None:
    key, node = declared
    if node.start_mark.index < key.start_mark.index:
        return None  # an alias: what stands elsewhere may serve other features too
    if not isinstance(node, yaml.MappingNode):
        return None if node.value else _below(text, key, node, f"owner: {scalar(owner)}", newline)
    known = _field(node, "owner")
    if known is not None:
        return _replaced(text, known[1].start_mark.index, known[1].end_mark.index, _after_colon(text, known, scalar(owner)))
    start = node.start_mark.index
    if node.flow_style:
        rest = ", " if node.value else ""
        return _replaced(text, start + 1, start + 1, f"owner: {scalar(owner)}{rest}")
    return _replaced(text, start, start, f"owner: {scalar(owner)}{newline}{' ' * node.start_mark.column}")


def _after_colon(text: str, field: tuple[yaml.Node, yaml.Node], written: str) -> str:
    """An empty value stands right behind its colon, which needs a space."""
    empty = field[1].start_mark.index == field[1].end_mark.index
    return f" {written}" if empty and text[field[1].start_mark.index - 1] == ":" else written


def _new_feature(text: str, features: yaml.MappingNode, feature: str, owner: str, newline: str) -> str | None:
    if features.flow_style:
        rest = ", " if features.value else ""
        at = features.start_mark.index + 1
        return _replaced(text, at, at, f"{scalar(feature)}: {{owner: {scalar(owner)}}}{rest}")
    indent = " " * features.start_mark.column
    last = max(_ends(features))
    end = text.find("\n", max(last - 1, 0))
    head = text if end < 0 else text[: end + 1]
    head += "" if head.endswith("\n") else newline
    added = f"{indent}{scalar(feature)}:{newline}{indent}{' ' * _STEP}owner: {scalar(owner)}{newline}"
    return head + added + ("" if end < 0 else text[end + 1 :])


def _below(text: str, key: yaml.Node, node: yaml.Node, added: str, newline: str) -> str | None:
    """Write under a key without value; a comment behind the key stays there."""
    if node.start_mark.line != key.start_mark.line or node.start_mark.index != node.end_mark.index:
        return None
    end = text.find("\n", key.end_mark.index)
    indent = " " * (key.start_mark.column + _STEP)
    lines = newline.join(indent + line for line in added.split(newline))
    return text + newline + lines + newline if end < 0 else text[: end + 1] + lines + newline + text[end + 1 :]


def _ends(node: yaml.Node) -> Iterator[int]:
    """Where what is written inside of a node ends; a block mapping itself ends only where the next thing begins."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        for key, value in node.value:
            yield key.end_mark.index
            yield from _ends(value)
    elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
        for value in node.value:
            yield from _ends(value)
    else:
        yield node.end_mark.index


def _field(node: yaml.MappingNode, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _replaced(text: str, start: int, end: int, written: str) -> str:
    return text[:start] + written + text[end:]


def _appended(text: str, added: str, newline: str) -> str:
    return text + ("" if not text or text.endswith("\n") else newline) + added


def scalar(word: str) -> str:
    """A word as YAML writes it: plain where that is safe, else in double quotes."""
    plain = _PLAIN.match(word) and word.lower() not in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return word if plain else json.dumps(word, ensure_ascii=False)


def with_clickhouse(text: str, name: str, ledger: str, address: str) -> str:
    """The text of a configuration in which reports ask ClickHouse at this address, and segments are shipped there.

    `ledger` is the directory, where the file does not name it. Raises DataError where the place cannot be edited safely.
    """
    before = parse_yaml(text, name).plain() or {}
    node = yaml.compose(text, Loader=yaml.BaseLoader)
    section = _field(node, "ledger") if isinstance(node, yaml.MappingNode) else None
    named = before.get("ledger") if isinstance(before, dict) else None
    path = named if isinstance(named, str) and "://" not in named else ledger
    declared = {**named} if isinstance(named, dict) else {"path": path}
    wanted = {**declared, "clickhouse": address, "answers": "clickhouse"}
    written = "{" + ", ".join(f"{field}: {json.dumps(value, ensure_ascii=False)}" for field, value in wanted.items()) + "}"
    if section is None:
        edited = _appended(text, f"ledger: {written}\n", "\n")
    elif isinstance(section[1], yaml.ScalarNode) or (isinstance(section[1], yaml.MappingNode) and section[1].flow_style):
        edited = _replaced(text, section[1].start_mark.index, section[1].end_mark.index, _after_colon(text, section, written))
    else:
        edited = ""
    if not edited or not isinstance(before, dict) or parse_yaml(edited, name).plain() != {**before, "ledger": wanted}:
        raise DataError(
            f"{name}: the section `ledger` cannot be written without touching other lines",
            f"Write it yourself: under `ledger:`, `clickhouse: {address}` and `answers: clickhouse`.",
        )
    return edited
