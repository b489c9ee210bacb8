"""Bodies are kept where a feature's charter says so, redacted before they are written, and by nobody else."""

from __future__ import annotations

import json
import stat
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from breakeven.cli.main import cli
from breakeven.ledger.captures import Exchange, append, features, read, sweep
from breakeven.ledger.layout import Layout

CHARTERS = """
features:
  letters:
    retention: 30d
    capture:
      redact: [email, card_number, iban]
      patterns: {{order: 'ACME-[0-9]{{4}}'}}
  secret-letters: {{owner: ann}}
"""
PRIVATE = ("jo@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "ACME-1234")


def ask(service: Any, path: str, body: dict[str, Any], feature: str = "letters") -> bytes:
    """One call; the whole answer."""
    given = {
        "content-type": "application/json", "breakeven-feature": feature, "breakeven-customer": "north",
        "anthropic-version": "2023-06-01",
    }  # fmt: skip
    if "messages" not in path:
        del given["anthropic-version"]
    request = urllib.request.Request(f"{service.url}{path}", json.dumps(body).encode(), given)  # noqa: S310 - our own gateway
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        content: bytes = answer.read()
    return content


def prompt(text: str) -> dict[str, Any]:
    """A body with one message, which every dialect here takes."""
    return {"model": "gpt-4o", "max_tokens": 99, "messages": [{"role": "user", "content": text}]}


def said(exchange: Exchange) -> str:
    """The text of a kept answer."""
    answer = json.loads(exchange.response)
    if "choices" in answer:
        return str(answer["choices"][0]["message"]["content"])
    return "".join(block["text"] for block in answer.get("content") or answer["output"][0]["content"])


def test_bodies_are_kept_by_consent_alone_streamed_or_whole_and_redacted(
    own_service: Callable[..., Any], usual_config: str
) -> None:
    """Six calls of a feature that consents are kept with the same text whether they streamed; nothing private is in any file."""
    service = own_service(usual_config + CHARTERS)
    letter = prompt(f"Write to {PRIVATE[0]}, card {PRIVATE[1]}, account {PRIVATE[2]}, order {PRIVATE[3]}.")
    responses = {"model": "gpt-4o", "input": "Hello"}
    for path, body in (("/v1/chat/completions", letter), ("/v1/messages", letter), ("/v1/responses", responses)):
        ask(service, path, body)
        ask(service, path, {**body, "stream": True})
    ask(service, "/v1/chat/completions", letter, feature="secret-letters")
    service.stop()
    layout = Layout(service.ledger)
    assert features(layout) == ["letters"]
    kept = list(read(layout, "letters"))
    assert len(kept) == 6
    assert {said(each) for each in kept} == {said(kept[0])}
    assert [each.redacted for each in kept] == [True] * 4 + [False] * 2
    assert {(each.customer, each.feature) for each in kept} == {("north", "letters")}
    assert "order [order]" in json.loads(kept[0].request)["messages"][0]["content"]
    written = [path for path in service.ledger.rglob("*") if path.is_file()]
    assert not [path for path in written for word in PRIVATE if word.encode() in path.read_bytes()]
    files = list((service.ledger / "captures").rglob("*.ndjson"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_full_disk_or_a_readable_folder_breaks_no_call(own_service: Callable[..., Any], usual_config: str) -> None:
    """Where nothing can be kept the caller gets the answer all the same, and the metrics count what is missing."""
    service = own_service(usual_config + CHARTERS)
    (service.ledger / "captures").write_text("a file where the folder should be")
    assert b"choices" in ask(service, "/v1/chat/completions", prompt("Hello"))
    assert b"choices" in ask(service, "/v1/chat/completions", prompt("Hello again"))
    service.calls(2)
    with urllib.request.urlopen(f"{service.url}/metrics") as answer:  # noqa: S310 - our own gateway
        assert "breakeven_captures_dropped_total 2" in answer.read().decode()


def test_a_share_is_kept_and_purged_by_command(own_service: Callable[..., Any], usual_config: str) -> None:
    """Of 60 calls about the declared half is kept; `captures` lists, shows and purges them, and the log says who did."""
    half = "features:\n  letters: {{retention: 30d, capture: {{share: 0.5}}}}\n"
    service = own_service(usual_config + half)
    for number in range(60):
        ask(service, "/v1/chat/completions", prompt(f"Hello {number}"))
    service.stop()
    place = ["--ledger", str(service.ledger), "--config", str(service.config)]

    def run(*words: str) -> str:
        result = CliRunner().invoke(cli, [*words, *place], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    listed = json.loads(run("captures", "list", "--json"))["features"][0]
    assert 12 <= listed["exchanges"] <= 48
    one = next(iter(read(Layout(service.ledger), "letters")))
    assert json.loads(run("captures", "show", one.call_id, "--json"))[0]["request"]["model"] == "gpt-4o"
    assert run("captures", "purge", "letters", "--customer", "south", "--yes").startswith("0 exchanges")
    taken = run("captures", "purge", "letters", "--customer", "north", "--yes", "--why", "asked to be forgotten")
    assert taken.startswith(f"{listed['exchanges']} exchanges")
    assert "No bodies are kept" in run("captures", "list")
    noted = json.loads(run("decisions", "--subject", "captures of letters of north", "--json"))["rows"]
    assert [(row["action"], row["before"], row["why"]) for row in noted] == [
        ("purge captures", f"{listed['exchanges']} exchanges", "asked to be forgotten")
    ]


def test_nothing_stays_longer_than_its_charter_says(tmp_path: Path) -> None:
    """What is over is never read, and a sweep takes it out of the file; a shorter retention takes out more, `none` all."""
    layout = Layout(tmp_path)
    start = datetime(2026, 10, 1)
    exchanges = [
        Exchange(f"call-{hour}", 0, start + timedelta(hours=hour), "a/b.c", None, None, "m", None, b"{}", b'{"a":\n1}', False,
                 keep_until=start + timedelta(hours=hour, days=30))
        for hour in range(48)
    ]  # fmt: skip
    assert append(layout, "w", exchanges) == 48
    now = start + timedelta(days=30, hours=9, minutes=30)
    assert next(each.call_id for each in read(layout, "a/b.c", now=now)) == "call-10"
    assert sweep(layout, {}, now) == 10
    assert sweep(layout, {"a/b.c": 30 * 86_400 - 3600 * 5}, now) == 5
    assert len(list(read(layout, "a/b.c", start, start + timedelta(days=1), now=now))) == 9
    assert sweep(layout, {"a/b.c": 0}, now) == 33
    assert not list(tmp_path.rglob("*.ndjson"))
    assert [path.name for path in tmp_path.iterdir()] == ["captures"]
