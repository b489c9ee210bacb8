"""A pack as one HTML file for mail and paper: its own style, charts as SVG, no script, nothing to fetch.

Everything that comes from the ledger is escaped, and the file's own policy lets a browser load nothing and run nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from breakeven.reports.packs.cells import TO_THE_LEFT, moved, shown
from breakeven.reports.packs.charts import svg
from breakeven.reports.packs.structure import Block, Cell, Column, Figure, Pack
from breakeven.reports.words import percent

WIDE_FROM = 6
"""A table of so many columns takes the width of the page; what has no rows never does."""


def html_of(pack: Pack) -> str:
    """The whole file."""
    style = _style(pack)
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(style)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{escape(pack.title)}, {escape(pack.label)}</title>",
            f"<style>{style}</style>",
            "</head>",
            f'<body class="{escape(pack.name, quote=True)}">',
            "<main>",
            _head(pack),
            *(_sheet(number, page, pack) for number, page in enumerate(pack.pages, start=1)),
            _methods(pack),
            "</main>",
            "</body>",
            "</html>",
            "",
        )
    )


def footer(pack: Pack) -> str:
    """What stands at the foot of each printed page."""
    return f"{pack.title} · {pack.label} · {pack.currency} · made {pack.made_at} by Breakeven · {' · '.join(badges(pack))}"


def badges(pack: Pack) -> tuple[str, str, str]:
    """How far the figures can be trusted, in three."""
    tied = "not reconciled" if pack.shares.reconciled is None else f"{percent(pack.shares.reconciled)} reconciled"
    return f"{percent(pack.shares.priced)} priced", f"{percent(pack.shares.attributed)} attributed", tied


def _style(pack: Pack) -> str:
    """The style sheet, with this pack's footer in the margin of every page."""
    sheet = files("breakeven.reports.packs").joinpath("pack.css").read_text("utf-8")
    return sheet.replace('"{footer}"', f'"{_in_css(footer(pack))}"')


def _in_css(words: str) -> str:
    """A text inside a string of a style sheet: what is not plain is written by its number, so that nothing can end the string."""
    return "".join(each if each.isalnum() or each in " .,:%-" else f"\\{ord(each):x} " for each in words)


def _policy(style: str) -> str:
    """Nothing may be loaded, run or sent; this one style sheet applies, named by its digest."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _head(pack: Pack) -> str:
    against = f" against {escape(pack.versus)}" if pack.versus else ""
    marks = "".join(f"<li>{escape(badge)}</li>" for badge in badges(pack))
    figures = "".join(_figure(figure) for figure in pack.figures)
    return (
        f"<header><h1>{escape(pack.title)}</h1>"
        f'<p class="period">{escape(pack.label)}{against}, in {escape(pack.currency)}</p>'
        f'<ul class="badges" aria-label="How far the figures can be trusted">{marks}</ul>'
        f'<p class="answer">{escape(pack.sentence)}</p><dl class="figures">{figures}</dl></header>'
    )


def _figure(figure: Figure) -> str:
    change = "" if figure.kind == "share" else f'<span class="change">{escape(moved(figure))}</span>'
    return f"<div><dt>{escape(figure.name)}</dt><dd>{escape(shown(figure.kind, figure.value))}{change}</dd></div>"


def _sheet(number: int, page: Sequence[Block], pack: Pack) -> str:
    blocks = "".join(_block(block, pack.sentence) for block in page)
    return f'<section class="sheet" aria-label="{escape(pack.title, quote=True)}, part {number}">{blocks}</section>'


def _block(block: Block, answer: str) -> str:
    """One block. What the head of the page has said already is not said again."""
    identity = escape(block.id, quote=True)
    sentence = "" if block.sentence == answer else f'<p class="sentence">{escape(block.sentence)}</p>'
    wide = len(block.columns) >= WIDE_FROM and bool(block.rows)
    kind = "wide" if wide else "tall" if block.chart and block.rows else "narrow"
    chart = (
        f"<figure>{svg(block.chart, block.id)}<figcaption>{escape(block.chart.title)}</figcaption></figure>" if block.chart else ""
    )
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in block.notes)
    more = f'<p class="note">More: <code>{escape(block.more)}</code></p>' if block.more else ""
    return (
        f'<article id="{identity}" class="{kind}"><h2>{escape(block.title)}</h2>'
        f'<p class="question">{escape(block.question)}</p>{sentence}'
        f'<div class="{"beside" if chart and wide else "under"}">{_table(block)}{chart}</div>{notes}{more}</article>'
    )


def _table(block: Block) -> str:
    if not block.rows and block.total is None:
        return ""
    most = len(block.rows) if block.rows_printed is None else block.rows_printed
    head = "".join(f'<th scope="col"{_side(column)}>{escape(column.title)}</th>' for column in block.columns)
    body = "".join(_row(block.columns, row) for row in block.rows[:most])
    left = len(block.rows) - most
    if left > 0:
        body += f'<tr class="left-out"><td colspan="{len(block.columns)}">and {left:,} more: {escape(block.more)}</td></tr>'
    foot = f"<tfoot>{_row(block.columns, block.total)}</tfoot>" if block.total is not None else ""
    return (
        f'<div class="scroll"><table><caption>{escape(block.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>"
    )


def _row(columns: Sequence[Column], row: Sequence[Cell]) -> str:
    first, *others = zip(columns, row, strict=True)
    cells = "".join(f"<td{_side(column, cell)}>{escape(shown(column.kind, cell))}</td>" for column, cell in others)
    return f'<tr><th scope="row"{_side(first[0])}>{escape(shown(first[0].kind, first[1]))}</th>{cells}</tr>'


def _side(column: Column, cell: Cell = None) -> str:
    """Words to the left, digits to the right, and a verdict by what it says."""
    if column.kind == "verdict" and cell in ("creates", "destroys", "met", "missed"):
        return f' class="{"good" if cell in ("creates", "met") else "bad"}"'
    return "" if column.kind in TO_THE_LEFT else ' class="number"'


def _methods(pack: Pack) -> str:
    terms = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(words)}</dd></div>" for name, words in pack.methods.items())
    return (
        f'<section class="methods"><h2>How the figures are made</h2><dl>{terms}</dl>'
        f"<p>Made {escape(pack.made_at)} from the ledger as it was known then. An en dash is unknown, never nothing. "
        "Each figure comes from the report that its block names; that report's JSON has formula, rows counted and price versions."
        "</p></section>"
    )
