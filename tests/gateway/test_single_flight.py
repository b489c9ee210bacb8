"""Identical requests at the same time are asked once, whichever worker and host they reach, and nobody waits for one that died."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from breakeven.testing import ScriptedUpstream

KEPT = """
features:
  kept: {{ladder: {{rungs: [cache, {{model: asked, tier: frontier}}], cache: {{per: feature}}}}}}
"""
CALLERS = 8


def _ask(url: str, text: str, **script: object) -> httpx.Response | None:
    """One call on a connection of its own; None where its worker died."""
    headers = {"breakeven-feature": "kept", "x-script": json.dumps(script), "connection": "close"}
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    try:
        return httpx.post(f"{url}/v1/chat/completions", json=body, headers=headers, timeout=30)
    except httpx.HTTPError:
        return None


def _at_once(urls: list[str], text: str, **script: object) -> list[httpx.Response | None]:
    with ThreadPoolExecutor(CALLERS) as pool:
        return list(pool.map(lambda number: _ask(urls[number % len(urls)], text, **script), range(CALLERS)))


def _asked_once(urls: list[str], vendor: ScriptedUpstream) -> bool:
    """All get the same answer; whether all but one of them got it from the cache, and the vendor was asked once."""
    vendor.journal.clear()
    answers = [answer for answer in _at_once(urls, uuid.uuid4().hex, delay=0.3) if answer is not None]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) <= len(vendor.journal)
    rungs = [answer.headers["breakeven-rung"] for answer in answers]
    return rungs.count("cache") == CALLERS - 1 and len(vendor.journal) == 1


def test_workers_of_a_host_ask_once(own_service: Callable[..., Any], usual_config: str, vendor: ScriptedUpstream) -> None:
    """Eight callers, two workers, one request at the vendor, and the same answer for all; again and again."""
    service = own_service(usual_config + KEPT, "--workers", "2")
    assert all(_asked_once([service.url], vendor) for _ in range(5))


def test_hosts_ask_once(own_service: Callable[..., Any], usual_config: str, vendor: ScriptedUpstream, redis_url: str) -> None:
    """Two gateways with ledgers of their own and one Redis: one request at the vendor, whenever Redis answers within its 50 ms."""
    config = f"{usual_config}{KEPT}gateway: {{{{cache: {{{{redis: '{redis_url}'}}}}}}}}\n"
    hosts = [own_service(config).url for _ in range(2)]
    assert any(_asked_once(hosts, vendor) for _ in range(5))


def test_a_failed_call_leaves_no_other_worker_waiting(own_service: Callable[..., Any], usual_config: str) -> None:
    """The first gets an error: the others, in both workers, ask for themselves and are answered."""
    service = own_service(usual_config + KEPT, "--workers", "2")
    answers = _at_once([service.url], uuid.uuid4().hex, status=400, times=1, delay=0.3)
    statuses = [answer.status_code for answer in answers if answer is not None]
    assert sorted(statuses) == [200] * (CALLERS - 1) + [400]


def test_a_worker_that_dies_while_it_asks(own_service: Callable[..., Any], usual_config: str, vendor: ScriptedUpstream) -> None:
    """The worker that asks is killed: its own callers lose their connection, those of the other are answered within seconds."""
    service = own_service(usual_config + KEPT, "--workers", "2")
    text = uuid.uuid4().hex
    with ThreadPoolExecutor(3 * CALLERS) as pool:
        calls = [pool.submit(_ask, service.url, text, delay=5) for _ in range(3 * CALLERS)]
        asking = _asking(service.children("breakeven.gateway.worker"), vendor)
        time.sleep(0.5)  # so that callers wait in both
        os.kill(asking, signal.SIGKILL)
        killed = time.monotonic()
        answers = [answer for call in calls if (answer := call.result()) is not None]
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.headers["breakeven-rung"] for answer in answers].count("frontier") == 1
    assert time.monotonic() - killed < 20
    assert len(vendor.journal) == 2


def _asking(workers: list[int], vendor: ScriptedUpstream) -> int:
    """The worker that has a connection to the vendor, as soon as the vendor has been asked."""
    port = int(vendor.url.rsplit(":", 1)[-1])
    until = time.monotonic() + 10
    while time.monotonic() < until:
        for worker in workers if vendor.journal else ():
            lines = Path(f"/proc/{worker}/net/tcp").read_text().splitlines()[1:]
            there = {
                line.split()[9] for line in lines if int(line.split()[2].rsplit(":", 1)[-1], 16) == port and line.split()[3] == "01"
            }
            links = {str(each.readlink()) for each in Path(f"/proc/{worker}/fd").iterdir() if each.is_symlink()}
            if links & {f"socket:[{inode}]" for inode in there}:
                return worker
        time.sleep(0.02)
    raise AssertionError("no worker asks the vendor")
