"""The command `breakeven audit` with all its words: reading, replaying, deciding."""

from __future__ import annotations

from breakeven.cli import auditclasses, auditdecisions, auditreplays, auditroutes, auditrun
from breakeven.cli.audit import audit

WORDS = (
    auditclasses.classes,
    auditroutes.route,
    auditrun.run,
    auditreplays.replays,
    auditdecisions.accept,
    auditdecisions.reject,
)
"""Commands that join the group by being loaded."""

__all__ = ["WORDS", "audit"]
