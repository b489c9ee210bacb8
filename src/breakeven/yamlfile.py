"""YAML in which every value knows its file and line, so that a message about a setting can say where it stands.

Narrower than YAML 1.1 on purpose: `on`, `yes` and `12:30` stay text, a duplicate key is an error instead of a silent overwrite,
instants stay text (whoever needs one parses it with its zone), and a number with a fraction is an exact `Decimal`, never a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from breakeven.errors import ConfigError, Problem, Unreachable

Scalar = str | int | bool | Decimal | None

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_FRACTION = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]{1,3})?\Z")
_CONSTANTS: Mapping[str, Scalar] = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_OWN_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
# The C parser is ten times faster and overflows the stack on hostile nesting: for files that we ship ourselves only.
_MOST_DIGITS = 100  # more digits than any amount or count has; keeps a hostile number from becoming slow arithmetic


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a YAML file and where it stands.

    `value` is text, a whole number, an exact `Decimal`, a truth value or None; or a mapping of names to nodes; or a tuple of nodes.
    `quoted` tells `"2.50"` (an amount as text) from `2.50` (a number).
    """

    value: Scalar | Mapping[str, Node] | tuple[Node, ...]
    file: str
    line: int
    quoted: bool = False

    @property
    def where(self) -> str:
        """File and line, as `breakeven.yaml:12`."""
        return f"{self.file}:{self.line}"

    @property
    def mapping(self) -> Mapping[str, Node] | None:
        """The named nodes, or None where this is not a mapping."""
        return self.value if isinstance(self.value, Mapping) else None

    @property
    def sequence(self) -> tuple[Node, ...] | None:
        """The nodes of a list, or None where this is not a list."""
        return self.value if isinstance(self.value, tuple) else None

    @property
    def kind(self) -> str:
        """What this is, in words for a message."""
        names = {
            bool: "a truth value",
            int: "a whole number",
            Decimal: "a number",
            str: "text",
            tuple: "a list",
            type(None): "nothing",
        }
        return names.get(type(self.value), "a mapping")

    def problem(self, what: str, remedy: str) -> Problem:
        """A fault in this value, with its place."""
        return Problem(self.where, what, remedy)

    def plain(self) -> Any:  # noqa: ANN401 - a tree of plain values has no narrower type
        """The same without places: dict, list, str, int, Decimal, bool, None."""
        if isinstance(self.value, Mapping):
            return {name: node.plain() for name, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


def read_yaml(path: Path, *, shown_as: str | None = None) -> Node:
    """The tree of the YAML file at `path`; an empty file is an empty mapping.

    Raises Unreachable where the file cannot be read, and ConfigError with file and line where it is not one YAML document of
    plain values.
    """
    name = shown_as or str(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Unreachable(f"{name} does not exist", "Check the path, or create the file.") from None
    except IsADirectoryError:
        raise Unreachable(f"{name} is a directory, not a file", "Name the YAML file itself.") from None
    except OSError as error:
        raise Unreachable(f"{name} cannot be read: {error.strerror}", "Check its permissions.") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _refused(name, line, "the file is not UTF-8 text", "Save it as UTF-8.") from None
    return parse_yaml(text, name)


def parse_yaml(text: str, name: str, *, shipped: bool = False) -> Node:
    """The tree of YAML `text`; `name` stands for the file in messages; `shipped` marks a file of our own. Raises ConfigError."""
    try:
        root = yaml.compose(text, Loader=_OWN_LOADER if shipped else yaml.BaseLoader)
        return Node({}, name, 1) if root is None else _Reader(name).node(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise _refused(
            name, line, f"not valid YAML: {error.problem or error.context}", "Correct the line or the one before it."
        ) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refused(name, line, "a character that YAML does not allow", "Remove the control character.") from None
    except RecursionError:
        raise _refused(name, 1, "nested too deeply", "Use fewer levels of nesting.") from None


def _refused(name: str, line: int, what: str, remedy: str) -> ConfigError:
    problem = Problem(f"{name}:{line}", what, remedy)
    return ConfigError(f"{problem.where}: {what}", remedy, (problem,))


class _Reader:
    """Turns PyYAML's tree into ours; an aliased part is read once, so that aliases of aliases cost nothing."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._done: dict[int, Node] = {}
        self._open: set[int] = set()

    def node(self, source: yaml.Node) -> Node:
        key = id(source)
        if key in self._done:
            return self._done[key]
        line = source.start_mark.line + 1
        if key in self._open:
            raise _refused(self._name, line, "an anchor that contains itself", "Write the value out instead of using an alias.")
        self._open.add(key)
        node = self._done[key] = self._converted(source, line)
        self._open.discard(key)
        return node

    def _converted(self, source: yaml.Node, line: int) -> Node:
        if isinstance(source, yaml.MappingNode):
            return Node(self._mapping(source), self._name, line)
        if isinstance(source, yaml.SequenceNode):
            return Node(tuple(self.node(item) for item in source.value), self._name, line)
        if not isinstance(source, yaml.ScalarNode) or source.tag != "tag:yaml.org,2002:str":
            tag = source.tag.replace("tag:yaml.org,2002:", "!!")
            raise _refused(self._name, line, f"the tag {tag} is not allowed", "Write a plain value.")
        quoted = bool(source.style)
        return Node(source.value if quoted else self._scalar(source.value, line), self._name, line, quoted=quoted)

    def _mapping(self, source: yaml.MappingNode) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, value in source.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise _refused(self._name, line, "a key that is not text", "Use a plain word as the key.")
            if key.value == "<<":
                raise _refused(self._name, line, "merge keys (<<) are not supported", "Write the values out.")
            if key.value in found:
                first = found[key.value].line
                raise _refused(self._name, line, f"{key.value!r} stands here twice (first on line {first})", "Keep one of them.")
            found[key.value] = self.node(value)
        return found

    def _scalar(self, text: str, line: int) -> Scalar:
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if len(text) > _MOST_DIGITS and _FRACTION.match(text):
            raise _refused(self._name, line, f"a number of more than {_MOST_DIGITS} characters", "Write fewer digits.")
        if _INTEGER.match(text):
            return int(text)
        return Decimal(text) if _FRACTION.match(text) else text
