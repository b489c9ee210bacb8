"""`audit run` through a real gateway: kept tasks are asked again on a cheaper model, scored, kept as evidence."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from breakeven.cli.main import run
from breakeven.ledger import captures, open_ledger
from breakeven.ledger.layout import Layout
from breakeven.testing import ScriptedUpstream

CONFIG = """
providers:
  openai: {{base_url: "{vendor}/v1", api_key_env: VENDOR_KEY, retries: {{attempts: 1, backoff: 10ms}}}}
features:
  contracts:
    owner: ana
    quality_floor: 0.95
    retention: 7d
    capture: {{share: 1}}
  letters: {{owner: ana, retention: 7d, capture: {{share: 1}}}}
"""
TASKS = 24
PATIENCE = 15.0


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, vendor: ScriptedUpstream, service_type: Any) -> Iterator[Any]:
    """A gateway that has met tasks of one class, whose bodies it keeps."""
    service = service_type(tmp_path_factory.mktemp("kept"), vendor, CONFIG)
    for number in range(TASKS):
        _ask(service, "x" * (20 + 400 * (number % 5)))
    _wait_for(service, "contracts", TASKS)
    yield service
    service.stop()


def _ask(service: Any, text: str) -> None:
    headers = {"breakeven-feature": "contracts", "breakeven-workflow": "clauses", "authorization": "Bearer mine"}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"{text} {uuid.uuid4().hex}"}]}
    assert httpx.post(f"{service.url}/v1/chat/completions", json=body, headers=headers, timeout=30).status_code == 200


def _wait_for(service: Any, feature: str, count: int) -> None:
    """Until so many calls of a feature are kept, and in the ledger."""
    _until(lambda: len(list(captures.read(Layout(service.ledger), feature))) == count)
    service.calls(count, f"feature = '{feature}'", PATIENCE)


def _until(holds: Any) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def _run(service: Any, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    where = ["--ledger", str(service.ledger), "--config", str(service.config), "--feature", "contracts", "--json"]
    assert run(["audit", "run", "clauses", *where, *more]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_past_tasks_are_replayed_scored_and_kept(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten of the kept tasks go to a model that agrees, dear ones more often; none is replayed twice."""
    done = _run(kept, capsys, "--to", "small", "--model", "gpt-4o-mini", "--replays", "10")
    assert (done["replays_added"], done["answered"], done["faults"]) == (10, 10, [])
    assert float(done["cost"]) > 0
    tasks = len(list(captures.read(Layout(kept.ledger), "contracts")))  # other tests add live calls, and one is purged
    _run(kept, capsys, "--to", "small", "--model", "gpt-4o-mini", "--replays", "100")
    with open_ledger(kept.ledger) as ledger:
        rows = ledger.query("SELECT agreed, cost > 0, from_model, to_model, kind, propensity FROM replays WHERE to_rung = 'small'")
        counted = ledger.query("SELECT count(*), count(DISTINCT call_id) FROM replays WHERE to_rung = 'small'")[0]
    assert {row[:5] for row in rows} == {(True, True, "gpt-4o", "gpt-4o-mini", "audit")}
    assert counted[0] == counted[1] == tasks >= TASKS - 1
    assert len({row[5] for row in rows}) > 1
    where = ["--ledger", str(kept.ledger), "--config", str(kept.config), "--period", "all", "--json"]
    capsys.readouterr()
    assert run(["audit", "--feature", "contracts", *where]) == 0
    (found,) = json.loads(capsys.readouterr().out)["findings"]
    small = next(rung for rung in found["rungs"] if rung["rung"] == "small")
    assert (found["class"], small["replays"], small["agreed"]) == ("clauses", counted[0], counted[0])


def test_a_worse_model_is_found_to_be_worse(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that says something else agrees on nothing, whichever scorer is asked."""
    for scorer in ("exact", "json"):
        _run(kept, capsys, "--to", f"worse-{scorer}", "--model", "gpt-4o-mini-words-3", "--replays", "5", "--scorer", scorer)
        with open_ledger(kept.ledger) as ledger:
            told = ledger.query("SELECT DISTINCT agreed, scored_by FROM replays WHERE to_rung = $rung", {"rung": f"worse-{scorer}"})
        assert told == [(False, scorer)]


def test_both_answers_are_kept_under_the_same_consent(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """An audit's answers lie beside the calls that they answer again: shown in pairs, and gone when the call is purged."""
    layout = Layout(kept.ledger)
    live = {each.call_id: each for each in captures.read(layout, "contracts")}
    _run(kept, capsys, "--to", "beside", "--model", "gpt-4o-mini-words-4", "--replays", "3")
    again = [each for each in captures.read(layout, "contracts", replays=True) if each.rung == "beside"]
    assert len(again) == 3
    assert all((live[one.call_id].customer, live[one.call_id].keep_until) == (one.customer, one.keep_until) for one in again)
    where = ["--ledger", str(kept.ledger), "--config", str(kept.config)]
    capsys.readouterr()
    assert run(["audit", "replays", "clauses", "--limit", "1000", "--json", *where]) == 0
    found = json.loads(capsys.readouterr().out)
    pairs = [pair for pair in found["pairs"] if pair["to_rung"] == "beside"]
    assert {pair["call_id"] for pair in pairs} == {one.call_id for one in again}
    assert all(not pair["agreed"] and pair["before"] != pair["again"] and pair["asked"] for pair in pairs)
    assert [pair["agreed"] for pair in found["pairs"]] == sorted(pair["agreed"] for pair in found["pairs"])
    gone = again[0].call_id
    assert run(["captures", "purge", "contracts", "--call", gone, "--why", "asked", "--yes", *where]) == 0
    assert gone not in {each.call_id for each in captures.read(layout, "contracts", replays=None)}
    capsys.readouterr()
    assert run(["audit", "replays", "clauses", "--limit", "1000", "--json", *where]) == 0
    assert gone not in {pair["call_id"] for pair in json.loads(capsys.readouterr().out)["pairs"]}


def test_the_gateway_keeps_no_body_of_an_audits_calls(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """What an audit asks again is not captured a second time as if it were live: no customer's purge would find it there."""
    before = len(list(captures.read(Layout(kept.ledger), "contracts")))
    _run(kept, capsys, "--to", "unseen", "--model", "gpt-4o-mini", "--replays", "3")
    time.sleep(1)  # the gateway keeps bodies a moment after it has answered
    assert len(list(captures.read(Layout(kept.ledger), "contracts"))) == before


def test_the_budget_ends_a_run(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is asked that would pass the budget: with room for about three answers, the run stops there."""
    _run(kept, capsys, "--to", "priced", "--model", "gpt-4.1", "--replays", "100")
    with open_ledger(kept.ledger) as ledger:
        each = ledger.query("SELECT max(cost) FROM replays WHERE to_rung = 'priced'")[0][0]
    done = _run(kept, capsys, "--to", "limited", "--model", "gpt-4.1", "--replays", "20", "--budget", str(3 * each))
    assert 1 <= done["replays_added"] < 20, done
    assert float(done["cost"]) <= float(4 * each)


def test_a_users_own_scorer_counts(
    kept: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`function:MODULE:NAME` is given prompt and both answers; what it says is the cheaper rung's score."""
    (tmp_path / "myscorer.py").write_text("def half(prompt, weak, strong):\n    return 0.5\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    _run(kept, capsys, "--to", "mine", "--model", "gpt-4o-mini", "--replays", "4", "--scorer", "function:myscorer:half")
    with open_ledger(kept.ledger) as ledger:
        told = ledger.query("SELECT DISTINCT agreed, score_weak, score_strong FROM replays WHERE to_rung = 'mine'")
    assert [tuple(map(float, row)) for row in told] == [(0.0, 0.5, 1.0)]


def test_a_judge_is_believed_no_further_than_people_agree_with_it(
    kept: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The judge's error against people goes into every replay it scores, and without labels it is not asked."""
    labels = tmp_path / "labels.csv"
    rows = "".join(f"What is {number}?,{number},{'no' if number % 2 else 'yes'}\n" for number in range(20))
    labels.write_text(f"prompt,answer,human\n{rows}", encoding="utf-8")
    where = ["audit", "run", "clauses", "--ledger", str(kept.ledger), "--config", str(kept.config), "--feature", "contracts"]
    aim = ["--to", "judged", "--model", "gpt-4o-mini", "--replays", "3", "--judge", "gpt-4o"]
    assert run([*where, *aim]) == 2
    _run(kept, capsys, *aim, "--labels", str(labels))
    told_by_rung = tmp_path / "by_rung.csv"
    each = "".join(
        f"What is {number}?,{number},yes,{rung}\n" for number in range(60) for rung in ("judged-too", "gpt-4o")
    )  # the judge fails all of either, so that it is off on both alike
    told_by_rung.write_text(f"prompt,answer,human,rung\n{each}", encoding="utf-8")
    again = ["--to", "judged-too", "--model", "gpt-4o-mini", "--replays", "3", "--judge", "gpt-4o", "--labels", str(told_by_rung)]
    assert run([*where, *again]) == 0
    assert "measured on labelled answers of either rung" in capsys.readouterr().err
    with open_ledger(kept.ledger) as ledger:
        told = ledger.query("SELECT DISTINCT scored_by, judge_error FROM replays WHERE to_rung = 'judged'")
    assert told[0][0] == "judge:gpt-4o"
    with open_ledger(kept.ledger) as ledger:
        alike = ledger.query("SELECT DISTINCT judge_error FROM replays WHERE to_rung = 'judged-too'")
    assert float(alike[0][0]) < 0.5
    assert float(told[0][1]) > 0.5  # the scripted vendor never says PASS: it is wrong about half of the people's labels


def test_live_calls_are_replayed_in_the_shadow(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """With --shadow the calls that arrive meanwhile are replayed, off the caller's path."""

    def call() -> None:
        for _ in range(6):
            time.sleep(0.2)
            _ask(kept, "live")

    before = len(list(captures.read(Layout(kept.ledger), "contracts")))
    caller = threading.Thread(target=call)
    caller.start()
    done = _run(
        kept, capsys, "--to", "shadowed", "--model", "gpt-4o-mini", "--shadow", "100%", "--replays", "3", "--minutes", "0.4"
    )
    caller.join()
    assert done["replays_added"] == 3
    _until(lambda: len(list(captures.read(Layout(kept.ledger), "contracts"))) == before + 6)
    with open_ledger(kept.ledger) as ledger:
        assert ledger.query("SELECT DISTINCT kind FROM replays WHERE to_rung = 'shadowed'") == [("shadow",)]


def test_what_cannot_be_done_is_explained(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """No kept body, no model, no gateway, an unknown scorer: each with a remedy and its exit code."""
    where = ["--ledger", str(kept.ledger), "--config", str(kept.config), "--feature", "contracts"]
    assert run(["audit", "run", "nothing", "--to", "small", "--model", "m", *where]) == 3
    assert "capture:" in capsys.readouterr().err
    assert run(["audit", "run", "clauses", "--to", "small", *where]) == 2
    assert run(["audit", "run", "clauses", "--to", "s", "--model", "m", "--scorer", "taste", *where]) == 2
    assert run(["audit", "run", "clauses", "--to", "s", "--model", "m", "--gateway", "http://127.0.0.1:1", *where]) == 4
    assert run(["audit", "run", "clauses", "--to", "s", "--model", "m", "--dry-run", *where]) == 0
    assert "would be asked of s" in capsys.readouterr().out


def test_classes_are_found_named_and_stay(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Calls that say no class are told apart by their templates and named by their words; more traffic changes no name."""

    def letters(count: int) -> None:
        headers = {"breakeven-feature": "letters", "authorization": "Bearer mine"}
        for number in range(count):
            for system in ("Translate the letter into German.", "Summarise complaints briefly."):
                messages = [{"role": "system", "content": system}, {"role": "user", "content": f"Dear all, number {number}"}]
                body = {"model": "gpt-4o", "messages": messages}
                assert httpx.post(f"{kept.url}/v1/chat/completions", json=body, headers=headers, timeout=30).status_code == 200

    def found() -> list[dict[str, Any]]:
        capsys.readouterr()
        assert run(["audit", "classes", *where, "--feature", "letters", "--json"]) == 0
        rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
        return rows

    where = ["--ledger", str(kept.ledger), "--config", str(kept.config)]
    letters(6)
    _wait_for(kept, "letters", 12)
    first = found()
    names = [one["class"] for one in first]
    assert [one["requests"] for one in first] == [6, 6]
    assert any("german" in name for name in names)
    assert any("complaints" in name for name in names)
    letters(3)
    _wait_for(kept, "letters", 18)
    assert [(one["class"], one["requests"]) for one in found()] == [(name, 9) for name in names]
    assert (
        run(["audit", "run", names[0], *where, "--feature", "letters", "--to", "s", "--model", "gpt-4o-mini", "--replays", "2"])
        == 0
    )
    capsys.readouterr()
    assert run(["audit", *where, "--feature", "letters", "--period", "all", "--json"]) == 0
    findings = {one["class"]: one for one in json.loads(capsys.readouterr().out)["findings"]}
    assert {name: one["calls"] for name, one in findings.items()} == dict.fromkeys(names, 9)
    assert findings[names[0]]["replays"] == 2
    _accepted_unlabelled(kept, names, where)


def _accepted_unlabelled(kept: Any, names: list[str], where: list[str]) -> None:
    """A found class is told by its prompt in the gateway as well: its calls move, those of the other class do not."""
    found = next(name for name in names if "german" in name)
    before = kept.config.read_text(encoding="utf-8")
    aim = ["--feature", "letters", "--to", "s", "--model", "gpt-4o-mini"]
    for _ in range(150):
        _letter(kept, "Translate the letter into German.")
    _until(lambda: len(list(captures.read(Layout(kept.ledger), "letters"))) >= 168)
    _until(lambda: _letters_in(kept) >= 168)
    assert run(["audit", "classes", *where, "--feature", "letters"]) == 0
    assert run(["audit", "run", found, *where, *aim, "--replays", "160"]) == 0
    pace = ["--shares", "100%", "--checks", "10", "--margin", "10%", "--period", "all", "--why", "proven"]
    assert run(["audit", "accept", found, *where, "--feature", "letters", *pace]) == 0
    assert "unlabelled: true" in kept.config.read_text(encoding="utf-8")
    assert run(["reload", *where]) == 0
    _until(lambda: _letter(kept, "Translate the letter into German.") == "s")
    assert [_letter(kept, "Summarise complaints briefly.") for _ in range(5)] == ["asked"] * 5
    kept.config.write_text(before, encoding="utf-8")
    assert run(["reload", *where]) == 0


def _letters_in(kept: Any) -> int:
    with open_ledger(kept.ledger) as ledger:
        return int(
            ledger.query("SELECT count(*) FROM calls WHERE feature = 'letters' AND environment IS DISTINCT FROM 'audit'")[0][0]
        )


def _letter(kept: Any, system: str) -> str:
    headers = {"breakeven-feature": "letters", "authorization": "Bearer mine"}
    messages = [{"role": "system", "content": system}, {"role": "user", "content": f"Dear all, {uuid.uuid4().hex}"}]
    answer = httpx.post(f"{kept.url}/v1/chat/completions", json={"model": "gpt-4o", "messages": messages}, headers=headers)
    return str(answer.headers.get("breakeven-rung", ""))
