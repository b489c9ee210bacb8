"""Who a call is for: every spelling that is accepted, which source is believed, and what happens to values that cannot be taken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from breakeven.gateway.attribution import Attribution, Attributor, BodyHints, Refusal
from breakeven.gateway.attribution_readers import OTHER_TOOLS, OURS
from breakeven.gateway.dimensions import LONGEST_VALUE, MOST_TAGS, NAMES, RESERVED
from breakeven.gateway.keys import VirtualKey

Pairs = list[tuple[bytes, bytes]]
NOTHING = BodyHints()
FACTS: dict[str, Any] = {"id": "k", "name": "app", "shown": "bek-", "digest": "0" * 64, "created_at": "2026-10-01T00:00:00Z"}

SPELLINGS: dict[str, tuple[Pairs, BodyHints, dict[str, Any], dict[str, str], dict[str, str]]] = {
    # what is sent: headers, body · what is known of it: dimensions, tags, sources
    "ours": (
        [(f"breakeven-{name}".encode(), name[0].encode()) for name in ("feature", "team", "customer", "user")]
        + [(b"Breakeven-Workflow", b"w"), (b"BREAKEVEN-TRACE", b"t"), (b"breakeven-environment", b"e")],
        BodyHints(),
        {"feature": "f", "team": "t", "customer": "c", "user_id": "u", "workflow": "w", "trace_id": "t", "environment": "e"},
        {},
        {
            "feature": "header:breakeven-feature",
            "team": "header:breakeven-team",
            "customer": "header:breakeven-customer",
            "user_id": "header:breakeven-user",
            "workflow": "header:breakeven-workflow",
            "trace_id": "header:breakeven-trace",
            "environment": "header:breakeven-environment",
        },
    ),
    "our values are percent-encoded": (
        [(b"breakeven-customer", b"M%C3%BCller%20%26%20Co"), (b"breakeven-team", "Köln".encode())],
        BodyHints(),
        {"customer": "Müller & Co", "team": "Köln"},
        {},
        {"customer": "header:breakeven-customer", "team": "header:breakeven-team"},
    ),
    "our tags": (
        [(b"breakeven-tags", b"plan=pro, a%2Cb=c%3Dd ,beta"), (b"breakeven-tags", b"region=eu")],
        BodyHints(),
        {},
        {"plan": "pro", "a,b": "c=d", "beta": "true", "region": "eu"},
        {},
    ),
    "LiteLLM tags": (
        [(b"x-litellm-tags", b"prod,team=web,customer:acme,plan=pro")],
        BodyHints(),
        {"team": "web", "customer": "acme"},
        {"prod": "true", "plan": "pro"},
        {"team": "header:x-litellm-tags", "customer": "header:x-litellm-tags"},
    ),
    "LiteLLM customer": (
        [(b"x-litellm-customer-id", b"acme")],
        BodyHints(),
        {"customer": "acme"},
        {},
        {"customer": "header:x-litellm-customer-id"},
    ),
    "LiteLLM end user": (
        [(b"X-LiteLLM-End-User-Id", b"u1")],
        BodyHints(),
        {"user_id": "u1"},
        {},
        {"user_id": "header:x-litellm-end-user-id"},
    ),
    "LiteLLM metadata": (
        [(b"x-litellm-spend-logs-metadata", b'{"feature":"search","request":7}')],
        BodyHints(),
        {"feature": "search"},
        {"request": "7"},
        {"feature": "header:x-litellm-spend-logs-metadata"},
    ),
    "Portkey": (
        [(b"x-portkey-metadata", b'{"_user":"u1","_environment":"prod","plan":"pro"}'), (b"x-portkey-trace-id", b"t1")],
        BodyHints(),
        {"user_id": "u1", "environment": "prod", "trace_id": "t1"},
        {"plan": "pro"},
        {
            "user_id": "header:x-portkey-metadata",
            "environment": "header:x-portkey-metadata",
            "trace_id": "header:x-portkey-trace-id",
        },
    ),
    "Cloudflare": (
        [(b"cf-aig-metadata", b'{"user_id":12345678901234567890123,"paid":true,"rate":1.50,"none":null}')],
        BodyHints(),
        {"user_id": "12345678901234567890123"},
        {"paid": "true", "rate": "1.50"},
        {"user_id": "header:cf-aig-metadata"},
    ),
    "Helicone": (
        [
            (b"Helicone-User-Id", b"u1"),
            (b"Helicone-Session-Id", b"s1"),
            (b"Helicone-Session-Name", b"onboarding"),
            (b"Helicone-Property-Plan", b"pro"),
            (b"Helicone-Property-Feature", b"search"),
        ],
        BodyHints(),
        {"user_id": "u1", "trace_id": "s1", "workflow": "onboarding", "feature": "search"},
        {"plan": "pro"},
        {
            "user_id": "header:helicone-user-id",
            "trace_id": "header:helicone-session-id",
            "workflow": "header:helicone-session-name",
            "feature": "header:helicone-property-feature",
        },
    ),
    "Bifrost": ([(b"x-bf-customer-id", b"acme")], BodyHints(), {"customer": "acme"}, {}, {"customer": "header:x-bf-customer-id"}),
    "Claude Code": (
        [(b"x-claude-code-session-id", b"s1")],
        BodyHints(),
        {"trace_id": "s1"},
        {},
        {"trace_id": "header:x-claude-code-session-id"},
    ),
    "LiteLLM session": (
        [(b"x-litellm-session-id", b"s1")],
        BodyHints(),
        {"trace_id": "s1"},
        {},
        {"trace_id": "header:x-litellm-session-id"},
    ),
    "baggage": (
        [
            (b"baggage", b"breakeven.feature=search;ttl=3 , customer = Acme%20Corp,other.vendor=x"),
            (b"Baggage", b"user.id=u1,session.id=s1,breakeven.plan=pro,end-user-id=u2"),
        ],
        BodyHints(),
        {"feature": "search", "customer": "Acme Corp", "user_id": "u1", "trace_id": "s1"},
        {"plan": "pro", "attribution_fault": "baggage: said twice, the first counts"},
        {"feature": "baggage", "customer": "baggage", "user_id": "baggage", "trace_id": "baggage"},
    ),
    "body: metadata": (
        [],
        BodyHints(metadata=(("customer-id", "acme"), ("plan", "pro"))),
        {"customer": "acme"},
        {"plan": "pro"},
        {"customer": "body:metadata.customer-id"},
    ),
    "body: Anthropic's metadata.user_id": (
        [],
        BodyHints(metadata=(("user_id", "u1"),)),
        {"user_id": "u1"},
        {},
        {"user_id": "body:metadata.user_id"},
    ),
    "body: user": (
        [],
        BodyHints(user="u1", safety_identifier="s1"),
        {"user_id": "u1"},
        {},
        {"user_id": "body:user"},
    ),
    "body: safety_identifier": (
        [],
        BodyHints(safety_identifier="s1"),
        {"user_id": "s1"},
        {},
        {"user_id": "body:safety_identifier"},
    ),
}

CUSTOMERS: list[tuple[str, Pairs, BodyHints]] = [  # one customer for each source, the most believed first
    ("header:breakeven-customer", [(b"breakeven-customer", b"1")], BodyHints()),
    ("key", [], BodyHints()),
    ("header:x-litellm-tags", [(b"x-litellm-tags", b"customer:3")], BodyHints()),
    ("header:x-litellm-customer-id", [(b"x-litellm-customer-id", b"4")], BodyHints()),
    ("header:x-litellm-spend-logs-metadata", [(b"x-litellm-spend-logs-metadata", b'{"customer":"5"}')], BodyHints()),
    ("header:x-portkey-metadata", [(b"x-portkey-metadata", b'{"customer":"6"}')], BodyHints()),
    ("header:cf-aig-metadata", [(b"cf-aig-metadata", b'{"customer":"7"}')], BodyHints()),
    ("header:x-bf-customer-id", [(b"x-bf-customer-id", b"8")], BodyHints()),
    ("header:helicone-property-customer", [(b"helicone-property-customer", b"9")], BodyHints()),
    ("baggage", [(b"baggage", b"customer=10")], BodyHints()),
    ("body:metadata.customer", [], BodyHints(metadata=(("customer", "11"),))),
]


def attributed(headers: Pairs, key: VirtualKey | None = None, body: BodyHints = NOTHING, **more: Any) -> Any:
    """What the gateway makes of a request."""
    attributor = Attributor(more.pop("environment", None))
    _, ours = attributor.split(headers)
    return attributor.attribute(ours, key, body, more.pop("model", "gpt-4o"))


def of(headers: Pairs, key: VirtualKey | None = None, body: BodyHints = NOTHING, **more: Any) -> Attribution:
    """The attribution of a request that is let through."""
    found = attributed(headers, key, body, **more)
    assert isinstance(found, Attribution), found
    return found


def tags(found: Attribution) -> dict[str, str]:
    return json.loads(found.tags) if found.tags else {}


def fault(found: Attribution) -> str:
    return tags(found).get("attribution_fault", "")


def key(**limits: Any) -> VirtualKey:
    return VirtualKey(**FACTS, **limits)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_understood(spelling: str) -> None:
    """Each header and body field of ours and of other tools gives its dimensions, tags and sources, whatever case it is sent in."""
    headers, body, dimensions, labels, sources = SPELLINGS[spelling]
    found = of(headers, body=body)
    expected = Attribution(**dimensions, tags=None, sources=None)
    given = {name: getattr(found, name) for name in Attribution.__slots__ if name not in ("tags", "sources")}
    assert given == {name: getattr(expected, name) for name in given}
    assert tags(found) == labels
    assert (json.loads(found.sources) if found.sources else {}) == sources


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_taken_out(spelling: str) -> None:
    """No attribution header goes on to the vendor, and every other header does."""
    headers = [(b"Host", b"a"), *SPELLINGS[spelling][0], (b"X-Request-Id", b"1")]
    forwarded, ours = Attributor().split(headers)
    assert forwarded == [(b"Host", b"a"), (b"X-Request-Id", b"1")]
    assert list(ours) == SPELLINGS[spelling][0]


@pytest.mark.parametrize(
    "name",
    [b"Mcp-Session-Id", b"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", b"x-goog-live-session-id", b"traceparent", b"session-id"],
)
def test_what_a_vendor_acts_upon_goes_on(name: bytes) -> None:
    """Headers that only resemble attribution, and on which a vendor acts, are forwarded and attribute nothing."""
    forwarded, ours = Attributor().split([(name, b"1")])
    assert (forwarded, ours) == ([(name, b"1")], ())


@pytest.mark.parametrize("rank", range(len(CUSTOMERS)))
def test_the_better_source_is_believed(rank: int) -> None:
    """When all sources name a customer, the documented order decides, in whatever order the headers were sent."""
    wanted, _, _ = CUSTOMERS[rank]
    present = CUSTOMERS[rank:]
    headers = [pair for _, pairs, _ in reversed(present) for pair in pairs]
    bodies = [body for _, _, body in present if body != BodyHints()]
    by_key = key(defaults=(("customer", "2"),)) if any(source == "key" for source, _, _ in present) else None
    found = of(headers, by_key, bodies[0] if bodies else BodyHints())
    assert found.customer == str(rank + 1)
    assert json.loads(str(found.sources))["customer"] == wanted


def test_a_locked_dimension_holds() -> None:
    """What the key locks, no header overrides; that one tried is told. What the key only defaults, a header overrides."""
    by_key = key(locked=(("feature", "search"),), defaults=(("team", "web"),))
    found = of([(b"breakeven-feature", b"other"), (b"breakeven-team", b"mobile")], by_key)
    assert (found.feature, found.team) == ("search", "mobile")
    assert fault(found) == "breakeven-feature: decided by the key"
    assert fault(of([(b"breakeven-feature", b"search")], by_key)) == ""


def test_the_configured_environment_is_the_last_resort() -> None:
    """The gateway's environment counts where nobody names one."""
    assert of([], environment="production").environment == "production"
    assert of([(b"breakeven-environment", b"test")], environment="production").environment == "test"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([(b"breakeven-customer", b"a" * (LONGEST_VALUE + 1))], "breakeven-customer: longer than 256 characters"),
        ([(b"breakeven-customer", b"a%0Ab")], "breakeven-customer: has control or invisible characters"),
        ([(b"breakeven-customer", b"a\tb")], "breakeven-customer: has control or invisible characters"),
        ([(b"breakeven-customer", "a\u202eb".encode())], "breakeven-customer: has control or invisible characters"),
        ([(b"breakeven-customer", "a\u200bb".encode())], "breakeven-customer: has control or invisible characters"),
    ],
)
def test_a_value_that_cannot_be_taken_is_nobody(headers: Pairs, told: str) -> None:
    """Such a value is not repaired and no weaker source answers for it: the dimension is unknown, and why is told."""
    found = of([*headers, (b"x-litellm-customer-id", b"acme")], key(defaults=(("customer", "house"),)))
    assert found.customer is None
    assert fault(found) == told
    assert json.loads(str(found.sources))["customer"] == "header:breakeven-customer"


@pytest.mark.parametrize(
    ("headers", "customer", "told"),
    [
        ([(b"breakeven-customer", b"100%")], "100%", "breakeven-customer: bad percent-encoding, kept as it is"),
        ([(b"breakeven-customer", b"a%zzb%20c")], "a%zzb c", "breakeven-customer: bad percent-encoding, kept as it is"),
        ([(b"breakeven-customer", b"M%FCller")], "Müller", "breakeven-customer: not UTF-8, read as Latin-1"),
        ([(b"x-bf-customer-id", b"M\xfcller")], "Müller", "x-bf-customer-id: not UTF-8, read as Latin-1"),
        (
            [(b"breakeven-customer", b"a"), (b"Breakeven-Customer", b"b")],
            "a",
            "breakeven-customer: said twice, the first counts",
        ),
        ([(b"breakeven-customer", b"a"), (b"breakeven-customer", b"a")], "a", ""),
        ([(b"breakeven-customer", b" "), (b"x-bf-customer-id", b"a")], "a", ""),
        ([(b"breakeven-customer", "Acme\u00a0Corp 👩\u200d💻".encode())], "Acme\u00a0Corp 👩\u200d💻", ""),
        ([(b"breakeven-customer", b"a" * LONGEST_VALUE)], "a" * LONGEST_VALUE, ""),
    ],
)
def test_a_value_that_can_be_read_is_kept(headers: Pairs, customer: str, told: str) -> None:
    """Values keep their characters; where they had to be guessed, that is told. An empty header says nothing."""
    found = of(headers)
    assert (found.customer, fault(found)) == (customer, told)


@pytest.mark.parametrize("name", [b"x-portkey-metadata", b"cf-aig-metadata", b"x-litellm-spend-logs-metadata"])
@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"[1]",
        b'"text"',
        b"null",
        b"{'a':1}",
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 20_000,
        b'{"a":"\\ud800"}',
        b"\xff\xfe",
    ],
)
def test_malformed_json_of_other_tools(name: bytes, value: bytes) -> None:
    """Metadata that is no JSON object loses no call and no other dimension, and is told."""
    found = of([(name, value), (b"x-bf-customer-id", b"acme")])
    assert found.customer == "acme"
    assert f"{name.decode()}: no readable JSON object" in fault(found)
    assert of([(name, b" ")]) == Attribution()


def test_members_that_are_no_text() -> None:
    """A nested member is left out and named; a true is a tag and never a dimension."""
    found = of([(b"cf-aig-metadata", b'{"user":{"id":1},"deep":[1],"plan":"pro","beta":true,"team":false}')])
    assert found.user_id is None
    assert found.team is None
    assert fault(found) == "cf-aig-metadata user: neither text nor number; cf-aig-metadata deep: neither text nor number"
    assert {name: value for name, value in tags(found).items() if name != "attribution_fault"} == {
        "plan": "pro",
        "beta": "true",
        "team": "false",
    }


def test_a_header_of_ours_that_does_not_exist() -> None:
    """A misspelt header of ours is told, not lost in silence; `breakeven-key` is a credential and no fault."""
    assert fault(of([(b"breakeven-featrue", b"search")])) == "breakeven-featrue: no such header"
    assert of([(b"breakeven-key", b"bek-secret")]) == Attribution()


def test_bounds_on_tags() -> None:
    """At most 64 tags of at most 128 members are kept; that there were more is told."""
    many = ",".join(f"t{number}={number}" for number in range(200)).encode()
    found = of([(b"breakeven-tags", many)])
    assert len(tags(found)) == MOST_TAGS + 1
    assert fault(found) == "breakeven-tags: more than 128 members; breakeven-tags: more than 64 tags"
    object_ = json.dumps({f"t{number}": str(number) for number in range(200)}).encode()
    assert "more than 128 members" in fault(of([(b"cf-aig-metadata", object_)]))


def test_nobody_forges_what_the_gateway_says() -> None:
    """Tags that only the gateway sets cannot be sent, whichever way they come."""
    body = BodyHints(metadata=(("quarantined", "team"),))
    headers = [(b"breakeven-tags", b"attribution_fault=none"), (b"Helicone-Property-quarantined_feature", b"x")]
    found = of(headers, body=body)
    assert set(tags(found)) == {"attribution_fault"}
    assert fault(found).count("a reserved tag") == 3


def test_many_faults_stay_short() -> None:
    """However much is wrong, what is told of it is bounded, and shows no value and no control character."""
    headers = [(b"breakeven-x%d\x1b%s" % (number, b"y" * 500), b"the-secret-value") for number in range(60)]
    told = fault(of(headers))
    assert told.count("no such header") == 8
    assert len(told) < 1000
    assert told.isprintable()
    assert "the-secret-value" not in told


def test_a_required_dimension() -> None:
    """A key that requires a customer refuses calls without one, and says which header is missing and what could not be taken."""
    by_key = key(required=("customer", "team"))
    refused = attributed([(b"breakeven-team", b"web"), (b"breakeven-customer", b"a\x01b")], by_key)
    assert refused == Refusal(
        400,
        "attribution_required",
        "The key app requires breakeven-customer; send it as a header."
        " What was sent could not be taken: breakeven-customer: has control or invisible characters.",
    )
    assert of([(b"breakeven-team", b"web"), (b"x-bf-customer-id", b"acme")], by_key).customer == "acme"


def test_quarantine() -> None:
    """With `quarantine` such a call passes under nobody's feature; what it said stays as tags, and its limits still hold."""
    by_key = key(locked=(("feature", "search"),), required=("customer",), on_missing="quarantine", features=("search",))
    found = of([(b"breakeven-team", b"web")], by_key)
    assert (found.feature, found.customer, found.team) == (None, None, "web")
    assert tags(found) == {"quarantined": "customer", "quarantined_feature": "search"}
    assert "feature" not in json.loads(str(found.sources))
    assert of([(b"breakeven-customer", b"acme")], by_key).feature == "search"
    limited = key(required=("customer",), on_missing="quarantine", features=("search",), models=("gpt-4o*",))
    assert attributed([(b"breakeven-feature", b"other")], limited).code == "feature_not_allowed"
    assert attributed([(b"breakeven-feature", b"search")], limited, model="gpt-5").code == "model_not_allowed"


def test_quarantine_of_a_call_without_a_feature() -> None:
    """A key for some features that quarantines calls without one lets them through as nobody's, and refuses other features."""
    by_key = key(required=("feature",), on_missing="quarantine", features=("search",))
    assert tags(of([], by_key)) == {"quarantined": "feature"}
    assert attributed([(b"breakeven-feature", b"other")], by_key).code == "feature_not_allowed"


@pytest.mark.parametrize(
    ("limits", "headers", "model", "code"),
    [
        ({"models": ("gpt-4o*",)}, [], "gpt-4o-mini", None),
        ({"models": ("gpt-4o*",)}, [], "gpt-5", "model_not_allowed"),
        ({"models": ("gpt-4o",)}, [], "gpt-4o-mini", "model_not_allowed"),
        ({"models": ("gpt-4o*",)}, [], "GPT-4O", "model_not_allowed"),
        ({"models": ("gpt-4o*",)}, [], None, "model_not_allowed"),
        ({"features": ("search",)}, [(b"breakeven-feature", b"search")], None, None),
        ({"features": ("search",)}, [(b"breakeven-feature", b"chat")], None, "feature_not_allowed"),
        ({"features": ("search",)}, [], None, "feature_not_allowed"),
        ({"features": ("search",)}, [(b"breakeven-feature", b"search\x01")], None, "feature_not_allowed"),
        ({}, [], None, None),
    ],
)
def test_a_key_spends_only_what_it_may(limits: dict[str, Any], headers: Pairs, model: str | None, code: str | None) -> None:
    """Models and features outside a key's limits are refused with 403; what is unknown is not inside."""
    found = attributed(headers, key(**limits), model=model)
    assert (found.code, found.status) == (code, 403) if code else isinstance(found, Attribution)


def test_everything_accepted_is_documented(repository: Path) -> None:
    """The reference page names every header, every name of a member with its dimension, and every tag that is ours."""
    page = (repository / "docs/reference/attribution.md").read_text(encoding="utf-8")
    assert [name for name in (*OURS, *OTHER_TOOLS) if f"`{name.decode()}`" not in page] == []
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    assert [name for name, dimension in NAMES.items() if f"`{name}`" not in rows[dimension]] == []
    assert [name for name in RESERVED if f"`{name}`" not in page] == []
    ranks = [page.index(f"| `{name.decode()}` |") for name in OTHER_TOOLS]
    assert ranks == sorted(ranks)
