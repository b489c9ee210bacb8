"""`breakeven access`: who has which role, and tokens by which people show who they are."""

from __future__ import annotations

from pathlib import Path

import click

from breakeven.cli.acting import acting, actor
from breakeven.cli.context import ledger_options, load


@click.group()
def access() -> None:
    """Roles and tokens: who may change what."""


@access.command("list")
@ledger_options
def list_(*, ledger_path: Path | None, config: Path | None) -> None:
    """Everybody with a role, their tokens, and who you are."""
    from breakeven.app import now
    from breakeven.ledger.tokens import load_tokens

    settings, path = load(config, ledger_path)
    you = actor(settings, path)
    for person in settings.access.people.values():
        features = f" of {', '.join(person.features)}" if person.features else ""
        click.echo(f"{person.name}: {person.role}{features}")
    for token in load_tokens(path):
        state = "works" if token.holds(now()) else "ended"
        click.echo(
            f"token {token.id} of {token.person}: {state}, made {token.created_at[:10]}, until {token.expires_at or 'revoked'}"
        )
    declared = "" if settings.access.declared else ", because no `access:` is declared"
    click.echo(f"You are {you.name}, {you.role}{declared}.", err=True)


@access.command()
@click.argument("person")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it works. Default: until it is revoked.")
@ledger_options
def token(*, person: str, days: int | None, ledger_path: Path | None, config: Path | None) -> None:
    """Make a token for PERSON and show it, once: for BREAKEVEN_TOKEN, or `Authorization: Bearer` on the web port."""
    from breakeven.app import now
    from breakeven.ledger.tokens import create_token

    settings, path = load(config, ledger_path)
    with acting(settings, path, "manage access", f"token of {person}") as act:
        made, secret = create_token(path, person, now(), days)
        act.after = f"token {made.id} until {made.expires_at or 'revoked'}"
    click.echo(secret)
    click.echo(f"This is token {made.id} of {person}, {settings.access.person(person).role}; it is not shown again.", err=True)


@access.command()
@click.argument("identity", metavar="ID")
@ledger_options
def revoke(*, identity: str, ledger_path: Path | None, config: Path | None) -> None:
    """End the token ID now."""
    from breakeven.app import now
    from breakeven.ledger.tokens import revoke_token

    settings, path = load(config, ledger_path)
    with acting(settings, path, "manage access", f"token {identity}") as act:
        ended = revoke_token(path, identity, now())
        act.subject, act.before, act.after = f"token of {ended.person}", f"token {identity} works", f"token {identity} is revoked"
    click.echo(f"token {identity} of {ended.person} is revoked", err=True)
