"""Erasure, retention and pseudonyms: names go, sums stay to the last digit, and a kill at any step leaves a whole ledger."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from breakeven.cli.main import run
from breakeven.governance.privacy import ERASED, Keeping, Privacy, Pseudonyms, pseudonym
from breakeven.ledger import ImportResult, captures, open_ledger
from breakeven.ledger.decisions import read as decisions
from breakeven.ledger.layout import Layout
from breakeven.ledger.rebuild import rebuild
from breakeven.ledger.restate import restate
from breakeven.ledger.retaining import retain_calls
from breakeven.ledger.segments import SegmentWriter
from breakeven.ledger.verify import verify
from breakeven.service.bookkeeper import Bookkeeper
from breakeven.testing import FixedQuotes

Call = Callable[..., dict[str, object]]
Importing = Callable[..., ImportResult]
LATER = datetime(2026, 11, 20)
NEW_PRICES = FixedQuotes({"gpt-4o": {"input": "5", "cache_read": "1.25", "output": "10"}, "haiku": {"input": "1", "output": "5"}})
ROLLUPS = {
    "rollup_calls": "sum(call_count), sum(input_tokens), sum(cache_read_tokens), sum(output_tokens), sum(reasoning_tokens)",
    "rollup_costs": "sum(quantity), sum(cost)",
}
KEYS = {
    "rollup_calls": "day, feature, team, customer, environment, workflow, provider, model, rung, status, state",
    "rollup_costs": "day, feature, team, customer, environment, workflow, provider, model, rung, usage_class, kind, state",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one command answered."""

    exit_code: int
    stdout: str
    output: str


def _run(*arguments: str) -> Answer:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(arguments)
    return Answer(code, out.getvalue(), out.getvalue() + err.getvalue())


def _rolled(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every group of the daily rollups that is not nothing: what all reports of a day stand on."""
    with open_ledger(root) as ledger:
        return {
            name: ledger.query(f"SELECT {KEYS[name]}, {sums} FROM {name} GROUP BY ALL ORDER BY ALL")
            for name, sums in ROLLUPS.items()
        }


def _holding(root: Path, name: bytes) -> list[str]:
    """The files of a ledger in which a name stands, packed or not."""
    found = []
    for path in sorted(each for each in root.rglob("*") if each.is_file()):
        if path.suffix == ".parquet":
            with open_ledger(root) as ledger:
                rows = ledger.query(f"SELECT * FROM read_parquet('{path}')")
            content = repr(rows).encode()
        else:
            content = path.read_bytes()
        found += [path.relative_to(root).as_posix()] if name in content else []
    return found


@pytest.fixture
def known(importing: Importing, call: Call, root: Path) -> Path:
    """Two segments of 60 calls of three users and three features, a kept body and a row set aside of one of them."""
    for first in (0, 60):
        importing(
            [
                call(minute, user_id=f"user-{minute % 3}", feature=f"feature-{minute % 2}", customer="acme", trace_id=f"t{minute}")
                for minute in range(first, first + 60)
            ]
        )
    return root


def test_erase_takes_a_user_out_of_every_file_and_keeps_every_sum(known: Path) -> None:
    """The name is in no file afterwards, the rollups are what they were, and the output shows equal sums before and after."""
    before = _rolled(known)
    with open_ledger(known) as ledger:
        call_id = ledger.query("SELECT call_id::VARCHAR FROM calls WHERE user_id = 'user-1' LIMIT 1")[0][0]
    kept = captures.Exchange(
        call_id, 0, datetime(2026, 10, 1), "feature-1", None, None, "m", None, b'"user-1"', b'"b"', redacted=False
    )
    captures.append(Layout(known), "w", [kept])
    captures.append(Layout(known), "audit", [replace(kept, rung="small", request=b"null", response=b'"user-1"', replay=True)])
    (known / "rejects" / "old.jsonl").write_text('{"user":"user-1","input":"x"}\n{"user":"user-11","input":"y"}\n')
    result = _run("ledger", "erase", "--user", "user-1", "--yes", "--json", "--ledger", str(known))
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["calls"], told["exchanges"], told["rejects"], told["segments"]) == (40, 2, 1, 2)
    assert told["before"] == told["after"]
    assert told["after"]["cost_lines.cost"] == "0.42"
    assert _rolled(known) == before
    assert [name for name in _holding(known, b"user-1") if name != "rejects/old.jsonl"] == []
    assert "user-11" in (known / "rejects" / "old.jsonl").read_text()
    assert verify(known).holds
    with open_ledger(known) as ledger:
        assert ledger.query("SELECT count(*) FROM calls WHERE user_id = $erased", {"erased": ERASED}) == [(40,)]


def test_erase_is_noted_without_the_name(known: Path) -> None:
    """The decisions log has the sums before and after, equal, and a digest in the place of the name."""
    assert _run("ledger", "erase", "--user", "user-1", "--yes", "--why", "asked by letter", "--ledger", str(known)).exit_code == 0
    (decision,) = decisions(Layout(known))[0]
    assert (decision.action, decision.why, decision.before) == ("erase people", "asked by letter", decision.after)
    assert "user-1" not in (known / "decisions.ndjson").read_text()


def test_erasing_somebody_unknown_says_so(known: Path) -> None:
    """A name that nothing was kept of, mistyped perhaps, is told, and with one that is known it is not."""
    for name, told in (("usre-1", True), ("user-1", False)):
        result = _run("ledger", "erase", "--user", name, "--yes", "--ledger", str(known))
        assert (result.exit_code, "nothing was kept of this user" in result.output) == (0, told)


def test_erase_is_refused_without_the_role(known: Path) -> None:
    """Who is no admin erases nobody: exit code 1, nothing is changed, and the refusal is in the log."""
    (known / "breakeven.yaml").write_text("access:\n  default_role: engineer\n  people:\n    ada: {role: admin}\n")
    result = _run("ledger", "erase", "--user", "user-1", "--yes", "--ledger", str(known))
    assert result.exit_code == 1
    assert not decisions(Layout(known))[0][0].allowed
    with open_ledger(known) as ledger:
        assert ledger.query("SELECT count(*) FROM calls WHERE user_id = 'user-1'") == [(40,)]


def test_what_is_under_way_loses_the_name_too(known: Path, importing: Importing, call: Call) -> None:
    """Facts in a live segment that a gateway holds open, and old exports imported later, come in without the erased name."""
    row = {
        "call_id": "019a0000-0000-7000-8000-000000000001", "attempt": 0, "occurred_at": "2026-10-02T00:00:00", "provider": "openai",
        "recorded_at": "2026-10-02T00:00:00", "call_count": 1, "status": "ok", "state": "metered", "user_id": "user-1",
    }  # fmt: skip
    with SegmentWriter(Layout(known)) as writer:
        writer.append("calls", [row])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("breakeven.ledger.erasing.ROTATION_SECONDS", 0.2)
            result = _run("ledger", "erase", "--user", "user-1", "--yes", "--json", "--ledger", str(known))
        assert json.loads(result.stdout)["open_segments"] == 1
        writer.append("calls", [row | {"call_id": "019a0000-0000-7000-8000-000000000002", "user_id": "user-2"}])
    importing([call(900, user_id="user-1", trace_id="t")])
    assert _run("ledger", "seal", "--ledger", str(known)).exit_code == 0
    with open_ledger(known) as ledger:
        assert ledger.query("SELECT count(*) FROM calls WHERE user_id = 'user-1'") == [(0,)]
        assert ledger.query("SELECT count(*) FROM calls WHERE user_id = 'user-2'") == [(41,)]
    assert _holding(known, b"user-1") == []


def _retained(root: Path, *, identities: int | None = None, calls: int | None = None) -> bool:
    day = 86_400
    privacy = Privacy(keeping=Keeping(identities and identities * day, calls and calls * day))
    return retain_calls(root, privacy.ends(LATER)) is not None


def test_identities_end_and_nothing_else(known: Path) -> None:
    """After the time for identities users, traces and references are unknown, each call is still there, every group the same."""
    before = _rolled(known)
    assert _retained(known, identities=30)
    with open_ledger(known) as ledger:
        assert ledger.query("SELECT count(*), count(user_id), count(trace_id), count(customer) FROM calls") == [(120, 0, 0, 120)]
        assert ledger.query("SELECT count(user_id) FROM cost_lines") == [(0,)]
    assert _rolled(known) == before
    assert verify(known).holds
    assert not _retained(known, identities=30), "a second time there is nothing to do"


def test_old_calls_become_daily_sums_and_are_not_imported_again(known: Path, importing: Importing, call: Call) -> None:
    """120 calls become a sum for each segment and feature; every daily group is what it was; the old export adds nothing."""
    before = _rolled(known)
    assert _retained(known, calls=30)
    with open_ledger(known) as ledger:
        assert ledger.query("SELECT count(*), sum(call_count) FROM calls") == [(4, 120)]
    assert _rolled(known) == before
    assert verify(known).holds
    again = importing(
        [
            call(minute, user_id=f"user-{minute % 3}", feature=f"feature-{minute % 2}", customer="acme", trace_id=f"t{minute}")
            for minute in range(60)
        ]
    )
    assert (again.calls_added, again.duplicates) == (0, 60)
    assert rebuild(known).holds
    assert _rolled(known) == before


def test_restated_calls_keep_their_corrections_when_they_are_rolled_up(known: Path) -> None:
    """Reversals and new lines are summed as such: costs, quantities and states of every day stay what they were."""
    with open_ledger(known, write=True) as ledger:
        assert restate(ledger, NEW_PRICES, datetime(2026, 10, 1, 1), LATER).calls == 60
    before = _rolled(known)
    assert _retained(known, calls=30)
    assert _rolled(known) == before
    assert verify(known).holds
    with open_ledger(known, write=True) as ledger:
        dangling = """SELECT count(*) FROM cost_lines AS line WHERE adjustment_of IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM cost_lines AS other WHERE other.call_id = line.call_id AND other.attempt = line.attempt
            AND other.line = line.adjustment_of AND other.adjustment_of IS NULL)"""
        assert ledger.query(dangling) == [(0,)]
        assert restate(ledger, NEW_PRICES, datetime(2026, 10, 1), LATER).calls == 0, "sums of a day are not priced again"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 60 * 24 * 40), st.sampled_from(["gpt-4o", "haiku", "unknown"]), st.sampled_from(["a", "b", None]),
            st.sampled_from(["u", "v", None]), st.integers(0, 10**6),
        ),
        min_size=1, max_size=40,
    ),
    days=st.integers(1, 60),
)  # fmt: skip
def test_no_retention_changes_a_daily_sum(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, str | None, str | None, int]], days: int
) -> None:
    """Whatever calls there are, and however old they may become: each group of each day sums to the same digits."""
    root = tmp_path_factory.mktemp("kept") / "ledger"
    quotes = FixedQuotes({"gpt-4o": {"input": "2.50", "output": "10"}, "haiku": {"input": "0.0000001", "output": "5"}})
    start = datetime(2026, 10, 1)
    for half in (rows[::2], rows[1::2]):
        with open_ledger(root, write=True, create=True) as ledger, ledger.intake(source="import:t", quotes=quotes) as intake:
            intake.stage_rows(
                [
                    {
                        "occurred_at": (start + timedelta(minutes=minute)).isoformat(), "provider": "openai", "model": model,
                        "feature": feature, "user_id": user, "input": size, "output": 1,
                    }
                    for minute, model, feature, user, size in half
                ]
            )  # fmt: skip
            intake.commit()
    before = _rolled(root)
    _retained(root, identities=max(1, days // 2), calls=days)
    assert _rolled(root) == before
    assert verify(root).holds


CHILD = """
import os, signal, sys
from pathlib import Path
from breakeven.ledger import forgetting, rewriting, seals, layout as layouts
from breakeven.ledger.erasing import erase_user, footprint
from breakeven.ledger.retaining import retain_calls
from breakeven.governance.privacy import Keeping, Privacy
from datetime import datetime

root, what, module, name, fatal = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
owner = {"rewriting": rewriting, "seals": seals, "forgetting": forgetting}[module]
real, calls = getattr(owner, name), [0]
def dying(*given, **named):
    calls[0] += 1
    if calls[0] == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given, **named)
setattr(owner, name, dying)
if what == "erase":
    erase_user(root, ["user-1"], footprint(root, ["user-1"]), datetime(2026, 11, 20))
else:
    retain_calls(root, Privacy(keeping=Keeping(calls=30 * 86400)).ends(datetime(2026, 11, 20)))
"""
STEPS = [
    ("seals", "sync_file", 3),
    ("rewriting", "write_durably", 1),
    ("rewriting", "_replace", 2),
    ("rewriting", "sync_directory", 2),
    ("rewriting", "_move_retired", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["erase", "retain"])
@pytest.mark.parametrize(("module", "name", "fatal"), STEPS)
def test_a_killed_rewrite_is_whole_or_not_at_all(known: Path, what: str, module: str, name: str, fatal: int) -> None:
    """After kill -9 the ledger verifies with the sums it had; repeated, the rewrite completes: nothing lost, nothing twice."""
    before = _rolled(known)
    command = [sys.executable, "-c", CHILD, str(known), what, module, name, str(fatal)]
    assert subprocess.run(command, check=False).returncode == -9
    report = verify(known)
    assert report.problems == ()
    assert _rolled(known) == before
    subprocess.run([*command[:-1], "0"], check=True)
    assert verify(known).holds
    assert _rolled(known) == before
    with open_ledger(known) as ledger:
        users, calls = ledger.query("SELECT count(*) FILTER (WHERE user_id = 'user-1'), count(*) FROM calls")[0]
    assert (users, calls) == ((0, 120) if what == "erase" else (0, 4))
    assert not (known / "rewrite").exists()


def test_a_rewrite_that_would_change_a_sum_does_nothing(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof comes before the commit: where the sums differ the command fails with exit code 3 and every file is as it was."""
    files = {path: path.read_bytes() for path in known.glob("sealed/**/*.parquet")}
    monkeypatch.setattr("breakeven.ledger.forgetting._masked", lambda *_: "* REPLACE (recorded_at AS recorded_at)")
    monkeypatch.setattr("breakeven.ledger.forgetting._rows", _short(monkeypatch))
    result = _run("ledger", "erase", "--user", "user-1", "--yes", "--ledger", str(known))
    assert result.exit_code == 3
    assert {path: path.read_bytes() for path in known.glob("sealed/**/*.parquet")} == files
    assert verify(known).holds


def _short(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str | None]:
    from breakeven.ledger import forgetting  # noqa: PLC0415 - what is replaced

    del monkeypatch
    real = forgetting._rows  # noqa: SLF001 - the fault is planted where rows are read

    def rows(layout: Layout, manifest: Any, table: str) -> str | None:
        found = real(layout, manifest, table)
        return None if found is None or table != "cost_lines" else f"(SELECT * FROM {found} LIMIT 30)"

    return rows


KEY = "0123456789abcdef0123456789abcdef"
DISGUISED = "privacy: {pseudonymise: [user, customer], key_env: TEST_PSEUDONYM_KEY}\n"


@given(st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text), st.binary(min_size=16, max_size=100))
@settings(max_examples=30, deadline=None)
def test_sql_and_python_agree_on_pseudonyms(name: str, key: bytes) -> None:
    """A name gets the same pseudonym in an import, which is SQL, as in the gateway, which is Python."""
    import duckdb  # noqa: PLC0415 - this test alone speaks to the engine

    from breakeven.ledger.masking import mask  # noqa: PLC0415 - as above

    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (user_id VARCHAR, occurred_at TIMESTAMP)")
        connection.execute("INSERT INTO t VALUES ($name, NULL), ($name, NULL)", {"name": name})
        for _ in range(2):
            mask(connection, Layout(Path("/nonexistent")), "t", Pseudonyms(("user",), key))
        assert connection.execute("SELECT DISTINCT user_id FROM t").fetchall() == [(pseudonym(key, "user", name),)]


WORDS = st.text(st.characters(categories=("L", "N"), include_characters=" .-_@'\"\\/+"), min_size=1, max_size=30)


@given(name=WORDS, tag=WORDS, address=st.sampled_from(["", "jo@example.org", "<jürgen.ö@büro.example>", "a@b"]))
@settings(max_examples=60, deadline=None)
def test_sql_and_python_agree_on_tags(name: str, tag: str, address: str) -> None:
    """In an import, which is SQL, a tag loses the name and addresses exactly as in the gateway, which is Python."""
    import duckdb  # noqa: PLC0415 - this test alone speaks to the engine
    import msgspec  # noqa: PLC0415 - as above

    from breakeven.ledger.masking import mask  # noqa: PLC0415 - as above

    pseudonyms, tags = Pseudonyms(("user",), KEY.encode()), {"a": name, "b": f"{tag} {address}", "c": "plain"}
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (user_id VARCHAR, tags VARCHAR, occurred_at TIMESTAMP)")
        connection.execute("INSERT INTO t VALUES ($name, $tags, NULL)", {"name": name, "tags": msgspec.json.encode(tags).decode()})
        mask(connection, Layout(Path("/nonexistent")), "t", pseudonyms)
        (found,) = connection.execute("SELECT tags FROM t").fetchall()[0]
    assert msgspec.json.decode(found) == pseudonyms.in_tags(tags, {"user": name})
    assert pseudonyms.in_tags(tags, {"user": name})["a"] == pseudonym(KEY.encode(), "user", name)


def test_imports_are_disguised_and_the_same_export_adds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No real name is in the ledger; an import before and after the disguise began is the same fact; reports know the pseudonym."""
    monkeypatch.setenv("TEST_PSEUDONYM_KEY", KEY)
    table, config, root = tmp_path / "calls.csv", tmp_path / "breakeven.yaml", tmp_path / "ledger"
    table.write_text(
        "occurred_at,provider,model,input,output,user,customer\n2026-10-01T00:00:00Z,openai,gpt-4o,10,5,ada@x.org,acme\n"
    )
    config.write_text(DISGUISED)
    place = ("--config", str(config), "--ledger", str(root))
    assert _run("import", "calls", str(table), "--map", "user_id=user", *place).exit_code == 0
    assert _holding(root, b"ada@x.org") == []
    assert _holding(root, b"acme") == []
    assert "nothing added; 1 were there already" in _run("import", "calls", str(table), "--map", "user_id=user", *place).output
    shown = _run("ledger", "pseudonym", "user", "ada@x.org", *place).stdout.strip()
    with open_ledger(root) as ledger:
        assert ledger.query("SELECT user_id FROM calls") == [(shown,)]
    erased = _run("ledger", "erase", "--user", "ada@x.org", "--yes", "--json", *place)
    assert json.loads(erased.stdout)["calls"] == 1


def test_without_the_key_nothing_is_written(tmp_path: Path) -> None:
    """A forgotten variable stops an import with exit code 3 and its name, instead of writing real names."""
    table, config = tmp_path / "calls.csv", tmp_path / "breakeven.yaml"
    table.write_text("occurred_at,provider,model,input,output\n2026-10-01T00:00:00Z,openai,gpt-4o,10,5\n")
    config.write_text(DISGUISED)
    assert "TEST_PSEUDONYM_KEY" not in os.environ
    result = _run("import", "calls", str(table), "--config", str(config), "--ledger", str(tmp_path / "ledger"))
    assert result.exit_code == 3
    assert "TEST_PSEUDONYM_KEY" in result.output
    assert not (tmp_path / "ledger").exists()


def test_retain_follows_the_configuration(known: Path) -> None:
    """Per feature: one feature's identities end, the other's are kept for good; the command says what it did."""
    (known / "breakeven.yaml").write_text("privacy:\n  keep: {identities: 1d}\n  features:\n    feature-0: {identities: forever}\n")
    result = _run("ledger", "retain", "--json", "--ledger", str(known))
    assert result.exit_code == 0, result.output
    assert Decimal(json.loads(result.stdout)["sums"]["cost_lines.cost"]) == Decimal("0.42")
    with open_ledger(known) as ledger:
        assert ledger.query("SELECT feature, count(user_id) FROM calls GROUP BY 1 ORDER BY 1") == [
            ("feature-0", 60),
            ("feature-1", 0),
        ]


def test_the_bookkeeper_applies_retention_and_notes_it(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any command, what is kept no longer goes when its time comes, and the decisions log has the sums before and after."""
    monkeypatch.setattr("breakeven.service.forgetting.FIRST_SECONDS", 0.0)
    config = known / "breakeven.yaml"
    config.write_text("privacy: {keep: {identities: 1d, calls: 2d}}\n")
    keeper = Bookkeeper(known, config)
    assert keeper.take_office()
    keeper.look(time.monotonic())
    keeper.close()
    with open_ledger(known) as ledger:
        assert ledger.query("SELECT count(*), sum(call_count) FROM calls") == [(4, 120)]
    noted = [each for each in decisions(Layout(known))[0] if each.action == "apply retention"]
    assert len(noted) == 1
    assert "cost_lines.cost 0.42" in (noted[0].before or "")
    assert verify(known).holds
