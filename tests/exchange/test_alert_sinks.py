"""Each sink with a real receiver on this machine: what arrives, how it is signed, and what is said where it does not."""

from __future__ import annotations

import base64
import email
import email.policy
import ipaddress
import json
import re
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from breakeven.exchange.sinks import SINKS, NotSent, open_sink
from breakeven.exchange.sinks.webhook import WebhookSink
from breakeven.governance.alerts import Alert
from breakeven.settings import SinkSettings
from breakeven.settings.alerts import SINK_KINDS
from breakeven.testing import MailReceiver, WebhookReceiver

SECRET = "hunter2"  # noqa: S105 - invented, to be looked for in messages
ALERT = Alert(
    "threshold",
    "contracts <b>&\nmonth",
    "critical",
    "Budget contracts has spent $100.00 of $100.00.",
    "See what spends it: breakeven pnl",
    "back-office",
    "threshold|contracts|2026-10-01T00:00|10000",
    datetime(2026, 10, 20, 12),
    {"spent": "100", "limit": "100", "threshold": 1.0, "resets_at": None},
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "receiver")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "receiver.pem"
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + plain)
    return path


def fault(settings: SinkSettings, environment: Mapping[str, str] | None = None) -> NotSent:
    with pytest.raises(NotSent) as caught:
        open_sink(settings, environment or {}).send(ALERT)
    assert SECRET not in f"{caught.value.what} {caught.value.remedy}"
    return caught.value


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_every_kind_of_sink_that_may_be_configured_exists() -> None:
    """The settings' kinds and the sinks are the same list."""
    assert tuple(kind.name for kind in SINKS) == SINK_KINDS


# --- log --------------------------------------------------------------------------------------------------------------------------


def test_the_log_has_one_whole_json_line_per_alert(tmp_path: Path) -> None:
    """Lines are appended; money is exact digits, unknown is null."""
    sink = open_sink(SinkSettings("log", "log", path=tmp_path / "alerts.ndjson"), {})
    sink.send(ALERT)
    sink.send(ALERT)
    first, second = (tmp_path / "alerts.ndjson").read_text().splitlines()
    assert first == second
    assert json.loads(first) == {
        "type": "breakeven.alert",
        "id": ALERT.id,
        "kind": "threshold",
        "subject": ALERT.subject,
        "severity": "critical",
        "what": ALERT.what,
        "next": ALERT.next_step,
        "owner": "back-office",
        "crossing": ALERT.crossing,
        "at": "2026-10-20T12:00:00Z",
        "figures": {"spent": "100", "limit": "100", "threshold": 1.0, "resets_at": None},
    }


def test_without_a_path_the_log_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """The supervisor's log has the line."""
    open_sink(SinkSettings("log", "log"), {}).send(ALERT)
    assert json.loads(capsys.readouterr().err)["id"] == ALERT.id


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A directory is no file."""
    assert "cannot be written" in fault(SinkSettings("log", "log", path=tmp_path)).what


# --- webhook ----------------------------------------------------------------------------------------------------------------------


def documented_check(repository: Path) -> Callable[[Mapping[str, str], bytes, str], bool]:
    """The verification that the how-to shows to receivers."""
    page = (repository / "docs/how-to/alerts.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the example of our own documentation
    check: Callable[[Mapping[str, str], bytes, str], bool] = names["verified"]
    return check


def test_a_signed_webhook_is_verified_by_the_documented_code(repository: Path) -> None:
    """The example of the how-to accepts what is sent, and refuses another body, another secret and another id."""
    check = documented_check(repository)
    with WebhookReceiver() as receiver:
        settings = SinkSettings("w", "webhook", url=receiver.url, secret_env="S")  # noqa: S106 - the name of a variable
        open_sink(settings, {"S": SECRET}).send(ALERT)
    [got] = receiver.received
    assert check(got.headers, got.body, SECRET)
    assert not check(got.headers, got.body + b" ", SECRET)
    assert not check(got.headers, got.body, SECRET + "x")
    assert not check({**got.headers, "webhook-id": "other"}, got.body, SECRET)
    assert (got.path, got.headers["content-type"], got.headers["webhook-id"]) == ("/hook", "application/json", ALERT.id)
    assert json.loads(got.body)["what"] == ALERT.what


def test_a_replayed_webhook_is_refused_by_the_documented_code(repository: Path) -> None:
    """What was signed ten minutes ago is too old, and a newer timestamp breaks the signature."""
    long_ago = datetime.now(UTC).timestamp() - 600
    with WebhookReceiver() as receiver:
        settings = SinkSettings("w", "webhook", url=receiver.url, secret_env="S")  # noqa: S106 - the name of a variable
        WebhookSink(settings, {"S": SECRET}, lambda: long_ago).send(ALERT)
    [got] = receiver.received
    check = documented_check(repository)
    assert not check(got.headers, got.body, SECRET)
    assert not check({**got.headers, "webhook-timestamp": str(int(long_ago) + 600)}, got.body, SECRET)


def test_a_prefixed_secret_is_the_key_in_base64(repository: Path) -> None:
    """`whsec_` and base64, as the specification has it, signs as the decoded key does."""
    with WebhookReceiver() as receiver:
        settings = SinkSettings("w", "webhook", url=receiver.url, secret_env="S")  # noqa: S106 - the name of a variable
        open_sink(settings, {"S": "whsec_" + base64.b64encode(SECRET.encode()).decode()}).send(ALERT)
        assert "not base64" in fault(settings, {"S": "whsec_%%%"}).what
    [got] = receiver.received
    assert documented_check(repository)(got.headers, got.body, SECRET)


def test_without_a_secret_nothing_is_signed() -> None:
    """The id is there all the same, so that a repeat can be told."""
    with WebhookReceiver() as receiver:
        open_sink(SinkSettings("w", "webhook", url_env="U"), {"U": receiver.url + "?token=x"}).send(ALERT)
    [got] = receiver.received
    assert "webhook-signature" not in got.headers
    assert (got.headers["webhook-id"], got.path) == (ALERT.id, "/hook?token=x")


def test_https_is_verified(certificate: Path) -> None:
    """A certificate that nobody vouches for gets no alert; one that `ca_file` names does."""
    with WebhookReceiver(certificate=certificate) as receiver:
        assert "cannot be reached" in fault(SinkSettings("w", "webhook", url=receiver.url)).what
        assert receiver.received == []
        open_sink(SinkSettings("w", "webhook", url=receiver.url, ca_file=certificate), {}).send(ALERT)
        assert len(receiver.received) == 1
    assert "ca_file" in fault(SinkSettings("w", "webhook", url=receiver.url, ca_file=certificate.parent / "none")).what


@pytest.mark.parametrize(
    ("status", "headers", "said", "after"),
    [
        (302, {"location": "http://127.0.0.1:9/"}, "redirect", None),
        (401, {}, "refuses", None),
        (404, {}, "does not know this address", None),
        (429, {"retry-after": "120"}, "answers 429", 120.0),
        (503, {"retry-after": "1e9"}, "answers 503", 3600.0),
        (500, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "answers 500", None),
    ],
)
def test_a_receiver_that_refuses_is_told_apart(status: int, headers: dict[str, str], said: str, after: float | None) -> None:
    """Each refusal has its words; no redirect is followed; `Retry-After` is kept within an hour."""
    with WebhookReceiver((status, headers)) as receiver:
        caught = fault(SinkSettings("w", "webhook", url_env="U"), {"U": f"{receiver.url}/{SECRET}"})
    assert said in caught.what
    assert caught.after == after
    assert len(receiver.received) == 1


def test_a_receiver_that_is_not_there_or_hangs_is_a_fault_in_time() -> None:
    """A closed port and an endless wait are both told, without the address, which may be secret."""
    assert "Connection refused" in fault(SinkSettings("w", "webhook", url=f"http://127.0.0.1:{unused_port()}/{SECRET}")).what
    with WebhookReceiver() as receiver:
        receiver.holding.clear()
        assert "no answer in time" in fault(SinkSettings("w", "webhook", url=receiver.url, timeout=0.2)).what
        receiver.holding.set()


@pytest.mark.parametrize("value", ["", "ftp://h/x", SECRET])
def test_a_variable_that_holds_no_address_is_named_but_not_repeated(value: str) -> None:
    """The variable's name helps; its value may be a secret."""
    assert "variable U" in fault(SinkSettings("w", "webhook", url_env="U"), {"U": value}).what


# --- slack ------------------------------------------------------------------------------------------------------------------------


def test_a_slack_message_says_all_and_mentions_nobody() -> None:
    """Headline, sentence, next step and owner arrive; names become neither markup nor lines."""
    with WebhookReceiver() as receiver:
        open_sink(SinkSettings("s", "slack", url_env="U"), {"U": receiver.url}).send(ALERT)
    message = json.loads(receiver.received[0].body)
    shown = "\n".join(block["text"]["text"] for block in message["blocks"])
    assert (
        shown
        == message["text"]
        == (
            "*Breakeven, critical: contracts &lt;b&gt;&amp; month (threshold)*\nBudget contracts has spent $100.00 of $100.00.\n"
            "See what spends it: breakeven pnl\nOwner: back-office"
        )
    )


# --- e-mail -----------------------------------------------------------------------------------------------------------------------


def mail(port: int, **more: Any) -> SinkSettings:
    return SinkSettings(
        "m", "email", host="127.0.0.1", port=port, sender="from@example.com", recipients=("a@example.com", "b@example.com"),
        **{"security": "none", "timeout": 5.0, **more},
    )  # fmt: skip


def test_a_mail_arrives_whole_and_its_headers_stay_one_line_each() -> None:
    """Subject, Message-ID and body say what happened; a name with a line break adds no header."""
    with MailReceiver() as receiver:
        open_sink(mail(receiver.port), {}).send(ALERT)
    [got] = receiver.received
    message = email.message_from_bytes(got.content, policy=email.policy.default)
    assert (got.sender, got.recipients) == ("from@example.com", ["a@example.com", "b@example.com"])
    assert message["subject"] == "Breakeven, critical: contracts <b>& month (threshold)"
    assert (message["message-id"], message["to"]) == (f"<{ALERT.id}@breakeven>", "a@example.com, b@example.com")
    body = message.get_content()
    assert ALERT.what in body
    assert ALERT.next_step in body
    assert "Owner: back-office" in body


def test_a_mail_goes_encrypted_and_with_a_login(certificate: Path) -> None:
    """STARTTLS with a certificate that is checked, then the login of the named variables."""
    with MailReceiver(certificate=certificate, users={"u": SECRET}) as receiver:
        settings = mail(receiver.port, security="starttls", ca_file=certificate, username_env="USER", password_env="WORD")  # noqa: S106 - names of variables
        open_sink(settings, {"USER": "u", "WORD": SECRET}).send(ALERT)
        assert "refuses the login" in fault(settings, {"USER": "u", "WORD": SECRET + "x"}).what
        assert "variable WORD is not set" in fault(settings, {"USER": "u"}).what
        assert "cannot be reached" in fault(mail(receiver.port, security="starttls")).what
    [got] = receiver.received
    assert (got.encrypted, got.login) == (True, ("u", SECRET))


@pytest.mark.parametrize(
    ("receiver", "settings", "said"),
    [
        ({"refused": ("a@example.com", "b@example.com")}, {}, "takes no recipient (550)"),
        ({"busy": True}, {}, "answers 451"),
        ({}, {"security": "starttls"}, "offers no such encryption"),
        ({"users": {"u": "p"}}, {}, "answers 530"),
    ],
)
def test_a_mail_server_that_does_not_take_it_is_told_apart(receiver: Any, settings: Any, said: str) -> None:
    """Each refusal has its words, and nothing counts as sent."""
    with MailReceiver(**receiver) as server:
        assert said in fault(mail(server.port, **settings)).what
    assert server.received == []


def test_a_mail_that_some_recipients_get_is_not_sent_again(capsys: pytest.CaptureFixture[str]) -> None:
    """One refused recipient is said in the log; the others have the alert and get it once."""
    with MailReceiver(refused=("a@example.com",)) as receiver:
        open_sink(mail(receiver.port), {}).send(ALERT)
    assert [each.recipients for each in receiver.received] == [["b@example.com"]]
    assert "all but 1 recipients" in capsys.readouterr().err


def test_a_mail_server_that_is_not_there_is_told() -> None:
    """A closed port is a fault, not a wait."""
    assert "cannot be reached: Connection refused" in fault(mail(unused_port())).what
