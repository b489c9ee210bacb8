"""A trained route at work in the gateway: it chooses the rung at which a call begins, as far as its certificate goes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from breakeven.cli.main import run
from breakeven.errors import ConfigError
from breakeven.gateway.preparation import prepared

LADDER = """
features:
  answers:
    owner: ana
    ladder:
      rungs: [{{model: gpt-4o-mini, tier: small}}, {{model: asked, tier: frontier}}]
      route: answers.route.json
"""
EASY, HARD = ("colour", "greeting", "weekday"), ("contract", "indemnity", "liability")


def _replays(path: Path, rows: int = 1500) -> None:
    """Invented replays: the small rung knows the easy words and fails on the hard ones; the frontier knows all."""
    chance = random.Random(7)
    with path.open("w") as file:
        for number in range(rows):
            hard = number % 2 == 1
            words = chance.choices(HARD if hard else EASY, k=6)
            file.write(json.dumps({"text": " ".join(words), "small": not hard, "frontier": True}) + "\n")


@pytest.fixture(scope="module")
def route(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A route learned from those replays by the command."""
    folder = tmp_path_factory.mktemp("route")
    _replays(folder / "replays.jsonl")
    words = ["--text", "text", "--weak", "small", "--strong", "frontier", "--margin", "0.05", "-o", str(folder / "route.json")]
    assert run(["route", "train", str(folder / "replays.jsonl"), *words]) == 0
    return folder / "route.json"


def test_each_call_begins_at_the_rung_its_route_chooses(own_service: Callable[..., Any], usual_config: str, route: Path) -> None:
    """What the small rung has proven to answer goes there; the rest goes to the frontier; both say why in the ledger."""
    service = _served(own_service, usual_config, route)
    for words in (EASY, HARD):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": " ".join(words * 2)}]}
        headers = {"breakeven-feature": "answers", "authorization": "Bearer mine"}
        answer = httpx.post(f"{service.url}/v1/chat/completions", json=body, headers=headers, timeout=30)
        assert answer.headers["breakeven-rung"] == ("small" if words is EASY else "frontier")
    easy, hard = service.calls(2, "feature = 'answers'")
    assert (easy["rung"], easy["model"], hard["rung"]) == ("small", "gpt-4o-mini", "frontier")
    assert "within what is certified" in easy["rungs_tried"]
    assert "above what is certified" in hard["rungs_tried"]


def _served(own_service: Callable[..., Any], usual_config: str, route: Path) -> Any:
    """A gateway whose configuration lies beside the route's file."""
    service = own_service(usual_config)
    (service.config.parent / "answers.route.json").write_bytes(route.read_bytes())
    service.config.write_text((usual_config + LADDER).format(vendor=service.vendor.url))
    assert run(["reload", "--ledger", str(service.ledger), "--config", str(service.config)]) == 0
    return service


@pytest.mark.parametrize(
    ("ladder", "said"),
    [
        (LADDER, "cannot be read"),
        (LADDER.replace("tier: small", "tier: mid"), "chooses a rung 'small' that the ladder"),
        (LADDER.replace("route:", "start: small\n      route:"), "both say where calls begin"),
    ],
)
def test_a_route_that_does_not_fit_is_refused_before_any_call(tmp_path: Path, route: Path, ladder: str, said: str) -> None:
    """A file that is not there, other rungs, and a start beside it: each is told when the configuration is loaded."""
    config = tmp_path / "breakeven.yaml"
    config.write_text(ladder.format())
    if "cannot" not in said:
        (tmp_path / "answers.route.json").write_bytes(route.read_bytes())
    with pytest.raises(ConfigError) as fault:
        prepared(tmp_path / "ledger", config)
    assert said in " ".join([fault.value.what, *map(str, fault.value.problems)])
