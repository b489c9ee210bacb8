"""A call on its feature's ladder: cache, handlers, then models, until an answer stands.

A capability that declines costs the caller nothing but its time; a model whose answer does not stand costs what it costs, and is an
attempt of the call like a retry. The attempt that answers carries what was tried before and why it did not stand, and what the
declared baseline would have cost for the same tokens.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from breakeven.alignment.caching import key_of, objection, template_of
from breakeven.alignment.checks import Checks
from breakeven.alignment.task import Declined, Reply, Task
from breakeven.gateway.asides import Aside
from breakeven.gateway.attribution import Refusal
from breakeven.gateway.caches import Entry
from breakeven.gateway.caches.boundary import boundary_of
from breakeven.gateway.checking import Checking
from breakeven.gateway.facts import money
from breakeven.gateway.flights import Claim, Flight
from breakeven.gateway.handling import draw
from breakeven.gateway.refusals import NOT_AGAIN
from breakeven.gateway.replies import EVENT_STREAM, Said, said, written
from breakeven.gateway.rolling import Move, moved
from breakeven.gateway.rollingchecks import ask_dear
from breakeven.gateway.settled import baseline_cost, unbilled_headers, unbilled_row, usage_of
from breakeven.gateway.tasks import ANSWERABLE, request_of, task_of
from breakeven.gateway.translating import caller_api
from breakeven.settings.ladders import ASKED, CACHE, Rung

if TYPE_CHECKING:
    from collections.abc import Callable

    from breakeven.gateway.application import Application
    from breakeven.gateway.attempt import Attempt
    from breakeven.gateway.call import Call
    from breakeven.gateway.facts import AttemptRow
    from breakeven.gateway.rungs import Rungs
    from breakeven.gateway.targets import Target
    from breakeven.providers.reading import Reading

HEADER, TASK_CLASS = b"breakeven-ladder", b"breakeven-task-class"
WHOLE = "ladder"
"""In `rungs_tried`: what holds for the call as a whole, not for a rung."""
_AS_ASKED = Rung(ASKED, "model", ASKED)
_LONGEST_CLASS = 256
_OK, _REFUSED, _NO_ROOM = 200, 400, 402


class Climb:
    """Where one call stands on its ladder."""

    __slots__ = (
        "_application", "_at", "_beside", "_call", "_ended", "_key", "_model_said", "_path", "_reading", "_request",
        "api", "asked", "flight", "move", "rung", "rungs", "task", "task_class", "template", "tried",
    )  # fmt: skip

    def __init__(self, call: Call, rungs: Rungs, application: Application) -> None:
        self._call = call
        self.rungs = rungs
        self._application = application
        self._at = -1
        self._path: list[Rung] = []
        self._key: bytes | None = None
        self._reading: Reading | None = None
        self._ended = False
        self.move: Move | None = None
        self._beside: dict[str, Reply | None] = {}
        self._model_said: Reply | None = None
        self.asked: tuple[Target, ...] = call.targets
        self.api = caller_api(self.asked[0])
        self.flight: Flight | None = None
        self.rung = rungs.last
        self.tried: list[tuple[str, str]] = []
        head = call.request.head
        named = head.by_name.get(TASK_CLASS)
        self.task_class = None if named is None else named.decode("latin-1").strip()[:_LONGEST_CLASS] or None
        self._request = request_of(call.request.body) or {}
        self.template = template_of(self._request)
        self.task: Task | None = task_of(self.api, self._request, call.attribution)

    # --- the way up ---------------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin with the first capability that this call may be answered by."""
        self._path = self._way()
        self._next()

    def _way(self) -> list[Rung]:
        ladder, call = self.rungs.ladder, self._call
        named = call.request.head.by_name.get(HEADER) if ladder.header else None
        if named is not None:
            wish = named.decode("latin-1").strip()
            if wish.lower() == "off":
                self.tried.append((WHOLE, "off by its header"))
                return [_AS_ASKED]
            if wish in self.rungs.by_name:
                self.tried.append((WHOLE, f"from {wish} on, by its header"))
                return self.rungs.path(wish)
            self.tried.append((WHOLE, f"its header names {wish[:40]!r}, which is no rung"))
        if call.caller.key is not None and call.caller.key.name in ladder.keys:
            self.tried.append((WHOLE, "its key is held at the last rung"))
            return [self.rungs.last]
        if ladder.control and draw(call.id) < ladder.control:
            self.tried.append((WHOLE, "control"))
            return [self.rungs.last]
        return self._rolled_out()

    def _rolled_out(self) -> list[Rung]:
        """The usual way; of a class that is moved, its share begins at the cheaper rung, and no other call gets it."""
        usual, why = self.rungs.usual(self.task)
        way, self.move, told = moved(self._call, self.rungs, self._application.rolling, usual, self)
        self.tried += [(WHOLE, each) for each in (why, *told) if each]
        return way

    def _check(self, answer: Reply) -> None:
        """Ask the dear rung besides what the cheaper one has answered, and write down whether they say the same."""
        move = self.move
        if move is None or not move.due or move.rung is not self._path[self._at]:
            return
        move.due = False
        dear = next(each for each in self._path[self._at + 1 :] if each.kind == "model")
        found = self.rungs.targets(self._call, self.asked, dear)
        if not isinstance(found, str) and self._forbidden(found) is None:
            ask_dear(self._call, self._application, self, move, dear, found, answer)

    def _next(self) -> None:
        """Ask the next capability."""
        if self._call.gone:
            return
        self._at += 1
        rung = self._path[self._at]
        if rung.kind == "cache":
            self._look_up()
        elif rung.kind == "handler":
            self._ask(rung)
        else:
            self._enter()

    def _enter(self) -> None:
        """Begin with the first model that may serve the call."""
        found = self._serving()
        if isinstance(found, Refusal):
            self._call.turned_away(found)
        else:
            self._call.enter(found, self._until())

    def again(self, kind: str, why: str, *, billed: bool) -> bool:
        """Whether the call goes on with a dearer model, because of a check, a vendor or a deadline."""
        ladder, call = self.rungs.ladder, self._call
        allowed = kind in ladder.climb or (kind == "check" and self._must_agree)
        if call.gone or call.answered or self._at + 1 >= len(self._path) or not allowed:
            return False
        place, failed = self._at, self.rung
        self.tried.append((failed.name, why))
        self._at += 1
        now = self._application.loop.time()
        if ladder.deadline and "deadline" in ladder.climb and now - call.started >= ladder.deadline:
            self._at = len(self._path) - 1
        found = self._serving()
        if isinstance(found, Refusal) or not call.rise(found, self._until(), billed=billed):
            self._at, self.rung, call.rung = place, failed, failed.name
            return False
        return True

    def _serving(self) -> tuple[Target, ...] | Refusal:
        """The targets of the rung that is next, passing over those that may not serve the call; the refusal of the last one.

        Where not even the last one can serve the API that was called, the call goes where it would go without a ladder.
        """
        call = self._call
        while True:
            rung = self._path[self._at]
            found = self.rungs.targets(call, self.asked, rung)
            refusal = None if isinstance(found, str) else self._forbidden(found)
            able = call.carry(found) if not isinstance(found, str) and refusal is None else refusal
            if isinstance(able, tuple):
                self.rung, call.rung = rung, rung.name
                return able
            why = able.message if able is not None else str(found)
            self.tried.append((rung.name, why))
            if self._at + 1 >= len(self._path):
                if refusal is not None:
                    return refusal
                self.rung, call.rung = _AS_ASKED, ASKED
                return call.carry(self.asked)
            self._at += 1

    def _forbidden(self, targets: tuple[Target, ...]) -> Refusal | None:
        """Why key or policies do not allow these targets."""
        call, key = self._call, self._call.caller.key
        if targets is self.asked:
            return None  # looked at already
        model = targets[0].rename or targets[0].model_in_url or call.hints.model
        if key is not None and not key.allows_model(model):
            return Refusal(403, "model_not_allowed", f"The key {key.name} may not be used for the model {model}.")
        judge = self._application.judge
        before, call.targets = call.targets, targets
        refusal = None if judge is None else judge.judge(call)
        call.targets = before
        return refusal

    def _until(self) -> float:
        """By when the present rung must have answered; 0 where only the provider's own limits hold."""
        if self._at + 1 >= len(self._path) or "deadline" not in self.rungs.ladder.climb:
            return 0.0
        ladder, rung = self.rungs.ladder, self.rung
        ends = [self._application.loop.time() + rung.timeout] if rung.timeout else []
        if ladder.deadline:
            ends.append(self._call.started + ladder.deadline)
        return min(ends, default=0.0)

    def lower(self) -> tuple[Target, ...] | None:
        """The next cheaper model, for a call whose budget runs low; the present one stays above it."""
        below = self.rungs.below(self.rung)
        if below is None or self.rung is _AS_ASKED:
            return None
        found = self.rungs.targets(self._call, self.asked, below)
        if isinstance(found, str) or self._forbidden(found) is not None:
            return None
        able = self._call.carry(found)
        if isinstance(able, Refusal):
            return None
        self.tried.append((WHOLE, "one rung down, because its budget runs low"))
        self._path.insert(self._at, below)
        self.rung, self._call.rung = below, below.name
        return able

    def no_room(self, why: str) -> Refusal:
        """What the caller is told where an answer did not stand and its limits have no room for a dearer one."""
        rest = self._path[self._at + 1 :]
        above = rest[0].name if rest else "a dearer rung"
        message = f"The answer of {self.rung.name} did not stand ({why}), and this call's limits have no room for {above}."
        return Refusal(_NO_ROOM, "ladder_out_of_budget", message, headers=(NOT_AGAIN,))

    # --- the cache ----------------------------------------------------------------------------------------------------------------

    def _look_up(self) -> None:
        call, rules, store = self._call, self.rungs.ladder.cache, self._application.cache
        boundary = boundary_of(call.attribution, rules.per)
        why = "no store is open" if store is None else objection(self._request, call.request.body, rules, boundary)
        if why is None and not self._request:
            why = "the request is no JSON object"
        if why is not None or store is None:
            self._pass(CACHE, why or "")
            return
        form = "stream" if call.hints.stream else "whole"
        usage = "usage" if call.hints.wants_usage else ""
        feature, asked = call.attribution.feature, self.asked[0]
        address = (
            asked.path.decode("latin-1") if asked.model_in_url else None
        )  # the body need not name the model then, nor the form
        key = self._key = key_of(self._request, asked.vendor, self.api, address, form, usage, feature, *boundary)
        flights = self._application.flights
        if flights.joins(key, self):
            return
        store.find(feature or "", key, partial(self._looked_up, key))

    def _looked_up(self, key: bytes, entry: Entry | None) -> None:
        if self._call.gone:
            return
        if entry is not None:
            self.replay(entry)
        elif not self._application.flights.joins(key, self):
            self.lead()

    def lead(self) -> None:
        """Ask on behalf of everybody who asks the same meanwhile, in this worker and in others."""
        application, store = self._application, self._application.cache
        if self._key is not None and store is not None and not self._call.gone:
            space = self._call.attribution.feature or ""
            self.flight = application.flights.begin(self, Claim(store, space, self._key), application.loop)
            self.flight.claim()

    def proceed(self, why: str) -> None:
        """Go on without the cache."""
        self._pass(CACHE, why)

    def shared(self, entry: Entry) -> None:
        """Another worker has asked: this call and those that wait for it have its answer."""
        self._share(entry, keep=False)
        self.replay(entry)

    def replay(self, entry: Entry) -> None:
        """Answer with what was answered before."""
        call = self._call
        if call.gone:
            return
        baseline = self.rungs.baseline(call, self.asked)
        cost = None if baseline is None else baseline_cost(call, baseline, dict(entry.usage))
        row = unbilled_row(call, self._application, CACHE, entry.model)
        self._remember(row, cost)
        pairs = [(b"content-type", entry.content_type), *unbilled_headers(CACHE, entry.model)]
        self._application.recorder.settle(row, partial(call.reply, pairs, entry.body))
        self._application.metrics.add("rung_answers", 1, (("rung", CACHE),))

    def _pass(self, name: str, why: str) -> None:
        self.tried.append((name, why))
        self._next()

    # --- handlers -----------------------------------------------------------------------------------------------------------------

    def _ask(self, rung: Rung) -> None:
        handling, task, name = self._application.handling, self.task, rung.handler
        if handling is None or name is None:
            self._pass(rung.name, "no handlers run here")
            return
        if task is None or self._request.get("n", 1) not in (None, 1):
            self._pass(rung.name, "the API that was called has no such answer")
            return
        part, why = handling.part(name, self._call.id)
        seconds = rung.timeout or handling.seconds(name)
        if part == "none":
            self._pass(rung.name, why)
        elif part == "shadow":
            self._beside[name] = None
            handling.host.ask(name, task, seconds, partial(self._compare_beside, name))
            self._pass(rung.name, f"{why}; it answers beside the model")
        else:
            handling.host.ask(name, task, seconds, partial(self._handled, rung, task, part == "answer and check"))

    def _compare_beside(self, name: str, answer: Reply | Declined) -> None:
        """A handler in the shadow has answered: compare, now or when the model has."""
        if isinstance(answer, Declined):
            self._beside.pop(name, None)
        elif self._model_said is not None and self._application.handling is not None:
            self._beside.pop(name, None)
            self._application.handling.compare(name, answer, self._model_said)
        else:
            self._beside[name] = answer

    def _model_answered(self, text: str) -> None:
        self._model_said = Reply(text)
        for name, answer in list(self._beside.items()):
            if answer is not None:
                self._compare_beside(name, answer)

    def _handled(self, rung: Rung, task: Task, compared: bool, answer: Reply | Declined) -> None:  # noqa: FBT001 - it is bound before
        if isinstance(answer, Declined):
            self._pass(rung.name, answer.why)
        elif rung.checked and self.rungs.has_checks:
            checks = self.rungs.ladder.checks
            Checking(self, self._application, self._call, checks, task, answer, without_models=True).begin(
                partial(self._judged, rung, compared, answer)
            )
        else:
            self._judged(rung, compared, answer, None)

    def _judged(self, rung: Rung, compared: bool, answer: Reply, why: str | None) -> None:  # noqa: FBT001 - it is bound before
        call = self._call
        if call.gone:
            return
        if why is not None:
            self._pass(rung.name, why)
            return
        api, model = self.api, call.hints.model or ""
        made = written(
            api, answer.text, model, call.id, call.started_ns // 1_000_000_000, streamed=call.hints.stream,
            usage=call.hints.wants_usage,
        )  # fmt: skip
        row = unbilled_row(call, self._application, rung.name, model)
        row.output_characters = len(answer.text)
        self._remember(row, None)
        pairs = [(b"content-type", made.content_type), *unbilled_headers(rung.name, "")]
        self._application.recorder.settle(row, partial(self._handed_over, pairs, made.body, rung.name))
        if compared:
            self._compare_afterwards(rung, answer)
        self._check(answer)

    def _compare_afterwards(self, rung: Rung, answer: Reply) -> None:
        """Ask the last rung besides, whatever it costs, and compare."""
        call, last = self._call, self.rungs.last
        found = self.rungs.targets(call, self.asked, last)
        handling = self._application.handling
        if isinstance(found, str) or self._forbidden(found) is not None or handling is None or rung.handler is None:
            return
        name = rung.handler

        def heard(said_by_model: Said | None, why: str) -> None:
            del why
            if said_by_model is not None and said_by_model.complete and not said_by_model.more:
                handling.compare(name, answer, Reply(said_by_model.text))

        Aside(call, self._application, found, call.request, call.hints, last.name, 0.0, heard).ask_apart()

    def _handed_over(self, pairs: list[tuple[bytes, bytes]], body: bytes, name: str) -> None:
        self._application.metrics.add("rung_answers", 1, (("rung", name),))
        self._share(Entry(pairs[0][1], body, self._call.hints.model or "", name, "", ()), keep=False)
        self._call.reply(pairs, body)

    # --- models -------------------------------------------------------------------------------------------------------------------

    @property
    def keeps_copy(self) -> bool:
        """Whether what flows to the caller may be kept."""
        return self.flight is not None or bool(self._beside) or (self.move is not None and self.move.due)

    def holds(self, attempt: Attempt) -> bool:
        """Whether the present rung's answer is held: an error may be climbed over, and an answer may have to be checked."""
        if self._at + 1 >= len(self._path) or attempt.target.api not in ANSWERABLE:
            return False
        if attempt.status >= _REFUSED:
            return "vendor" in self.rungs.ladder.climb
        return self._must_agree or (self.rung.checked and self.rungs.has_checks)

    @property
    def _must_agree(self) -> bool:
        """Whether the present rung is the first of a cascade that the call was moved to."""
        return self.move is not None and self.move.second is not None and self.move.rung is self.rung

    def judge(self, attempt: Attempt, content: bytes, then: Callable[[str | None], None]) -> None:
        """Whether a held answer stands."""
        if attempt.status >= _REFUSED or self.task is None:
            then(None)
            return
        heard = said(self.api, content, streamed=attempt.streamed)
        if heard is None or not heard.complete:
            then("the answer cannot be read" if heard is None else "the answer is not complete")
        elif heard.more:
            then(None)  # a call of a tool: the checks are about texts
        else:
            own = self.rungs.ladder.checks if self.rung.checked and self.rungs.has_checks else Checks()
            checks = self.move.checks(own) if self.move is not None and self._must_agree else own
            Checking(self, self._application, self._call, checks, self.task, Reply(heard.text)).begin(then)

    def mark(self, row: AttemptRow, attempt: Attempt, reading: Reading) -> None:
        """Say in the fact of an attempt which rung it was; in that of the last one, what was tried before, and the baseline."""
        row.task_class, row.template = self.task_class, self.template
        if row.status == "ok":
            self._reading = reading
            self._remember(row, self._baseline(attempt, reading))
            self._application.metrics.add("rung_answers", 1, (("rung", self.rung.name),))
        elif self._call.gone or not self._call.continues:
            self._remember(row, None)

    def _baseline(self, attempt: Attempt, reading: Reading) -> int | None:
        """What the baseline would have cost for the tokens of an attempt; its own cost where it is the baseline."""
        found, mine = self.rungs.baseline(self._call, self.asked), attempt.target
        if found is None:
            return None
        target, model = found
        asked = mine.rename or mine.model_in_url or self._call.hints.model
        if (target.vendor, target.context, model) == (mine.vendor, mine.context, asked) and not mine.parameters:
            return attempt.cost
        return baseline_cost(self._call, found, usage_of(reading))

    def _remember(self, row: AttemptRow, cost: int | None) -> None:
        row.task_class, row.template = self.task_class, self.template
        row.rungs_tried = msgspec.json.encode(self.tried).decode()
        row.baseline_cost = None if cost is None else money(cost)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """What the answer of a model says about the ladder."""
        return [(b"breakeven-rung", self.rung.name.encode("latin-1", "replace"))]

    # --- afterwards ---------------------------------------------------------------------------------------------------------------

    def stood(self, attempt: Attempt, content: bytes) -> None:
        """The caller has a model's answer: keep it, and give it to those who asked the same meanwhile."""
        if not self.keeps_copy or attempt.status != _OK or self._call.gone:
            return
        reading, api = self._reading, self.api
        if api in ANSWERABLE:
            heard = said(api, content, streamed=attempt.streamed)
            if heard is None or not heard.complete:
                return
            if not heard.more:
                self._model_answered(heard.text)
                self._check(Reply(heard.text))
        usage = {} if reading is None else usage_of(reading)
        kind = attempt.by_name.get(b"content-type", EVENT_STREAM)
        model = reading.model if reading is not None else ""
        self._share(Entry(kind, content, model, self.rung.name, attempt.target.vendor, tuple(usage.items())), keep=True)

    def _share(self, entry: Entry, *, keep: bool) -> None:
        flight, self.flight = self.flight, None
        if flight is None:
            return
        if keep and len(entry.body) <= (rules := self.rungs.ladder.cache).largest:
            flight.claimed.keep(entry, rules.ttl, rules.size)
        else:
            flight.claimed.release()
        self._application.flights.land(flight, entry)

    def ended(self) -> None:
        """The call is over: whoever waits for its answer must not wait any longer."""
        if self._ended:
            return
        self._ended = True
        self._application.flights.leave(self)
        flight, self.flight = self.flight, None
        if flight is not None:
            self._application.flights.give_up(flight, gone=self._call.gone)
