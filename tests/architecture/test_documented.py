"""Every command, option and report is documented; the documentation's commands exist."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

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


@pytest.mark.parametrize(
    ("script", "made_by", "page"),
    [
        ("command_reference", "page", "reference/commands.md"),
        ("dialects_reference", "page", "reference/dialects.md"),
        ("docs_index", "index", "README.md"),
    ],
)
def test_a_generated_page_is_fresh(repository: Path, script: str, made_by: str, page: str) -> None:
    """The references of commands and dialects, and the index of all pages, are what `make docs` writes from what there is."""
    spec = importlib.util.spec_from_file_location(script, repository / "scripts" / f"{script}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (repository / "docs" / page).read_text(encoding="utf-8") == getattr(module, made_by)(), "run: make docs"


def test_every_command_and_option_explains_itself() -> None:
    """Each command has a help text and each of its options a sentence."""
    options = [(name, option) for name, command in _commands() for option in command.params if isinstance(option, click.Option)]
    assert [name for name, command in _commands() if not command.help] == []
    assert [(name, option.name) for name, option in options if not option.help] == []


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
        for block in re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for match in re.findall(r"^(?:\$ )?breakeven ([a-z][a-z-]*)", block, re.MULTILINE)
    }
    assert {(page, command) for page, command in shown if command not in known} == set()
