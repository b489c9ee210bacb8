"""TLS to the vendor, straight and through a proxy: trusted certificates only, and a clear answer otherwise."""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from breakeven.testing import ScriptedUpstream

CONFIG = """
providers:
  openai:
    base_url: "{address}/v1"
    api_key_env: VENDOR_KEY
    tls: {{{{ca_file: "{ca}"}}}}
    retries: {{{{attempts: 1}}}}{more}
"""
BODY = b'{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}'


def certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "scripted vendor")])
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
    path = folder / "vendor.pem"
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + plain)
    return path


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The vendor's certificate."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure_vendor(pem: Path) -> Iterator[ScriptedUpstream]:
    """The scripted vendor behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with ScriptedUpstream(tls=context) as vendor:
        yield vendor


def ask(service: Any) -> tuple[int, bytes]:
    """One chat call."""
    request = urllib.request.Request(  # noqa: S310 - our own gateway
        f"{service.url}/v1/chat/completions", BODY, {"content-type": "application/json", "breakeven-feature": "tls"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_trusted_vendor(own_service: Callable[..., Any], secure_vendor: ScriptedUpstream, pem: Path) -> None:
    """Calls over TLS are answered and metered like any other."""
    service = own_service(CONFIG.format(address=secure_vendor.url, ca=pem, more=""))
    assert [ask(service)[0] for _ in range(3)] == [200] * 3
    assert {call["state"] for call in service.calls(3, "feature = 'tls'")} == {"metered"}


def test_an_untrusted_vendor(own_service: Callable[..., Any], secure_vendor: ScriptedUpstream, tmp_path: Path) -> None:
    """A certificate that nobody vouches for gets no request, and the caller is told."""
    service = own_service(CONFIG.format(address=secure_vendor.url, ca=certificate(tmp_path), more=""))
    status, body = ask(service)
    assert (status, json.loads(body)["error"]["code"]) == (502, "tls")
    assert service.calls(1, "feature = 'tls'")[0]["state"] == "not_billed"


class Proxy:
    """An HTTP proxy that tunnels CONNECT, or refuses it."""

    def __init__(self, *, refuses: bool) -> None:
        self.heads: list[bytes] = []
        self._refuses = refuses
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(caller,), daemon=True).start()

    def _tunnel(self, caller: socket.socket) -> None:
        with caller:
            head = b""
            while b"\r\n\r\n" not in head:
                head += caller.recv(4096)
            self.heads.append(head)
            if self._refuses:
                caller.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            host, port = head.split()[1].decode().rsplit(":", 1)
            with socket.create_connection((host, int(port))) as vendor:
                caller.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_copy, args=(vendor, caller), daemon=True)
                back.start()
                _copy(caller, vendor)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while content := source.recv(65536):
            target.sendall(content)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.mark.parametrize("refuses", [False, True])
def test_through_a_proxy(own_service: Callable[..., Any], secure_vendor: ScriptedUpstream, pem: Path, *, refuses: bool) -> None:
    """With a proxy the tunnel ends at the vendor, whose certificate is checked; a proxy that refuses is named."""
    proxy = Proxy(refuses=refuses)
    try:
        more = f'\n    proxy: "http://127.0.0.1:{proxy.port}"'
        service = own_service(CONFIG.format(address=secure_vendor.url, ca=pem, more=more))
        status, body = ask(service)
        if refuses:
            assert (status, json.loads(body)["error"]["code"]) == (502, "proxy")
        else:
            assert status == 200
        assert proxy.heads[0].startswith(f"CONNECT 127.0.0.1:{secure_vendor.port} HTTP/1.1\r\n".encode())
        service.stop()
    finally:
        proxy.close()
