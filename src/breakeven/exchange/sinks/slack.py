"""An incoming webhook as Slack defines it, which other chat programs take too (they read at least `text`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from breakeven.exchange.sinks.message import answerable, headline
from breakeven.exchange.sinks.posting import post
from breakeven.exchange.sinks.webhook import address
from breakeven.governance.alerts import Alert
from breakeven.settings import SinkSettings

LONGEST = 2900
"""Characters of a section; Slack takes 3,000."""


class SlackSink:
    """Posts one message. The address is a secret by itself and comes from an environment variable."""

    def __init__(self, settings: SinkSettings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = environment

    def send(self, alert: Alert) -> None:
        """Post the alert. Raises NotSent."""
        body = msgspec.json.encode(shaped(alert))
        post(address(self._settings, self._environment), body, {}, self._settings.timeout, self._settings.ca_file)


def shaped(alert: Alert) -> dict[str, Any]:
    """The message: `text` for notifications and for those who know no blocks, then headline, sentence and next step."""
    title, what, then, owner = (_plain(part) for part in (headline(alert), alert.what, alert.next_step, answerable(alert)))
    then = "\n".join(filter(None, (then, owner)))
    return {
        "text": f"*{title}*\n{what}\n{then}",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*\n{what}"[:LONGEST]}},
            {"type": "section", "text": {"type": "mrkdwn", "text": then[:LONGEST]}},
        ],
    }


def _plain(text: str) -> str:
    """Names may hold anything; nothing of them becomes a link, a mention or a new line."""
    safe = "".join(character if character.isprintable() else " " for character in text)
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
