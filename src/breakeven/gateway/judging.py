"""What the policies say to a live call: pass, pass with a warning, or refused with the reason and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from breakeven.gateway.attribution import Refusal, with_tag
from breakeven.gateway.dimensions import POLICY
from breakeven.gateway.refusals import NOT_AGAIN
from breakeven.gateway.settlement import whole_second
from breakeven.governance.policy import CallFacts, PolicyBook, Verdict

if TYPE_CHECKING:
    from breakeven.gateway.call import Call
    from breakeven.gateway.estimating import Estimator

_FORBIDDEN = 403


class Judge:
    """The policies of one configuration. What a call can cost is asked for only where a policy looks at it."""

    def __init__(self, book: PolicyBook, estimator: Estimator) -> None:
        self._book = book
        self._estimator = estimator
        self._reads_cost = any("worst_cost_atto" in each.rule.reads(each.terms) for each in book.policies)

    def judge(self, call: Call) -> Refusal | None:
        """The refusal of a call that a policy forbids. One that it warns of goes on, with the policy's name as a tag."""
        verdict = self._book.verdict(self._facts(call))
        if verdict is None:
            return None
        if verdict.action == "refuse":
            return _refusal(verdict)
        call.attribution = with_tag(call.attribution, POLICY, verdict.policy)
        return None

    def _facts(self, call: Call) -> CallFacts:
        target, who, key = call.targets[0], call.attribution, call.caller.key
        cost = None
        if self._reads_cost:
            at = whole_second(call.started_ns // 1_000_000_000)
            cost = self._estimator.bound(target, call.hints, call.request.body, at).cost
        return CallFacts(
            who.feature,
            who.team,
            who.customer,
            who.user_id,
            None if key is None else key.name,
            who.workflow,
            who.environment,
            target.vendor,
            target.rename or target.model_in_url or call.hints.model,
            call.hints.most_output,
            cost,
        )


def _refusal(verdict: Verdict) -> Refusal:
    asked = f" Owner: {verdict.owner}." if verdict.owner else ""
    message = f"Policy {verdict.policy} refuses this call: {verdict.reason} {verdict.remedy}{asked}"
    place = verdict.place.rpartition("/")[2] or None
    more: dict[str, Any] = {"policy": verdict.policy, "owner": verdict.owner, "declared_at": place}
    return Refusal(_FORBIDDEN, "policy_refused", message, more, (NOT_AGAIN,))
