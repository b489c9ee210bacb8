"""The API keeps its own description: whatever is asked, the answer is one that it names, in the shape that it names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis import checks

from breakeven.cli.main import run

EXAMPLES = 10
DESCRIPTION = json.loads((Path(__file__).parents[2] / "src" / "breakeven" / "web" / "openapi.json").read_bytes())
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.unsupported_method,
]
"""What has to hold of every answer. A value that is well formed and unknown (a feature that does not exist) is no fault."""
api = schemathesis.openapi.from_dict(DESCRIPTION).exclude(path="/api/v1/outcomes")  # the gateway's own route has its own contract
CALLS = """timestamp,provider,model,input_tokens,output_tokens,feature,customer,trace
2026-11-20T10:00:00Z,openai,gpt-4o,1000,200,search,acme,t
2026-11-21T10:00:00Z,openai,model-that-nobody-prices,900,90,,,t
"""


@pytest.fixture(scope="module")
def small(serve_for_module: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A service over two calls, one of them without a price."""
    site = serve_for_module('features: {search: {owner: web}}\nbudgets: {all: {limit: "$10", period: month, owner: web}}\n')
    calls = tmp_path_factory.mktemp("small") / "calls.csv"
    calls.write_text(CALLS)
    assert run(["import", "calls", str(calls), "--ledger", str(site.ledger), "--config", str(site.config)]) == 0
    return site


@api.parametrize()
@seed(20261128)
@settings(max_examples=EXAMPLES, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_is_one_that_the_description_names(case: schemathesis.Case[Any], small: Any) -> None:
    """Requests that fit the description and others: no fault of ours, no status, header or body that is not described."""
    case.call_and_validate(base_url=small.url, headers={"x-breakeven-guard": "test"}, checks=CHECKS)
