"""The checks of rollouts: the dear rung is asked what a cheaper one has answered, off the caller's path, and both are compared.

They are compared as the replays were on which the rollout rests: by the same rule, or by the same judge, who sees both answers.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from breakeven.alignment.checks.judge import CRITERION, JudgeCheck
from breakeven.alignment.scoring import RULES, Score, Scorer
from breakeven.alignment.task import Reply, Task
from breakeven.gateway.asides import Aside
from breakeven.gateway.checking import judging
from breakeven.gateway.dialects import hints_of
from breakeven.gateway.facts import named_id
from breakeven.gateway.wire.messages import Request

if TYPE_CHECKING:
    from breakeven.alignment.rollout import Plan
    from breakeven.gateway.application import Application
    from breakeven.gateway.call import Call
    from breakeven.gateway.climbing import Climb
    from breakeven.gateway.replies import Said
    from breakeven.gateway.rolling import Move
    from breakeven.gateway.targets import Target
    from breakeven.settings.ladders import Rung

Then = Callable[[Score], None]


def ask_dear(  # noqa: PLR0917 - what one check is made of
    call: Call,
    application: Application,
    climb: Climb,
    move: Move,
    dear: Rung,
    targets: tuple[Target, ...],
    answer: Reply,
) -> None:
    """Ask the dear rung, compare, and write down what came of it. Where anybody does not answer, it is no check."""
    plan, rung = move.plan, move.rung

    def written(score: Score) -> None:
        at = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
        application.metrics.add("rollout_checks", 1, (("rung", rung.name), ("agreed", "yes" if score.agreed else "no")))
        line = check_line(call, plan, rung, dear, at, score=score, template=climb.template)
        application.recorder.keep(line, 1, lambda _kept: None)

    def heard(said: Said | None, why: str) -> None:
        del why
        if said is None or not said.complete or said.more or climb.task is None:
            return
        if plan.judge is not None:
            _judged(call, application, climb, plan, [answer, Reply(said.text)], written)
        else:
            written(_rule(plan).score(climb.task, answer, Reply(said.text)))

    Aside(call, application, targets, call.request, call.hints, dear.name, 0.0, heard).ask_apart()


def _rule(plan: Plan) -> Scorer:
    rule = next((each for each in RULES if each == plan.scorer), RULES[0])
    return Scorer(rule, plan.fields, Decimal(str(plan.tolerance)))


def _judged(call: Call, application: Application, climb: Climb, plan: Plan, answers: list[Reply], then: Then) -> None:
    """Let the judge look at one answer after the other."""
    check = JudgeCheck(plan.judge or "", plan.criterion or CRITERION)
    passed: list[bool] = []

    def heard(said: Said | None, why: str) -> None:
        del why
        if said is None or not said.complete:
            return
        passed.append(check.verdict(said.text) is None)
        if len(passed) < len(answers):
            ask(climb.task, answers[len(passed)])
        else:
            then(Score(passed[0] == passed[1], float(passed[0]), float(passed[1])))

    def ask(task: Task | None, answer: Reply) -> None:
        targets = climb.rungs.judge_targets(call, climb.asked, check.model)
        if isinstance(targets, str) or task is None:
            return
        body = judging(climb.api, targets[0].rename or check.model, check.prompt(task, answer))
        request = Request(call.request.head, body, application.loop.time())
        Aside(call, application, targets, request, hints_of(body), f"judge:{check.model}", check.seconds, heard).ask_apart()

    ask(climb.task, answers[0])


def check_line(call: Call, plan: Plan, rung: Rung, dear: Rung, recorded_at: str, *, score: Score, template: str | None) -> bytes:
    """The fact of one check: what the caller's answer, of the cheaper rung, is worth against the dear one's.

    A check of a cascade or a route says nothing of the rung as such: it only ever sees calls that were chosen.
    """
    row = {
        "fact": "replays",
        "replay_id": named_id(f"check:{call.id}:{plan.id}"),
        "recorded_at": recorded_at,
        "occurred_at": recorded_at,
        "feature": plan.feature,
        "task_class": plan.task_class,
        "call_id": call.id,
        "from_rung": dear.name,
        "from_model": dear.model,
        "to_rung": plan.to,
        "to_model": rung.model or rung.handler,
        "agreed": score.agreed,
        **({} if score.weak is None else {"score_weak": f"{score.weak:.6f}", "score_strong": f"{score.strong or 0.0:.6f}"}),
        "scored_by": f"judge:{plan.judge}" if plan.judge is not None else plan.scorer,
        "kind": "check" if plan.agree is None and plan.route is None else "policy check",
        "template": template,
        "source": "gateway:check",
    }
    return msgspec.json.encode(row) + b"\n"
