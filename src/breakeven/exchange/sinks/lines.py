"""The log: one line of JSON per alert, to standard error or to a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from breakeven.exchange.sinks.message import encoded
from breakeven.exchange.sinks.port import NotSent
from breakeven.governance.alerts import Alert
from breakeven.settings import SinkSettings


class LogSink:
    """Appends whole lines, so that several processes may share a file; the line is on the disk when `send` returns."""

    def __init__(self, settings: SinkSettings, environment: Mapping[str, str]) -> None:
        del environment
        self._path: Path | None = settings.path

    def send(self, alert: Alert) -> None:
        """Write one line. Raises NotSent where the file cannot be written."""
        line = encoded(alert) + b"\n"
        if self._path is None:
            sys.stderr.write(line.decode())
            sys.stderr.flush()
            return
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                os.write(descriptor, line)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise NotSent(
                f"the log file cannot be written: {error.strerror}", "Check the path, its permissions and the disk."
            ) from error
