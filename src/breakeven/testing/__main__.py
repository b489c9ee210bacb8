"""`python -m breakeven.testing --port N`: the scripted vendor as a program of its own."""

from __future__ import annotations

import argparse
import ssl
import threading

from breakeven.testing.upstream import ScriptedUpstream


def main() -> None:
    """Listen until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m breakeven.testing", description="A scripted vendor; every answer is invented.")
    parser.add_argument("--port", type=int, default=0, help="Port on 127.0.0.1; 0 takes any.")
    parser.add_argument("--certificate", help="A PEM file with certificate and key, to listen with TLS.")
    given = parser.parse_args()
    context = None
    if given.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(given.certificate)
    with ScriptedUpstream(given.port, context) as vendor:
        print(vendor.url, flush=True)  # noqa: T201 - its one line of output
        threading.Event().wait()


if __name__ == "__main__":
    main()
