"""`breakeven start`: the first `breakeven.yaml` of a project."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import click

from breakeven.cli.context import CONFIG_NAME
from breakeven.errors import Unreachable, UsageError

_NEXT = """Next:
  breakeven doctor                                 # is everything wired?
  breakeven serve                                  # the gateway on port 4000, the dashboard on 4001
  export OPENAI_BASE_URL=http://127.0.0.1:4000/v1  # in the application; say what a call is for: -H 'breakeven-feature: {feature}'
  export ANTHROPIC_BASE_URL=http://127.0.0.1:4000
  breakeven tail                                   # calls as they end, with what each one cost
Calls of the past: breakeven import FORMAT FILE. What a unit is worth goes into {config}."""


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--feature", "features", multiple=True, metavar="NAME", help="A feature whose calls will be told apart; repeatable.")
@click.option("--owner", metavar="NAME", help="Who owns these features. Default: your user name.")
def start(directory: Path, features: tuple[str, ...], owner: str | None) -> None:
    """Set up a project in DIRECTORY (here): writes breakeven.yaml for the vendors whose keys the environment has.

    An existing file is never touched. The ledger will lie beside it in .breakeven/, which keeps itself out of version control.
    """
    from breakeven.settings import parse_settings
    from breakeven.settings.starting import LEDGER, first_configuration

    names = tuple(dict.fromkeys(name.strip() for name in features if name.strip()))
    config = directory / CONFIG_NAME
    text = first_configuration(names, owner or getpass.getuser(), os.environ)
    parse_settings(text, str(config), config)
    ignored = directory / Path(LEDGER).parent / ".gitignore"
    try:
        ignored.parent.mkdir(parents=True, exist_ok=True)
        with config.open("x", encoding="utf-8") as stream:
            stream.write(text)
        ignored.write_text("*\n", "utf-8")
    except FileExistsError:
        remedy = "Edit it, or name another directory: breakeven start DIRECTORY."
        raise UsageError(f"{config} is there already", remedy) from None
    except OSError as error:
        raise Unreachable(f"{config} cannot be written: {error.strerror}", "Check the permissions of the directory.") from None
    click.echo(text, nl=False)
    click.echo(f"Written to {config}.\n{_NEXT.format(feature=names[0] if names else 'NAME', config=config)}", err=True)
