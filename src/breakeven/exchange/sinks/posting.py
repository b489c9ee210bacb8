"""One bounded POST: no redirects followed, little of the answer read, no address in any message."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from breakeven import __version__
from breakeven.exchange.sinks.port import NotSent

_READ = 4096
_LONGEST_WAIT = 3600.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:  # noqa: ANN401 - as the base class has it
        """A redirect would take a signed alert somewhere else; it is told as a fault."""


def post(url: str, body: bytes, headers: Mapping[str, str], timeout: float, ca_file: Path | None = None) -> None:
    """Post JSON. Any 2xx means taken; `ca_file` holds the certificates to trust in place of the system's. Raises NotSent."""
    request = urllib.request.Request(  # noqa: S310 - the settings allow http and https only
        url, data=body, headers={"content-type": "application/json", "user-agent": f"breakeven/{__version__}", **headers}
    )
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.HTTPSHandler(context=trusting(ca_file)))
    try:
        with opener.open(request, timeout=timeout) as answer:
            answer.read(_READ)
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error.code, error.headers.get("retry-after")) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotSent(
            f"the receiver cannot be reached: {_words(reason)}", "Check the address, the network and the receiver."
        ) from None


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """TLS that verifies certificates, by those of a file or by the system's. Raises NotSent where the file cannot be used."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise NotSent(f"ca_file cannot be used: {error.strerror}", "Check its path and its content.") from None


def _refused(status: int, retry_after: str | None) -> NotSent:
    """What a status other than 2xx means, and what to do."""
    if status in range(300, 400):
        return NotSent(f"the receiver answers with a redirect ({status})", "Configure the address that it redirects to.")
    if status in (401, 403):
        return NotSent(f"the receiver refuses the alert ({status})", "Check the secret and the address.")
    if status in (404, 410):
        return NotSent(f"the receiver does not know this address ({status})", "Make a new webhook there and configure its address.")
    return NotSent(f"the receiver answers {status}", "Look at the receiver's own log.", _seconds(retry_after))


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; a date is measured by the receiver's clock, which nobody knows, and is left to the usual pause."""
    try:
        return None if text is None else min(_LONGEST_WAIT, max(0.0, float(text)))
    except ValueError:
        return None


def _words(reason: object) -> str:
    """The system's words for a fault of the network, without addresses."""
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return type(reason).__name__
