"""`breakeven keys`: virtual keys, what they attribute and what they may be used for."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.acting import acting
from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from breakeven.gateway.keys import VirtualKey
    from breakeven.settings import Settings

_LIFETIME = re.compile(r"([0-9]{1,9})(m|h|d)\Z")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
DIMENSIONS = ("feature", "team", "customer", "user", "workflow", "environment")


@click.group()
def keys() -> None:
    """Virtual keys: an application shows one instead of a vendor's key, and its calls are attributed and limited by it.

    They are stored as hashes in the ledger's directory; a key itself is shown once, when it is made.
    """


def _dimensions(command: Callable[..., Any]) -> Callable[..., Any]:
    for dimension in reversed(DIMENSIONS):
        command = click.option(f"--{dimension}", help=f"The {dimension} that calls with this key belong to.")(command)
    return command


@keys.command()
@click.argument("name")
@_dimensions
@click.option("--default", "defaults", multiple=True, help="A dimension, named above, that a call's own header may override.")
@click.option("--require", "required", multiple=True, help="A dimension that every call must name, such as customer.")
@click.option("--on-missing", type=click.Choice(["refuse", "quarantine"]), default="refuse", help="What happens where it does not.")
@click.option("--model", "models", multiple=True, help="A model, or a pattern such as gpt-4o*, that it may call. Default: all.")
@click.option("--allow-feature", "features", multiple=True, help="A feature that it may be used for. Default: all.")
@click.option("--expires", help="How long it works: 12h, 30d. Default: until it is revoked.")
@click.option("--json", "as_json", is_flag=True, help="The key as JSON.")
@ledger_options
def create(  # noqa: PLR0913, PLR0917 - one argument per option
    name: str,
    defaults: tuple[str, ...],
    required: tuple[str, ...],
    on_missing: str,
    models: tuple[str, ...],
    features: tuple[str, ...],
    expires: str | None,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
    **dimensions: str | None,
) -> None:
    """Make a key named NAME and show it, once. What it says of a call cannot be overridden, but for what --default names."""
    from breakeven.gateway.keystore import create_key

    settings, path = load(config, ledger_path)
    given = [(dimension, value) for dimension, value in dimensions.items() if value is not None]
    unknown = [each for each in defaults if each not in dict(given)]
    if unknown:
        raise UsageError(f"--default {unknown[0]} has no value", f"Give it one: --{unknown[0]} VALUE.")
    with acting(settings, path, "change keys", f"key {name}") as act, _shared(settings, path):
        key, secret = create_key(
            path,
            name,
            _now(),
            lifetime(expires) if expires else None,
            locked=tuple(pair for pair in given if pair[0] not in defaults),
            defaults=tuple(pair for pair in given if pair[0] in defaults),
            required=required,
            on_missing=on_missing,
            models=models,
            features=features,
        )
        act.after = f"{key.id} made"
    _show(key, secret, as_json=as_json)


@keys.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Those that have expired or were revoked, too.")
@click.option("--json", "as_json", is_flag=True, help="The keys as JSON.")
@ledger_options
def list_(everything: bool, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """The keys, what they attribute, and whether they are in force."""
    from breakeven.gateway.keys import instant
    from breakeven.gateway.keystore import load_keys

    _, path = load(config, ledger_path)
    now = instant(_now())
    found = [key for key in load_keys(path) if everything or key.state(now) == "active"]
    if as_json:
        echo_json([_described(key, now) for key in found])
        return
    if not found:
        click.echo("There are no keys. Make one: breakeven keys create NAME --feature FEATURE", err=True)
        return
    from breakeven.cli.tables import Column, draw

    cells = zip(*(_row(key, now) for key in found), strict=True)
    heads = ("Id", "Name", "Key", "State", "Attributes", "Requires", "May call", "Until")
    draw([Column(head, column, left=True) for head, column in zip(heads, cells, strict=True)])


@keys.command()
@click.argument("key")
@click.option("--grace", default="0m", help="How long the old key works beside the new one: 30m, 24h. Default: not at all.")
@click.option("--expires", help="How long the new one works: 12h, 30d. Default: until the old one would have ended.")
@click.option("--json", "as_json", is_flag=True, help="The new key as JSON.")
@ledger_options
def rotate(key: str, grace: str, expires: str | None, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """Give KEY (an id or a name) a new secret, with all that it attributes and allows."""
    from breakeven.gateway.keystore import rotate_key

    settings, path = load(config, ledger_path)
    with acting(settings, path, "change keys", f"key {key}") as act, _shared(settings, path):
        made = rotate_key(path, key, _now(), lifetime(grace), lifetime(expires) if expires else None)
        act.subject, act.before, act.after = f"key {made[0].name}", str(made[0].rotated_from), f"{made[0].id} takes its place"
    _show(*made, as_json=as_json)


@keys.command()
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="The keys that were ended, as JSON.")
@ledger_options
def revoke(key: str, as_json: bool, ledger_path: Path | None, config: Path | None) -> None:
    """End KEY now: the one of this id, or all of this name, with those that a rotation left working for a while."""
    from breakeven.gateway.keys import instant
    from breakeven.gateway.keystore import revoke_key

    settings, path = load(config, ledger_path)
    with acting(settings, path, "change keys", f"key {key}") as act, _shared(settings, path):
        ended = revoke_key(path, key, _now())
        act.subject, act.after = f"key {ended[0].name}", f"{', '.join(each.id for each in ended)} revoked"
    if as_json:
        echo_json([_described(each, instant(_now())) for each in ended])
        return
    ids = ", ".join(each.id for each in ended)
    click.echo(f"{ended[0].name} ({ids}) is revoked. A running gateway learns of it with `breakeven reload`.", err=True)


def lifetime(text: str) -> timedelta:
    """A duration such as 30m, 12h or 30d. Raises UsageError where it is none."""
    found = _LIFETIME.match(text)
    if found is None:
        raise UsageError(f"{text!r} is no duration", "Write minutes, hours or days: 30m, 12h, 30d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _shared(settings: Settings, path: Path) -> AbstractContextManager[None]:
    """Where hosts share their keys, the change is theirs too."""
    from breakeven.gateway.keysharing import changing_shared

    return changing_shared(settings.gateway.shared_keys, path, os.environ)


def _now() -> datetime:
    return datetime.now(UTC)


def _show(key: VirtualKey, secret: str, *, as_json: bool) -> None:
    from breakeven.gateway.keys import instant

    if as_json:
        echo_json({**_described(key, instant(_now())), "key": secret})
        return
    click.echo(secret)
    click.echo(
        f"This is the key of {key.name} ({key.id}); it is not shown again. A running gateway learns of it with `breakeven reload`.",
        err=True,
    )


def _described(key: VirtualKey, now: str) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "shown": key.shown,
        "state": key.state(now),
        "locked": dict(key.locked),
        "defaults": dict(key.defaults),
        "required": list(key.required),
        "on_missing": key.on_missing,
        "models": list(key.models),
        "features": list(key.features),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "rotated_from": key.rotated_from,
    }


def _row(key: VirtualKey, now: str) -> Sequence[str]:
    attributes = ", ".join([f"{name}={value}" for name, value in key.locked] + [f"{name}~{value}" for name, value in key.defaults])
    return (
        key.id,
        key.name,
        key.shown,
        key.state(now),
        attributes or "–",
        ", ".join(key.required) or "–",
        ", ".join((*key.models, *key.features)) or "everything",
        key.revoked_at or key.expires_at or "–",
    )
