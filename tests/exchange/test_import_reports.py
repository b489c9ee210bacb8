"""What vendors count and charge per day, cloud bills, and revenue: to the digit, once, and never beside metered calls."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from breakeven.exchange.importers import billing

DAY = 86_400
FIRST = 1_788_220_800  # 2026-09-01
COMPLETIONS = {
    "object": "organization.usage.completions.result", "input_tokens": 1000, "output_tokens": 500, "num_model_requests": 5,
    "project_id": "proj_a", "model": "gpt-4o-2024-08-06", "input_cached_tokens": 400, "input_audio_tokens": 0,
    "output_audio_tokens": 0, "batch": False,
}  # fmt: skip


def page(*results: dict[str, Any], start: int = FIRST, end: int | None = None) -> dict[str, Any]:
    bucket = {"object": "bucket", "start_time": start, "end_time": end or start + DAY, "results": list(results)}
    empty = {"object": "bucket", "start_time": start + DAY, "end_time": start + 2 * DAY, "results": []}
    return {"object": "page", "data": [bucket, empty], "has_more": False, "next_page": None}


def test_usage_of_openai(desk: Any) -> None:
    """A bucket is one row that stands for its calls, cached tokens taken off, batch at batch prices; empty days add nothing."""
    batch = {**COMPLETIONS, "batch": True}
    path = desk.file("usage.json", json.dumps(page(COMPLETIONS, batch), indent=1))
    answer = desk.bring("openai-usage", path)
    assert (answer.code, answer.summary["calls_added"], answer.summary["requests_added"]) == (0, 2, 10), answer.told
    lines = desk.rows("SELECT usage_class, quantity, cost FROM cost_lines WHERE kind = 'list' ORDER BY cost DESC")
    assert lines[0] == ("output", 500, Decimal("0.005"))
    assert sum(cost for *_, cost in lines) < 2 * sum(cost for *_, cost in lines if cost > Decimal("0.0005"))
    assert desk.rows("SELECT DISTINCT feature, provider FROM calls") == [("proj_a", "openai")]
    assert desk.bring("openai-usage", path).summary["duplicates"] == 2


def test_audio_inside_or_beside(desk: Any) -> None:
    """Answers that tell text tokens apart have all modalities in their totals; older ones have audio beside them."""
    older = {**COMPLETIONS, "input_audio_tokens": 100, "output_audio_tokens": 900}
    newer = {**older, "project_id": "proj_b", "input_text_tokens": 500, "output_audio_tokens": 50}
    desk.bring("openai-usage", desk.file("usage.json", json.dumps(page(older, newer))))
    classes = "('input', 'output', 'output_audio')"
    found = f"SELECT feature, usage_class, quantity FROM cost_lines WHERE usage_class IN {classes} ORDER BY ALL"
    assert desk.rows(found) == [
        ("proj_a", "input", 600), ("proj_a", "output", 500), ("proj_a", "output_audio", 900),
        ("proj_b", "input", 500), ("proj_b", "output", 450), ("proj_b", "output_audio", 50),
    ]  # fmt: skip


def test_a_model_that_is_not_told_is_work_and_days_are_cut_alike(desk: Any) -> None:
    """Without group_by model the usage is unpriced; a report that begins within a day has the same day; one not over yet waits."""
    plain = {**COMPLETIONS, "model": None}
    whole = desk.bring("openai-usage", desk.file("a.json", json.dumps(page(plain))))
    assert whole.summary["by_state"] == {"unpriced": 1}
    later = page(plain, start=FIRST + 3600, end=FIRST + DAY)
    assert desk.bring("openai-usage", desk.file("b.json", json.dumps(later))).summary["duplicates"] == 1
    unfinished = desk.bring("openai-usage", desk.file("c.json", json.dumps(page(plain, end=4_000_000_000))))
    assert (unfinished.summary["calls_added"], "left for the next import" in unfinished.told) == (0, True)


def test_amounts_are_dollars_or_cents(desk: Any) -> None:
    """OpenAI's amounts are dollars, numbers or texts; Anthropic's are cents; both are stated costs of no call."""
    costs = [
        {"object": "organization.costs.result", "amount": {"value": value, "currency": "usd"}, "line_item": item, "project_id": "p"}
        for value, item in ((0.06, "gpt-4o, input"), ("1.5", "gpt-4o, output"))
    ]
    desk.bring("openai-costs", desk.file("o.json", json.dumps({"/organization/costs": page(*costs)})))
    result = {"amount": "300.25", "currency": "USD", "model": "claude-sonnet-4-5", "description": "Input", "workspace_id": "w"}
    bucket = {"starting_at": "2026-09-01T00:00:00Z", "ending_at": "2026-09-02T00:00:00Z", "results": [result, result]}
    desk.bring("anthropic-costs", desk.file("a.json", json.dumps({"cost_report": {"data": [bucket]}})))
    found = desk.rows(
        "SELECT calls.provider, calls.model, sum(cost), any_value(calls.state), sum(DISTINCT call_count)"
        " FROM calls JOIN cost_lines USING (call_id) GROUP BY calls.provider, calls.model ORDER BY 1"
    )
    assert found == [
        ("anthropic", "claude-sonnet-4-5", Decimal("6.005"), "stated", 0),
        ("openai", "gpt-4o", Decimal("1.56"), "stated", 0),
    ]


def test_usage_of_anthropic(desk: Any) -> None:
    """Classes are disjoint already; the least number of calls that fits the context window keeps long-context prices out."""
    result = {
        "uncached_input_tokens": 1_000_000, "cache_read_input_tokens": 3_000_000, "output_tokens": 50_000,
        "model": "claude-sonnet-4-5",
        "cache_creation": {"ephemeral_5m_input_tokens": 200_000, "ephemeral_1h_input_tokens": 100_000}, "service_tier": "standard",
        "context_window": "0-200k", "server_tool_use": {"web_search_requests": 12}, "workspace_id": "w",
    }  # fmt: skip
    bucket = {"starting_at": "2026-09-01T00:00:00Z", "ending_at": "2026-09-02T00:00:00Z", "results": [result]}
    answer = desk.bring("anthropic-usage", desk.file("a.json", json.dumps({"data": [bucket], "has_more": False})))
    # 1M × $3 + 3M × $0.30 + 50k × $15 + 200k × $3.75 + 100k × $6 + 12 searches × $0.01
    assert (answer.summary["cost"], answer.summary["requests_added"]) == ("6.12", 22)


def test_reports_do_not_count_beside_calls(desk: Any) -> None:
    """On days of which the ledger has calls of the vendor, its report is left out and told; other days are taken."""
    call = {"id": "c1", "at": "2026-09-01T10:00:00Z", "model": "gpt-4o", "input_tokens": 1000, "output_tokens": 10}
    desk.bring("calls", desk.file("calls.json", json.dumps([call])), "--map", "occurred_at=at")
    second = {**COMPLETIONS, "project_id": "proj_b"}
    report = {"data": [page(COMPLETIONS)["data"][0], page(second, start=FIRST + DAY)["data"][0]]}
    answer = desk.bring("openai-usage", desk.file("usage.json", json.dumps(report)))
    assert (answer.code, answer.summary["calls_added"]) == (0, 1)
    assert "openai: 1 row from 2026-09-01 to 2026-09-01 are of days on which the ledger has calls" in answer.told


FOCUS = """\
BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ProviderName,ServiceName,ServiceCategory,ChargeDescription,Tags
1.25,1.00,USD,2026-09-01 00:00:00,AWS,Amazon Bedrock,AI and Machine Learning,tokens,"{""feature"": ""support"", ""team"": ""care""}"
1.25,1.00,USD,2026-09-01 00:00:00,AWS,Amazon Bedrock,AI and Machine Learning,tokens,"{""feature"": ""support"", ""team"": ""care""}"
0.000000000001,NULL,USD,2026-09-01 00:00:00,AWS,Amazon S3,Storage,storage,NULL
-0.25,0,USD,2026-09-02T00:00:00Z,Microsoft,Azure OpenAI,AI and Machine Learning,credit,
7,7,EUR,2026-09-02T00:00:00Z,Google,Vertex AI,AI and Machine Learning,tokens,
"""


def test_a_focus_bill(desk: Any, tmp_path: Path) -> None:
    """Each line is a stated charge; equal lines count each, credits are negative, other currencies are set aside."""
    path = desk.file("focus.csv", FOCUS)
    answer = desk.bring("focus", path)
    assert (answer.code, answer.summary["calls_added"], answer.summary["cost"]) == (3, 4, "2.250000000001"), answer.told
    assert "focus.csv:6 field currency: the ledger keeps US dollars" in answer.told
    assert "1 lines ($0.00) are of services that are not AI; --set services=ai leaves them out" in answer.told
    assert desk.rows("SELECT provider, feature, team, sum(stated_cost), sum(call_count) FROM calls GROUP BY ALL ORDER BY 1") == [
        ("aws", None, None, Decimal("0.000000000001"), 0),
        ("azure", None, None, Decimal("-0.25"), 0),
        ("bedrock", "support", "care", Decimal("2.5"), 0),
    ]
    assert desk.bring("focus", path).summary["duplicates"] == 4
    code, out, _ = desk.run("pnl", "--period", "2026-09", "--json")
    assert (code, json.loads(out)["total"]["cost"]) == (0, "2.250000000001")
    table = tmp_path / "focus.parquet"
    duckdb.connect().execute(f"COPY (SELECT * FROM read_csv('{path}', all_varchar = true) WHERE BilledCost = '1.25') TO '{table}'")
    assert desk.bring("focus", table, "--set", "services=ai").summary["calls_added"] == 0


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    "tags", [{"feature": "chat", "team": "care"}, [{"key": "Feature", "value": "chat"}, {"key": "team", "value": "care"}]]
)
def test_tags_of_a_bill_are_attribution_in_every_format(desk: Any, tmp_path: Path, kind: str, tags: Any) -> None:
    """An object, or a list of keys and values as Google writes it; as text in CSV, nested in JSON lines, typed in Parquet."""
    line = {"BilledCost": "1.25", "ChargePeriodStart": "2026-09-01T00:00:00Z", "ProviderName": "Google Cloud", "Tags": tags}
    path = tmp_path / f"bill.{kind}"
    (tmp_path / "line.jsonl").write_text(json.dumps(line))
    with duckdb.connect() as connection:
        typed = connection.read_json(str(tmp_path / "line.jsonl"))  # noqa: F841 - the engine finds it by name
        if kind == "csv":
            connection.execute(f"COPY (SELECT * REPLACE (to_json(Tags)::VARCHAR AS Tags) FROM typed) TO '{path}' (HEADER)")
        else:
            connection.execute(f"COPY typed TO '{path}' (FORMAT {'json' if kind == 'jsonl' else 'parquet'})")
    answer = desk.bring("focus", path)
    assert (answer.code, desk.rows("SELECT provider, feature, team FROM calls")) == (0, [("google", "chat", "care")]), answer.told


@pytest.mark.parametrize("format_", ["focus", "aws-cur"])
def test_a_bills_line_is_the_same_however_it_is_written(desk: Any, format_: str) -> None:
    """Columns in another order, a new column that is empty, JSON instead of CSV: nothing is added; equal lines still count each."""
    line = {
        "focus": {"BilledCost": "1.25", "ChargePeriodStart": "2026-09-01T00:00:00Z", "ProviderName": "Microsoft", "SkuId": "x"},
        "aws-cur": {"identity/LineItemId": "a", "lineItem/UsageStartDate": "2026-09-01", "lineItem/UnblendedCost": "1.25"},
    }[format_]
    for names, added in ((list(line), 2), (list(line)[::-1], 0), ([*line, "x_New"], 0)):
        rows = [names, *([line.get(name, "") for name in names] for _ in range(2))]
        answer = desk.bring(format_, desk.file(f"{len(names)}{names[0][:1]}.csv", "\n".join(",".join(row) for row in rows)))
        assert answer.summary["calls_added"] == added, answer.told
    lines = "\n".join(json.dumps(dict(reversed(line.items()))) for _ in range(3))
    assert desk.bring(format_, desk.file("bill.jsonl", lines)).summary["calls_added"] == 1
    assert desk.rows("SELECT sum(stated_cost) FROM calls") == [(Decimal("3.75"),)]


def test_a_bill_that_an_earlier_version_brought_in_is_known(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines were identified with their columns in the file's order: the same file adds nothing, a new line of it does."""
    path = desk.file("focus.csv", FOCUS)
    with monkeypatch.context() as patch:
        patch.setattr(billing, "_identity", billing._identity_before)  # noqa: SLF001 - what earlier versions did
        assert desk.bring("focus", path).summary["calls_added"] == 4
    assert desk.bring("focus", path).summary["calls_added"] == 0
    desk.file("focus.csv", FOCUS + "3,3,USD,2026-09-03T00:00:00Z,Microsoft,Azure OpenAI,AI and Machine Learning,tokens,\n")
    assert desk.bring("focus", path).summary["calls_added"] == 1


def test_a_report_of_aws(desk: Any) -> None:
    """The unblended cost of each line; with services=ai only AI services, and what was left out is told."""
    columns = "identity/LineItemId,lineItem/UsageStartDate,lineItem/UnblendedCost,lineItem/CurrencyCode,"
    columns += "product/ProductName,lineItem/UsageType"
    lines = [columns, "a,2026-09-01T00:00:00Z,0.5,USD,Amazon Bedrock,USE1-input", "a,2026-09-01T00:00:00Z,0.25,USD,Amazon S3,Tier1"]
    answer = desk.bring("aws-cur", desk.file("cur.csv", "\n".join(lines)), "--set", "services=ai")
    assert (answer.summary["calls_added"], answer.summary["cost"]) == (1, "0.5")
    assert "1 lines ($0.25) are of services that are not AI; they were left out" in answer.told
    assert desk.rows("SELECT provider, workflow, json_extract_string(tags, '$.sku') FROM calls") == [
        ("bedrock", "Amazon Bedrock", "USE1-input")
    ]
    wrong = desk.run("import", "aws-cur", desk.file("x.csv", "a,b\n1,2\n"))
    assert (wrong[0], "has no column lineItem/UsageStartDate" in wrong[2]) == (3, True)


INVOICE = {
    "object": "invoice", "id": "in_1", "status": "paid", "currency": "usd", "customer": "cus_1",
    "metadata": {"breakeven_customer": "acme"}, "lines": {"object": "list", "has_more": False, "data": [
        {"object": "line_item", "id": "il_1", "amount": 12_000, "currency": "usd",
         "period": {"start": FIRST, "end": FIRST + 30 * DAY},
         "price": {"lookup_key": "pro"}, "discount_amounts": [{"amount": 2_000}]},
        {"object": "line_item", "id": "il_2", "amount": 500, "currency": "usd", "period": {"start": FIRST, "end": FIRST + 30 * DAY},
         "price": {"product": "prod_addon"}, "metadata": {"feature": "support"}},
    ]},
}  # fmt: skip


def test_revenue_of_stripe(desk: Any) -> None:
    """Lines of paid and open invoices are revenue of customer, plan and period, discounts taken off; drafts are none."""
    draft = {**INVOICE, "id": "in_2", "status": "draft"}
    path = desk.file("invoices.json", json.dumps({"object": "list", "data": [INVOICE, draft], "has_more": False}))
    answer = desk.bring("stripe", path)
    assert (answer.code, answer.summary["facts_added"]) == (0, {"revenue": 2}), answer.told
    assert desk.rows(
        "SELECT customer, plan, feature, amount, period_end::DATE - period_start::DATE FROM revenue ORDER BY amount"
    ) == [
        ("acme", "prod_addon", "support", Decimal(5), 30),
        ("acme", "pro", None, Decimal(100), 30),
    ]
    assert desk.bring("stripe", path).summary["facts_added"] == {}
    assert desk.bring("stripe", path, "--since", "2027-01-01").summary["duplicates"] == 0


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"currency": "eur", "lines": None, "total": 5}, "its currency is eur"),
        ({"lines": {"has_more": True, "data": [{"id": "x"}]}}, "it has more lines than are here"),
        ({"object": "customer"}, "it is no invoice, invoice line or charge, but 'customer'"),
    ],
)
def test_what_is_no_revenue_in_dollars(desk: Any, change: dict[str, Any], what: str) -> None:
    """Other currencies, invoices cut short and other objects are set aside with what to do."""
    answer = desk.bring("stripe", desk.file("bad.json", json.dumps([{**INVOICE, **change}])))
    assert (answer.code, answer.summary["rejected"]) == (3, 1)
    assert what in answer.told


def test_a_table_of_stripe(desk: Any) -> None:
    """The dashboard's CSV has dollars; refunds are taken off."""
    table = "id,Created (UTC),Amount,Amount Refunded,Currency,Status,Customer ID,Description\n"
    table += "ch_1,2026-09-01 10:00,100.50,0.50,usd,Paid,cus_1,Pro\n"
    assert desk.bring("stripe", desk.file("charges.csv", table)).summary["facts_added"] == {"revenue": 1}
    assert desk.rows("SELECT customer, amount FROM revenue") == [("cus_1", Decimal(100))]


def test_a_table_of_stripes_invoices(desk: Any) -> None:
    """An invoice is revenue without its tax, paid or open; columns of metadata name customer and feature as JSON does."""
    table = "id,Customer,Date (UTC),Subtotal,Total,Tax,Amount Paid,Currency,Status,"
    table += "breakeven_customer (metadata),feature (metadata)\n"
    table += "in_1,cus_1,2026-09-01 10:00,100.00,119.00,19.00,119.00,usd,paid,acme,support\n"
    table += "in_2,cus_2,2026-09-02 10:00,50.00,50.00,,0.00,usd,open,,\n"
    assert desk.bring("stripe", desk.file("invoices.csv", table)).summary["facts_added"] == {"revenue": 2}
    assert desk.rows("SELECT customer, feature, amount FROM revenue ORDER BY 1") == [
        ("acme", "support", Decimal(100)),
        ("cus_2", None, Decimal(50)),
    ]


@pytest.mark.parametrize("format_", ["calls", "litellm", "responses", "claude-code", "outcomes", "revenue"])
def test_since_passes_over_what_is_older(desk: Any, format_: str) -> None:
    """Every format with times takes --since: what is older is not added, what is not is."""
    bodies: dict[str, list[dict[str, Any]]] = {
        "calls": [{"timestamp": at, "model": "gpt-4o", "input_tokens": 10} for at in TIMES],
        "litellm": [
            {"request_id": at, "startTime": at, "model": "gpt-4o", "prompt_tokens": 1, "completion_tokens": 1} for at in TIMES
        ],
        "responses": [{"at": at, "provider": "openai", "response": {"id": at, "model": "gpt-4o", "usage": USED}} for at in TIMES],
        "claude-code": [
            {"timestamp": at, "sessionId": "s", "requestId": at, "message": {"id": at, "model": "claude-sonnet-4-5", "usage": SAID}}
            for at in TIMES
        ],
        "outcomes": [{"timestamp": at, "unit": "ticket"} for at in TIMES],
        "revenue": [{"month": at, "customer": "acme", "amount": "1"} for at in TIMES],
    }
    path = desk.file("two.jsonl", "\n".join(map(json.dumps, bodies[format_])))
    answer = desk.bring(format_, path, "--since", "2026-09-02T00:00:00Z")
    added = answer.summary["calls_added"] or sum(answer.summary["facts_added"].values())
    assert (answer.code, added) == (0, 1), answer.told


TIMES = ("2026-09-01T10:00:00Z", "2026-09-02T10:00:00Z")
USED = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11}
SAID = {"input_tokens": 10, "output_tokens": 1}
