"""Write docs/reference/commands.md from the commands themselves: `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from breakeven.cli.main import COMMANDS, cli

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "commands.md"
HEAD = """# Commands

Written from the commands by `make docs`; do not edit. Data goes to stdout, prose to stderr. Exit codes: 0 fine, 1 a policy or
check failed, 2 usage, 3 data problem, 4 unreachable. `breakeven` alone prints today's answer.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section for name in COMMANDS for section in _sections(name))])


def _sections(name: str) -> Iterator[str]:
    command = cli.get_command(click.Context(cli), name)
    if isinstance(command, click.Group):
        for sub, subcommand in command.commands.items():
            yield _section(f"{name} {sub}", subcommand)
    elif command is not None:
        yield _section(name, command)


def _section(name: str, command: click.Command) -> str:
    arguments = [
        parameter.make_metavar(click.Context(command)) for parameter in command.params if isinstance(parameter, click.Argument)
    ]
    usage = " ".join(["breakeven", name, *arguments, "[OPTIONS]"])
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    rows = [f"| `{', '.join(option.opts)}` | {_meaning(option)} |" for option in options]
    text = " ".join((command.help or "").split())
    return "\n".join([f"## `breakeven {name}`", "", text, "", f"    {usage}", "", "| Option | Meaning |", "|---|---|", *rows, ""])


def _meaning(option: click.Option) -> str:
    several = " May be given several times." if option.multiple else ""
    required = " Required." if option.required else ""
    return f"{option.help or ''}{several}{required}".replace("|", "\\|").strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
