"""How a vendor is shown that we may call it: a header with a key, or a signature made by the vendor's own library.

Secrets come from the environment (or from where the vendor's library finds them), are read once, and are kept only in the header
values that are sent. Signers never touch the network while a call waits: what must be renewed is renewed beforehand, in a thread.
"""

from __future__ import annotations

import base64
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from breakeven.errors import ConfigError, Unreachable
from breakeven.settings import ProviderSettings

if TYPE_CHECKING:
    from breakeven.gateway.targets import Target
    from breakeven.gateway.wire.upstream import Address

Pairs = list[tuple[bytes, bytes]]
_HEADER: Mapping[str, bytes] = {
    "bearer": b"authorization",
    "x-api-key": b"x-api-key",
    "api-key": b"api-key",
    "x-goog-api-key": b"x-goog-api-key",
}
_VERTEX_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_AWS_SERVICE = "bedrock"
_PATIENCE = 10.0  # seconds for the first credentials, while the gateway starts
_LOOK_AGAIN = 60.0  # seconds after which a library is asked whether its credentials are still good
_AFTER_FAILURE = 5.0


class Signer(Protocol):
    """Adds what a provider needs to believe a request. `constant`: it adds the same to every request.

    `own`: callers' own credentials are not sent to this provider.
    """

    constant: bool
    own: bool

    def headers(self, target: Target, method: bytes, body: bytes) -> Pairs:
        """The headers to add. Raises Unreachable where the credentials cannot be had at the moment."""


def signer_of(provider: ProviderSettings, address: Address, environment: Mapping[str, str]) -> Signer:
    """The way of this provider. Raises ConfigError where a secret is missing or its library is not installed."""
    fixed = _fixed(provider, address)
    if provider.credential == "aws":
        return AwsSigner(provider, fixed)
    if provider.credential == "google":
        return GoogleSigner(provider, fixed)
    return KeySigner(provider, fixed, environment)


class KeySigner:
    """The configured key in a header; nothing where callers bring their own, which then stays where they put it."""

    constant = True

    def __init__(self, provider: ProviderSettings, fixed: Pairs, environment: Mapping[str, str]) -> None:
        header, secret = _HEADER.get(provider.credential), _secret(provider, environment)
        value = b"Bearer " + secret if header == b"authorization" else secret
        self._added = [*fixed, (header, value)] if secret and header else fixed
        self.own = bool(secret) or header is None

    def headers(self, target: Target, method: bytes, body: bytes) -> Pairs:
        """The key's header and the fixed ones."""
        del target, method, body
        return self._added


class AwsSigner:
    """AWS Signature Version 4 by botocore, with the credentials that botocore finds (environment, profile, role, instance)."""

    constant = False
    own = True

    def __init__(self, provider: ProviderSettings, fixed: Pairs) -> None:
        try:
            from botocore.auth import SigV4Auth  # noqa: PLC0415 - an extra
            from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - an extra
            from botocore.session import get_session  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise _not_installed(provider, "botocore", "aws") from error
        found = get_session().get_credentials()
        if found is None:
            raise ConfigError(
                f"provider {provider.name}: no AWS credentials were found", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        self._fixed = fixed
        self._region = provider.region
        self._request: Any = AWSRequest
        self._auth: Any = SigV4Auth
        self._credentials = _Renewed(provider.name, found.get_frozen_credentials)

    def headers(self, target: Target, method: bytes, body: bytes) -> Pairs:
        """The signature of method, address and body."""
        scheme = "https" if target.address.tls else "http"
        url = f"{scheme}://{target.host_header.decode()}{_path_of(target).decode()}"
        request = self._request(method=method.decode(), url=url, data=body)
        self._auth(self._credentials.now(), _AWS_SERVICE, self._region).add_auth(request)
        return [*self._fixed, *((name.lower().encode(), value.encode()) for name, value in request.headers.items())]


class GoogleSigner:
    """A bearer token of Google's application default credentials by google-auth, renewed before it expires."""

    constant = False
    own = True

    def __init__(self, provider: ProviderSettings, fixed: Pairs) -> None:
        try:
            import google.auth  # noqa: PLC0415 - an extra
            from google.auth.exceptions import DefaultCredentialsError  # noqa: PLC0415 - an extra
            from google.auth.transport.requests import Request  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise _not_installed(provider, "google-auth", "google") from error
        try:
            found, _ = google.auth.default(scopes=[_VERTEX_SCOPE])
        except DefaultCredentialsError as error:
            raise ConfigError(
                f"provider {provider.name}: no Google credentials were found",
                "Set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`.",
            ) from error
        self._fixed = fixed
        self._token = _Renewed(provider.name, partial(_google_token, found, partial(Request(), timeout=_PATIENCE)))

    def headers(self, target: Target, method: bytes, body: bytes) -> Pairs:
        """The token."""
        del target, method, body
        return [*self._fixed, (b"authorization", b"Bearer " + self._token.now().encode())]


class _Renewed:
    """Credentials that a library keeps fresh, asked for in a thread of their own so that no call waits for the network.

    The last good ones are used until the library gives new ones: a token server that is down for a moment harms nobody, and an
    expired token is refused by the vendor, in its own words. The thread ends with the configuration that it serves.
    """

    def __init__(self, name: str, ask: Callable[[], Any]) -> None:
        self._name = name
        self._last: Any = None
        asked, stop = threading.Event(), threading.Event()
        weakref.finalize(self, stop.set)
        keeper = partial(_keep, weakref.ref(self), ask, asked, stop)
        threading.Thread(target=keeper, name=f"credentials of {name}", daemon=True).start()
        asked.wait(_PATIENCE)

    def take(self, credentials: Any) -> None:  # noqa: ANN401 - whatever the library calls them
        """Use these from now on."""
        self._last = credentials

    def now(self) -> Any:  # noqa: ANN401 - whatever the library calls its credentials
        """The credentials. Raises Unreachable where there have not been any yet."""
        if self._last is None:
            raise Unreachable(f"provider {self._name}: its credentials cannot be had at the moment", "Look at the token server.")
        return self._last


def _keep(holder: weakref.ref[_Renewed], ask: Callable[[], Any], asked: threading.Event, stop: threading.Event) -> None:
    """Ask again and again for as long as somebody needs the answer."""
    while not stop.is_set():
        pause = _LOOK_AGAIN
        try:
            found = ask()
        except Exception:  # noqa: BLE001 - a library's own errors; `now` tells of it where a call needs what is not there
            pause = _AFTER_FAILURE
        else:
            if (renewed := holder()) is not None:
                renewed.take(found)
            del renewed, found
        asked.set()
        stop.wait(pause)


def _google_token(credentials: Any, transport: Any) -> str:  # noqa: ANN401 - google-auth's objects are not typed
    """A token that is good for some minutes yet; google-auth calls one stale early enough."""
    if credentials.token_state.name != "FRESH":
        credentials.refresh(transport)
    return str(credentials.token)


def _secret(provider: ProviderSettings, environment: Mapping[str, str]) -> bytes:
    """The provider's key; empty where callers bring their own."""
    if not provider.api_key_env:
        return b""
    text = environment.get(provider.api_key_env, "").strip()
    if not text and provider.key_expected:
        raise ConfigError(
            f"provider {provider.name}: the environment variable {provider.api_key_env} is not set",
            "Set it, or leave `api_key_env` out so that callers' own keys are forwarded.",
        )
    if not (text.isascii() and (not text or text.isprintable())):
        raise ConfigError(
            f"provider {provider.name}: {provider.api_key_env} holds characters that no key has", "Set it to the key alone."
        )
    return text.encode()


def _fixed(provider: ProviderSettings, address: Address) -> Pairs:
    pairs = [(name.encode(), value.encode()) for name, value in provider.headers]
    if address.proxy_user and not address.tls:
        pairs.append((b"proxy-authorization", b"Basic " + base64.b64encode(address.proxy_user.encode())))
    return pairs


def _path_of(target: Target) -> bytes:
    """The path and query that the vendor sees, also where a proxy is given the whole address."""
    return target.path.removeprefix(b"http://" + target.host_header)


def _not_installed(provider: ProviderSettings, library: str, extra: str) -> ConfigError:
    return ConfigError(
        f"provider {provider.name} signs with {library}, which is not installed", f"Install it: pip install 'breakeven[{extra}]'."
    )
