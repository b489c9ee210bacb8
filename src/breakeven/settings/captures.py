"""The field `capture` of a feature: which share of its requests and answers is kept, and what is taken out of them first."""

from __future__ import annotations

from breakeven.governance.capture import BUILT_IN, DEFAULT_REDACTION, CapturePolicy, Rule, own_rule
from breakeven.yamlfields import Fields, Problems, entries, suggestion

CAPTURE_FIELDS = ("share", "redact", "patterns")
"""What stands below `capture`."""


def capture_of(fields: Fields, retention: int | None, problems: Problems) -> CapturePolicy | None:
    """What a feature's charter says about keeping bodies; None where nothing is kept, which is the default."""
    node = fields.get("capture")
    if node is None or node.value is False or (node.value is None and node.mapping is None):
        return None
    if not retention:
        fields.fault("capture", "bodies are to be kept, and nothing says how long", "Add `retention: 30d`, or take `capture` away.")
        return None
    if node.value is True:
        return CapturePolicy(1.0, retention, tuple(BUILT_IN[name] for name in DEFAULT_REDACTION))
    said = Fields(node, f"{fields.what}: capture", CAPTURE_FIELDS, problems)
    share = said.number("share", high="1")
    rules = _named(said) + _own(said, problems)
    return CapturePolicy(1.0 if share is None else float(share), retention, rules) if share != 0 else None


def _named(said: Fields) -> tuple[Rule, ...]:
    names = said.words("redact") if "redact" in said else DEFAULT_REDACTION
    for name in names:
        if name not in BUILT_IN:
            said.fault("redact", f"there is no rule {name!r}", suggestion(name, tuple(BUILT_IN)))
    return tuple(BUILT_IN[name] for name in names if name in BUILT_IN)


def _own(said: Fields, problems: Problems) -> tuple[Rule, ...]:
    patterns = (
        Fields(node, f"{said.what}: patterns", tuple(node.mapping or ()), problems) if (node := said.get("patterns")) else None
    )
    found: list[Rule] = []
    for name in entries(said.get("patterns"), f"{said.what}: patterns", problems) if patterns is not None else ():
        text = patterns.text(name, required=True) if patterns is not None else None
        try:
            found += [] if text is None else [own_rule(name, text)]
        except ValueError as error:
            said.fault("patterns", f"pattern {name}: {error}", "Write a simple regular expression, in single quotes.")
    return tuple(found)
