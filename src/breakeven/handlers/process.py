"""One handler's process as the gateway's worker sees it: started, asked one question at a time, killed when it takes too long."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from asyncio import AbstractEventLoop
from collections.abc import Callable

import msgspec

from breakeven.handlers.framing import Boot, Frames, Outcome, decoder, frame

_CHUNK = 1 << 16
_OUTCOMES = decoder(Outcome)


class Process:
    """A started process. `heard` is called with every outcome, `ended` once when it has gone, with its exit status."""

    def __init__(
        self, boot: Boot, loop: AbstractEventLoop, heard: Callable[[Process, Outcome], None], ended: Callable[[Process, str], None]
    ) -> None:
        self._loop, self._heard, self._ended = loop, heard, ended
        self._frames = Frames()
        self._unsent = bytearray()
        self._gone = False
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(0)
        try:
            with theirs:
                self._child = subprocess.Popen(  # noqa: S603 - our own module
                    [sys.executable, "-m", "breakeven.handlers.child", str(theirs.fileno())],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=2,  # what a handler prints goes where the gateway's messages go
                    start_new_session=True,
                )
        except BaseException:
            self._socket.close()
            raise
        loop.add_reader(self._socket.fileno(), self._readable)
        self.send(frame(boot))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def send(self, framed: bytes) -> None:
        """Send a message, now or as soon as it can be taken."""
        if self._gone:
            return
        if not self._unsent:
            try:
                sent = self._socket.send(framed)
            except BlockingIOError:
                sent = 0
            except OSError:
                return  # its end is read in a moment
            if sent == len(framed):
                return
            framed = framed[sent:]
            self._loop.add_writer(self._socket.fileno(), self._writable)
        self._unsent += framed

    def kill(self) -> None:
        """End it at once, with whatever it has started; `ended` is not called."""
        if not self._gone:
            self._close()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._reap()

    def _writable(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._unsent)  # its end is read in a moment
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self._socket.fileno())

    def _readable(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        try:
            for body in self._frames.feed(data):
                self._heard(self, _OUTCOMES.decode(body))
        except (ValueError, msgspec.MsgspecError) as error:  # a user's function wrote into our socket
            self.kill()
            self._ended(self, f"said what cannot be understood: {error}")

    def _end(self) -> None:
        self._close()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._ended(self, _status(self._reap()))

    def _reap(self) -> int | None:
        """Take note of its death, so that no zombie stays; a killed process dies in microseconds and is not waited for long."""
        try:
            return self._child.wait(0.05)
        except subprocess.TimeoutExpired:
            self._loop.call_later(1.0, self._child.poll)  # much memory takes a while to be given back
            return None

    def _close(self) -> None:
        self._gone = True
        self._loop.remove_reader(self._socket.fileno())
        if self._unsent:
            self._loop.remove_writer(self._socket.fileno())
        self._socket.close()


def _status(code: int | None) -> str:
    if code is None:
        return "went away"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"
