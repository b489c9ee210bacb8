"""A rollout through a real gateway and bookkeeper: calls move to the cheaper rung while it agrees, and back when it does not."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from breakeven.alignment.rollout import Plan
from breakeven.ledger import decisions, open_ledger, rollouts
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
