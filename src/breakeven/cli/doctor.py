"""`breakeven doctor`: whether everything is wired, and how to mend what is not."""

from __future__ import annotations

from pathlib import Path

import click

from breakeven.cli.context import default_ledger, echo_json, find_config, ledger_options
from breakeven.errors import PolicyFailed

_MARKS = {"fine": "ok  ", "warning": "note", "fault": "FAIL"}


@click.command()
@click.option("--web-port", type=click.IntRange(0, 65535), default=4001, help="Port that the dashboard is to have. Default: 4001.")
@click.option("--reach", is_flag=True, help="Also open a connection to every model vendor, without sending anything.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@ledger_options
def doctor(*, web_port: int, reach: bool, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Check the wiring, and say how to mend what is wrong.

    Looks at configuration, ledger, disk, prices, keys, providers, ports, shared stores and sinks. Changes nothing and
    shows no secret. Exit 1 where something does not work.
    """
    from breakeven.service.checkup import examine

    found = examine(find_config(config, ledger_path), ledger_path, default_ledger(), web_port=web_port, reach_vendors=reach)
    faults = sum(each.state == "fault" for each in found)
    if as_json:
        echo_json({"findings": found, "faults": faults})
    else:
        for each in found:
            click.echo(f"{_MARKS[each.state]}  {each.part}: {each.what}")
            if each.remedy:
                click.echo(f"      → {each.remedy}")
    if faults:
        raise PolicyFailed(
            f"{faults} {'thing does' if faults == 1 else 'things do'} not work", "Mend what is marked FAIL, then look again."
        )
    click.echo("Everything that must work does.", err=True)
