"""`breakeven ledger erase`, `retain` and `pseudonym`: what the ledger forgets, and the proof that no sum has changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.cli.hosts import not_where_shipped
from breakeven.economics.money import digits
from breakeven.errors import LedgerDamaged, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from breakeven.ledger.erasing import Erased
    from breakeven.ledger.rewriting import Rewritten
    from breakeven.settings import Settings

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")
WHY = click.option("--why", metavar="TEXT", help="The reason, for the decisions log.")


@click.command("erase")
@click.option("--user", required=True, metavar="USER", help="Who is to be forgotten, by the name that applications send.")
@WHY
@click.option("--yes", is_flag=True, help="Do not ask.")
@JSON
@ledger_options
def erase_command(*, user: str, why: str | None, yes: bool, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Erase a user from the record, the database, kept bodies, caches and rows set aside; every sum stays, and is proven to.

    Their calls stay as calls of "(erased)". The decisions log says who did it, and the sums before and after, but not the name.
    """
    from breakeven.app import now
    from breakeven.cli.acting import acting
    from breakeven.gateway.caches.dropping import drop_spaces
    from breakeven.governance.privacy import ERASED
    from breakeven.ledger.erasing import erase_user, footprint

    settings, path = load(config, ledger_path)
    if not user.strip() or user == ERASED:
        raise UsageError(f"{user!r} is nobody who could be erased", "Give the user's name as applications send it.")
    not_where_shipped(settings)
    names = _names(settings, user)
    with acting(settings, path, "erase people", "a user", why=why) as act:
        found = footprint(path, names)
        if not yes and not click.confirm(f"Erase {user} ({found.rows:,} rows of {len(found.calls):,} calls) for good?", err=True):
            raise click.Abort
        done = erase_user(path, names, found, now())
        entries = drop_spaces(settings.gateway.cache, path, os.environ, found.features)
        act.subject = f"user {done.digest[:16]}"
        act.before, act.after = _sums(done.before), _sums(done.after)
    _prove(path, done.before, done.after)
    if as_json:
        echo_json(_plain(done, entries))
    else:
        _tell(done, entries)
        if settings.clickhouse is not None:
            click.echo("The copy in ClickHouse forgets with the next shipment.", err=True)


@click.command("retain")
@WHY
@JSON
@ledger_options
def retain_command(*, why: str | None, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Apply `privacy: keep` now: drop identities and roll up calls whose time is over. The bookkeeper does it once a day."""
    from breakeven.app import now
    from breakeven.cli.acting import acting
    from breakeven.ledger import open_ledger
    from breakeven.ledger.live import seal_closed
    from breakeven.ledger.retaining import retain_calls

    settings, path = load(config, ledger_path)
    if not settings.privacy.forgets:
        raise UsageError("nothing is declared to be forgotten", "Say how long calls are kept: privacy: {keep: {identities: 90d}}.")
    with acting(settings, path, "apply retention", "calls", why=why) as act:
        with open_ledger(path, write=True) as ledger:
            seal_closed(ledger)
        done = retain_calls(path, settings.privacy.ends(now()))
        act.done = done is not None
        if done is not None:
            act.before = f"{done.before['calls']} calls, {_sums(done.sums)}"
            act.after = f"{done.after['calls']} calls, {_sums(done.sums)}"
    if done is not None:
        _prove(path, done.sums, done.sums)
    if as_json:
        echo_json(_retained(done))
    elif done is None:
        click.echo("Nothing was to be forgotten.")
    else:
        click.echo(
            f"{done.segments} segments rewritten: {done.before['calls']:,} rows of calls became {done.after['calls']:,},"
            f" {done.before['cost_lines']:,} cost lines {done.after['cost_lines']:,}."
        )
        click.echo(f"Their sums are the same to the last digit: {_sums(done.sums)}. The ledger holds.")


@click.command("pseudonym")
@click.argument("dimension", type=click.Choice(["user", "customer"]))
@click.argument("name")
@ledger_options
def pseudonym_command(*, dimension: str, name: str, ledger_path: Path | None, config: Path | None) -> None:
    """The pseudonym under which a user or customer stands in the ledger, for budgets, reports and questions."""
    from breakeven.settings.privacy import pseudonyms_of

    settings, _ = load(config, ledger_path)
    pseudonyms = pseudonyms_of(settings.privacy, os.environ)
    if pseudonyms is None:
        raise UsageError("nobody is disguised by this configuration", "Declare it: privacy: {pseudonymise: [user], key_env: NAME}.")
    click.echo(pseudonyms.of(dimension, name))


def _names(settings: Settings, user: str) -> list[str]:
    """The name itself, and its pseudonym where the ledger has those."""
    from breakeven.governance.privacy import pseudonym
    from breakeven.settings.privacy import pseudonyms_of

    pseudonyms = pseudonyms_of(settings.privacy, os.environ)
    return [user] if pseudonyms is None else list(dict.fromkeys([user, pseudonym(pseudonyms.key, "user", user)]))


def _prove(path: Path, before: Mapping[str, Decimal], after: Mapping[str, Decimal]) -> None:
    """Recompute every hash and sum. Raises LedgerDamaged where something does not hold."""
    from breakeven.ledger.verify import verify

    report = verify(path)
    if not report.holds or dict(before) != dict(after):
        raise LedgerDamaged(f"the ledger {path} does not hold: {len(report.problems)} faults", problems=report.problems)


def _sums(sums: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{name} {digits(total)}" for name, total in sums.items())


def _tell(done: Erased, entries: int) -> None:
    click.echo(f"{done.rows:,} rows of {done.calls:,} calls are nobody's any more; they stand as (erased).")
    click.echo(
        f"{done.exchanges:,} kept exchanges, {entries:,} cached answers and {done.rejects:,} rows set aside were removed;"
        f" {done.rewritten.segments if done.rewritten else 0} sealed segments and the database were written anew."
    )
    if not (done.rows or done.exchanges or entries or done.rejects or done.waiting):
        click.echo("breakeven: nothing was kept of this user", err=True)
        click.echo("  Check the name: it is the one that applications send, not a pseudonym.", err=True)
    click.echo("Sums of the record           before = after")
    for name, total in done.after.items():
        click.echo(f"  {name:<26} {digits(done.before[name])} = {digits(total)}")
    if done.waiting:
        click.echo(f"{done.waiting} open segments of running gateways may hold the name until they are sealed.", err=True)
    click.echo("The ledger holds: every hash, count and sum.")


def _plain(done: Erased, entries: int) -> dict[str, object]:
    return {
        "user": done.digest,
        "calls": done.calls,
        "rows": done.rows,
        "exchanges": done.exchanges,
        "cached_answers": entries,
        "rejects": done.rejects,
        "segments": done.rewritten.segments if done.rewritten else 0,
        "open_segments": done.waiting,
        "before": {name: digits(total) for name, total in done.before.items()},
        "after": {name: digits(total) for name, total in done.after.items()},
        "holds": True,
    }


def _retained(done: Rewritten | None) -> dict[str, object]:
    if done is None:
        return {"segments": 0, "before": None, "after": None, "sums": None}
    sums = {name: digits(total) for name, total in done.sums.items()}
    return {"segments": done.segments, "before": dict(done.before), "after": dict(done.after), "sums": sums}
