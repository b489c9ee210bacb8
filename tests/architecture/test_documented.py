"""Every command, option and report is documented; the documentation's commands exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click

from breakeven.cli.main import COMMANDS, cli


def _commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        yield name, command
        if isinstance(command, click.Group):
            for sub, subcommand in command.commands.items():
                yield f"{name} {sub}", subcommand


def test_every_command_and_option_is_in_the_reference(repository: Path) -> None:
    """docs/reference/commands.md has a section for each command that names each of its options."""
    text = (repository / "docs/reference/commands.md").read_text()
    sections = dict(re.findall(r"^## `breakeven ([^`]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    missing = {}
    for name, command in _commands():
        options = [option for parameter in command.params if isinstance(parameter, click.Option) for option in parameter.opts[:1]]
        if (absent := [option for option in options if option not in sections.get(name, "")]) or name not in sections:
            missing[name] = absent
    assert missing == {}


def test_every_command_is_said_in_one_line() -> None:
    """`breakeven --help` lists each command with a summary of one line of at most 100 characters, ending with a full stop."""
    assert all(len(entry.summary) <= 100 and entry.summary.endswith(".") for entry in COMMANDS.values())


def test_documented_commands_exist(repository: Path) -> None:
    """Each `breakeven X` that README and docs show in a shell block is a command of this version."""
    known = {name for name, _ in _commands()} | set(COMMANDS)
    pages = [repository / "README.md", *(repository / "docs").rglob("*.md")]
    shown = {
        (page.name, match)
        for page in pages
        for block in re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text(), re.DOTALL)
        for match in re.findall(r"^(?:\$ )?breakeven ([a-z][a-z-]*)", block, re.MULTILINE)
    }
    assert {(page, command) for page, command in shown if command not in known} == set()
