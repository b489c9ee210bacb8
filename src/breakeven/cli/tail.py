"""`breakeven tail`: live calls as they end, one line each."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from breakeven.cli.context import ledger_options, load

_FILTERS = ("feature", "customer", "model", "status")


@click.command()
@click.option("--feature", help="Only calls of this feature.")
@click.option("--customer", help="Only calls of this customer.")
@click.option("--model", help="Only calls to this model.")
@click.option("--status", help="Only calls that ended so: ok, failed, refused, cut_off, rejected.")
@click.option("--from-start", is_flag=True, help="Also the calls that are not sealed yet, not only those to come.")
@click.option("--limit", type=click.IntRange(1), help="Stop after so many calls.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@ledger_options
def tail(
    from_start: bool, limit: int | None, as_json: bool, ledger_path: Path | None, config: Path | None, **filters: str | None
) -> None:
    """Watch live calls arrive: when, for what and whom, model, tokens, cost, time. Ctrl-C stops."""
    from breakeven.cli.context import echo_json
    from breakeven.ledger.following import Follower, follow
    from breakeven.ledger.store import locate

    _, path = load(config, ledger_path)
    follower = Follower(locate(path), from_start=from_start)
    shown = 0
    for attempt in follow(follower):
        if not all(filters[name] in (None, attempt.get(name)) for name in _FILTERS):
            continue
        echo_json(attempt) if as_json else click.echo(line_of(attempt))
        shown += 1
        if limit is not None and shown >= limit:
            return


def line_of(attempt: dict[str, Any]) -> str:
    """One line for one attempt; what is unknown is a dash."""
    tokens_in = sum(attempt.get(name) or 0 for name in ("input_tokens", "cache_read_tokens", "cache_write_tokens"))
    tokens_out = sum(attempt.get(name) or 0 for name in ("output_tokens", "reasoning_tokens"))
    counted = f"{tokens_in:>8,} in {tokens_out:>6,} out" if "input_tokens" in attempt else f"{'–':>8} in {'–':>6} out"
    who = "/".join(attempt.get(name) or "nobody" for name in ("feature", "customer"))
    retried = f" (try {attempt['attempt'] + 1})" if attempt["attempt"] else ""
    ended = "" if attempt["status"] == "ok" else f"  {attempt['status']} {attempt.get('http_status', '')}".rstrip()
    return (
        f"{attempt['occurred_at'][11:19]}  {who:<32.32}  {attempt['model']:<28.28}  {counted}  {cost_of(attempt):>12}"
        f"  {attempt.get('latency_ms', 0):>6,} ms{retried}{ended}"
    )


def cost_of(attempt: dict[str, Any]) -> str:
    """What the attempt costs, to a millionth of a dollar, or why that is not known."""
    lines = attempt.get("lines", [])
    if any("t" not in line for line in lines):
        return str(attempt["state"])
    return f"${sum((Decimal(line['t']) for line in lines), Decimal(0)):.6f}"
