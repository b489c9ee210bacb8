"""How faults are told over HTTP: one shape, the status by the kind of fault, never a traceback."""

from __future__ import annotations

import logging

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.status_codes import HTTP_500_INTERNAL_SERVER_ERROR

from breakeven.errors import BreakevenError, DataError, LedgerLocked, PolicyFailed, Problem, Unreachable, UsageError

_STATUS: tuple[tuple[type[BreakevenError], int, str], ...] = (
    (PolicyFailed, 403, "not_allowed"),
    (UsageError, 400, "not_understood"),
    (DataError, 422, "data_problem"),
    (LedgerLocked, 503, "ledger_busy"),
    (Unreachable, 404, "not_there"),
)
_BUSY = "503"
_LOG = logging.getLogger(__name__)


class Told(msgspec.Struct, frozen=True):
    """A fault in a fact: where it is, what is wrong, what to do about it."""

    where: str
    what: str
    remedy: str


class Fault(msgspec.Struct, frozen=True):
    """What went wrong, and what to do next."""

    code: str
    message: str
    remedy: str = ""
    problems: tuple[Told, ...] = ()


class Faulty(msgspec.Struct, frozen=True):
    """The body of every answer that is none."""

    error: Fault


def told(problem: Problem) -> Told:
    """A problem as it is shown."""
    return Told(problem.where, problem.what, problem.remedy)


def of_ours(_: Request[object, object, object], error: BreakevenError) -> Response[Faulty]:  # type: ignore[type-var] # any state
    """One of our own faults."""
    status, code = next(((status, code) for kind, status, code in _STATUS if isinstance(error, kind)), (500, "fault"))
    problems = tuple(told(each) for each in getattr(error, "problems", ()))
    headers = {"retry-after": "2"} if str(status) == _BUSY else {}
    return Response(Faulty(Fault(code, error.what, error.remedy, problems)), status_code=status, headers=headers)


def of_request(_: Request[object, object, object], error: HTTPException) -> Response[Faulty]:  # type: ignore[type-var] # any state
    """A request that the routes cannot take."""
    code = "not_understood" if isinstance(error, ValidationException) else "no_such_thing"
    extra = error.extra if isinstance(error.extra, list) else []
    said = "; ".join(f"{each.get('key', 'body')}: {each.get('message', '')}" for each in extra if isinstance(each, dict))
    body = Faulty(Fault(code, said or error.detail or "The request cannot be answered."))
    return Response(body, status_code=error.status_code, headers=error.headers or {})


def of_nobody(_: Request[object, object, object], error: Exception) -> Response[Faulty]:  # type: ignore[type-var] # any state
    """A fault that nobody foresaw: it is in the log, not in the answer."""
    _LOG.error("the web API failed", exc_info=error)
    body = Faulty(Fault("internal", "This could not be answered; nothing was changed.", "Look into the log of `breakeven serve`."))
    return Response(body, status_code=HTTP_500_INTERNAL_SERVER_ERROR)
