"""Public fakes for tests: prices without a price book, a vendor without a vendor, receivers of alerts."""

from breakeven.testing.quotes import FixedQuotes
from breakeven.testing.receivers import MailReceiver, WebhookReceiver
from breakeven.testing.upstream import Exchange, ScriptedUpstream

__all__ = ["Exchange", "FixedQuotes", "MailReceiver", "ScriptedUpstream", "WebhookReceiver"]
