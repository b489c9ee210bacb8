"""The sample company as plain files, in the formats that anybody's real data come in."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np

from breakeven.pricebook import RateCard
from breakeven.sample.calibration import calibrated
from breakeven.sample.company import Company, company
from breakeven.sample.texts import CONFIG, PRICES, README
from breakeven.sample.traffic import DAY_US, Traffic, microseconds, month_start, traffic
from breakeven.sample.truth import CUSTOMERS, MONTHS, PLANS, SEED, SUPPORT, SUPPORT_SUCCESSES, TIERS, UNPRICED_MONTH

_PILOT_CALLS = 1_800
_STATUS = ("ok", "failed", "cut_off")
_HTTP = (200, 529, 200)


def write_configuration(folder: Path) -> None:
    """The firm's `breakeven.yaml` and price file, as its finance team would keep them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("breakeven.yaml", CONFIG), ("prices.yaml", PRICES), ("README.md", README)):
        (folder / name).write_text(text, encoding="utf-8")


def write_facts(folder: Path, card: RateCard, seed: int = SEED) -> dict[str, list[Path]]:
    """Every input file by import format. The same seed writes the same rows; the planted sums hold for every seed."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    firm = company(random)
    calls: list[Path] = []
    outcomes: list[Sequence[object]] = []
    with duckdb.connect() as engine:
        for month in range(MONTHS):
            made = [calibrated(traffic(plan, month, firm, random), card) for plan in PLANS]
            calls.append(_write_calls(engine, folder / f"calls-{month_start(month):%Y-%m}-invented.parquet", made, firm))
            for item in made:
                outcomes += _outcomes(item, firm, random)
    return {
        "calls": [*calls, _pilot(folder, random)],
        "outcomes": [
            _csv(
                folder / "outcomes-invented.csv",
                ("time", "id", "feature", "team", "customer", "unit", "quantity", "succeeded"),
                outcomes,
            )
        ],
        "customers": [_csv(folder / "customers-invented.csv", ("customer", "plan", "segment", "signup_date"), _customers(firm))],
        "revenue": [_csv(folder / "revenue-invented.csv", ("month", "customer", "plan", "amount"), _revenue(firm))],
    }


def customer_name(number: int) -> str:
    """How a customer is called in the files."""
    return f"customer-{number + 1:03d}"


def _csv(path: Path, header: Sequence[str], rows: Iterator[Sequence[object]] | Sequence[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


def _write_calls(engine: duckdb.DuckDBPyConnection, path: Path, made: Sequence[Traffic], firm: Company) -> Path:
    """One Parquet file with the month's attempts of all features; numbers become names in SQL."""
    selects = []
    for number, item in enumerate(made):
        engine.register(f"made_{number}", _columns(item, firm))
        selects.append(_select(f"made_{number}", item))
    rows = " UNION ALL BY NAME ".join(selects)
    target = str(path).replace("'", "''")
    engine.execute(
        f"COPY (SELECT * FROM ({rows}) ORDER BY occurred_at, id, attempt) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
    )
    return path


def _columns(made: Traffic, firm: Company) -> dict[str, np.ndarray]:
    names = ("input", "cache_read", "output", "reasoning")
    return {
        "occurred_us": made.occurred_us,
        "customer": firm.user_customer[made.user],
        "user": made.user,
        "workflow": made.workflow,
        "model": made.model,
        "call": made.call,
        "attempt": made.attempt,
        "trace": made.trace,
        "status": made.status,
        "billed": made.billed,
        "latency_ms": made.latency_ms,
        **dict(zip(names, made.tokens, strict=True)),
    }


def _select(table: str, made: Traffic) -> str:
    plan, month = made.plan, f"{month_start(made.month):%Y%m}"
    key = (plan.name or "nobody").split(maxsplit=1)[0].lower()
    text = {name: "NULL" if value is None else f"'{value}'" for name, value in (("feature", plan.name), ("team", plan.team))}
    return f"""
        SELECT '{key}-{month}-' || lpad(call::VARCHAR, 6, '0') AS id, attempt, make_timestamp(occurred_us) AS occurred_at,
            {_pick("model", [model.provider for model in plan.models])} AS provider,
            {_pick("model", [model.model for model in plan.models])} AS model,
            {_pick("model", [model.rung for model in plan.models])} AS rung,
            {text["feature"]}::VARCHAR AS feature, {text["team"]}::VARCHAR AS team,
            'customer-' || lpad((customer + 1)::VARCHAR, 3, '0') AS customer, 'user-' || lpad((user + 1)::VARCHAR, 4, '0') AS user,
            nullif({_pick("workflow", [name for name, _ in plan.workflows])}, '') AS workflow, 'production' AS environment,
            '{key}-{month}-' || lpad(trace::VARCHAR, 6, '0') AS trace_id,
            {_pick("status", _STATUS)} AS status,
            CASE WHEN billed OR status <> 1 THEN {_pick("status", _HTTP)} ELSE 429 END AS http_status,
            billed, latency_ms, input, cache_read, output, reasoning
        FROM {table}"""


def _pick(column: str, values: Sequence[object]) -> str:
    listed = ", ".join(str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'" for value in values)
    return f"([{listed}])[{column} + 1]"


def _outcomes(made: Traffic, firm: Company, random: np.random.Generator) -> Iterator[Sequence[object]]:
    """Units delivered by the month's calls, by day, customer and success; the numbers of the month are exact."""
    plan, count = made.plan, made.plan.outcomes[made.month]
    if not count:
        return
    first = made.attempt == 0
    calls = np.repeat(np.flatnonzero(first), plan.units_per_call)[:count]
    customers = firm.user_customer[made.user[calls]]
    succeeded = np.zeros(count, dtype=np.int64)
    planted = SUPPORT_SUCCESSES.get(made.month) if plan.name == SUPPORT else None
    good = round(count * plan.success) if planted is None else planted
    succeeded[random.choice(count, good, replace=False)] = 1
    groups, quantities = np.unique((made.day[calls] * CUSTOMERS + customers) * 2 + succeeded, return_counts=True)
    key = (plan.name or "").split(maxsplit=1)[0].lower()
    for group, quantity in zip(groups.tolist(), quantities.tolist(), strict=True):
        day, customer, success = group // 2 // CUSTOMERS, group // 2 % CUSTOMERS, group % 2
        at = month_start(made.month) + timedelta(days=day, hours=17)
        identity = f"{key}-{at:%Y%m%d}-{customer + 1}-{success}"
        yield at.isoformat(), identity, plan.name, plan.team, customer_name(customer), plan.unit, quantity, bool(success)


def _customers(firm: Company) -> Iterator[Sequence[object]]:
    for number in range(CUSTOMERS):
        name, _ = TIERS[firm.plan[number]]
        months_before = 3 + number % 20
        joined = int(firm.joined[number])
        since = month_start(joined) if joined >= 0 else month_start(0) - timedelta(days=30 * months_before)
        yield (
            customer_name(number),
            name,
            "enterprise" if name == "enterprise" else "smb",
            f"{since + timedelta(days=number % 27):%Y-%m-%d}",
        )


def _revenue(firm: Company) -> Iterator[Sequence[object]]:
    for month in range(MONTHS):
        for number in np.flatnonzero(firm.active(month)).tolist():
            name, price = TIERS[firm.plan[number]]
            yield f"{month_start(month):%Y-%m}", customer_name(number), name, price


def _pilot(folder: Path, random: np.random.Generator) -> Path:
    """A month's trial on a machine of their own, in the shape that its server logs: nobody has declared what it costs."""
    start = microseconds(month_start(UNPRICED_MONTH))
    rows = (
        (start + int(at), f"pilot-{number:05d}", "vllm", "northwind-7b", "staging", int(prompt), int(answer))
        for number, (at, prompt, answer) in enumerate(
            zip(
                np.sort(random.integers(0, 30 * DAY_US, _PILOT_CALLS)),
                random.integers(400, 4_000, _PILOT_CALLS),
                random.integers(50, 900, _PILOT_CALLS),
                strict=True,
            )
        )
    )
    header = ("time", "id", "provider", "model", "environment", "prompt_tokens", "completion_tokens")
    return _csv(folder / "pilot-2026-03-invented.csv", header, rows)
