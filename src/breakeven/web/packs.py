"""Packs for download: the same files that `breakeven report` writes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.params import FromPath, QueryParameter

from breakeven.reports.packs import Pack, Sources, compose, html_of, markdown_of, pack_kind
from breakeven.reports.question import Facts
from breakeven.settings import Settings
from breakeven.web.dependencies import AtDesk, Question

Form = Literal["json", "html", "md"]
MEDIA_TYPES: dict[Form, str] = {"json": "application/json", "html": "text/html", "md": "text/markdown"}
FORM = "json, html (one offline file, which prints as pages) or md."


@get("/reports/{name:str}", sync_to_thread=True)
def pack(
    desk: AtDesk,
    asked: Question,
    name: FromPath[str],
    form: Annotated[Form, QueryParameter(name="format", description=FORM)] = "json",
) -> Response[bytes]:
    """A report to send: `board`, `finance` or `engineering`, as a file. Only `period` of the question is looked at."""
    pack_kind(name)

    def made(ledger: Facts, settings: Settings) -> Pack:
        now = desk.clock()
        return compose(name, Sources(ledger, settings, desk.layout, asked.period_in(ledger, now), now, desk.prices))

    found = desk.answer(("pack", name, asked.period), made)
    file = f"{found.name}-{''.join(each if each.isalnum() else '-' for each in found.period)}.{form}"
    return Response(
        _written(found, form), media_type=MEDIA_TYPES[form], headers={"content-disposition": f'attachment; filename="{file}"'}
    )


def _written(found: Pack, form: Form) -> bytes:
    if form == "json":
        return msgspec.json.encode(found)
    return (html_of(found) if form == "html" else markdown_of(found)).encode()
