"""Packs: reports to send to somebody, composed of the reports' own figures, as one offline HTML file, Markdown or JSON."""

from breakeven.reports.packs.compose import PACKS, PackKind, compose, pack_kind
from breakeven.reports.packs.html import html_of
from breakeven.reports.packs.markdown import markdown_of
from breakeven.reports.packs.sources import Sources
from breakeven.reports.packs.structure import Block, Pack

__all__ = ["PACKS", "Block", "Pack", "PackKind", "Sources", "compose", "html_of", "markdown_of", "pack_kind"]
