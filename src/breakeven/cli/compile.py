"""`breakeven compile`: take repeatable work off the model, by rules learned from past requests and answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import thread_time_ns
from typing import TYPE_CHECKING, Any

import click

from breakeven.cli.context import echo_json, ledger_options
from breakeven.cli.examples import answer_fields, file_bytes, read_examples
from breakeven.cli.passages import passages
from breakeven.errors import Unreachable, UsageError

if TYPE_CHECKING:
    from breakeven.alignment.compiled.handler import Handler
    from breakeven.alignment.compiled.replay import Past, Replay
    from breakeven.alignment.compiled.shape import TaskShape


def _floor_options(command: Any) -> Any:  # noqa: ANN401 - a decorator of click commands
    """Add what learning promises."""
    from breakeven.alignment.compiled.certificate import AIM, FLOOR

    share = click.FloatRange(0, 1, min_open=True, max_open=True)
    floor_help = "Quality floor per field: the share of answered fields that must agree, with 95% confidence."
    command = click.option("--floor", type=share, default=FLOOR, show_default=True, help=floor_help)(command)
    aim_help = "Share of answered fields that must have agreed in the record itself."
    return click.option("--aim", type=share, default=AIM, show_default=True, help=aim_help)(command)


def _example_options(command: Any) -> Any:  # noqa: ANN401 - a decorator of click commands
    """Add where the examples are and where their parts stand."""
    fields_help = "Fields of the answer to learn, separated by commas. Default: all that every example has."
    command = click.option("--fields", "fields_text", default="", metavar="A,B,...", help=fields_help)(command)
    output_help = "Field with the past answer: an object of fields, or one value. Dots reach into objects."
    command = click.option("--output", "output", default="", metavar="FIELD", help=output_help)(command)
    input_help = "Field with the input: a text, a list of lines with boxes, or the name of a PDF file. Dots reach into objects."
    command = click.option("--input", "input_", default="", metavar="FIELD", help=input_help)(command)
    workflow_help = "With --from-captures: only requests of this workflow."
    command = click.option("--workflow", metavar="NAME", help=workflow_help)(command)
    until_help = "With --from-captures: only requests before this day."
    command = click.option("--until", metavar="DATE", help=until_help)(command)
    since_help = "With --from-captures: only requests from this day on."
    command = click.option("--since", metavar="DATE", help=since_help)(command)
    captures_help = "Take the kept requests and answers of this feature instead of a file."
    command = click.option("--from-captures", "captured", metavar="FEATURE", help=captures_help)(command)
    return ledger_options(click.argument("file", type=click.Path(path_type=Path), required=False)(command))


@dataclass(frozen=True, slots=True)
class _Given:
    """The options that say where examples come from."""

    file: Path | None
    input_: str
    output: str
    fields_text: str
    captured: str | None
    since: str | None
    until: str | None
    workflow: str | None
    ledger_path: Path | None
    config: Path | None

    def read(self) -> tuple[list[Past], list[str], TaskShape | None]:
        """The examples, the fields to learn, and the task's shape where whole requests were given. Raises UsageError."""
        if (self.file is None) == (self.captured is None):
            raise UsageError("give a FILE of examples, or --from-captures FEATURE", "One of the two, and not both.")
        if self.captured is not None:
            return self._from_captures(self.captured)
        if self.file is None or not (self.input_ and self.output):
            raise UsageError(
                "it is not said where input and answer stand in the file", "Name their fields: --input FIELD --output FIELD."
            )
        past = read_examples(self.file, self.input_, self.output)
        return past, answer_fields(past, self.fields_text), None

    def _from_captures(self, feature: str) -> tuple[list[Past], list[str], TaskShape]:
        from breakeven.cli.captured import as_past, read_captured, told
        from breakeven.cli.context import load

        if self.input_ or self.output or self.fields_text:
            raise UsageError(
                "--input, --output and --fields are for files",
                "Of kept requests the whole answer is learned: a caller expects all of it.",
            )
        _, ledger = load(self.config, self.ledger_path)
        shaped = read_captured(ledger, feature, self.since, self.until, self.workflow)
        for line in told(shaped):
            click.echo(line, err=True)
        return as_past(shaped), list(shaped.shape.fields), shaped.shape


@click.group("compile")
def compile_() -> None:
    """Handlers compiled from past answers: rules as readable data, no code, which decline what they are not sure of."""


@compile_.command()
@_example_options
@click.option("-o", "--out", "target", type=click.Path(path_type=Path), required=True, help="Where the handler is written.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws which examples try which rules.")
@_floor_options
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON document.")
def learn(target: Path, seed: int, floor: float, aim: float, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - the options of _Given
    """Learn a handler from examples and write it as readable JSON.

    They come from FILE (JSONL, .gz, or Parquet), or from requests and answers that were kept with a feature's consent
    (--from-captures): then the task's shape is found as well, so that the handler can answer requests as they come.
    """
    from random import Random

    from breakeven.alignment.compiled.learning import Learner

    past, fields, shape = _Given(**given).read()
    learner = Learner(fields, floor, aim, Random(seed))  # noqa: S311 - draws folds, guards nothing
    for one in reversed(past):  # past the most that are tried, examples are only counted: the newest are tried
        learner.learn(one.read(), one.truth, one.name)
    handler, content = learner.write(shape)
    try:
        target.write_bytes(content)
    except OSError as error:
        raise Unreachable(f"{target} cannot be written: {error.strerror}", "Give another file with -o.") from None
    within = handler.certificate.within(handler.limit)
    tried = len(learner.tried)
    summary = {
        "examples": len(past),
        "fields": list(handler.fields),
        "tried": tried,
        "answered": within.tries,
        "agreement": within.right / within.tries if within.tries else None,
        "answers_up_to": handler.limit,
    }
    if as_json:
        echo_json(summary)
    elif handler.limit:
        click.echo(f"Written to {target}. Of {tried:,} examples, each tried with rules it had no part in, it would have")
        click.echo(f"answered {within.tries:,}, and {within.right:,} of those as the past answer says.")
        click.echo(f"Read it with: breakeven compile show {target}")
    else:
        click.echo(f"Written to {target}, but it declines everything: {tried:,} examples do not show that the floor is kept.")


@compile_.command()
@_example_options
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the order in which the examples arrive.")
@click.option(
    "--learn-online", is_flag=True, help="Begin with nothing and learn from each example after it was answered or declined."
)
@click.option("--handler", "handler_file", type=click.Path(path_type=Path), help="Replay through this handler; learn nothing.")
@_floor_options
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON document.")
@click.option("--details", type=click.Path(path_type=Path), help="Also write every outcome to this file, one JSON object a line.")
def replay(  # noqa: PLR0917 - one argument per option
    seed: int,
    learn_online: bool,
    handler_file: Path | None,
    floor: float,
    aim: float,
    as_json: bool,
    details: Path | None,
    **given: Any,  # noqa: ANN401 - the options of _Given
) -> None:
    """Measure coverage and agreement on the examples in FILE, or on kept requests and answers (--from-captures).

    With --learn-online the examples arrive in a seeded random order and each is learned after it was answered. With --handler a
    finished handler answers them all. With neither, a handler is learned from a random half and answers the other half.
    """
    from breakeven.alignment.compiled.replay import replay_halves, replay_handler, replay_stream

    if learn_online and handler_file is not None:
        raise UsageError(
            "--learn-online and --handler exclude each other", "A finished handler learns nothing: give one of the two."
        )
    past, fields, _ = _Given(**given).read()
    if handler_file is not None:
        result = replay_handler(past, _load(handler_file), thread_time_ns)
    else:
        run = replay_stream if learn_online else replay_halves
        result = run(past, fields, thread_time_ns, seed, floor, aim)
    if details is not None:
        _write_details(details, result)
    if as_json:
        echo_json(result.figures())
    else:
        _draw(result)


@compile_.command()
@click.argument("handler_file", metavar="HANDLER", type=click.Path(path_type=Path))
@click.option("--field", "only", default="", help="Only this field.")
@click.option(
    "--rules", "count", type=click.IntRange(min=1), default=15, show_default=True, help="How many rules to show per field."
)
@click.option("--all", "all_", is_flag=True, help="Every rule.")
@click.option("--json", "as_json", is_flag=True, help="The handler file as it is.")
def show(handler_file: Path, only: str, count: int, all_: bool, as_json: bool) -> None:
    """Explain a handler: what it promises, and every rule in words with the examples behind it."""
    from breakeven.alignment.compiled.explaining import explain
    from breakeven.alignment.compiled.handler_file import read_file

    content = file_bytes(handler_file)
    file = read_file(content, str(handler_file))
    if only and only not in file.fields:
        raise UsageError(f"{handler_file} has no field {only!r}", f"Its fields are: {', '.join(file.fields)}.")
    if as_json:
        click.echo(content)
        return
    for line in explain(file, only, None if all_ else count):
        click.echo(line)


def _load(file: Path) -> Handler:
    """The handler in a file."""
    from breakeven.alignment.compiled.handler_file import from_file, read_file

    return from_file(read_file(file_bytes(file), str(file)))


def _write_details(target: Path, result: Replay) -> None:
    """Every outcome as one JSON object a line: name, whether answered, the answers, and which fields were right."""
    import msgspec

    lines = b"".join(msgspec.json.encode(outcome) + b"\n" for outcome in result.outcomes)
    try:
        target.write_bytes(lines)
    except OSError as error:
        raise Unreachable(f"{target} cannot be written: {error.strerror}", "Give another file with --details.") from None


def _draw(result: Replay) -> None:
    """The figures for people."""
    figures = result.figures()
    click.echo(f"{figures['answered']:,} of {figures['examples']:,} examples answered without a model ({figures['coverage']:.1%})")
    if figures["answered"]:
        click.echo(f"fields as in the past answer   {figures['field_agreement']:.2%}")
        bound = f"at least {figures['agreement_lower_bound']:.2%} with 95% confidence"
        click.echo(f"whole answers as in the past   {figures['agreement']:.2%}, {bound}")
    click.echo(f"CPU time per example           {figures['microseconds_per_example']:,.0f} µs")


compile_.add_command(passages)
