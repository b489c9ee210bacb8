"""`breakeven audit run`: past tasks of a class answered again on a cheaper rung, scored, and kept as evidence."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, DecimalException
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.audit import audit, audit_options, audited, finding_of
from breakeven.cli.context import echo_json, ledger_options, load
from breakeven.cli.reports import now, period_option
from breakeven.errors import DataError, UsageError

if TYPE_CHECKING:
    from breakeven.alignment.judging import JudgeError
    from breakeven.cli.replaying import Gateway, Past, Rung, Scoring
    from breakeven.ledger.layout import Layout
    from breakeven.settings import Settings

Replaying = Callable[[Sequence[tuple["Past", float]]], Iterator[tuple["Past", float, Any, Decimal | None]]]
USUAL_REPLAYS = 300
_BATCH = 25
_LOOK_SECONDS = 2.0
_MEASURED = {
    "per rung": "measured on labelled answers of either rung",
    "over all labels": "measured over all labels together; name the rung of each answer in a column rung to measure it per rung",
}


@audit.command()
@click.argument("task_class", metavar="CLASS")
@period_option
@audit_options
@click.option("--to", "rung", required=True, metavar="RUNG", help="The cheaper rung: one of the ladder, or a name for --model.")
@click.option("--model", metavar="MODEL", help="The cheaper model. Default: that of the rung.")
@click.option("--replays", type=click.IntRange(1), help="How many. Default: as many as the audit says would tell.")
@click.option("--budget", metavar="DOLLARS", help="What they may cost, by the mean of those so far.")
@click.option(
    "--scorer", default="agreement", show_default=True, help="agreement, exact, text, number, json, function:MODULE:NAME."
)
@click.option("--fields", metavar="A,B", help="With json: only these fields count.")
@click.option("--tolerance", default="0", show_default=True, help="With number: the difference allowed, as a share.")
@click.option("--judge", "judge_model", metavar="MODEL", help="Let a model judge both answers; needs --labels.")
@click.option("--criterion", metavar="TEXT", help="What the judge goes by.")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Answers that people judged (prompt, answer, human, and the rung that gave each).",
)
@click.option("--shadow", metavar="SHARE", help="Instead of past calls: this share of live calls, as they arrive.")
@click.option("--minutes", type=click.FloatRange(min=0), default=60.0, show_default=True, help="How long --shadow looks on.")
@click.option("--gateway", "address", metavar="URL", help="Default: the gateway that serves this ledger.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the sample.")
@click.option("--dry-run", is_flag=True, help="Show the sample and its expected cost; ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON document.")
@ledger_options
def run(  # noqa: PLR0913 - one argument per option
    *,
    task_class: str,
    rung: str,
    model: str | None,
    replays: int | None,
    budget: str | None,
    shadow: str | None,
    minutes: float,
    address: str | None,
    seed: int,
    dry_run: bool,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
    feature: str | None,
    period: str | None,
    margin: str | None,
    alpha: float,
    **scoring: Any,  # noqa: ANN401 - options of click
) -> None:
    """Answer past tasks of CLASS again on a cheaper rung, through the gateway and within a budget, and keep how good it was.

    Tasks are drawn from the bodies that the feature's charter keeps (`capture:`), dear ones more often, each with a known chance.
    The calls carry the key in BREAKEVEN_KEY, where there is one. With --shadow live calls are used, off the caller's path.
    """
    from breakeven.cli.replaying import Gateway, replayed
    from breakeven.cli.replaykeeping import keeper
    from breakeven.ledger.store import locate

    settings, path = load(config, ledger_path)
    layout = locate(path)
    owner = feature or _feature_of(layout, settings, task_class, path)
    aim = _rung(settings, owner, rung, model)
    limit = _money("--budget", budget)
    wanted = replays or _needed(
        task_class, owner, ledger_path=ledger_path, config=config, period=period, margin=margin, alpha=alpha
    )
    tasks = [] if shadow is not None else _sample(path, owner, task_class, aim, wanted, seed)
    if dry_run:
        _tell_plan(tasks, task_class, aim)
        return
    gateway = Gateway((address or _address(layout)).rstrip("/"), owner, task_class)
    dear = {name for past, _ in tasks for name in (past.exchange.model, past.exchange.rung or "strong")}
    rule, scored_by, judge = _scoring(gateway, ({aim.name, aim.model}, dear | {"strong", "dear"}), **scoring)
    if judge is not None:
        click.echo(f"breakeven: the judge may be off by {judge.value:.1%} ({_MEASURED[judge.measured]})", err=True)
    batches = (
        _shadowed(path, owner, task_class, aim, _share(shadow), wanted=wanted, minutes=minutes)
        if shadow is not None
        else (tasks[at : at + _BATCH] for at in range(0, len(tasks), _BATCH))
    )
    facts = {
        "scored_by": scored_by,
        "judge_error": None if judge is None else judge.value,
        "kind": "shadow" if shadow is not None else "audit",
    }
    keep = keeper(layout, settings, owner, aim)
    asked = partial(replayed, gateway, aim=aim, scoring=rule, budget=limit, keep=keep)
    added = _run(path, settings, batches, asked, facts, aim)
    _tell(gateway, added, task_class, aim, as_json=as_json)


def _run(
    path: Path,
    settings: Settings,
    batches: Iterable[Sequence[tuple[Past, float]]],
    replay: Replaying,
    facts: Mapping[str, Any],
    aim: Rung,
) -> int:
    """Replay batch after batch; each is in the ledger before the next is asked, so that an interruption loses at most one."""
    from breakeven import app
    from breakeven.cli.replaying import row_of
    from breakeven.ledger import open_ledger

    added = 0
    for batch in batches:
        rows = [row_of(*one, rung=aim.name, model=aim.model, **facts) for one in replay(batch)]
        if rows:
            with (
                open_ledger(path, write=True) as ledger,
                ledger.intake(source=f"audit:{facts['kind']}", quotes=app.quotes_for(app.rate_card(settings, path))) as intake,
            ):
                intake.facts_rows("replays", rows)
                added += sum(intake.commit().facts_added.values())
        if not rows:
            break
    return added


def _sample(path: Path, feature: str, task_class: str, aim: Rung, wanted: int, seed: int) -> list[tuple[Past, float]]:
    """A sample of the class's kept tasks that were not replayed on this rung yet, each with its propensity."""
    from breakeven.alignment.sampling import sample
    from breakeven.economics.money import atto

    unread: set[str] = set()
    known = list(_kept(path, feature, task_class, aim, unread=unread))
    if not known and unread:
        raise DataError(
            f"the kept bodies of {task_class} ({', '.join(sorted(unread))}) cannot be asked again:"
            " only chat completions, responses and messages that call no tools can",
            "Bring replays in that you have made yourself: breakeven audit import.",
        )
    if not known:
        raise DataError(
            f"no body of {task_class} is kept that was not replayed on {aim.name} yet",
            f"Let the charter of {feature} keep some (`capture:` in breakeven.yaml), or bring replays in: breakeven audit import.",
        )
    costs = [0 if past.cost is None else atto(past.cost) for past in known]
    return [(known[place], propensity) for place, propensity in sample(costs, wanted, Random(seed))]  # noqa: S311 - no secret


def _kept(
    path: Path, feature: str, task_class: str, aim: Rung, since: datetime | None = None, unread: set[str] | None = None
) -> Iterator[Past]:
    """The class's kept tasks that were not replayed on this rung yet; the APIs of those that cannot be asked go into `unread`."""
    from breakeven.cli.replaying import past_of
    from breakeven.ledger import captures, open_ledger, taskclasses
    from breakeven.reports.question import statement

    with open_ledger(path) as ledger:
        calls = {(row[0], row[1]): row[2:] for row in ledger.query(statement("audit_past"), {"feature": feature})}
        asked = {"feature": feature, "task_class": task_class, "rung": aim.name, "model": aim.model}
        done = {row[0] for row in ledger.query(statement("audit_replayed"), asked)}
        layout = ledger.layout
    names = taskclasses.read(layout)
    for exchange in captures.read(layout, feature, since):
        found = calls.get((exchange.call_id, exchange.attempt))
        if found is None or exchange.call_id in done:
            continue
        if (found[0] or names.of(exchange.call_id, found[1])) != task_class:
            continue
        if exchange.model == aim.model or exchange.rung == aim.name:
            continue  # the cheaper rung has answered it already
        past = past_of(exchange, task_class, found[2])
        if past is not None:
            yield past
        elif unread is not None:
            unread.add(exchange.api or "not known")


def _shadowed(
    path: Path, feature: str, task_class: str, aim: Rung, share: float, *, wanted: int, minutes: float
) -> Iterator[Sequence[tuple[Past, float]]]:
    """A share of the live tasks as they arrive: all alike likely, until there are enough or the time is over."""
    from breakeven.gateway.handling import draw

    since, until, seen = now() - timedelta(seconds=_LOOK_SECONDS), time.monotonic() + 60 * minutes, set[str]()
    given = 0
    while given < wanted and time.monotonic() < until:
        fresh = [past for past in _kept(path, feature, task_class, aim, since) if past.exchange.call_id not in seen]
        seen |= {past.exchange.call_id for past in fresh}
        chosen = [(past, 1.0) for past in fresh if draw(f"{past.exchange.call_id}:shadow") < share][: wanted - given]
        given += len(chosen)
        if chosen:
            yield chosen
        else:
            time.sleep(min(_LOOK_SECONDS, max(until - time.monotonic(), 0)))


def _rung(settings: Settings, feature: str, name: str, model: str | None) -> Rung:
    """Where replays go. A rung of the feature's ladder is asked by its header, another one by its model."""
    from breakeven.cli.replaying import Rung

    declared = settings.features.get(feature)
    ladder = None if declared is None else declared.ladder
    known = None if ladder is None else next((one for one in ladder.rungs if name in (one.name, one.kind)), None)
    if known is not None and known.kind == "handler":
        return Rung(name, known.handler or name, None, {"breakeven-ladder": known.name}, {}, known.name)
    if model is None and known is not None and known.model is not None:
        model = known.model
    if model is None:
        raise UsageError(f"nothing says which model {name} is", "Say it with --model, or declare the rung in the feature's ladder.")
    parameters = dict(known.parameters) if known is not None and known.model == model else {}
    return Rung(name, model, model, {"breakeven-ladder": "off"}, parameters)


def _needed(task_class: str, feature: str, **asked: Any) -> int:  # noqa: ANN401 - options of click
    """As many replays as the audit says would tell; a usual number where it cannot say."""
    try:
        found = finding_of(audited(feature=feature, **asked), task_class, feature)
    except UsageError:
        return USUAL_REPLAYS
    return found.replays_needed or USUAL_REPLAYS


def _feature_of(layout: Layout, settings: Settings, task_class: str, path: Path) -> str:
    """The one feature that has such calls and keeps bodies. Raises UsageError where that is not one."""
    from breakeven.ledger import captures, open_ledger

    del settings
    kept = set(captures.features(layout))
    with open_ledger(path) as ledger:
        rows = ledger.query(
            "SELECT DISTINCT feature FROM calls WHERE coalesce(task_class, workflow) = CAST($class AS VARCHAR)",
            {"class": task_class},
        )
    found = sorted(row[0] for row in rows if row[0] in kept)
    if len(found) != 1:
        names = ", ".join(found) or "none"
        raise UsageError(
            f"it is not clear whose class {task_class!r} is (features that keep its bodies: {names})", "Say --feature NAME."
        )
    return str(found[0])


def _address(layout: Layout) -> str:
    from breakeven.gateway.rundir import RunDirectory

    serving = RunDirectory(layout.root).serving()
    if serving is None:
        raise UsageError("no gateway serves this ledger", "Start it with breakeven serve, or name one with --gateway URL.")
    return serving.gateway


def _scoring(
    gateway: Gateway,
    rungs: tuple[Collection[str], Collection[str]],
    *,
    scorer: str,
    fields: str | None,
    tolerance: str,
    judge_model: str | None,
    criterion: str | None,
    labels: Path | None,
) -> tuple[Scoring, str, JudgeError | None]:
    """The scorer, its name, and how much a judge may be off; `rungs` is what the cheaper one and the dear one are called."""
    from breakeven.alignment.scoring import RULES, Scorer
    from breakeven.cli.replaying import by_function, judged

    if judge_model is not None:
        if labels is None:
            raise UsageError(
                "a judge is believed no further than it was measured", "Give answers that people judged: --labels FILE."
            )
        verdict = judged(gateway, judge_model, criterion)
        return _by_judge(verdict), f"judge:{judge_model}", judge_error_of(verdict, labels, *rungs)
    if scorer.startswith("function:"):
        return by_function(scorer.removeprefix("function:")), scorer, None
    rule = next((each for each in RULES if each == scorer), None)
    if rule is None:
        raise UsageError(f"there is no scorer {scorer!r}", f"Scorers: {', '.join(RULES)}, function:MODULE:NAME.")
    allowed = _money("--tolerance", tolerance) or Decimal(0)
    named = tuple(name.strip() for name in (fields or "").split(",") if name.strip())
    return Scorer(rule, named, allowed).score, rule, None


def _by_judge(verdict: Callable[..., float]) -> Scoring:
    from breakeven.alignment.scoring import Score

    def scored(task: Any, weak: Any, strong: Any) -> Any:  # noqa: ANN401 - as the protocol says
        ours, theirs = verdict(task, weak), verdict(task, strong)
        return Score(agreed=ours == theirs, weak=ours, strong=theirs)

    return scored


def judge_error_of(verdict: Callable[..., float], labels: Path, weak: Collection[str], strong: Collection[str]) -> JudgeError:
    """How much the difference of two mean scores of this judge may be off (`alignment/judging.py`).

    LABELS is a table with the columns prompt, answer and human (yes or no, or a score from 0 to 1), and best also rung: which rung
    or model gave the answer, one of `weak` or of `strong`.
    """
    import csv

    from breakeven.alignment.judging import judge_error
    from breakeven.alignment.task import Reply, Task

    with labels.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    missing = {"prompt", "answer", "human"} - set(rows[0] if rows else ())
    if missing:
        raise DataError(f"{labels} has no column {', '.join(sorted(missing))}", "Columns: prompt, answer, human; best also rung.")
    people = [_human(row["human"], f"{labels}:{at}") for at, row in enumerate(rows, start=2)]
    errors: dict[str, list[float]] = {"weak": [], "strong": [], "": []}
    for row, human in zip(rows, people, strict=True):
        rung = row.get("rung") or ""
        errors["weak" if rung in weak else "strong" if rung in strong else ""].append(
            verdict(Task(row["prompt"]), Reply(row["answer"])) - human
        )
    return judge_error(errors["weak"], errors["strong"], errors[""])


def _human(text: str, where: str) -> float:
    known = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
    try:
        value = known.get(text.strip().lower())
        value = float(text) if value is None else value
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise DataError(f"{where}: human is {text!r}", "Write yes or no, or a score from 0 to 1.")
    return value


def _money(option: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text.removeprefix("$"))
    except DecimalException:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        raise UsageError(f"{option} {text!r} is no amount", f"Write for example: {option} 5")
    return value


def _share(text: str) -> float:
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise UsageError(f"--shadow {text!r} is no share", "Write 0.1 or 10%.")
    return value


def _tell_plan(tasks: Sequence[tuple[Past, float]], task_class: str, aim: Rung) -> None:
    known = [past.cost for past, _ in tasks if past.cost is not None]
    click.echo(f"{len(tasks):,} tasks of {task_class} would be asked of {aim.name} ({aim.model})")
    if known:
        click.echo(f"  what was answered for ${sum(known):,.4f} before; the cheaper rung should cost less")
    weights = [1 / propensity for _, propensity in tasks]
    if weights:
        click.echo(f"  drawn by cost, weights from {min(weights):.2f} to {max(weights):.2f}")


def _tell(gateway: Gateway, added: int, task_class: str, aim: Rung, *, as_json: bool) -> None:
    from breakeven.economics.money import digits

    if as_json:
        echo_json({
            "class": task_class, "rung": aim.name, "model": aim.model, "replays_added": added, "answered": gateway.answered,
            "cost": digits(gateway.spent), "faults": gateway.faults,
        })  # fmt: skip
    click.echo(f"{added:,} replays of {task_class} on {aim.name} added, for ${gateway.spent:,.4f}", err=True)
    for fault in list(dict.fromkeys(gateway.faults))[:5]:
        click.echo(f"  not answered: {fault}", err=True)
