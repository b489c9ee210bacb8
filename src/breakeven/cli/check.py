"""`breakeven check --base REV`: would this change break a charter? For pull requests, on recorded traffic."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from breakeven.cli.context import CONFIG_NAME, default_ledger, echo_json, ledger_options, open_facts
from breakeven.errors import PolicyFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from breakeven.exchange.git import Repository
    from breakeven.pricebook import RateCard
    from breakeven.reports.check import Compared
    from breakeven.reports.checkrows import Side
    from breakeven.reports.question import Facts
    from breakeven.reports.recorded import Span
    from breakeven.settings.revision import Revision

WORK_TREE = "work tree"
_SHORT = 9


@click.command()
@click.option("--base", required=True, metavar="REV", help="The revision to compare with, such as main or origin/main.")
@click.option("--head", metavar="REV", help="The revision to judge. Default: the files as they lie in the work tree.")
@click.option("--exact-base", is_flag=True, help="Compare with REV itself, not with where this branch left it.")
@click.option("--period", help="Whose recorded traffic: 2026-10, month-1, A..B. Default: the last full month in the ledger.")
@click.option("--markdown", is_flag=True, help="A comment for the pull request, with a hidden marker to find it again.")
@click.option("--json", "as_json", is_flag=True, help="JSON: money as strings of exact digits, null where unknown.")
@ledger_options
def check(
    *,
    base: str,
    head: str | None,
    exact_base: bool,
    period: str | None,
    markdown: bool,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
) -> None:
    """Price a change of prompts, models, prices and limits, and fail where it would break a charter.

    Compares breakeven.yaml and the files named in it on two revisions, and prices the difference on recorded traffic, or on a
    feature's declared `assumptions` where there is none. Exit code 1: a limit would be broken; 3: a configuration is faulty.
    """
    from breakeven.app import now
    from breakeven.cli.draw_check import draw_check, markdown_of
    from breakeven.reports.check import check as report

    if markdown and as_json:
        raise UsageError("--markdown and --json exclude each other", "Choose one of them.")
    at = now()
    path = config if config is not None else Path(CONFIG_NAME)
    revisions, sides = _revisions(path, base, head, exact=exact_base)
    place = ledger_path or revisions[1].settings.ledger or default_ledger()
    with ExitStack() as opened:
        known = ledger_path is not None or place.is_dir()
        ledger = opened.enter_context(open_facts(place, revisions[1].settings)) if known else None
        if ledger is None:
            click.echo("breakeven: there is no ledger here; only declared assumptions are priced", err=True)
        found = report(ledger, _compared(revisions, place if known else None, at), sides, _span(ledger, period, at))
    if as_json:
        echo_json(found)
    elif markdown:
        click.echo(markdown_of(found), nl=False)
    else:
        draw_check(found)
    if not found.passed:
        raise PolicyFailed(found.sentence, found.failures[0].remedy)


def _revisions(config: Path, base: str, head: str | None, *, exact: bool) -> tuple[tuple[Revision, Revision], tuple[Side, Side]]:
    """Both revisions as declared. The base is where this branch left REV: what came later there is not this branch's doing."""
    from breakeven.exchange.git import repository_of
    from breakeven.reports.checkrows import Side
    from breakeven.settings.revision import revision

    directory = config.parent if config.parent.is_dir() else Path()
    repository = repository_of(directory)
    tip = repository.commit(base)
    judged = repository.commit(head) if head is not None else None
    fork = None if exact else repository.fork(tip, judged or repository.commit("HEAD"))
    if fork is None and not exact:
        click.echo(
            f"breakeven: the history here does not say where this branch left {base}; comparing with {base} itself", err=True
        )
    compared = fork or tip
    read_base = _reader(repository, compared)
    old = revision(base, config, read_base, lambda path: f"{base}:{_name(repository, path)}")
    if judged is None:
        new = revision(WORK_TREE, config, _reader(repository, None), str)
    else:
        new = revision(head or "", config, _reader(repository, judged), lambda path: f"{head}:{_name(repository, path)}")
    if not new.present:
        raise UsageError(f"there is no {config.name} in {new.name}", "Give it with --config, and check that the path is committed.")
    sides = (
        Side(base, compared, "where this branch left it" if fork is not None and fork != tip else "itself"),
        Side(new.name, judged, "itself"),
    )
    return (old, new), sides


def _reader(repository: Repository, commit: str | None) -> Callable[[Path], str | None]:
    """Reads files of a commit, or of the work tree. What lies outside of the repository is not there.

    A pull request may name any path: a job that checks it must not tell what stands elsewhere on its machine.
    """
    from breakeven.exchange.git import file_on_disk

    def read(path: Path) -> str | None:
        inside = repository.path_of(path if commit is not None else path.resolve())
        if inside is None:
            return None
        return file_on_disk(path) if commit is None else repository.file(commit, inside)

    return read


def _name(repository: Repository, path: Path) -> str:
    return repository.path_of(path) or str(path)


def _compared(revisions: tuple[Revision, Revision], ledger: Path | None, at: datetime) -> Compared:
    from breakeven.reports.check import Compared

    base, head = revisions
    head_card = _card(head, ledger, at)
    return Compared(base, head, head_card if base.overlays == head.overlays else _card(base, ledger, at), head_card, at)


def _card(revision: Revision, ledger: Path | None, at: datetime) -> RateCard:
    """The price book with a revision's price files, recorded nowhere: a pull request's prices are no prices yet."""
    from breakeven.ledger.layout import Layout
    from breakeven.pricebook import card_of_texts

    directory = Layout(ledger).prices if ledger is not None else None
    return card_of_texts(directory, revision.overlays, at)


def _span(ledger: Facts | None, period: str | None, at: datetime) -> Span | None:
    from breakeven.economics.periods import parse_period
    from breakeven.reports.recorded import span_of

    if period is None:
        return None
    asked = parse_period(period, at)
    if asked.unbounded or ledger is None:
        raise UsageError("--period needs a ledger and whole days", "Give --ledger and a period such as 2026-10.")
    return span_of(asked)
