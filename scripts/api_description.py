"""Write the web API's own description, from which the dashboard's types are made. A test holds the file against the code."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from breakeven.service.books import Books
from breakeven.web.application import application
from breakeven.web.description import description as of_routes
from breakeven.web.desk import Desk

TARGET = Path(__file__).parent.parent / "src" / "breakeven" / "web" / "openapi.json"


def description() -> bytes:
    """The description as it is written."""
    nowhere = Path()
    desk = Desk(Books(nowhere), nowhere, None, lambda: datetime.now(UTC).replace(tzinfo=None))
    schema = of_routes(application(desk, "127.0.0.1"))
    return msgspec.json.format(msgspec.json.encode(schema), indent=1) + b"\n"


if __name__ == "__main__":
    TARGET.write_bytes(description())
