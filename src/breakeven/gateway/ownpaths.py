"""The gateway's own paths: health, metrics, outcomes. Everything else is a call for a vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from breakeven.gateway.attribution import Refusal
from breakeven.gateway.facts import now_ns
from breakeven.gateway.outcomes import RowFault, rows_of
from breakeven.gateway.wire.messages import Request, response_head
from breakeven.governance.access import refusal

if TYPE_CHECKING:
    from breakeven.gateway.application import Application
    from breakeven.gateway.wire.server import ClientConnection


def _send(client: ClientConnection, status: int, kind: bytes, content: bytes) -> None:
    pairs = [(b"content-type", kind), (b"content-length", b"%d" % len(content)), (b"cache-control", b"no-store")]
    if not client.keep_alive:
        pairs.append((b"connection", b"close"))
    client.write(response_head(status, pairs) + content)
    client.done()


def _live(application: Application, client: ClientConnection, request: Request) -> None:
    del application, request
    _send(client, 200, b"text/plain", b"live\n")


def _ready(application: Application, client: ClientConnection, request: Request) -> None:
    """Ready: new calls are taken and facts reach the disk. A failing disk is told, but calls still flow."""
    del request
    if application.stopping:
        _send(client, 503, b"text/plain", b"stopping\n")
    else:
        _send(
            client, 200, b"text/plain", b"ready, facts are waiting for the disk\n" if application.recorder.failing else b"ready\n"
        )


def _metrics(application: Application, client: ClientConnection, request: Request) -> None:
    if application.snapshot.admin_token and not application.may_administer(request):
        _send_json(client, 401, {"error": {"code": "admin_token", "message": "This path needs the admin token."}})
        return
    _send(client, 200, b"text/plain; version=0.0.4; charset=utf-8", application.exposition())


def _outcomes(application: Application, client: ClientConnection, request: Request) -> None:
    """Take a batch of outcomes; the answer is sent when they are on the disk."""
    if request.head.method != b"POST":
        _send_json(client, 405, {"error": {"code": "method_not_allowed", "message": "Send outcomes with POST."}})
        return
    caller = application.snapshot.caller(request.head)
    person = application.snapshot.visitors.person(client.peer, request.head.by_name)
    if person is not None:
        reason = refusal(application.snapshot.visitors.access, person, "report outcomes")
        if reason is not None:
            _send_json(client, 403, {"error": {"code": "role", "message": f"{reason}."}})
            return
    elif isinstance(caller, Refusal):
        _send_json(client, caller.status, {"error": {"code": caller.code, "message": caller.message}})
        return
    locked = dict(caller.key.locked) if not isinstance(caller, Refusal) and caller.key is not None else {}
    try:
        rows, rejected = rows_of(request.body, application.clock.text(now_ns()), locked, application.snapshot.pseudonyms)
    except RowFault as fault:
        _send_json(client, 400, {"error": {"code": "no_batch", "message": f"{fault.what}. {fault.remedy}"}})
        return

    def answer(kept: bool) -> None:  # noqa: FBT001 - the answer to the question whether
        if client.transport.is_closing():
            return
        if kept:
            _send_json(client, 200, {"accepted": len(rows), "rejected": rejected})
        else:
            _send_json(
                client, 503, {"error": {"code": "disk", "message": "The outcomes could not be kept; send them again later."}}
            )

    if rows:
        application.recorder.keep(msgspec.json.Encoder().encode_lines(rows), len(rows), answer)
    else:
        answer(kept=True)


def _send_json(client: ClientConnection, status: int, value: object) -> None:
    _send(client, status, b"application/json", msgspec.json.encode(value))


OWN_PATHS: Mapping[bytes, Callable[[Application, ClientConnection, Request], None]] = {
    b"/health/live": _live,
    b"/health/ready": _ready,
    b"/metrics": _metrics,
    b"/api/v1/outcomes": _outcomes,
}
