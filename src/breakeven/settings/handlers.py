"""The section `handlers` of `breakeven.yaml`: what answers without a model, on what terms, and within which limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from breakeven.alignment.standing import MODES, Terms
from breakeven.settings.quantities import seconds, size, whole
from breakeven.yamlfields import Fields, Problems, entries, suggestion
from breakeven.yamlfile import Node

HandlerKind = Literal["function", "entry_point", "compiled", "builtin"]
KINDS: tuple[HandlerKind, ...] = ("function", "entry_point", "compiled", "builtin")
TERM_FIELDS = ("mode", "share", "checked", "floor")
LIMIT_FIELDS = ("timeout", "processes", "memory")
BUILTINS: Mapping[str, tuple[str, ...]] = {
    "arithmetic": (),
    "reshape": (),
    "lookup": ("table", "key", "value", "question"),
    "python": (),
}
"""The built-in handlers with the options that only they have."""
OPTION_FIELDS = ("system", "answer", "begin", "end", *BUILTINS["lookup"])
HANDLER_FIELDS = (*KINDS, *TERM_FIELDS, *LIMIT_FIELDS, *OPTION_FIELDS, "why")
TIMEOUTS: Mapping[HandlerKind, float] = {"function": 1.0, "entry_point": 1.0, "compiled": 0.25, "builtin": 0.25}
"""How long a caller waits for a handler of each kind unless told otherwise, in seconds."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_FUNCTION = re.compile(r"(.+\.py):([A-Za-z_]\w*)\Z")
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,4})?)\s*%\Z")
_MOST_PROCESSES = 16
_LONGEST = 60.0


@dataclass(frozen=True, slots=True)
class HandlerSettings:
    """One handler: where it comes from, on what terms it answers, and what it may use.

    `source` is `file.py:function` with an absolute or relative path, the name of an entry point, the file of a compiled handler, or
    the name of a built-in one. `timeout` is in seconds; `memory` is bytes of address space for each of its processes, 0 without
    limit. `options` are plain values for the handler itself.
    """

    name: str
    kind: HandlerKind
    source: str
    terms: Terms = field(default_factory=Terms)
    timeout: float = 1.0
    processes: int = 1
    memory: int = 0
    options: Mapping[str, str] = field(default_factory=dict)
    place: str = ""


def handlers_of(top: Fields, config: Path, problems: Problems) -> Mapping[str, HandlerSettings]:
    """Every handler of the section, by name."""
    found: dict[str, HandlerSettings] = {}
    for name, node in entries(top.get("handlers"), "handlers", problems).items():
        fields = Fields(node, f"handler {name}", HANDLER_FIELDS, problems)
        if not _NAME.match(name):
            problems.add(node, f"a handler cannot be called {name!r}", "Use letters, digits and . _ -; at most 64 of them.")
        elif (handler := _handler(name, fields, config, node)) is not None:
            found[name] = handler
    return found


def _handler(name: str, fields: Fields, config: Path, node: Node) -> HandlerSettings | None:
    kinds = [kind for kind in KINDS if kind in fields]
    if len(kinds) != 1:
        what = "it does not say what it is" if not kinds else f"it is said to be {' and '.join(kinds)} at once"
        fields.fault(kinds[-1] if kinds else "", what, f"Write one of {', '.join(f'`{kind}: ...`' for kind in KINDS)}.")
        return None
    kind = kinds[0]
    source = fields.text(kind, required=True)
    if source is None:
        return None
    if kind == "function" and _FUNCTION.match(source) is None:
        fields.fault(kind, f"function is {source[:80]!r}", "Write the file and the function in it: `handlers/rules.py:handle`.")
        return None
    if kind == "builtin" and source not in BUILTINS:
        fields.fault(kind, f"there is no built-in handler {source!r}", suggestion(source, tuple(BUILTINS)))
        return None
    if kind in {"function", "compiled"}:
        source = str(config.parent / Path(source).expanduser())
    timeout = seconds(fields, "timeout", TIMEOUTS["function" if source == "python" else kind])
    if timeout > _LONGEST:
        fields.fault("timeout", f"timeout is longer than {_LONGEST:.0f}s", "Write at most 60s: the caller waits for it.")
    return HandlerSettings(
        name=name,
        kind=kind,
        source=source,
        terms=_terms(fields),
        timeout=timeout,
        processes=whole(fields, "processes", 1, 1, _MOST_PROCESSES),
        memory=size(fields, "memory", 0),
        options=_options(kind, source, fields, config),
        place=node.where,
    )


def _terms(fields: Fields) -> Terms:
    usual = Terms()
    return Terms(
        mode=fields.choice("mode", MODES, usual.mode),
        share=_share(fields, "share", usual.share),
        checked=_share(fields, "checked", usual.checked),
        floor=_share(fields, "floor", usual.floor, most="0.9999"),
    )


def _share(fields: Fields, name: str, default: float, most: str = "1") -> float:
    """A share as `5%` or `0.05`."""
    text = fields.text(name)
    if text is None:
        return default
    found = _PERCENT.match(text)
    try:
        value = Decimal(found[1]) / 100 if found is not None else Decimal(text)
    except ArithmeticError:
        value = Decimal(-1)
    if not value.is_finite() or not 0 <= value <= Decimal(most):
        fields.fault(
            name, f"{name} is {text[:40]!r}", f"Write a share from 0% to {Decimal(most) * 100:f}%, such as `5%` or `0.05`."
        )
        return default
    return float(value)


def _options(kind: HandlerKind, source: str, fields: Fields, config: Path) -> dict[str, str]:
    """The options that this handler understands; one that belongs to another kind is a fault."""
    own = BUILTINS[source] if kind == "builtin" else ()
    known = {"compiled": ("system", "answer", "begin", "end"), "builtin": ("system", *own)}.get(kind, ())
    for name in OPTION_FIELDS:
        if name in fields and name not in known:
            said = f"builtin {source}" if kind == "builtin" else kind
            fields.fault(name, f"{name} means nothing to a handler of the kind {said}", "Leave it out.")
    found = {name: text for name in known if (text := fields.text(name)) is not None}
    if "system" in known and found.get("system", "any") not in {"any", "none"}:
        fields.fault(
            "system", f"system is {found['system']!r}", "Write `any` (system text is disregarded) or `none` (it must be empty)."
        )
    if found.get("answer", "json") not in {"json", "value"}:
        fields.fault(
            "answer", f"answer is {found['answer']!r}", "Write `json` (an object of fields) or `value` (the one field alone)."
        )
    if own and "table" in own:
        if "table" not in found:
            fields.fault("table", "table is missing", "Add `table: file.csv` (or .json) with the answers.")
        else:
            found["table"] = str(config.parent / Path(found["table"]).expanduser())
    return found
