"""A local HTTP server that speaks ClickHouse's protocol and answers from its engine in process (chdb), run as a process of its own.

What a real server also does and this one does not: users, compression, sessions, several queries at once.

    python local_clickhouse.py DIRECTORY|:memory: PORT_FILE
"""

from __future__ import annotations

import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb

PASSWORD = "open sesame"  # noqa: S105 - the tests' own
_TRANSPORT = {"query", "database", "default_format", "session_id", "session_timeout", "query_id", "enable_http_compression",
              "wait_end_of_query", "compress", "send_progress_in_http_headers", "http_headers_progress_interval_ms",
              "cancel_http_readonly_queries_on_client_close", "client_protocol_version", "role", "buffer_size"}  # fmt: skip
_INSERT = re.compile(rb"(\s*INSERT\s+INTO\s.+?)\s+FORMAT\s+(\w+)\s*\Z", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*\Z", re.IGNORECASE)


class Engine:
    """The engine, one query at a time."""

    def __init__(self, place: str) -> None:
        self._connection = chdb.connect(place)  # type: ignore[no-untyped-call] # chdb has few types
        self._lock = threading.Lock()

    def run(self, query: str, kind: str, options: dict[str, str], database: str) -> bytes:
        """The answer in one format; `options` are parameters (`param_x`) and settings."""
        parameters = {name.removeprefix("param_"): value for name, value in options.items() if name.startswith("param_")}
        settings = {name: value for name, value in options.items() if not name.startswith("param_")}
        with self._lock:
            self._connection.query(f"USE {database}")
            for name, value in settings.items():
                self._connection.query(f"SET {name} = {_literal(value)}")
            try:
                answer = self._connection.query(query, kind, params=parameters)
                return answer.bytes() or b""
            finally:
                for name in settings:
                    self._connection.query(f"SET {name} = DEFAULT")


class Handler(BaseHTTPRequestHandler):
    """One request: the query stands in the URL or begins the body; what follows it is data."""

    protocol_version = "HTTP/1.1"
    engine: Engine

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Be quiet."""

    def do_GET(self) -> None:
        """Whether it is there."""
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        """Run what is asked."""
        options = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self._body()
        if body is None:  # cut off on the way: half a query must not be run
            self.close_connection = True
            return
        if self.headers.get("Authorization") is None and self.headers.get("X-ClickHouse-Key") not in (None, "", PASSWORD):
            self._answer(403, b"Code: 516. DB::Exception: Authentication failed", code="516")
            return
        query = options.get("query", "").encode()
        database = options.get("database") or self.headers.get("X-ClickHouse-Database") or "default"
        kept = {name: value for name, value in options.items() if name not in _TRANSPORT}
        try:
            if (inserted := _INSERT.match(query)) is not None:
                self._answer(200, self._insert(inserted, body, kept, database))
                return
            text = (query + b"\n" + body).decode()
            found = _FORMAT.search(text)
            kind = found[1] if found else options.get("default_format", "TabSeparated")
            self._answer(200, self.engine.run(text, kind, kept, database), kind=kind)
        except Exception as error:  # noqa: BLE001 - whatever the engine says is the answer
            code = re.search(r"Code: (\d+)", str(error))
            self._answer(500, str(error).encode(), code=code[1] if code else "1000")

    def _insert(self, inserted: re.Match[bytes], body: bytes, options: dict[str, str], database: str) -> bytes:
        with tempfile.NamedTemporaryFile(suffix=".raw") as file:
            file.write(body)
            file.flush()
            text = f"{inserted[1].decode()} FROM INFILE '{file.name}' FORMAT {inserted[2].decode()}"
            return self.engine.run(text, "TabSeparated", options, database)

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            return body if len(body) == length else None
        parts: list[bytes] = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, body: bytes, *, kind: str = "", code: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-ClickHouse-Summary", '{"read_rows":"0","written_rows":"0"}')
        if kind and body:
            self.send_header("X-ClickHouse-Format", kind)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.end_headers()
        self.wfile.write(body)


def _literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def main() -> None:
    """Serve until killed; the port stands in a file as soon as it is open."""
    Handler.engine = Engine(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    draft = Path(sys.argv[2]).with_suffix(".draft")
    draft.write_text(str(server.server_port))
    draft.rename(sys.argv[2])
    server.serve_forever()


if __name__ == "__main__":
    main()
