"""Only configured addresses can be reached: whatever a request's target is, no server on the way reads it as another place."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from breakeven.gateway.paths import below
from breakeven.gateway.targets import NoTarget, Target, Targets
from breakeven.settings import GatewaySettings, ProviderSettings

PROVIDERS = {
    each.name: each
    for each in (
        ProviderSettings("deep", "deep", "openai", "https://one.example:8443/tenant/a/v1"),
        ProviderSettings("bare", "bare", "openai", "https://two.example"),
        ProviderSettings("claude", "anthropic", "anthropic", "https://three.example/anthropic"),
        ProviderSettings("gemini", "google", "native", "https://four.example"),
        ProviderSettings("cloud", "azure", "openai", "https://five.example/openai/v1"),
        ProviderSettings("bedrock", "bedrock", "native", "https://six.example/runtime"),
        ProviderSettings("vertex", "vertex", "native", "http://127.0.0.1:9/vertex"),
    )
}
TARGETS = Targets(GatewaySettings(providers=PROVIDERS), {})

STARTS = [
    "/v1/",
    "/v1/messages",
    "/v1beta/",
    "/openai/deployments/",
    "/model/",
    "/v1/projects/",
    *(f"/{name}/" for name in PROVIDERS),
]
PIECES = [
    "..", ".", "/", "//", "\\", "%2e", "%2E", "%2f", "%5c", "%252e", "%25252e", "%25", "%", "%zz", "%00", "%0d%0a", "%c0%ae", ";",
    "..;", ";x=..", "?", "#", "@", ":", "evil.example", "http://evil.example", "@evil.example", ":80", "v1", "openai", "tenant",
    "a", "models", "deployments", "model", "x", "%EF%BC%8E", "...", "~", "*", " ", "\t", "\r\n", "\x00", "é",
]  # fmt: skip
targets = st.builds(
    lambda start, pieces: (start + "".join(pieces)).encode(),
    st.sampled_from(["", "/", "http://evil.example/", "*", *STARTS]),
    st.lists(st.sampled_from(PIECES), max_size=8),
)


def seen_by_servers(path: str) -> Iterator[str]:
    """What servers may make of a path: decoded up to four times, with backslashes, parameters and doubled slashes taken away."""
    for _ in range(5):
        turned = path.replace("\\", "/")
        stripped = "/".join(part.partition(";")[0] for part in turned.split("/"))
        yield from (posixpath.normpath(one) for one in (path, turned, stripped))
        path = unquote(path)


def assert_inside(target: Target) -> None:
    base = urlsplit(target.provider.base_url)
    assert (target.address.host, target.host_header.decode()) == (base.hostname, base.netloc)
    sent = target.path.decode("ascii")
    assert sent.isprintable()
    assert " " not in sent
    assert not sent.startswith("//")
    assert "#" not in sent
    read = urlsplit(urljoin(target.provider.base_url, sent))
    assert read.netloc == base.netloc
    bare = sent.partition("?")[0]
    for seen in seen_by_servers(bare):
        assert seen == base.path or seen.startswith(f"{base.path}/")


@given(targets | st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: b"/v1/" + tail), st.none() | st.text(max_size=20))
@example(b"/deep/../../admin", None)
@example(b"/deep/%2e%2e/%2e%2e/admin", None)
@example(b"/deep/%252e%252e%252fadmin", None)
@example(b"/bare//evil.example/x", None)
@example(b"/bare/\\evil.example", None)
@example(b"/bare/..;/admin", None)
@example(b"/bare@evil.example/", None)
@example(b"//evil.example/v1/chat/completions", None)
@example(b"http://evil.example/v1/chat/completions", None)
@example(b"/v1/chat/completions#@evil.example", None)
@example(b"/v1/chat/completions HTTP/1.1\r\nhost: evil.example", None)
@example(b"/model/..%2F..%2Fadmin/converse", None)
def test_no_target_leads_out_of_a_configured_base_address(target: bytes, model: str | None) -> None:
    """Dots, doubled and turned slashes, their encodings, absolute forms and fragments: refused, or still below the base path."""
    for method in (b"GET", b"POST"):
        for anthropic in (False, True):
            found = TARGETS.find(method, target, model, anthropic=anthropic)
            if isinstance(found, NoTarget):
                assert 400 <= found.status < 500
            else:
                for each in found:
                    assert_inside(each)


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"*",
        b"v1/chat/completions",
        b"//evil.example/v1/models",
        b"http://evil.example/v1/models",
        b"/deep/../admin",
        b"/deep/v1/..%2fadmin",
        b"/deep/%2e%2e%5cadmin",
        b"/deep/%252e%252e/admin",
        b"/deep/a;x/..;y/admin",
        b"/deep/%c0%ae%c0%ae/admin",
        b"/deep/a%00b",
        b"/deep/a%250d%250ab",
        b"/deep/%zz",
        b"/deep/%25252525252e",
        b"/deep//x",
        b"/deep/a#b",
        b"/deep/a b",
        b"/deep/\xff",
        b"/gemini/v1beta/models?key=bek-secret",
    ],
)
def test_a_target_that_servers_could_read_differently_is_a_bad_request(target: bytes) -> None:
    """It is refused in words, not repaired and passed on."""
    found = TARGETS.find(b"GET", target, None, anthropic=False)
    assert isinstance(found, NoTarget)
    assert found.status == 400
    assert found.message
    assert "secret" not in found.message


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/file-a.b..c",
        "/v1/models/ft:gpt-4o:org::id",
        "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.anthropic.claude/converse",
        "/v1/containers/a%20b/files",
        "/v1/files/%E2%82%AC",
        "/v1/files?after=..&x=//%2e%2e%5C",
        "/deep/.well-known/x",
    ],
)
def test_what_vendors_really_use_passes_byte_for_byte(path: str) -> None:
    """Encoded slashes in identifiers, dots in names and any query are the vendors' own and stay as they are."""
    found = TARGETS.find(b"GET", path.encode(), None, anthropic=False)
    assert not isinstance(found, NoTarget)
    last = path.removeprefix("/v1").removeprefix("/deep")
    assert found[0].path.decode().endswith(last)


segments = st.lists(st.sampled_from(["v1", "openai", "a", "b"]), min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(st.just("") | segments, segments, st.sampled_from(["", "?x=1", "?a/../b"]), st.booleans())
def test_the_path_at_the_vendor_is_the_base_or_below_it(base: str, path: str, query: str, versioned: bool) -> None:
    """However base and path overlap, the whole base comes first, the query last, and only the overlap is left out."""
    joined = below(base, path + query, versioned=versioned)
    assert joined == base + query or joined.startswith(f"{base}/")
    assert joined.endswith(query)
    rest = joined.removesuffix(query).removeprefix(base)
    assert path.endswith(rest)
    left_out = path.removesuffix(rest)
    assert base.endswith(left_out) or (versioned and left_out == "/v1")


@given(segments, segments)
def test_a_path_that_repeats_the_whole_base_is_the_same_as_without(base: str, path: str) -> None:
    """Clients are given the gateway's address with or without the vendor's own base path, and reach the same place."""
    assert below(base, base + path, versioned=False) == base + path
