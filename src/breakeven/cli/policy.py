"""`breakeven policy`: the rules over calls, what they would have done to the past, and whether the charters hold together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import CONFIG_NAME, echo_json, find_config, ledger_options, load, open_facts
from breakeven.cli.reports import _output, _period, output_options, period_option, read_only
from breakeven.errors import PolicyFailed, UsageError

if TYPE_CHECKING:
    from breakeven.reports.question import Facts
    from breakeven.settings import Settings


@click.group()
def policy() -> None:
    """Policies: which calls are refused or warned of, tried on the past before they are enforced."""


@policy.command("list")
@output_options
@ledger_options
def list_(*, as_json: bool, as_csv: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Every policy in words, with file and line."""
    from breakeven.cli.draw_policy import draw_policies
    from breakeven.reports.policies import policy_list

    settings, _ = load(config, ledger_path)
    found = policy_list(settings)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_policies)


@policy.command("test")
@click.option("--rule", "names", multiple=True, metavar="NAME", help="Only this policy, or the policies of this rule.")
@period_option
@output_options
@read_only
def try_(ledger: Facts, settings: Settings, *, names: tuple[str, ...], period: str | None, as_json: bool, as_csv: bool) -> None:
    """Try the policies on recorded calls: how many they would have refused, and what those cost."""
    from breakeven.cli.draw_policy import draw_test
    from breakeven.reports.policies import policy_test

    found = policy_test(ledger, settings, _period(ledger, period), names)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_test)


@policy.command()
@click.argument("name")
@period_option
@output_options
@read_only
def explain(ledger: Facts, settings: Settings, *, name: str, period: str | None, as_json: bool, as_csv: bool) -> None:
    """Explain a policy by NAME and what it would have done, or what every policy says to the call of a CALL_ID."""
    from breakeven.cli.draw_policy import draw_call, draw_explained
    from breakeven.reports.policies import policy_call, policy_test

    if any(name in (one.name, one.rule.name) for one in settings.policies):
        tried = policy_test(ledger, settings, _period(ledger, period), [name])
        _output(tried, as_json=as_json, as_csv=as_csv, rows=tried.rows, drawn=draw_explained)
        return
    found = policy_call(ledger, settings, name)
    _output(found, as_json=as_json, as_csv=as_csv, rows=found.rows, drawn=draw_call)


@policy.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="JSON: findings with place, fault and remedy.")
@ledger_options
def check(*, file: Path | None, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Check charters and policies of FILE (default: breakeven.yaml) against themselves, each other and recorded traffic.

    Exit code 1 where a charter does not hold together (no owner, a feature with traffic and no charter, a rung that nothing
    serves), 3 where the file itself is faulty.
    """
    from breakeven.app import now
    from breakeven.cli.draw_policy import draw_findings
    from breakeven.exchange.git import file_on_disk
    from breakeven.ledger.layout import Layout
    from breakeven.pricebook import card_of_texts
    from breakeven.reports.charters import check_charters

    if file is not None and config is not None:
        raise UsageError("FILE and --config both name a configuration", "Give one of them.")
    named = file or config
    if find_config(named, ledger_path) is None:
        raise UsageError(f"there is no {CONFIG_NAME} here", "Name it: breakeven policy check FILE.")
    settings, place = load(named, ledger_path)
    at = now()
    overlays = [(str(path), file_on_disk(path) or "") for path in settings.overlays]
    if ledger_path is None and not place.is_dir():
        click.echo("breakeven: there is no ledger here; nothing is held against recorded traffic", err=True)
        found = check_charters(None, settings, card_of_texts(None, overlays, at), at)
    else:
        with open_facts(place, settings) as ledger:
            found = check_charters(ledger, settings, card_of_texts(Layout(place).prices, overlays, at), at)
    if as_json:
        echo_json(found)
    else:
        draw_findings(found)
    if found.faults:
        raise PolicyFailed(found.sentence, found.faults[0].remedy)
