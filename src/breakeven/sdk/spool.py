"""The files in which events wait, and the thread that sends them."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

BATCH = 500
MOST_BYTES = 16 * 1024 * 1024
INTERVAL = 0.5
ROTATE_BYTES = 1024 * 1024
LONGEST_PAUSE = 30.0
TIMEOUT = 10.0
_REJECTED = "rejected.ndjson"
_REFUSED, _SERVER_FAULT = 400, 500
_TRY_AGAIN = frozenset({401, 403, 404, 408, 409, 425, 429})
"""Refusals that a change of configuration or time mends: the events stay."""


class Sender:
    """Keeps events in a file of its own and sends what its own and abandoned files hold."""

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        spool: str | None = None,
        most_bytes: int = MOST_BYTES,
        interval: float = INTERVAL,
    ) -> None:
        self.pid = os.getpid()
        self._url = (url or os.environ.get("BREAKEVEN_URL") or "http://127.0.0.1:4000").rstrip("/") + "/api/v1/outcomes"
        self._key = key or os.environ.get("BREAKEVEN_KEY") or ""
        self._directory = Path(spool or os.environ.get("BREAKEVEN_SPOOL") or _state_directory())
        self._most_bytes = most_bytes
        self._interval = interval
        self._lock = threading.Lock()
        self._counts = {"sent": 0, "rejected": 0, "dropped": 0}
        self._descriptor = -1
        self._path: Path | None = None
        self._added = self._done = 0
        self._size = self._offset = 0
        self._wake = threading.Event()
        self._stopped = False
        self._pause = 0.0
        self._thread = threading.Thread(target=self._run, name="breakeven-outcomes", daemon=True)
        self._thread.start()
        atexit.register(self._at_exit)

    def add(self, event: dict[str, Any]) -> None:
        """Keep one event; drop and count it where the disk or the bound refuses it."""
        with self._lock:
            try:
                line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
                fits = self._size - self._offset + len(line) <= self._most_bytes
                if fits:
                    self._open()
                    os.write(self._descriptor, line)
            except (OSError, TypeError, ValueError):
                fits = False
            if not fits:
                self._counts["dropped"] += 1
                return
            self._size += len(line)
            self._added += 1
        if self._added - self._done >= BATCH:
            self._wake.set()

    def stats(self) -> dict[str, int]:
        """Counts of events by what became of them."""
        with self._lock:
            return {"queued": self._added - self._done, **self._counts}

    def flush(self, timeout: float) -> bool:
        """Send now, and wait until everything of this process is sent."""
        until = time.monotonic() + timeout
        self._pause = 0.0
        while self.stats()["queued"]:
            self._wake.set()
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True

    def stop(self) -> None:
        """Send no more; what waits stays for the next process."""
        self._stopped = True
        self._wake.set()
        atexit.unregister(self._at_exit)
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    # --- files --------------------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._descriptor >= 0:
            return
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = self._directory / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.ndjson"
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._size = self._offset = 0

    def _take(self) -> list[bytes]:
        """The next lines of the own file that were not sent yet."""
        with self._lock:
            path, offset = self._path, self._offset
        if path is None:
            return []
        with path.open("rb") as stream:
            stream.seek(offset)
            return [line for line, _ in zip(stream, range(BATCH), strict=False) if line.endswith(b"\n")]

    def _sent(self, lines: list[bytes]) -> None:
        with self._lock:
            self._offset += sum(map(len, lines))
            self._done += len(lines)
            if self._offset == self._size and self._size >= ROTATE_BYTES and self._path is not None:
                os.close(self._descriptor)
                self._path.unlink()
                self._descriptor, self._path = -1, None

    def _abandoned(self) -> None:
        """Send what processes that are dead have left, and remove their files."""
        if not self._directory.is_dir():
            return
        for path in sorted(self._directory.glob("*.ndjson")):
            if path == self._path or path.name == _REJECTED:
                continue
            with path.open("rb") as stream:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue
                lines = [line for line in stream.read().splitlines(keepends=True) if line.endswith(b"\n")]
                if all(self._post(lines[start : start + BATCH]) for start in range(0, len(lines), BATCH)):
                    path.unlink(missing_ok=True)

    # --- the thread ---------------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        look_at = 0.0
        while not self._stopped:
            self._wake.wait(self._pause or self._interval)
            self._wake.clear()
            if self._stopped:
                return
            try:
                if time.monotonic() >= look_at:
                    self._abandoned()
                    look_at = time.monotonic() + LONGEST_PAUSE
                while not self._stopped and (lines := self._take()):
                    if not self._post(lines):
                        break
                    self._sent(lines)
            except OSError:
                self._wait_longer()

    def _post(self, lines: list[bytes]) -> bool:
        """Whether the server has taken these events for good, one way or the other."""
        body = b'{"outcomes":[' + b",".join(line.rstrip(b"\n") for line in lines) + b"]}"
        headers = {"content-type": "application/json", **({"breakeven-key": self._key} if self._key else {})}
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310 - the address that the application configured
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - as above
                rejected = json.loads(answer.read()).get("rejected", [])
        except urllib.error.HTTPError as error:
            error.close()
            if error.code >= _SERVER_FAULT or error.code in _TRY_AGAIN:
                self._wait_longer()
                return False
            rejected = [{"index": number, "what": f"HTTP {error.code}"} for number in range(len(lines))]
        except (OSError, ValueError):
            self._wait_longer()
            return False
        self._pause = 0.0
        self._keep_rejected(lines, rejected)
        return True

    def _keep_rejected(self, lines: list[bytes], rejected: list[dict[str, Any]]) -> None:
        with self._lock:
            self._counts["sent"] += len(lines) - len(rejected)
            self._counts["rejected"] += len(rejected)
        if rejected:
            with (self._directory / _REJECTED).open("ab") as stream:
                for each in rejected:
                    event = json.loads(lines[each["index"]])
                    stream.write(json.dumps({"event": event, "what": each.get("what")}).encode() + b"\n")

    def _wait_longer(self) -> None:
        self._pause = min(LONGEST_PAUSE, max(self._interval, self._pause * 2)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter

    def _at_exit(self) -> None:
        if os.getpid() == self.pid:
            self.flush(1.0)


def _state_directory() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "breakeven" / "outcomes"
