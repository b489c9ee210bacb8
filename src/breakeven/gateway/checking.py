"""Whether a rung's answer stands: pure checks at once, then functions, a second rung and a judge, in sequence or side by side."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from breakeven.alignment.checks import AgreementCheck, Checks, FunctionCheck, JudgeCheck
from breakeven.alignment.task import Declined, Reply, Task
from breakeven.gateway.asides import Aside
from breakeven.gateway.dialects import hints_of
from breakeven.gateway.replies import Said
from breakeven.gateway.wire.messages import Request

if TYPE_CHECKING:
    from breakeven.gateway.application import Application
    from breakeven.gateway.call import Call
    from breakeven.gateway.climbing import Climb

Then = Callable[[str | None], None]
Step = Callable[[Then], None]
_VERDICT_TOKENS = 1_024


class Checking:
    """The checks of one answer. `without_models`: what a handler says is checked by what costs nothing."""

    __slots__ = ("_application", "_call", "_checks", "_climb", "_left", "_reply", "_steps", "_task", "_then")

    def __init__(
        self,
        climb: Climb,
        application: Application,
        call: Call,
        checks: Checks,
        task: Task,
        reply: Reply,
        *,
        without_models: bool = False,
    ) -> None:
        self._climb = climb
        self._application = application
        self._call = call
        self._checks = checks
        self._task = task
        self._reply = reply
        self._then: Then | None = None
        self._left = 0
        self._steps: list[Step] = [partial(self._function, each) for each in checks.functions]
        if not without_models:
            if checks.agreement is not None and checks.agreement.rung != climb.rung.name:
                self._steps.append(partial(self._agreement, checks.agreement))
            if checks.judge is not None:
                self._steps.append(partial(self._judge, checks.judge))

    def begin(self, then: Then) -> None:
        """Tell `then`, once, why the answer does not stand, or None."""
        why = self._checks.fault(self._task, self._reply)
        if why is not None or not self._steps:
            then(why)
            return
        self._then = then
        self._left = len(self._steps)
        if self._checks.order == "parallel":
            for step in self._steps:
                step(self._one_of_many)
        else:
            self._steps.pop(0)(self._one_after_another)

    def _one_after_another(self, why: str | None) -> None:
        if why is None and self._steps:
            self._steps.pop(0)(self._one_after_another)
        else:
            self._end(why)

    def _one_of_many(self, why: str | None) -> None:
        self._left -= 1
        if why is not None or not self._left:
            self._end(why)

    def _end(self, why: str | None) -> None:
        then, self._then = self._then, None
        if then is not None:
            then(why)

    # --- what takes more than the answer ------------------------------------------------------------------------------------------

    def _function(self, check: FunctionCheck, then: Then) -> None:
        handling = self._application.handling
        if handling is None:
            then(f"{check.function}: no check functions run here")
        else:
            told = partial(_led_by, check.function, then)
            handling.host.check(check.function, self._task, self._reply, check.seconds, told)

    def _agreement(self, check: AgreementCheck, then: Then) -> None:
        move = self._climb.move
        second = None if move is None else move.second
        rung = second if second is not None and second.name == check.rung else self._climb.rungs.by_name[check.rung]
        heard = partial(self._compared, check, then)
        if rung.kind == "handler" and rung.handler is not None:
            self._asked_handler(rung.handler, rung.timeout or 0.0, heard)
            return
        targets = self._climb.rungs.targets(self._call, self._climb.asked, rung)
        if isinstance(targets, str):
            heard(None, targets)
            return
        request, hints = self._call.request, self._call.hints
        Aside(self._call, self._application, targets, request, hints, rung.name, rung.timeout or 0.0, heard).ask()

    def _asked_handler(self, name: str, seconds: float, heard: Callable[[Said | None, str], None]) -> None:
        def told(answer: Reply | Declined) -> None:
            if isinstance(answer, Declined):
                heard(None, answer.why)
            else:
                heard(Said(answer.text, complete=True), "")

        handling = self._application.handling
        if handling is None:
            heard(None, "no handlers run here")
        else:
            handling.host.ask(name, self._task, seconds, told)

    def _compared(self, check: AgreementCheck, then: Then, heard: Said | None, why: str) -> None:
        if heard is None or not heard.complete:
            then(f"{check.kind}: {check.rung} gives no answer to compare ({why or 'it is not complete'})")
        else:
            _led_by(check.kind, then, check.differ(self._reply, Reply(heard.text)))

    def _judge(self, check: JudgeCheck, then: Then) -> None:
        call, climb = self._call, self._climb
        targets = climb.rungs.judge_targets(call, climb.asked, check.model)
        if isinstance(targets, str):
            then(f"{check.kind}: {targets}")
            return
        body = judging(climb.api, targets[0].rename or check.model, check.prompt(self._task, self._reply))
        request = Request(call.request.head, body, self._application.loop.time())
        rung = f"judge:{check.model}"
        heard = partial(self._verdict, check, then)
        Aside(call, self._application, targets, request, hints_of(body), rung, check.seconds, heard).ask()

    def _verdict(self, check: JudgeCheck, then: Then, heard: Said | None, why: str) -> None:
        if heard is None:
            then(f"{check.kind}: {why}")
        else:
            _led_by(check.kind, then, check.verdict(heard.text))


def _led_by(kind: str, then: Then, why: str | None) -> None:
    """Pass a reason on, led by the kind of the check."""
    then(None if why is None else f"{kind}: {why}")


def judging(api: str, model: str, prompt: str) -> bytes:
    """The request that asks a judge, in the API that was called."""
    if api == "openai_responses":
        return msgspec.json.encode({"model": model, "input": prompt, "max_output_tokens": _VERDICT_TOKENS})
    messages = [{"role": "user", "content": prompt}]
    longest = "max_tokens" if api == "anthropic" else "max_completion_tokens"
    return msgspec.json.encode({"model": model, "messages": messages, longest: _VERDICT_TOKENS})
