"""`breakeven captures`: what is kept of requests and answers, and how it is taken out again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.errors import DataError, Problem, UsageError

if TYPE_CHECKING:
    from breakeven.ledger.captures import Exchange, Kept
    from breakeven.ledger.layout import Layout


@click.group("captures")
def captures() -> None:
    """Requests and answers kept where a feature's charter says so (`capture:` and `retention:`), redacted; off by default."""


@captures.command("list")
@click.option("--json", "as_json", is_flag=True, help="The table as one JSON document.")
@ledger_options
def list_(*, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """What is kept, by feature: how many exchanges, how large, since when, and until when at the latest."""
    from breakeven.cli.tables import Column, draw
    from breakeven.ledger.captures import kept

    settings, path = load(config, ledger_path)
    found = kept(_layout(path))
    policies = {name: each.capture.words for name, each in settings.features.items() if each.capture is not None}
    if as_json:
        echo_json({"features": [_plain(each, policies.get(each.feature)) for each in found], "sentence": _sentence(found)})
        return
    if found:
        draw(
            [
                Column("feature", [each.feature for each in found], left=True),
                Column("exchanges", [f"{each.exchanges:,}" for each in found]),
                Column("redacted", [f"{each.redacted:,}" for each in found]),
                Column("bytes", [f"{each.size_bytes:,}" for each in found]),
                Column("oldest", [f"{each.oldest:%Y-%m-%d %H:%M}" for each in found], left=True),
                Column("newest", [f"{each.newest:%Y-%m-%d %H:%M}" for each in found], left=True),
                Column("gone by", [f"{each.keep_until:%Y-%m-%d}" if each.keep_until else "?" for each in found], left=True),
                Column("charter keeps", [policies.get(each.feature, "nothing now") for each in found], left=True, drop=1),
            ]
        )
    click.echo(_sentence(found))


@captures.command()
@click.argument("call_id", metavar="CALL")
@click.option("--json", "as_json", is_flag=True, help="One JSON document with the bodies as they are kept.")
@ledger_options
def show(call_id: str, *, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """What was asked and answered in one call."""
    import msgspec

    from breakeven.ledger.captures import find

    _, path = load(config, ledger_path)
    found = find(_layout(path), call_id)
    if not found:
        raise UsageError(f"nothing is kept of the call {call_id}", "List what is kept with: breakeven captures list")
    if as_json:
        echo_json([_whole(each) for each in found])
        return
    for each in found:
        click.echo(f"{each.feature}, {each.model}, attempt {each.attempt}, {each.occurred_at:%Y-%m-%d %H:%M:%S} UTC", err=True)
        for title, body in (("asked", each.request), ("answered", each.response)):
            click.echo(f"-- {title}")
            click.echo(msgspec.json.format(body, indent=2).decode())


@captures.command()
@click.argument("feature")
@click.option("--customer", metavar="NAME", help="Only what is of this customer.")
@click.option("--before", metavar="DATE", help="Only what is older than this day.")
@click.option("--call", "call_id", metavar="CALL", help="Only this call.")
@click.option("--why", metavar="TEXT", help="The reason, for the decisions log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_options
def purge(
    feature: str,
    *,
    customer: str | None,
    before: str | None,
    call_id: str | None,
    why: str | None,
    yes: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Take out what is kept of FEATURE, at once and for good; the decisions log says who did it and how much it was."""
    from breakeven.cli.acting import acting
    from breakeven.ledger.captures import purge as take_out

    settings, path = load(config, ledger_path)
    until = _day(before)
    what = " ".join(
        [f"captures of {feature}", *([f"of {customer}"] if customer else []), *([f"before {before}"] if before else []),
         *([f"of call {call_id}"] if call_id else [])]
    )  # fmt: skip
    if not yes and not click.confirm(f"Take out {what} for good?", err=True):
        raise click.Abort
    with acting(settings, path, "purge captures", what, feature=feature, why=why) as act:
        count = take_out(_layout(path), feature, customer=customer, before=until, call_id=call_id)
        act.before, act.after, act.done = f"{count} exchanges", "none", count > 0
    click.echo(f"{count:,} {'exchange' if count == 1 else 'exchanges'} taken out: {what}.")


def kept_exchanges(path: Path, feature: str, since: str | None, until: str | None) -> list[Exchange]:
    """What is kept of a feature. Raises UsageError where nothing is, DataError where files are damaged."""
    from breakeven.ledger.captures import features, read

    layout, problems = _layout(path), list[Problem]()
    found = list(read(layout, feature, _day(since), _day(until), problems=problems))
    if problems:
        raise DataError(f"{len(problems)} kept exchanges of {feature} cannot be read", "", tuple(problems[:5]))
    if not found:
        others = ", ".join(features(layout)) or "nothing at all"
        raise UsageError(
            f"nothing is kept of the feature {feature!r}",
            f"Let its charter say `capture:` and `retention:` and serve calls through the gateway. Kept is: {others}.",
        )
    return found


def _layout(path: Path) -> Layout:
    from breakeven.ledger.store import locate

    return locate(path)


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no date", "Write a day such as 2026-11-01.") from None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _sentence(found: list[Kept]) -> str:
    if not found:
        return "No bodies are kept."
    count = sum(each.exchanges for each in found)
    size = sum(each.size_bytes for each in found)
    features = "1 feature" if len(found) == 1 else f"{len(found)} features"
    return f"{count:,} requests with their answers are kept of {features}, {size / 1e6:,.1f} MB."


def _plain(each: Kept, policy: str | None) -> dict[str, object]:
    return {
        "feature": each.feature,
        "exchanges": each.exchanges,
        "redacted": each.redacted,
        "bytes": each.size_bytes,
        "oldest": each.oldest,
        "newest": each.newest,
        "keep_until": each.keep_until,
        "charter": policy,
    }


def _whole(each: Exchange) -> dict[str, object]:
    import msgspec

    return {
        "call_id": each.call_id,
        "attempt": each.attempt,
        "occurred_at": each.occurred_at,
        "feature": each.feature,
        "workflow": each.workflow,
        "customer": each.customer,
        "model": each.model,
        "rung": each.rung,
        "redacted": each.redacted,
        "request": msgspec.Raw(each.request),
        "response": msgspec.Raw(each.response),
        "keep_until": each.keep_until,
    }
