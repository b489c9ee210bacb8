"""A webhook: the alert as JSON, signed after the Standard Webhooks specification (webhook-id, -timestamp, -signature)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping

from breakeven.exchange.sinks.message import encoded_whole
from breakeven.exchange.sinks.port import NotSent
from breakeven.exchange.sinks.posting import post
from breakeven.governance.alerts import Alert
from breakeven.settings import SinkSettings

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of an encoded secret, not a secret


class WebhookSink:
    """Posts to one address. Every attempt is signed anew with its own time; the id stays, so that a repeat can be told."""

    def __init__(self, settings: SinkSettings, environment: Mapping[str, str], wall: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._environment = environment
        self._wall = wall

    def send(self, alert: Alert) -> None:
        """Post the alert. Raises NotSent."""
        body = encoded_whole(alert)
        headers = {"webhook-id": alert.id}
        if self._settings.secret_env is not None:
            at = str(int(self._wall()))
            secret = variable(self._environment, self._settings.secret_env)
            headers |= {"webhook-timestamp": at, "webhook-signature": signature(secret, alert.id, at, body)}
        post(address(self._settings, self._environment), body, headers, self._settings.timeout, self._settings.ca_file)


def signature(secret: str, identity: str, at: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

    A secret that begins with `whsec_` is base64 of the key; any other is the key itself. Raises NotSent where it is not decodable.
    """
    if secret.startswith(SECRET_PREFIX):
        try:
            key = base64.b64decode(secret[len(SECRET_PREFIX) :], validate=True)
        except binascii.Error:
            raise NotSent(
                "the secret begins with whsec_ and is not base64 after that", "Set the variable to the whole secret."
            ) from None
    else:
        key = secret.encode()
    signed = hmac.new(key, f"{identity}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def address(settings: SinkSettings, environment: Mapping[str, str]) -> str:
    """Where a sink posts to. Raises NotSent where the variable is not set or holds no address."""
    if settings.url is not None:
        return settings.url
    url = variable(environment, settings.url_env or "")
    if not url.startswith(("https://", "http://")):
        raise NotSent(f"the variable {settings.url_env} holds no http or https address", "Set it to the whole address.")
    return url


def variable(environment: Mapping[str, str], name: str) -> str:
    """The value of an environment variable. Raises NotSent where it is not set."""
    value = environment.get(name, "").strip()
    if not value:
        raise NotSent(f"the variable {name} is not set", f"Set {name} in the environment of `breakeven serve` and restart it.")
    return value
