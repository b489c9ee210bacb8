"""The append-only record of AI usage and value: facts, their seals, and the queries over them."""

from breakeven.ledger.intake import Intake
from breakeven.ledger.port import ImportResult, QuoteRequest, QuoteRow, Quotes, QuoteSheet
from breakeven.ledger.rebuild import rebuild
from breakeven.ledger.restate import RestatedGroup, RestateResult, restate
from breakeven.ledger.store import Ledger, open_ledger
from breakeven.ledger.verify import VerifyReport, verify

__all__ = [
    "ImportResult",
    "Intake",
    "Ledger",
    "QuoteRequest",
    "QuoteRow",
    "QuoteSheet",
    "Quotes",
    "RestateResult",
    "RestatedGroup",
    "VerifyReport",
    "open_ledger",
    "rebuild",
    "restate",
    "verify",
]
