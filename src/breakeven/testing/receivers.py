"""Receivers of alerts: a webhook and a mail server that keep what they are given, on 127.0.0.1 and a free port."""

from __future__ import annotations

import base64
import http.server
import socketserver
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Self, TypeVar

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Posted:
    """One request that a webhook was sent. Header names are lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    owner: object


class _Receiver:
    """Serves in a thread of its own until closed."""

    def __init__(self, handler: type[socketserver.BaseRequestHandler], context: ssl.SSLContext | None = None) -> None:
        self._server = _Threads(("127.0.0.1", 0), handler)
        self._server.owner = self
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class WebhookReceiver(_Receiver):
    """Answers every POST with the next of `answers` (status, headers), the last of them for ever, and keeps what was posted."""

    def __init__(self, *answers: tuple[int, dict[str, str]], certificate: Path | None = None) -> None:
        self.received: list[Posted] = []
        self.answers = list(answers) or [(HTTPStatus.OK.value, {})]
        self.arrived = threading.Event()
        self.holding = threading.Event()
        self.holding.set()
        context = None if certificate is None else _serving(certificate)
        super().__init__(_Post, context)
        self.url = f"{'http' if certificate is None else 'https'}://127.0.0.1:{self.port}/hook"

    def answer(self) -> tuple[int, dict[str, str]]:
        """The next answer."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Post(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        owner = _owner(self.server, WebhookReceiver)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        owner.received.append(Posted(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        owner.arrived.set()
        owner.holding.wait(30)
        status, headers = owner.answer()
        self.send_response(status)
        for name, value in {**headers, "content-length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Nothing is logged: what was received is kept."""


@dataclass(slots=True)
class Mail:
    """One message that a mail server was given."""

    sender: str
    recipients: list[str]
    content: bytes
    login: tuple[str, str] | None
    encrypted: bool


@dataclass(slots=True)
class _Session:
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    login: tuple[str, str] | None = None
    encrypted: bool = False


class MailReceiver(_Receiver):
    """A small SMTP server: EHLO, STARTTLS where it has a certificate, AUTH PLAIN, MAIL, RCPT, DATA.

    `users` may log in, and without them nobody need. Recipients in `refused` are refused. `busy` answers every DATA with 451.
    """

    def __init__(
        self,
        *,
        certificate: Path | None = None,
        users: dict[str, str] | None = None,
        refused: tuple[str, ...] = (),
        busy: bool = False,
    ) -> None:
        self.received: list[Mail] = []
        self.context = None if certificate is None else _serving(certificate)
        self.users = users or {}
        self.refused = refused
        self.busy = busy
        super().__init__(_Smtp)


class _Smtp(socketserver.StreamRequestHandler):
    SAID: ClassVar = {"RSET": "250 ok", "NOOP": "250 ok"}

    def handle(self) -> None:
        self._session = _Session()
        self._over = False
        self._say("220 127.0.0.1 test")
        while not self._over and (line := self.rfile.readline(4096)):
            verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                self._say("221 bye")
                return
            self._obey(verb.upper(), rest)

    def finish(self) -> None:
        """Close what was encrypted too, which the server does not know of."""
        with suppress(OSError):
            super().finish()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.close()

    def _obey(self, verb: str, rest: str) -> None:
        owner = _owner(self.server, MailReceiver)
        act = {
            "EHLO": self._greet,
            "STARTTLS": self._encrypt,
            "AUTH": self._login,
            "MAIL": self._from,
            "RCPT": self._to,
            "DATA": self._data,
        }.get(verb)
        if act is None:
            self._say(self.SAID.get(verb, "502 unknown"))
            return
        act(owner, rest)

    def _greet(self, owner: MailReceiver, _rest: str) -> None:
        offers = ["127.0.0.1"]
        offers += ["STARTTLS"] if owner.context is not None and not self._session.encrypted else []
        offers += ["AUTH PLAIN"] if owner.users else []
        for offer in offers[:-1]:
            self._say(f"250-{offer}")
        self._say(f"250 {offers[-1]}")

    def _encrypt(self, owner: MailReceiver, _rest: str) -> None:
        if owner.context is None:
            self._say("454 no certificate")
            return
        self._say("220 go ahead")
        try:
            self.request = self.connection = owner.context.wrap_socket(self.connection, server_side=True)
        except OSError:  # the client does not trust the certificate
            self._over = True
            return
        self.setup()
        self._session = _Session(encrypted=True)

    def _login(self, owner: MailReceiver, rest: str) -> None:
        _, name, word = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        if owner.users.get(name) != word:
            self._say("535 no")
            return
        self._session.login = (name, word)
        self._say("235 yes")

    def _from(self, owner: MailReceiver, rest: str) -> None:
        if owner.users and self._session.login is None:
            self._say("530 log in")
            return
        self._session.sender = rest.partition(":")[2].partition(">")[0].strip("< ")
        self._session.recipients = []
        self._say("250 ok")

    def _to(self, owner: MailReceiver, rest: str) -> None:
        recipient = rest.partition(":")[2].partition(">")[0].strip("< ")
        if recipient in owner.refused:
            self._say("550 nobody")
            return
        self._session.recipients.append(recipient)
        self._say("250 ok")

    def _data(self, owner: MailReceiver, _rest: str) -> None:
        self._say("354 go ahead")
        lines: list[bytes] = []
        while (line := self.rfile.readline(65_536)) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        if owner.busy:
            self._say("451 later")
            return
        session = self._session
        owner.received.append(Mail(session.sender, session.recipients, b"".join(lines), session.login, session.encrypted))
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


def _serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _owner(server: object, kind: type[Kind]) -> Kind:
    """The receiver that a handler works for."""
    owner = getattr(server, "owner", None)
    if not isinstance(owner, kind):
        raise TypeError(f"{owner!r} is no {kind.__name__}")
    return owner
