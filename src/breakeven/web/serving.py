"""Serves the web application on a socket that is bound already, in a thread of whoever has the ledger."""

from __future__ import annotations

import logging
import socket
import threading

import uvicorn
from litestar import Litestar

_GRACE_SECONDS = 5.0


class WebServer:
    """One running web application."""

    def __init__(self, app: Litestar, listening: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http="httptools",
            loop="asyncio",
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=int(_GRACE_SECONDS),
        )
        self._server = uvicorn.Server(config)
        self._listening = listening
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what is under way, and end."""
        self._server.should_exit = True
        self._thread.join(_GRACE_SECONDS + 1.0)

    def _run(self) -> None:
        self._server.run(sockets=[self._listening])
