"""Write docs/reference/dialects.md from the statement of support itself: `make docs`."""

from __future__ import annotations

from pathlib import Path

from breakeven.settings.dialects import TABLES, Table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "dialects.md"
HEAD = """# What is carried between the dialects

Written from the statement that the gateway itself goes by (`make docs`); do not edit. How translation works, and when a call is
translated, is told in [dialects](../concepts/dialects.md). A member that stands in no table is refused with a 400 that names it.
*No effect* means that it would change nothing at the other vendor, so that it is left out; a value that asks for nothing (`null`,
and those given here) passes where a member is refused. The names are also those of `needs` in
[routes and features](configuration.md#routes).
"""
CALLERS = {"openai": "OpenAI's dialect at an Anthropic vendor", "anthropic": "Anthropic's dialect at an OpenAI vendor"}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(caller, title) for caller, title in CALLERS.items())])


def _section(caller: str, title: str) -> str:
    tables = (f"### {what[:1].upper()}{what[1:]}\n\n{_rows(members)}\n" for what, members in TABLES[caller].items())
    return "\n".join([f"## {title}\n", *tables])


def _rows(members: Table) -> str:
    rows = (f"| `{member.name}` | {member.fate} | {member.note}{_neutral(member.neutral)} |" for member in members)
    return "\n".join(["| Member | Fate | How, or why not |", "|---|---|---|", *rows])


def _neutral(values: tuple[object, ...]) -> str:
    if not values:
        return ""
    said = ", ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in values)
    return f"; passes as {said}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
