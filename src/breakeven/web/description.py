"""How the API describes itself: what Litestar knows of the routes, and the one shape in which every fault is told."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Litestar

from breakeven.web.faults import Faulty

_FAULTS = {
    "400": "The question is not understood.",
    "401": "Sign in first.",
    "403": "This person may not do it, or the request does not come from our own page.",
    "404": "There is no such thing, or the file or service that it needs is not there.",
    "405": "The address does not take this method.",
    "422": "A fact stands in the way.",
    "429": "Too many at once.",
    "503": "Another command has the ledger; come again.",
}
_REF = "#/components/schemas/{name}"


def description(app: Litestar) -> dict[str, Any]:
    """The OpenAPI document of the routes."""
    schema = app.openapi_schema.to_schema()
    (fault,), shapes = msgspec.json.schema_components((Faulty,), ref_template=_REF)
    schema["components"]["schemas"].update(shapes)
    answer = {"application/json": {"schema": fault}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            operation["responses"].get("204", {}).pop("content", None)  # it says nothing, so in no type
            operation["responses"].update({status: {"description": said, "content": answer} for status, said in _FAULTS.items()})
    return schema
