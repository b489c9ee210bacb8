"""Write the index of the documentation: every page under its section, by its own title. A test holds it against the pages."""

from __future__ import annotations

from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
SECTIONS = (
    ("start", "The first ten minutes"),
    ("how-to", "How to do one thing"),
    ("concepts", "What a figure means, with its formula"),
    ("reference", "Every command, setting and file format"),
    ("operating", "Keeping it running"),
    ("decisions", "Why it is built this way"),
)


def title(page: Path) -> str:
    """A page's own title."""
    return page.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ").strip()


def index() -> str:
    """The index as it is written."""
    parts = ["# Documentation\n"]
    for folder, heading in SECTIONS:
        pages = sorted((DOCS / folder).glob("*.md"), key=lambda page: page.name)
        parts.append(f"\n## {heading}\n\n" + "".join(f"- [{title(page)}]({folder}/{page.name})\n" for page in pages))
    return "".join(parts)


if __name__ == "__main__":
    (DOCS / "README.md").write_text(index(), encoding="utf-8")
