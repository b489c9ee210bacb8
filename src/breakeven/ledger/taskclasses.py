"""Task classes that were found from kept bodies: `task_classes.json` in the ledger's directory, so that names stay."""

from __future__ import annotations

import msgspec

from breakeven.alignment.classes import Found
from breakeven.errors import DataError
from breakeven.ledger.layout import Layout, write_durably

FILE = "task_classes.json"


class Classes(msgspec.Struct, frozen=True):
    """What was found of one feature after another: `found` by feature; names by template where it has one class, else by call."""

    found: dict[str, list[Found]] = {}
    templates: dict[str, str] = {}
    calls: dict[str, str] = {}

    def of(self, call_id: str, template: str | None) -> str | None:
        """The class of a call that says none itself."""
        return self.calls.get(call_id) or (self.templates.get(template) if template is not None else None)


def read(layout: Layout) -> Classes:
    """What was found so far. Raises DataError where the file is damaged."""
    path = layout.root / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Classes)
    except FileNotFoundError:
        return Classes()
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged: {error}", "Restore it, or move it away: classes are found and named anew.") from error


def write(layout: Layout, classes: Classes) -> None:
    """All of the new file or all of the old one."""
    write_durably(layout.root / FILE, msgspec.json.format(msgspec.json.encode(classes, order="sorted"), indent=1) + b"\n")
