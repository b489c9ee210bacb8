"""The sample company as plain files, in the formats that anybody's real data come in."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np

from breakeven.pricebook import RateCard
from breakeven.sample.calibration import calibrated
from breakeven.sample.company import PLANS_SOLD, Company, company, customer_name
from breakeven.sample.outcomes import outcomes
from breakeven.sample.plans import PLANS
from breakeven.sample.replays import REPLAY_COLUMNS, replays
from breakeven.sample.texts import CONFIG, PRICES, readme
from breakeven.sample.traffic import DAY_US, TOKEN_CLASSES, Traffic, microseconds, month_start, traffic
from breakeven.sample.truth import CUSTOMERS, MONTHS, SEED, UNPRICED_MONTH

_PILOT_CALLS = 1_800
_STATUS = ("ok", "failed", "refused", "cut_off")
_HTTP = (200, 529, 429, 200)  # a failed attempt that is billed was answered, wrongly: 200


def write_configuration(folder: Path, seed: int = SEED) -> None:
    """The firm's `breakeven.yaml` and price file, as its finance team would keep them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("breakeven.yaml", CONFIG), ("prices.yaml", PRICES), ("README.md", readme(seed))):
        (folder / name).write_text(text, encoding="utf-8")


def holds_sample(folder: Path, seed: int = SEED) -> bool:
    """Whether this folder holds the sample company of this seed, and nothing that `write_configuration` would overwrite."""
    label = folder / "README.md"
    return label.is_file() and label.read_text(encoding="utf-8") == readme(seed)


def write_facts(folder: Path, card: RateCard, seed: int = SEED) -> dict[str, list[Path]]:
    """Every input file by import format. The same seed writes the same bytes; the planted sums hold for every seed.

    `card` must hold the prices of `write_configuration`, since the token counts are calibrated on it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(readme(seed), encoding="utf-8")
    random = np.random.default_rng(seed)
    firm = company(random)
    calls: list[Path] = []
    delivered: list[Sequence[object]] = []
    with duckdb.connect(config={"threads": 1}) as engine:  # several would write the same rows in other groups
        for month in range(MONTHS):
            made = [calibrated(traffic(plan, month, firm, random), card) for plan in PLANS]
            calls.append(_write_calls(engine, folder / f"calls-{month_start(month):%Y-%m}-invented.parquet", made, firm))
            for item in made:
                delivered += outcomes(item, firm, random)
    return {
        "calls": [*calls, _pilot(folder, random)],
        "outcomes": [
            _csv(
                folder / "outcomes-invented.csv",
                ("time", "id", "feature", "team", "customer", "unit", "quantity", "succeeded"),
                delivered,
            )
        ],
        "customers": [_csv(folder / "customers-invented.csv", ("customer", "plan", "segment", "signup_date"), _customers(firm))],
        "replays": [_csv(folder / "replays-invented.csv", REPLAY_COLUMNS, replays(seed))],
        "revenue": [_csv(folder / "revenue-invented.csv", ("month", "customer", "plan", "amount"), _revenue(firm))],
    }


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
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
    return {
        "occurred_us": made.occurred_us,
        "customer": firm.user_customer[made.user],
        "user": made.user,
        "workflow": made.workflow,
        "slot": made.slot,
        "call": made.call,
        "attempt": made.attempt,
        "trace": made.trace,
        "status": made.status,
        "billed": made.billed,
        "metered": made.metered,
        "latency_ms": made.latency_ms,
        **dict(zip(TOKEN_CLASSES, made.tokens, strict=True)),
    }


def _select(table: str, made: Traffic) -> str:
    plan, month = made.plan, f"{month_start(made.month):%Y%m}"
    feature, team = ("NULL" if value is None else f"'{value}'" for value in (plan.name, plan.team))
    tokens = ", ".join(f"CASE WHEN metered THEN nullif({name}, 0) END AS {name}" for name in TOKEN_CLASSES)
    return f"""
        SELECT '{plan.key}-{month}-' || lpad(call::VARCHAR, 6, '0') AS id, attempt, make_timestamp(occurred_us) AS occurred_at,
            {_pick("slot", [item.provider for item in plan.slots])} AS provider,
            {_pick("slot", [item.model(made.month) for item in plan.slots])} AS model,
            {_pick("slot", [item.rung for item in plan.slots])} AS rung,
            {feature}::VARCHAR AS feature, {team}::VARCHAR AS team,
            'customer-' || lpad((customer + 1)::VARCHAR, 3, '0') AS customer, 'user-' || lpad((user + 1)::VARCHAR, 4, '0') AS user,
            nullif({_pick("workflow", [item.name for item in plan.workflows])}, '') AS workflow, 'production' AS environment,
            '{plan.key}-{month}-' || lpad(trace::VARCHAR, 6, '0') AS trace_id,
            {_pick("status", _STATUS)} AS status,
            CASE WHEN billed THEN 200 ELSE {_pick("status", _HTTP)} END AS http_status,
            billed, latency_ms, {tokens}
        FROM {table}"""


def _pick(column: str, values: Sequence[object]) -> str:
    listed = ", ".join(str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'" for value in values)
    return f"([{listed}])[{column} + 1]"


def _customers(firm: Company) -> Iterator[Sequence[object]]:
    """Everybody signed up in the month before the first one of use, or some time before the year began."""
    for number in range(CUSTOMERS):
        name, _ = PLANS_SOLD[firm.plan[number]]
        joined = int(firm.joined[number])
        first = month_start(joined if joined >= 0 else -(number % 20))
        segment = "enterprise" if name == "enterprise" else "smb"
        yield customer_name(number), name, segment, f"{first - timedelta(days=1 + number % 27):%Y-%m-%d}"


def _revenue(firm: Company) -> Iterator[Sequence[object]]:
    for month in range(MONTHS):
        for number in np.flatnonzero(firm.active(month)).tolist():
            name, price = PLANS_SOLD[firm.plan[number]]
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
    return _csv(folder / f"pilot-{month_start(UNPRICED_MONTH):%Y-%m}-invented.csv", header, rows)
