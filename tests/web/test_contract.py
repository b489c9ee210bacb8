"""The API keeps its own description: whatever is asked, the answer is one that it names, in the shape that it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from breakeven.cli.main import run

EXAMPLES = 8
DESCRIPTION = json.loads((Path(__file__).parents[2] / "src" / "breakeven" / "web" / "openapi.json").read_bytes())
OPERATIONS = [
    (method, path)
    for path, operations in DESCRIPTION["paths"].items()
    for method in operations
    if path != "/api/v1/outcomes"  # the gateway's own route, which has its own contract
]
CALLS = """timestamp,provider,model,input_tokens,output_tokens,feature,customer,trace
2026-11-20T10:00:00Z,openai,gpt-4o,1000,200,search,acme,t
2026-11-21T10:00:00Z,openai,model-that-nobody-prices,900,90,,,t
"""
SENSIBLE = (
    "2026-11",
    "all",
    "previous",
    "plan",
    "feature",
    "model,customer",
    "search",
    "none",
    "acme",
    "cost",
    "2026-11-21T00:00:00Z",
)
TEXT = st.one_of(
    st.sampled_from(SENSIBLE),
    st.integers(-2, 2000).map(str),
    st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12),
)
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), TEXT)
BODY = st.one_of(PLAIN, st.lists(PLAIN, max_size=2), st.dictionaries(st.text(max_size=6), PLAIN, max_size=3))


@pytest.fixture(scope="module")
def small(serve_for_module: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service over two calls, one of them without a price."""
    site = serve_for_module('features: {search: {owner: web}}\nbudgets: {all: {limit: "$10", period: month, owner: web}}\n')
    calls = tmp_path_factory.mktemp("small") / "calls.csv"
    calls.write_text(CALLS)
    assert run(["import", "calls", str(calls), "--ledger", str(site.ledger), "--config", str(site.config)]) == 0
    return site


def _asked(operation: dict[str, Any]) -> st.SearchStrategy[dict[str, str]]:
    """Some of the parameters of a route, with values that fit and values that do not."""
    named = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
    return st.lists(st.sampled_from(named or ["nothing"]), max_size=3, unique=True).flatmap(
        lambda names: st.fixed_dictionaries(dict.fromkeys(names, TEXT))
    )


def _sent(operation: dict[str, Any]) -> st.SearchStrategy[Any]:
    """A body: any at all, or one whose fields are those that are asked for."""
    if "requestBody" not in operation:
        return st.just(None)
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    fields = DESCRIPTION["components"]["schemas"][reference.rsplit("/", 1)[1]]["properties"]
    return st.one_of(BODY, st.fixed_dictionaries({}, optional=dict.fromkeys(fields, PLAIN)))


def _conforms(answer: httpx.Response, operation: dict[str, Any]) -> None:
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, f"{answer.status_code} is not described: {answer.text[:300]}"
    if "content" not in described or answer.status_code == 204:
        return
    assert answer.headers["content-type"].startswith("application/json")
    (content,) = described["content"].values()
    schema = {**content["schema"], "components": DESCRIPTION["components"]}
    jsonschema_rs.Draft202012Validator(schema).validate(answer.json())


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_one_that_the_description_names(small: Any, method: str, path: str) -> None:
    """Requests of any shape to each route: no fault of ours, no status and no body that is not described."""
    operation = DESCRIPTION["paths"][path][method]

    @seed(20261128)
    @settings(max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @given(query=_asked(operation), item=TEXT.filter(lambda text: text.strip("./") != ""), body=_sent(operation))
    def ask(query: dict[str, str], item: str, body: Any) -> None:
        target = path
        for name in [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]:
            target = target.replace(f"{{{name}}}", quote(item, safe=""))
        with small.client(**{"x-breakeven-guard": "test"}) as client:
            sent = {} if method == "get" else {"content": json.dumps(body), "headers": {"content-type": "application/json"}}
            _conforms(client.request(method.upper(), target, params=query, **sent), operation)

    ask()
