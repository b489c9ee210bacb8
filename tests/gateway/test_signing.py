"""How a vendor is shown that we may call it. Every key, account and address here is invented."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from breakeven.errors import ConfigError, Unreachable
from breakeven.gateway import signing
from breakeven.gateway.targets import NoTarget, Target, Targets
from breakeven.settings import load_settings

Pairs = list[tuple[bytes, bytes]]


def targets_of(tmp_path: Path, text: str, environment: Mapping[str, str] | None = None) -> Targets:
    path = tmp_path / "breakeven.yaml"
    path.write_text(text)
    return Targets(load_settings(path).gateway, environment or {})


def one(targets: Targets, path: bytes = b"/v1/models") -> Target:
    found = targets.find(b"POST", path, None, anthropic=b"messages" in path)
    assert not isinstance(found, NoTarget)
    return found[0]


def added(targets: Targets, path: bytes = b"/v1/models", body: bytes = b"") -> Pairs:
    return targets.headers(one(targets, path), b"POST", body)


# --- keys -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "path", "header"),
    [
        ("openai: {}", b"/v1/models", (b"authorization", b"Bearer key")),
        ("anthropic: {}", b"/v1/messages", (b"x-api-key", b"key")),
        ("azure: {base_url: 'https://x.openai.azure.com'}", b"/v1/models", (b"api-key", b"key")),
        ("gemini: {}", b"/v1beta/models", (b"x-goog-api-key", b"key")),
        ("anthropic: {credential: bearer}", b"/v1/messages", (b"authorization", b"Bearer key")),
    ],
)
def test_a_key_goes_where_the_vendor_looks_for_it(tmp_path: Path, provider: str, path: bytes, header: tuple[bytes, bytes]) -> None:
    """The configured key is sent in the vendor's header; where none is configured, nothing is added to what the caller brings."""
    names = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AZURE_OPENAI_API_KEY", "GEMINI_API_KEY")
    configured = targets_of(tmp_path, f"providers: {{{provider}}}", dict.fromkeys(names, " key\n"))
    open_to_callers = targets_of(tmp_path, f"providers: {{{provider}}}")
    assert added(configured, path) == [header]
    assert added(open_to_callers, path) == []
    assert configured.constant(one(configured, path))


def test_set_headers_go_along_and_a_vendor_without_credentials_gets_none(tmp_path: Path) -> None:
    """Headers of the configuration are added; a local server needs no key."""
    targets = targets_of(tmp_path, "providers: {ollama: {headers: {x-team: platform}}}")
    assert added(targets) == [(b"x-team", b"platform")]


def test_a_variable_that_the_file_names_must_be_set(tmp_path: Path) -> None:
    """An unset variable stops the start; it does not silently send callers' own keys instead."""
    with pytest.raises(ConfigError, match="provider openai: the environment variable TEAM_KEY is not set"):
        targets_of(tmp_path, "providers: {openai: {api_key_env: TEAM_KEY}}", {"OPENAI_API_KEY": "other"})


@pytest.mark.parametrize("value", ["hunter2\r\nx-evil: 1", "hunter2\u00e9", "hunter2\x00"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_and_not_repeated(tmp_path: Path, value: str) -> None:
    """A line break in a variable adds no header, and the message does not show the secret."""
    with pytest.raises(ConfigError, match="OPENAI_API_KEY holds characters that no key has") as caught:
        targets_of(tmp_path, "providers: {openai: {}}", {"OPENAI_API_KEY": value})
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_in_what_is_printed(tmp_path: Path) -> None:
    """Neither a target nor the targets show a key when they end up in a log."""
    targets = targets_of(tmp_path, "providers: {openai: {}}", {"OPENAI_API_KEY": "hunter2", "HTTPS_PROXY": "http://proxy"})
    target = one(targets, b"/v1/models?key=hunter2")
    assert "hunter2" not in repr(target) + repr(targets) + repr(vars(targets)["_signers"]) + target.url


# --- AWS --------------------------------------------------------------------------------------------------------------------------

ACCESS_KEY, AWS_SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # of AWS's published test suite
BEDROCK = "providers: {bedrock: {region: eu-west-1, headers: {x-team: platform}}}"
CONVERSE = b"/model/eu.anthropic.claude-v1%3A0/converse?b=2&a=1%2F"


def sigv4(method: str, url: str, signed: Mapping[str, str], body: bytes, region: str, service: str) -> str:
    """AWS Signature Version 4 as AWS describes it, written down here a second time to check the library's use."""
    parts = urlsplit(url)
    path = quote(parts.path, safe="/-_.~")
    pairs = sorted(tuple(pair.partition("=")[::2]) for pair in parts.query.split("&") if pair)
    query = "&".join(f"{quote(unquote(name), safe='-_.~')}={quote(unquote(value), safe='-_.~')}" for name, value in pairs)
    names = ";".join(sorted(signed))
    headers = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
    canonical = "\n".join((method, path or "/", query, headers, names, hashlib.sha256(body).hexdigest()))
    at = signed["x-amz-date"]
    scope = f"{at[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", at, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{AWS_SECRET}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}"


@pytest.fixture
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine on which AWS is not configured, and where nobody asks the network for it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@pytest.fixture
def aws(no_aws: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """AWS by environment variables."""
    no_aws.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    no_aws.setenv("AWS_SECRET_ACCESS_KEY", AWS_SECRET)
    return no_aws


def test_our_reading_of_the_signature_gives_the_published_example() -> None:
    """The check below is worth something: it gives the signature of `get-vanilla` in AWS's own test suite."""
    signed = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    found = sigv4("GET", "https://example.amazonaws.com/", signed, b"", "us-east-1", "service")
    assert found.endswith("Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")


@pytest.mark.parametrize("token", [None, "a-session-token"])
def test_a_bedrock_call_is_signed_as_it_is_sent(tmp_path: Path, aws: pytest.MonkeyPatch, token: str | None) -> None:
    """The signature covers method, host, the path as it stands in the request line, query, body and session token."""
    if token is not None:
        aws.setenv("AWS_SESSION_TOKEN", token)
    targets = targets_of(tmp_path, BEDROCK)
    target, body = one(targets, CONVERSE), b'{"messages":[]}'
    headers = {name.decode(): value.decode() for name, value in targets.headers(target, b"POST", body)}
    signed = {"host": target.host_header.decode(), "x-amz-date": headers["x-amz-date"]}
    if token is not None:
        signed["x-amz-security-token"] = token
    if "x-amz-content-sha256" in headers:
        signed["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
    url = f"https://{target.host_header.decode()}{target.path.decode()}"
    assert headers == {
        "x-team": "platform",
        "authorization": sigv4("POST", url, signed, body, "eu-west-1", "bedrock"),
        **{name: value for name, value in signed.items() if name != "host"},
    }
    assert not targets.constant(target)


def test_another_body_has_another_signature(tmp_path: Path, aws: pytest.MonkeyPatch) -> None:
    """What is signed cannot be sent with another body."""
    del aws
    targets = targets_of(tmp_path, BEDROCK)
    assert len({dict(added(targets, CONVERSE, body))[b"authorization"] for body in (b"1", b"2", b"3")}) == 3


def test_without_aws_credentials_the_gateway_does_not_start(tmp_path: Path, no_aws: pytest.MonkeyPatch) -> None:
    """The message says which provider lacks them and what to set."""
    del no_aws
    with pytest.raises(ConfigError, match="provider bedrock: no AWS credentials were found"):
        targets_of(tmp_path, BEDROCK)


# --- Google -----------------------------------------------------------------------------------------------------------------------

VERTEX = "providers: {vertex: {region: europe-west4}}"
GENERATE = b"/v1/projects/p/locations/europe-west4/publishers/google/models/g:generateContent"


@dataclass
class TokenServer:
    """Answers like Google's: a new token each time, with the life it is told to give; or not at all."""

    lives: list[int]
    failing: bool = False
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.asked.append(self.rfile.read(int(self.headers["content-length"])).decode())
                number = len(server.asked)
                life = server.lives[min(number, len(server.lives)) - 1]
                content = json.dumps({"access_token": f"token-{number}", "expires_in": life, "token_type": "Bearer"}).encode()
                self.send_response(400 if server.failing else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
                """Keep quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.http.server_address[1]}/token"

    def close(self) -> None:
        """Stop."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def token_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    """A token server, and a service account that points to it."""
    rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    server = TokenServer([3600])
    account = {
        "type": "service_account", "project_id": "p", "private_key_id": "1", "private_key": pem,
        "client_email": "gateway@p.example", "client_id": "1", "token_uri": server.url,
    }  # fmt: skip
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield server
    server.close()


def test_a_vertex_call_carries_a_token_of_the_account(tmp_path: Path, token_server: TokenServer) -> None:
    """One token, asked for with the account's own signature before the first call, serves all calls while it is good."""
    targets = targets_of(tmp_path, VERTEX)
    assert [added(targets, GENERATE) for _ in range(3)] == [[(b"authorization", b"Bearer token-1")]] * 3
    [asked] = token_server.asked
    assert "jwt-bearer" in asked
    assert not targets.constant(one(targets, GENERATE))


def test_a_token_is_renewed_before_it_ends_and_no_call_waits_for_it(
    tmp_path: Path, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token near its end is used on while another is fetched."""
    renewed = [(b"authorization", b"Bearer token-2")]
    monkeypatch.setattr(signing, "_LOOK_AGAIN", 0.01)
    token_server.lives = [30, 3600]
    targets = targets_of(tmp_path, VERTEX)
    until = time.monotonic() + 10
    while (now := added(targets, GENERATE)) != renewed and time.monotonic() < until:
        assert now == [(b"authorization", b"Bearer token-1")]
        time.sleep(0.005)
    assert now == renewed


def test_an_idle_gateway_keeps_its_token_good(tmp_path: Path, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call after a quiet night does not carry last evening's token; and a configuration that is gone asks no more."""
    monkeypatch.setattr(signing, "_LOOK_AGAIN", 0.01)
    token_server.lives = [30]
    targets = targets_of(tmp_path, VERTEX)
    until = time.monotonic() + 10
    while len(token_server.asked) < 4 and time.monotonic() < until:
        time.sleep(0.005)
    last = len(token_server.asked)
    assert last >= 4
    assert int(added(targets, GENERATE)[0][1].rpartition(b"-")[2]) >= last - 1
    del targets
    keepers = [each for each in threading.enumerate() if each.name == "credentials of vertex"]
    for each in keepers:
        each.join(10)
    assert not any(each.is_alive() for each in keepers)


def test_a_token_server_that_is_down_stops_neither_the_start_nor_calls_that_have_a_token(
    tmp_path: Path, token_server: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any token a call is told so; with one it goes on; and when the server is back, so are calls."""
    monkeypatch.setattr(signing, "_LOOK_AGAIN", 0.01)
    monkeypatch.setattr(signing, "_AFTER_FAILURE", 0.01)
    token_server.failing = True
    targets = targets_of(tmp_path, VERTEX)
    with pytest.raises(Unreachable, match="provider vertex: its credentials cannot be had"):
        added(targets, GENERATE)
    token_server.failing, token_server.lives = False, [30]
    until = time.monotonic() + 10
    found: Pairs = []
    while not found and time.monotonic() < until:
        time.sleep(0.01)
        try:
            found = added(targets, GENERATE)
        except Unreachable:
            continue
    token_server.failing = True
    assert found[0][1].startswith(b"Bearer token-")
    assert added(targets, GENERATE)[0][1].startswith(b"Bearer token-")


def test_without_google_credentials_the_gateway_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which provider lacks them and what to do."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(ConfigError, match="provider vertex: no Google credentials were found"):
        targets_of(tmp_path, VERTEX)


@pytest.mark.parametrize(
    ("text", "module", "extra"), [(BEDROCK, "botocore.auth", "aws"), (VERTEX, "google.auth.transport.requests", "google")]
)
def test_a_missing_library_is_named_with_the_extra_that_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, module: str, extra: str
) -> None:
    """Who does not sign need not install the vendors' libraries; who does is told what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match="is not installed") as caught:
        targets_of(tmp_path, text)
    assert f"breakeven[{extra}]" in caught.value.remedy
