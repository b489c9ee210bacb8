"""`breakeven ledger ship` and `collect`: segments from many hosts to one ledger, through an object store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.errors import UsageError

if TYPE_CHECKING:
    from breakeven.settings import Settings
    from breakeven.settings.shipping import Role, ShippingSettings

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document.")


@click.command("ship")
@JSON
@ledger_options
def ship_command(*, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Ship the closed segments of this host now. `breakeven serve` does it every few seconds where `shipping` says so."""
    from breakeven.ledger.store import locate
    from breakeven.service.objectstore import ObjectStore
    from breakeven.service.shipping import Shipper

    settings, path = load(config, ledger_path)
    shipping = _role(settings, "ship")
    count = Shipper(locate(path), shipping, ObjectStore(shipping)).round()
    _tell(count, "shipped", as_json=as_json)


@click.command("collect")
@JSON
@ledger_options
def collect_command(*, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Take shipped segments into this ledger now, commit and seal them, and remove them from the object store."""
    from breakeven.ledger import open_ledger
    from breakeven.ledger.live import seal_closed
    from breakeven.service.collecting import Collector
    from breakeven.service.objectstore import ObjectStore

    settings, path = load(config, ledger_path)
    shipping = _role(settings, "collect")
    with open_ledger(path, write=True, create=True) as opened:
        collector = Collector(opened.layout, shipping, ObjectStore(shipping))
        count = collector.round()
        seal_closed(opened)
        collector.finish()
    _tell(count, "collected", as_json=as_json)


def not_where_shipped(settings: Settings) -> None:
    """Raise UsageError on a host whose segments go elsewhere: what was sealed here would be missing there."""
    if settings.shipping is not None and settings.shipping.role == "ship":
        raise UsageError("this host ships its segments (shipping: role)", "Run the command where they are collected.")


def _role(settings: Settings, role: Role) -> ShippingSettings:
    if settings.shipping is None or settings.shipping.role != role:
        raise UsageError(
            f"the configuration does not say that this ledger should {role}",
            f"Declare it: shipping: {{role: {role}, bucket: NAME}}.",
        )
    return settings.shipping


def _tell(count: int, what: str, *, as_json: bool) -> None:
    if as_json:
        echo_json({"segments": count})
    else:
        click.echo(f"{count:,} {'segment' if count == 1 else 'segments'} {what}")
