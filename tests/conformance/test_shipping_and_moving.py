"""Segments reach ClickHouse once, whatever fails in between; a ledger that moves is equal or does not move."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread

import pytest

from breakeven.cli.main import run
from breakeven.errors import DataError, Unreachable
from breakeven.governance.privacy import Keeping, Privacy
from breakeven.ledger import open_ledger
from breakeven.ledger.clickhouse.connection import connected
from breakeven.ledger.clickhouse.erasures import Forgetting
from breakeven.ledger.clickhouse.shipping import Shipper
from breakeven.ledger.layout import Layout
from breakeven.ledger.restate import restate
from breakeven.ledger.retaining import retain_calls
from breakeven.ledger.seals import read_manifest
from breakeven.service.bookkeeper import run as keep_books
from breakeven.service.bookkeeper_spec import BookkeeperSpec
from breakeven.settings.clickhouse import ClickHouseAddress
from breakeven.testing import FixedQuotes

Start = Callable[[str], ClickHouseAddress]
PRICES = FixedQuotes({"m": {"input": "2.50", "output": "10"}})
DEARER = FixedQuotes({"m": {"input": "5", "output": "10"}, "mystery": {"input": "1", "output": "1"}}, version="v2")
ROLLED = "SELECT state, CAST(sum(call_count) AS BIGINT) AS calls FROM rollup_calls GROUP BY state HAVING sum(call_count) <> 0"
COSTS = "SELECT state, kind, sum(cost) AS cost, CAST(sum(line_count) AS BIGINT) AS lines FROM rollup_costs GROUP BY state, kind"
SUMS = "SELECT day, feature, state, kind, sum(cost) AS cost, sum(quantity) AS quantity FROM rollup_costs GROUP BY ALL"
STATES = "SELECT state, count(*) AS calls, sum(input_tokens) AS tokens FROM calls GROUP BY state"


def _add(root: Path, *days: str, model: str = "m") -> None:
    """A segment of one call a day."""
    with (
        open_ledger(root, write=True, create=True) as ledger,
        ledger.intake(source="import:test", quotes=PRICES, recorded_at=datetime(2026, 11, 1)) as intake,
    ):
        intake.stage_rows(
            [
                {"occurred_at": day, "provider": "openai", "model": model, "input": 1000, "output": 100, "feature": "f"}
                for day in days
            ]
        )
        intake.commit()


def _ship(root: Path, address: ClickHouseAddress) -> tuple[int, ...]:
    shipper = Shipper(connected(address, create=True), str(address))
    try:
        return shipper.ship(Layout(root)).segments
    finally:
        shipper.close()


def _same(root: Path, address: ClickHouseAddress, *queries: str) -> bool:
    from breakeven.ledger.clickhouse.connection import facts_at  # noqa: PLC0415 - beside its only use

    with open_ledger(root) as ledger, facts_at(address) as facts:
        return all(sorted(ledger.query(sql)) == sorted(facts.query(sql)) for sql in queries)


def test_a_segment_is_in_once_however_often_it_is_sent(tmp_path: Path, start_clickhouse: Start) -> None:
    """Killed after the rows and before the commit: the next shipment adds nothing, in the table or in the rollups."""
    address = start_clickhouse("once")
    _add(tmp_path / "ledger", "2026-09-30T10:00:00", "2026-10-01T10:00:00")
    assert _ship(tmp_path / "ledger", address) == (1,)
    with connected(address) as client:
        client.command("TRUNCATE TABLE segments")  # as if it had never been written
    assert _ship(tmp_path / "ledger", address) == (1,)
    assert _ship(tmp_path / "ledger", address) == ()
    assert _same(tmp_path / "ledger", address, ROLLED, COSTS, STATES)


def test_half_a_segment_is_completed(tmp_path: Path, start_clickhouse: Start) -> None:
    """Killed between two files of a segment: the rest is sent, what was there stays as it is."""
    address = start_clickhouse("half")
    root = tmp_path / "ledger"
    _add(root, "2026-09-30T10:00:00", "2026-10-01T10:00:00")
    layout = Layout(root)
    whole = layout.manifest(1).read_bytes()
    last = layout.root / read_manifest(layout.manifest(1)).files[-1].path
    hidden = last.rename(last.with_suffix(".hidden"))
    with pytest.raises(DataError, match="cannot be shipped"):
        _ship(root, address)
    hidden.rename(last)
    assert layout.manifest(1).read_bytes() == whole
    assert _ship(root, address) == (1,)
    assert _same(root, address, ROLLED, COSTS, STATES)


def test_a_restatement_arrives_with_its_states(tmp_path: Path, start_clickhouse: Start) -> None:
    """Calls that got a price count as priced in ClickHouse's table and rollup too; killed between the two, also the second time."""
    address = start_clickhouse("restated")
    root = tmp_path / "ledger"
    _add(root, "2026-10-01T10:00:00", model="mystery")
    _add(root, "2026-10-02T10:00:00", "2026-10-02T11:00:00")
    assert _ship(root, address) == (1, 2)
    with open_ledger(root, write=True) as ledger:
        assert restate(ledger, DEARER, datetime(2026, 9, 1), datetime(2026, 11, 20)).segment == 3
    assert _ship(root, address) == (3,)
    assert _same(root, address, ROLLED, COSTS, STATES)
    with connected(address) as client:
        client.command("DELETE FROM segments WHERE segment = 3")
        client.command("ALTER TABLE calls UPDATE state = 'unpriced' WHERE model = 'mystery' SETTINGS mutations_sync = 2")
    assert _ship(root, address) == (3,)
    assert _same(root, address, ROLLED, COSTS, STATES)


def test_a_restatement_is_in_once_though_the_server_forgets(tmp_path: Path, start_clickhouse: Start) -> None:
    """Killed after the rollup was corrected, at a server that knows no token any more: nothing is corrected a second time."""
    address = start_clickhouse("forgotten")
    root = tmp_path / "ledger"
    _add(root, "2026-10-01T10:00:00", model="mystery")
    with open_ledger(root, write=True) as ledger:
        restate(ledger, DEARER, datetime(2026, 9, 1), datetime(2026, 11, 20))
    assert _ship(root, address) == (1, 2)
    with connected(address) as client:
        client.command("DELETE FROM segments WHERE segment = 2")
        client.command("ALTER TABLE calls UPDATE state = 'unpriced' WHERE model = 'mystery' SETTINGS mutations_sync = 2")
        tables = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'MergeTree'"
        for table in client.query(tables).result_rows:
            client.command(f"ALTER TABLE {table[0]} MODIFY SETTING non_replicated_deduplication_window = 0")
        client.command("ALTER TABLE rollup_calls MODIFY SETTING non_replicated_deduplication_window = 0")
    assert _ship(root, address) == (2,)
    assert _same(root, address, ROLLED, COSTS, STATES)


def test_an_erasure_reaches_the_copy(tmp_path: Path, start_clickhouse: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next shipment forgets whom the ledger has forgotten, nobody else and no sum, and not for ever anew."""
    address, root = start_clickhouse("forgetting"), tmp_path / "ledger"
    with (
        open_ledger(root, write=True, create=True) as ledger,
        ledger.intake(source="import:test", quotes=PRICES, recorded_at=datetime(2026, 11, 1)) as intake,
    ):
        rows = [
            {"occurred_at": f"2026-10-0{day}T10:00:00", "provider": "openai", "model": "m", "input": 1000, "output": 100,
             "user_id": user, "trace_id": f"{user}-{day}", "tags": f'{{"who":"{user}"}}', "source_ref": f"{user}/{day}"}
            for day in (1, 2)
            for user in ("ada-lovelace", "bob-babbage")
        ]  # fmt: skip
        intake.stage_rows(rows)
        intake.commit()
    assert _ship(root, address) == (1,)
    named = "SELECT user_id, trace_id, tags, source_ref FROM calls"
    assert run(["ledger", "erase", "--user", "ada-lovelace", "--yes", "--ledger", str(root)]) == 0
    assert not _same(root, address, named)
    assert _ship(root, address) == ()
    assert _same(root, address, named, ROLLED, COSTS, STATES, "SELECT user_id, sum(cost) AS cost FROM cost_lines GROUP BY user_id")
    with connected(address) as client:
        assert client.query("SELECT count() FROM calls WHERE user_id = 'bob-babbage'").result_rows == [(2,)]
        assert client.query("SELECT count() FROM erasures").result_rows == [(0,)], "what was sealed before may still be on its way"
        monkeypatch.setattr("breakeven.ledger.clickhouse.erasures.UNDER_WAY", timedelta(0))
        forgetting = Forgetting(client)
        later = datetime(2099, 1, 1)
        assert [forgetting.forget(Layout(root), later), forgetting.forget(Layout(root), later)] == [1, 0]
        assert Forgetting(client).forget(Layout(root), later) == 0
    assert run(["ledger", "export", "--to", str(address), "--ledger", str(root)]) == 0


@pytest.mark.parametrize("killed_after", [None, "_exchange", "_restate"])
def test_what_the_ledger_keeps_no_longer_goes_from_the_copy(
    tmp_path: Path, start_clickhouse: Start, monkeypatch: pytest.MonkeyPatch, killed_after: str | None
) -> None:
    """Identities that ended and calls that became daily sums: rows, sums, states and rollups are equal again, kills included."""
    address, root = start_clickhouse(f"kept_{killed_after}"), tmp_path / "ledger"
    for first in (1, 3):
        with (
            open_ledger(root, write=True, create=True) as ledger,
            ledger.intake(source="import:test", quotes=PRICES, recorded_at=datetime(2026, 11, 1)) as intake,
        ):
            intake.stage_rows(
                [
                    {
                        "occurred_at": f"2026-{9 + day % 2:02d}-0{day}T1{hour}:00:00", "provider": "openai", "input": 1000,
                        "output": 100, "model": "mystery" if hour == 2 else "m", "user_id": f"u{hour}", "trace_id": "t",
                        "feature": f"f{hour % 2}",
                    }
                    for day in (first, first + 1)
                    for hour in range(4)
                ]
            )  # fmt: skip
            intake.commit()
    with open_ledger(root, write=True) as ledger:
        assert restate(ledger, DEARER, datetime(2026, 9, 1), datetime(2026, 11, 20)).segment == 3
    assert _ship(root, address) == (1, 2, 3)
    day = 86_400
    for keeping in (Keeping(identities=day), Keeping(calls=day)):
        assert retain_calls(root, Privacy(keeping=keeping).ends(datetime(2026, 11, 20))) is not None
        if killed_after is not None:
            with monkeypatch.context() as patch:
                patch.setattr(Shipper, killed_after, _once_then_killed(getattr(Shipper, killed_after)))
                with pytest.raises(KeyboardInterrupt):
                    _ship(root, address)
        assert _ship(root, address) == ()
        assert _same(
            root, address, ROLLED, SUMS, STATES, "SELECT user_id, trace_id, feature, call_count, source_ref FROM calls",
            "SELECT user_id, adjustment_of IS NULL AS original, sum(cost) AS cost, count(*) AS lines FROM cost_lines GROUP BY ALL",
        )  # fmt: skip
        assert run(["ledger", "export", "--to", str(address), "--ledger", str(root)]) == 0
        with connected(address) as client:
            assert client.query("SELECT name FROM system.tables WHERE name LIKE 'rewritten%'").result_rows == []


def _once_then_killed(step: Callable[..., object]) -> Callable[..., None]:
    def killed(*arguments: object) -> None:
        step(*arguments)
        raise KeyboardInterrupt

    return killed


def test_a_database_holds_one_ledger(tmp_path: Path, start_clickhouse: Start) -> None:
    """Another ledger's segments are refused, for their numbers would be taken for those of the first."""
    address = start_clickhouse("one")
    for name in ("first", "second"):
        _add(tmp_path / name, "2026-10-01T10:00:00")
    _ship(tmp_path / "first", address)
    with pytest.raises(DataError, match="holds another ledger"):
        _ship(tmp_path / "second", address)


def test_a_ledger_comes_back_equal(tmp_path: Path, start_clickhouse: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """Exported, imported and verified: the same rows, exact sums and months, through the commands."""
    address = start_clickhouse("back")
    root, again = tmp_path / "ledger", tmp_path / "again"
    _add(root, "2026-09-30T23:59:59.999999", "2026-10-01T00:00:00.000001", "2026-10-02T12:00:00")
    _add(root, "2026-10-03T10:00:00", model="mystery")
    with open_ledger(root, write=True) as ledger:
        restate(ledger, DEARER, datetime(2026, 9, 1), datetime(2026, 11, 20))
    assert run(["ledger", "export", "--to", str(address), "--ledger", str(root), "--json"]) == 0
    sent = json.loads(capsys.readouterr().out)
    assert (sent["equal"], sent["segments"], sent["months"]) == (True, 3, 2)
    assert run(["ledger", "import", "--from", str(address), "--ledger", str(again), "--json"]) == 0
    back = json.loads(capsys.readouterr().out)
    assert back["sums"] == sent["sums"]
    assert run(["ledger", "verify", "--ledger", str(again)]) == 0
    everything = "SELECT * FROM calls", "SELECT * FROM cost_lines", "SELECT * FROM rollup_calls"
    with open_ledger(root) as mine, open_ledger(again) as theirs:
        for sql in everything[:2]:
            assert sorted(map(str, theirs.query(sql))) == sorted(map(str, mine.query(sql)))
        assert sorted(theirs.query(ROLLED)) == sorted(mine.query(ROLLED))


def test_a_copy_that_differs_is_not_flipped(tmp_path: Path, start_clickhouse: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """A row lost on the server is told with table and month (exit 3), and the configuration stays as it was."""
    address = start_clickhouse("differs")
    root = tmp_path / "ledger"
    _add(root, "2026-09-30T10:00:00", "2026-10-01T10:00:00")
    config = root / "breakeven.yaml"
    config.write_text("features: {f: {owner: ann}}\n", "utf-8")
    _ship(root, address)
    with connected(address) as client:
        client.command("DELETE FROM cost_lines WHERE occurred_at < '2026-10-01'")
    assert run(["ledger", "export", "--to", str(address), "--flip", "--ledger", str(root)]) == 3
    told = capsys.readouterr().err
    assert "cost_lines of 2026-09" in told
    assert config.read_text("utf-8") == "features: {f: {owner: ann}}\n"


def test_flipping_lets_reports_ask_clickhouse(tmp_path: Path, start_clickhouse: Start, capsys: pytest.CaptureFixture[str]) -> None:
    """When all is equal `--flip` edits the configuration, notes who did it, and the next report is answered from there."""
    address = start_clickhouse("flipped")
    root = tmp_path / "ledger"
    _add(root, "2026-10-01T10:00:00")
    (root / "breakeven.yaml").write_text("features: {f: {owner: ann}}  # kept\n", "utf-8")
    assert run(["ledger", "export", "--to", str(address), "--flip", "--ledger", str(root)]) == 0
    assert "# kept" in (root / "breakeven.yaml").read_text("utf-8")
    assert "move the ledger" in (root / "decisions.ndjson").read_text("utf-8")
    capsys.readouterr()
    with connected(address) as client:
        client.command("INSERT INTO rollup_costs SELECT * REPLACE (toDecimal128(1, 18) AS cost) FROM rollup_costs LIMIT 1")
    assert run(["pnl", "--period", "2026-10", "--json", "--ledger", str(root)]) == 0
    assert Decimal(json.loads(capsys.readouterr().out)["total"]["cost"]) == Decimal("1.0035")


def test_a_directory_is_a_place_to_move_to(tmp_path: Path) -> None:
    """`--to DIRECTORY` copies the record and proves it; a directory that is in use is left alone (exit 3)."""
    root = tmp_path / "ledger"
    _add(root, "2026-09-30T10:00:00", "2026-10-01T10:00:00")
    assert run(["ledger", "export", "--to", str(tmp_path / "copy"), "--ledger", str(root)]) == 0
    assert run(["ledger", "verify", "--ledger", str(tmp_path / "copy")]) == 0
    assert run(["ledger", "export", "--to", str(tmp_path / "copy"), "--ledger", str(root)]) == 3


def test_what_cannot_be_reached_is_told(tmp_path: Path) -> None:
    """No server at the address: exit 4, and the ledger is as it was."""
    _add(tmp_path / "ledger", "2026-10-01T10:00:00")
    assert run(["ledger", "export", "--to", "clickhouse://127.0.0.1:9/x", "--ledger", str(tmp_path / "ledger")]) == 4
    with pytest.raises(Unreachable):
        connected(ClickHouseAddress("127.0.0.1", 9, "default", "x", secure=False))


def test_the_bookkeeper_ships_what_it_seals(tmp_path: Path, start_clickhouse: Start) -> None:
    """With `ledger.clickhouse` configured a sealed segment is on the server seconds later, without any command."""
    address = start_clickhouse("kept")
    root = tmp_path / "ledger"
    _add(root, "2026-10-01T10:00:00")
    config = tmp_path / "breakeven.yaml"
    config.write_text(f"ledger: {{path: ledger, clickhouse: '{address}'}}\n", "utf-8")
    stop = Event()
    keeper = Thread(target=keep_books, args=(BookkeeperSpec(str(root), str(config)), stop))
    keeper.start()
    try:
        until = time.monotonic() + 60
        while not (found := _shipped(address)) and time.monotonic() < until:
            time.sleep(0.2)
        assert found == [(1,)]
    finally:
        stop.set()
        keeper.join()


def _shipped(address: ClickHouseAddress) -> Sequence[Sequence[int]]:
    try:
        with connected(address) as client:
            rows: Sequence[Sequence[int]] = client.query("SELECT segment FROM segments").result_rows
            return rows
    except (Unreachable, Exception):  # noqa: BLE001 - there is no database yet
        return []
