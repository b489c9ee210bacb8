"""The command `breakeven`: which commands there are, and how faults become exit codes.

Commands are loaded only when they are called, so that `breakeven --help` answers at once.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from breakeven import __version__
from breakeven.errors import BreakevenError, DataError, PolicyFailed, Unreachable, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Entry(NamedTuple):
    """Where a command lives, and the one line that `--help` shows without loading it."""

    target: str
    summary: str


COMMANDS: dict[str, Entry] = {
    "demo": Entry("breakeven.cli.demo:demo", "Build the invented sample company and print what its AI features earn and cost."),
    "start": Entry("breakeven.cli.start:start", "Set up a project: a breakeven.yaml for what you have, and what to do next."),
    "doctor": Entry("breakeven.cli.doctor:doctor", "Check the wiring, and say how to mend what is wrong."),
    "serve": Entry("breakeven.cli.serve:serve", "Meter live traffic: the gateway and the bookkeeper, from one command."),
    "tail": Entry("breakeven.cli.tail:tail", "Watch live calls arrive, with what each one cost."),
    "import": Entry("breakeven.cli.imports:import_", "Bring in calls, vendor responses, logs, outcomes, revenue or customers."),
    "export": Entry("breakeven.cli.export:export", "Write the ledger for other tools: FOCUS, CSV, Parquet, OpenTelemetry."),
    "pnl": Entry("breakeven.cli.reports:pnl", "What each feature earns, costs and keeps."),
    "units": Entry("breakeven.cli.units:units", "What one outcome, success, call, user or customer costs, and what failure costs."),
    "customers": Entry("breakeven.cli.reports:customers", "What each customer pays, costs to serve and keeps."),
    "scaling": Entry("breakeven.cli.scaling:scaling", "How cost grows with adoption, and at which adoption a feature breaks even."),
    "engagement": Entry("breakeven.cli.scaling:engagement", "Deciles of engagement, concentration, and who is served at a loss."),
    "cohorts": Entry(
        "breakeven.cli.scaling:cohorts", "Customers by signup month: margin, cost per user and tokens per task by age."
    ),
    "portfolio": Entry("breakeven.cli.scaling:portfolio", "Adoption against margin of all features, and what to do first."),
    "calls": Entry("breakeven.cli.reports:calls", "List calls, dearest first, by a query such as feature:x cost>0.50."),
    "why": Entry("breakeven.cli.why:why", "Why cost or margin moved, driver by driver; or the receipt of one call."),
    "trace": Entry("breakeven.cli.reports:trace", "All calls of one trace, with cumulative cost and what bought nothing."),
    "forecast": Entry(
        "breakeven.cli.forecast:forecast", "What a period will cost and earn, with intervals, and when a limit is reached."
    ),
    "scenario": Entry("breakeven.cli.scenario:scenario", "Margin as prices, tokens and volume move, and whether waiting helps."),
    "watch": Entry("breakeven.cli.watch:watch", "What is unusual in cost, tokens, cache and errors, and what caused it."),
    "audit": Entry("breakeven.cli.auditing:audit", "Which task classes are bought above need, by what proof, and what that costs."),
    "unpriced": Entry("breakeven.cli.reports:unpriced", "What has no price or no usage yet, why, and what to do about it."),
    "query": Entry("breakeven.cli.query:query", "Ask the ledger in SQL of your own, read-only."),
    "statusline": Entry("breakeven.cli.statusline:statusline", "One line for a prompt or an editor."),
    "rate": Entry("breakeven.cli.rate:rate", "Price vendor response bodies or streams exactly, without a ledger."),
    "keys": Entry("breakeven.cli.keys:keys", "Virtual keys: create, list, rotate, revoke."),
    "reload": Entry("breakeven.cli.serve:reload", "Let the running gateway take up a changed configuration."),
    "prices": Entry("breakeven.cli.prices:prices", "List, show, compare and add dated prices; restate the ledger."),
    "reconcile": Entry(
        "breakeven.cli.reconcile:reconcile", "Hold an invoice against what was metered; name and post each difference."
    ),
    "close": Entry("breakeven.cli.close:close", "Lock a month with its prices, and sign off its statement."),
    "check": Entry("breakeven.cli.check:check", "For pull requests: price a change, and fail where it would break a charter."),
    "budget": Entry("breakeven.cli.budget:budget", "Budgets: how they stand, when they run out, what happens then."),
    "policy": Entry("breakeven.cli.policy:policy", "Policies: list, explain, try on the past; check that charters hold together."),
    "decisions": Entry("breakeven.cli.decisions:decisions", "Who decided what, when, why and from where: append-only."),
    "access": Entry("breakeven.cli.access:access", "Roles and tokens: who may change what."),
    "owner": Entry("breakeven.cli.owner:owner", "Costs that nobody owns, who owns what, and the share of cost with an owner."),
    "alerts": Entry("breakeven.cli.alerts:alerts", "What is crossed, what would be told now, and whether a sink works."),
    "ladder": Entry("breakeven.cli.ladder:ladder", "Which rung answered, what that cost, what was saved against the baseline."),
    "compile": Entry(
        "breakeven.cli.compile:compile_", "Learn, replay and explain handlers that answer repeatable tasks without a model."
    ),
    "cache": Entry("breakeven.cli.cache:cache", "What vendors' prompt caches save, measured, and what they could save."),
    "captures": Entry("breakeven.cli.captures:captures", "Kept requests and answers: list, show, purge; off by default."),
    "handlers": Entry(
        "breakeven.cli.handlers:handlers", "What answers without a model, how it stands, and what it says to a prompt."
    ),
    "cascade": Entry("breakeven.cli.cascade:cascade", "Whether two cheap models that agree may stand in for a strong one."),
    "route": Entry("breakeven.cli.route:route", "Train, certify, evaluate and explain routes between a weak and a strong rung."),
    "report": Entry("breakeven.cli.report:report", "A report to send: the board's two pages, the finance or the engineering pack."),
    "ledger": Entry("breakeven.cli.ledger:ledger", "Verify, rebuild, seal, describe or move the ledger."),
}
EXIT_CODES: tuple[tuple[type[BreakevenError], int], ...] = (
    (PolicyFailed, 1),
    (UsageError, 2),
    (DataError, 3),
    (Unreachable, 4),
)
DATA_PROBLEM = 3
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order a newcomer needs them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="breakeven")
@click.pass_context
def cli(context: click.Context) -> None:
    """AI unit economics: what each AI feature costs, what it earns, and where it breaks even.

    Without a command: today's answer. Data goes to stdout, prose to stderr. Exit codes: 0 fine, 1 a policy or check failed,
    2 usage, 3 data problem, 4 unreachable.
    """
    if context.invoked_subcommand is None:
        from breakeven.cli.reports import today

        today.main(args=[], prog_name="breakeven", standalone_mode=False)  # parses, so that environment variables count


def exit_code(error: BreakevenError) -> int:
    """The exit code of the contract for one failed operation."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), DATA_PROBLEM)


def explain(error: BreakevenError) -> None:
    """Print what happened and what to do next, to stderr."""
    click.echo(f"breakeven: {error.what}", err=True)
    for problem in getattr(error, "problems", ()):
        click.echo(f"  {problem}", err=True)
    if error.remedy:
        click.echo(f"  {error.remedy}", err=True)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; no fault shows a traceback unless BREAKEVEN_DEBUG is set."""
    try:
        result = cli.main(args=None if arguments is None else list(arguments), prog_name="breakeven", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("breakeven: interrupted; what was acknowledged is kept", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except BreakevenError as error:
        explain(error)
        return exit_code(error)
    except Exception as error:
        if os.environ.get("BREAKEVEN_DEBUG"):
            raise
        click.echo(f"breakeven: internal fault: {type(error).__name__}: {error}", err=True)
        click.echo("  Nothing acknowledged was lost. Set BREAKEVEN_DEBUG=1 to see where, and report it with that output.", err=True)
        return DATA_PROBLEM
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of the installed command."""
    sys.exit(run())
