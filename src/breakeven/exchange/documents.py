"""The text of PDF documents, laid out as printed, so that columns stay columns: what compiled handlers read.

Only text that is in the file: a scan without a text layer needs text recognition first. Needs the extra `documents` (pypdf).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from breakeven.errors import DataError, UsageError

MOST_PAGES = 200
MOST_BYTES = 64 * 1024 * 1024
_ANSWERED_BY = "Give a PDF with a text layer; a scan needs text recognition first."


def pdf_text(content: bytes, where: str) -> str:
    """The text of a PDF, page after page, each line as it is printed with its columns apart.

    Raises DataError for what is no readable PDF, is encrypted, too large, or holds no text, and UsageError where pypdf is missing.
    """
    try:
        import pypdf  # noqa: PLC0415 - an extra that need not be installed
    except ImportError:
        raise UsageError(
            "PDF files are read with pypdf, which is not installed", "Run: pip install 'breakeven[documents]'"
        ) from None
    if len(content) > MOST_BYTES:
        raise DataError(f"{where} is larger than {MOST_BYTES // 2**20} MB", "Split it into single documents.")
    try:
        with _quietly():
            reader = pypdf.PdfReader(io.BytesIO(content))
            locked = reader.is_encrypted and not reader.decrypt("")
            pages = 0 if locked else len(reader.pages)
            read = reader.pages if 0 < pages <= MOST_PAGES else ()
            text = "\n".join(page.extract_text(extraction_mode="layout") for page in read)
    except Exception as error:  # a damaged file can fail anywhere in its reader
        raise DataError(f"{where} cannot be read as PDF: {type(error).__name__}: {error}", _ANSWERED_BY) from error
    if locked:
        raise DataError(f"{where} is encrypted", "Save it without a password.")
    if pages > MOST_PAGES:
        raise DataError(f"{where} has {pages:,} pages", f"Split it: a document has at most {MOST_PAGES}.")
    if not text.strip():
        raise DataError(f"{where} holds no text", _ANSWERED_BY)
    return text


@contextmanager
def _quietly() -> Iterator[None]:
    """Without pypdf's log of small faults that it repairs itself."""
    log = logging.getLogger("pypdf")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
