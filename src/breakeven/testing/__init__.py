"""Public fakes for tests of anything that uses Breakeven: prices without a price book, and a vendor without a vendor."""

from breakeven.testing.quotes import FixedQuotes
from breakeven.testing.upstream import Exchange, ScriptedUpstream

__all__ = ["Exchange", "FixedQuotes", "ScriptedUpstream"]
