"""`breakeven audit`: which capability is enough for which task class, with the proof; and what is done about it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.context import echo_json, ledger_options, load, open_facts
from breakeven.cli.reports import _output, _period, now, output_options, period_option
from breakeven.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from breakeven.reports.audit import Audit, Finding

DATA_PROBLEM = 3
_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)


def audit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what an audit may be asked."""
    command = click.option(
        "--alpha",
        type=_SHARE,
        default=0.05,
        show_default=True,
        help="The error budget: the share of verdicts that may be wrong.",
    )(command)
    command = click.option(
        "--margin", metavar="SHARE", help="How much quality may be lost. Default: 1 − the feature's quality_floor, else 0.02."
    )(command)
    return click.option("--feature", metavar="NAME", help="Only the classes of this feature.")(command)


@click.group(invoke_without_command=True)
@period_option
@audit_options
@output_options
@ledger_options
@click.pass_context
def audit(context: click.Context, /, **options: Any) -> None:  # noqa: ANN401 - options of click
    """Where more capability is paid for than the task needs: enough, not enough, or too little evidence, per task class.

    A verdict is a proof on replays: past tasks answered again on a cheaper rung. It holds however often one looks, and all classes
    share one error budget. What is paid above need is a range, a month.
    """
    if context.invoked_subcommand is None:
        _show(**options)


@audit.command("list")
@period_option
@audit_options
@output_options
@ledger_options
def list_(**options: Any) -> None:  # noqa: ANN401 - options of click
    """The findings, the most money first; the same as without a word."""
    _show(**options)


@audit.command()
@click.argument("task_class", metavar="CLASS")
@period_option
@audit_options
@click.option("--json", "as_json", is_flag=True, help="JSON: money as strings of exact digits, null where unknown.")
@ledger_options
def show(*, task_class: str, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - options of click
    """One task class: what each rung has shown, what it would be worth, and what would overturn the verdict."""
    from breakeven.cli.draw_audit import draw_finding

    found = finding_of(audited(**options), task_class, options["feature"])
    if as_json:
        echo_json(found)
    else:
        draw_finding(found)


@audit.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--class", "class_column", metavar="COLUMN", help="The column that says the task class.")
@click.option("--weak", metavar="COLUMN", help="The cheaper rung's score: from 0 to 1, or yes and no.")
@click.option("--strong", metavar="COLUMN", help="The stronger rung's score on the same task.")
@click.option("--agreed", metavar="COLUMN", help="Instead of scores: whether the two answers say the same.")
@click.option("--id", "id_column", metavar="COLUMN", help="What tells tasks apart. Default: their content.")
@click.option("--task", "task_column", metavar="COLUMN", help="Which task it is, where several rungs answered the same ones.")
@click.option("--cost", metavar="COLUMN", help="What the cheaper rung's answer cost.")
@click.option("--feature", metavar="NAME", help="The feature whose tasks they are.")
@click.option("--from", "from_rung", metavar="RUNG", help="The stronger rung. Default: strong.")
@click.option("--to", "to_rung", metavar="RUNG", help="The cheaper rung. Default: weak.")
@click.option("--model", metavar="MODEL", help="The cheaper rung's model.")
@click.option("--map", "maps", multiple=True, metavar="FIELD=COLUMN", help="Take any other field of a replay from this column.")
@click.option("--dry-run", is_flag=True, help="Show the plan and what would be added; write nothing.")
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON document.")
@ledger_options
def import_(  # noqa: PLR0913 - one argument per option
    *,
    files: tuple[Path, ...],
    class_column: str | None,
    weak: str | None,
    strong: str | None,
    agreed: str | None,
    id_column: str | None,
    task_column: str | None,
    cost: str | None,
    maps: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    ledger_path: Path | None,
    config: Path | None,
    **said: str | None,
) -> int:
    """Bring in replays made elsewhere: any pair of rungs or models, with both scores or whether they agreed.

    FILE is CSV, JSON, JSONL or Parquet, one task a row. What is imported twice counts once.
    """
    from breakeven.cli.imports import import_ as general

    columns = {
        "task_class": class_column, "score_weak": weak, "score_strong": strong, "agreed": agreed,
        "identity": id_column, "task_ref": task_column, "cost": cost,
    }  # fmt: skip
    constants = {"feature": said["feature"], "from_rung": said["from_rung"], "to_rung": said["to_rung"], "to_model": said["model"]}
    if (weak is None) != (strong is None):
        raise UsageError("a difference needs both scores", "Name both: --weak COLUMN --strong COLUMN.")
    arguments = ["replays", *map(str, files)]
    arguments += [f"--map={name}={column}" for name, column in columns.items() if column is not None]
    arguments += [f"--map={text}" for text in maps]
    arguments += [f"--set={name}={value}" for name, value in constants.items() if value is not None]
    arguments += ["--dry-run"] * dry_run + ["--json"] * as_json
    arguments += [] if ledger_path is None else [f"--ledger={ledger_path}"]
    arguments += [] if config is None else [f"--config={config}"]
    return int(general.main(args=arguments, prog_name="breakeven audit import", standalone_mode=False) or 0)


def _show(*, as_json: bool, as_csv: bool, **options: Any) -> None:  # noqa: ANN401 - options of click
    from breakeven.cli.draw_audit import draw_audit

    found = audited(**options)
    _output(found, as_json=as_json, as_csv=as_csv, rows=[_flat(one) for one in found.findings], drawn=draw_audit)


def _flat(finding: Finding) -> dict[str, Any]:
    """One line of CSV: the class without the evidence of its single rungs, the two ends of the range apart."""
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(finding)
    low, high = plain.pop("excess_per_month")
    del plain["rungs"], plain["calls_by_rung"]
    return {**plain, "excess_per_month_low": low, "excess_per_month_high": high}


def audited(
    *,
    ledger_path: Path | None,
    config: Path | None,
    period: str | None = None,
    feature: str | None = None,
    margin: str | None = None,
    alpha: float = 0.05,
) -> Audit:
    """The audit as it stands, with what was decided on its classes."""
    from breakeven.ledger import decisions, routecandidates, taskclasses
    from breakeven.ledger import rollouts as standings
    from breakeven.ledger.store import locate
    from breakeven.reports.audit import audit as report
    from breakeven.reports.auditstates import states

    settings, path = load(config, ledger_path)
    with open_facts(path, settings) as ledger:
        asked, layout = _period(ledger, period), locate(path)
        decided = states(settings, {name: one.state for name, one in standings.read(layout).items()}, decisions.read(layout)[0])
        return report(
            ledger,
            settings,
            asked,
            now(),
            feature=feature,
            margin=margin_share(margin),
            alpha=alpha,
            names=taskclasses.read(layout),
            states=decided,
            routes=routecandidates.read(layout),
        )


def margin_share(text: str | None) -> Decimal | None:
    """A margin as it is written: 0.02 or 2%. Raises UsageError."""
    if text is None:
        return None
    try:
        value = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ArithmeticError:
        value = Decimal(-1)
    if not 0 < value < 1:
        raise UsageError(f"--margin {text!r} is no share", "Write 0.02 or 2%.")
    return value


def finding_of(audited: Audit, task_class: str, feature: str | None) -> Finding:
    """The finding on one class; see `reports/auditproposal.py`."""
    from breakeven.reports.auditproposal import finding_of as found

    return found(audited, task_class, feature)
