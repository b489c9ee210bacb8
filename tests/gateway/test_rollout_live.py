"""A rollout through a real gateway and bookkeeper: calls move to the cheaper rung while it agrees, and back when it does not."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from breakeven.alignment.rollout import Plan
from breakeven.cli.main import run
from breakeven.ledger import captures, decisions, open_ledger, rollouts
from breakeven.ledger.layout import Layout
from breakeven.testing import ScriptedUpstream

CONFIG = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1, backoff: 10ms}}}}
features:
  moving:
    owner: ana
    rollouts:
      - {{class: clauses, to: small, model: gpt-4o-mini, shares: [40%, 100%], checks: 10, checked: 99%, margin: 5%}}
"""
PLAN = Plan("moving", "clauses", "small", margin=0.05)
PATIENCE = 15.0


@pytest.fixture
def moving(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, service_type: Any) -> Iterator[Any]:
    """A gateway whose feature moves one class to a small model."""
    service = service_type(tmp_path_factory.mktemp("moving"), vendor, CONFIG)
    yield service
    service.stop()


def wait_until(holds: Callable[[], bool], seconds: float) -> None:
    """Look again and again until something holds, or the time is over."""
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)


def _ask(service: Any, model: str, task_class: str = "clauses") -> str:
    """One call; the rung that answered."""
    headers = {"breakeven-feature": "moving", "breakeven-workflow": task_class, "authorization": "Bearer mine"}
    body = {"model": model, "messages": [{"role": "user", "content": f"Which clause? {uuid.uuid4().hex}"}]}
    answer = httpx.post(f"{service.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["breakeven-rung"])


def _state(service: Any) -> Any:
    standing = rollouts.read(Layout(service.ledger)).get(PLAN.id)
    return None if standing is None else standing.state


def _until(service: Any, model: str, status: str, most: int) -> int:
    """Call until the rollout has this status; how many calls that took."""
    for count in range(1, most + 1):
        _ask(service, model)
        if count % 10 == 0:
            wait_until(lambda: _state(service).status == status, 0.5)
        if _state(service).status == status:
            return count
    wait_until(lambda: _state(service).status == status, PATIENCE)
    assert _state(service).status == status, (_state(service), service.log.read_text())
    return most


def test_a_rollout_widens_by_itself_and_an_injected_drop_takes_it_back(moving: Any) -> None:
    """Two stages of ten agreeing checks each, then answers that disagree: within 60 calls it is rolled back."""
    wait_until(lambda: _state(moving) is not None, PATIENCE)
    assert _state(moving).share(Plan("moving", "clauses", "small", shares=(0.4, 1.0))) == 0.4
    assert _ask(moving, "gpt-4o", "other") == "asked"  # another class stays where it is
    _until(moving, "gpt-4o", "adopted", 200)
    wait_until(lambda: _ask(moving, "gpt-4o") == "small", PATIENCE)
    calls = _until(moving, "gpt-4o-words-3", "rolled back", 60)  # now the small model says something else than the dear one
    assert calls <= 60
    wait_until(lambda: _ask(moving, "gpt-4o") == "asked", PATIENCE)
    assert _ask(moving, "gpt-4o") == "asked"
    log, problems = decisions.read(Layout(moving.ledger))
    steps = [(one.before, one.after) for one in log if one.action == "roll out"]
    assert problems == []
    assert steps == [
        ("not running", "running at 40%"), ("running at 40%", "running at 100%"), ("running at 100%", "adopted at 100%"),
        ("adopted at 100%", "rolled back"),
    ]  # fmt: skip
    with open_ledger(moving.ledger) as ledger:
        told = ledger.query("SELECT DISTINCT rungs_tried, task_class, template IS NOT NULL FROM calls WHERE rung = 'small'")
        checked = ledger.query("SELECT count(*), count(*) FILTER (WHERE agreed) FROM replays WHERE kind = 'check'")[0]
    assert all("rollout of clauses to small" in json.loads(tried)[0][1] for tried, *_ in told)
    assert checked[0] > checked[1] >= 20


BOUND = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1, backoff: 10ms}}}}
features:
  moving:
    owner: ana
    quality_floor: 0.9
    retention: 7d
    capture: {{share: 1}}
    ladder:
      rungs: [{{model: gpt-4o-mini, name: small, parameters: {{temperature: 0}}}}, {{model: asked, name: dear}}]
      start: dear
"""
SYSTEM = "Name the clause."


def _told(service: Any, text: str) -> str:
    """One call with a system prompt; the rung that answered."""
    headers = {"breakeven-feature": "moving", "breakeven-workflow": "clauses", "authorization": "Bearer mine"}
    messages = [{"role": "system", "content": text}, {"role": "user", "content": f"Which clause? {uuid.uuid4().hex}"}]
    body = {"model": "gpt-4o", "messages": messages}
    answer = httpx.post(f"{service.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    return str(answer.headers["breakeven-rung"])


def _after(service: Any) -> list[str]:
    """What the decisions log has of rollouts: what each step led to."""
    return [one.after or "" for one in decisions.read(Layout(service.ledger))[0] if one.action == "roll out"]


@pytest.fixture
def proven(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, service_type: Any) -> Iterator[Any]:
    """A gateway whose class was replayed on its small rung, found to be enough, and accepted."""
    service = service_type(tmp_path_factory.mktemp("bound"), vendor, BOUND)
    where = ["--ledger", str(service.ledger), "--config", str(service.config)]
    for _ in range(160):
        assert _told(service, SYSTEM) == "dear"
    service.calls(160, "feature = 'moving'", PATIENCE)
    wait_until(lambda: len(list(captures.read(Layout(service.ledger), "moving"))) >= 160, PATIENCE)
    assert run(["audit", "run", "clauses", *where, "--feature", "moving", "--to", "small", "--replays", "160"]) == 0
    pace = ["--shares", "99%,100%", "--checks", "10", "--checked", "99%"]
    assert run(["audit", "accept", "clauses", *where, "--feature", "moving", "--period", "all", *pace, "--why", "proven"]) == 0
    assert run(["reload", *where]) == 0
    wait_until(lambda: _told(service, SYSTEM) == "small", PATIENCE)
    yield service
    service.stop()


def test_a_certificate_dies_with_the_prompt_the_parameters_and_the_model_it_was_given_for(proven: Any) -> None:
    """Another prompt stays on the dear rung, and is noted; other parameters of the rung void the rollout; so does a model."""
    where = ["--ledger", str(proven.ledger), "--config", str(proven.config)]
    assert _told(proven, SYSTEM) == "small"
    assert [_told(proven, "Name the clause, and be brief.") for _ in range(8)] == ["dear"] * 8
    wait_until(lambda: any("stays" in after for after in _after(proven)), PATIENCE)
    assert [after.split(", prompt ")[0] for after in _after(proven) if "stays" in after] != []
    text = proven.config.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "class: clauses" not in line and "rollouts:" not in line]
    changes = [("temperature: 0", "temperature: 1"), ("model: gpt-4o-mini, name: small", "model: gpt-4.1, name: small")]
    for number, (before, now) in enumerate(changes, start=1):
        proven.config.write_text(text.replace(before, now), encoding="utf-8")
        assert run(["reload", *where]) == 0
        wait_until(lambda count=number: _after(proven).count("void") == count, PATIENCE)  # type: ignore[misc]
        assert _after(proven).count("void") == number
        assert [_told(proven, SYSTEM) for _ in range(8)] == ["dear"] * 8
        proven.config.write_text(text, encoding="utf-8")  # what has ended does not begin again by itself
        assert run(["reload", *where]) == 0
        wait_until(lambda: _told(proven, SYSTEM) == "dear", PATIENCE)  # gateways read the standings once a second
        assert [_told(proven, SYSTEM) for _ in range(8)] == ["dear"] * 8
        proven.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        wait_until(lambda count=number: _after(proven).count("not declared") == count, PATIENCE)  # type: ignore[misc]
        proven.config.write_text(text, encoding="utf-8")  # taken out and declared anew, it begins anew
        assert run(["reload", *where]) == 0
        wait_until(lambda: _told(proven, SYSTEM) == "small", PATIENCE)
        assert _told(proven, SYSTEM) == "small"


CASCADE = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1, backoff: 10ms}}}}
features:
  moving:
    owner: ana
    rollouts:
      - {{class: clauses, to: small, model: gpt-4o-mini, agree: mid, agree_model: gpt-4.1, shares: [100%], checks: 10,
         checked: 99%}}
"""


def test_a_cascade_is_rolled_out_where_two_cheap_rungs_agree_and_the_dear_one_answers_where_not(
    tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, service_type: Any
) -> None:
    """The small rung's answer stands where the second says the same; else the dear one's, and the ledger says what was tried."""
    service = service_type(tmp_path_factory.mktemp("cascade"), vendor, CASCADE)
    try:
        wait_until(lambda: _ask(service, "gpt-4o") == "small", PATIENCE)
        assert [_ask(service, "gpt-4o") for _ in range(4)] == ["small"] * 4
        httpx.post(f"{vendor.url}/scripted/worse", json={"model": "gpt-4.1"})
        assert [_ask(service, "gpt-4o") for _ in range(4)] == ["asked"] * 4
    finally:
        httpx.request("DELETE", f"{vendor.url}/scripted/worse", json={"model": "gpt-4.1"})
        service.stop()
    with open_ledger(service.ledger) as ledger:
        tried = ledger.query("SELECT DISTINCT rungs_tried FROM calls WHERE rung = 'asked' AND rungs_tried IS NOT NULL")
        asked = ledger.query("SELECT count(*) FROM calls WHERE model = 'gpt-4.1'")[0][0]
    assert any("not the same" in row[0] for row in tried)
    assert asked >= 8


ROUTED = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1, backoff: 10ms}}}}
features:
  moving: {{owner: ana, quality_floor: 0.9, retention: 7d, capture: {{share: 1}}}}
"""
EASY, HARD = ("colour", "greeting", "weekday", "season"), ("contract", "indemnity", "liability", "waiver")


def _truth(body: bytes) -> str | None:
    """The small model is wrong wherever a hard word stands."""
    return "something else" if b"gpt-4o-mini" in body and any(word.encode() in body for word in HARD) else "the answer"


def _worded(service: Any, words: Sequence[str], chance: random.Random) -> str:
    headers = {"breakeven-feature": "moving", "breakeven-workflow": "clauses", "authorization": "Bearer mine"}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": " ".join(chance.choices(words, k=8))}]}
    answer = httpx.post(f"{service.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
    return str(answer.headers.get("breakeven-rung", ""))


def test_a_route_is_learned_from_the_ledger_weighed_accepted_and_judges_each_call(
    tmp_path_factory: pytest.TempPathFactory, service_type: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the small rung fails on half of a class, `audit route` finds which; accepted, easy calls move and hard ones stay."""
    chance = random.Random(3)
    with ScriptedUpstream(truth=_truth) as vendor:
        service = service_type(tmp_path_factory.mktemp("routed"), vendor, ROUTED)
        where = ["--ledger", str(service.ledger), "--config", str(service.config)]
        try:
            for number in range(500):
                _worded(service, HARD if number % 2 else EASY, chance)
            service.calls(500, "feature = 'moving'", PATIENCE)
            wait_until(lambda: len(list(captures.read(Layout(service.ledger), "moving"))) >= 500, PATIENCE)
            aim = ["--feature", "moving", "--to", "small"]
            assert run(["audit", "run", "clauses", *where, *aim, "--model", "gpt-4o-mini", "--replays", "500"]) == 0
            capsys.readouterr()
            assert run(["audit", "route", *where, *aim, "--json"]) == 0
            learned = json.loads(capsys.readouterr().out)
            assert learned["judged_by"] > 200
            assert 0.4 * learned["judged_by"] <= learned["sent"] <= 0.65 * learned["judged_by"]
            assert run(["audit", *where, "--period", "all", "--json"]) == 0
            report = json.loads(capsys.readouterr().out)
            verdicts = {one["rung"]: one["verdict"] for one in report["findings"][0]["rungs"]}
            assert verdicts == {"small": "not enough", "route to small": "enough"}
            assert [one["policy"] for one in report["policies"] if one["chosen"]] == ["all on route to small"]
            pace = ["--shares", "100%", "--checks", "10", "--checked", "50%", "--why", "proven"]
            assert run(["audit", "accept", *where, "--feature", "moving", "--period", "all", *pace]) == 0
            assert run(["reload", *where]) == 0
            wait_until(lambda: _worded(service, EASY, chance) == "small", PATIENCE)
            assert [_worded(service, EASY, chance) for _ in range(6)] == ["small"] * 6
            # what may be lost, a tenth of all answers, is a fifth of the hard ones: so many may be sent, and no more are expected
            assert [_worded(service, HARD, chance) for _ in range(20)].count("asked") >= 10
            file = next(service.config.parent.glob("moving-small-*.route.json"))
            file.write_bytes(file.read_bytes().replace(b"contract", b"kontract"))
            capsys.readouterr()
            assert run(["reload", *where]) != 0  # the file's name says what was proven
            assert "was changed since it was proven" in capsys.readouterr().err
        finally:
            service.stop()


JUDGED = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1, backoff: 10ms}}}}
features:
  moving:
    owner: ana
    rollouts:
      - {{class: clauses, to: small, model: gpt-4o-mini, judge: gpt-4.1, criterion: it names a clause, shares: [100%], checks: 10,
         checked: 99%}}
"""


def _says(body: bytes) -> str | None:
    """The two models say the same in other words, and the judge passes both."""
    if b"Judge an answer" in body:
        return "PASS: it names one" if b"it names a clause" in body else "FAIL: no criterion"
    return "clause nine" if b"gpt-4o-mini" in body else "it is the ninth clause"


def test_what_a_judge_has_proven_is_checked_by_the_judge(tmp_path_factory: pytest.TempPathFactory, service_type: Any) -> None:
    """Answers in other words are no loss where a judge compares them: the rollout is adopted, each check scored by the judge."""
    with ScriptedUpstream(truth=_says) as vendor:
        service = service_type(tmp_path_factory.mktemp("judged"), vendor, JUDGED)
        try:
            wait_until(lambda: _ask(service, "gpt-4o") == "small", PATIENCE)
            _until(service, "gpt-4o", "adopted", 200)
        finally:
            service.stop()
    with open_ledger(service.ledger) as ledger:
        told = ledger.query("SELECT DISTINCT scored_by, agreed, score_weak, score_strong FROM replays WHERE kind = 'check'")
    assert [(row[0], row[1], float(row[2]), float(row[3])) for row in told] == [("judge:gpt-4.1", True, 1.0, 1.0)]
