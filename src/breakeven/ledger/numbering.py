"""Numbers of cost lines: computed from what the line is, so that no window over millions of rows is needed and they are stable.

    line = generation × 65,536 + part × 512 + slot × 16 + ordinal

`slot` is the place of the usage class in `economics.usage.CLASSES` (which therefore only grows at its end), `ordinal` is 0 for
the list price and 1… for the adjustments on it. A restatement adds one generation; the reversal of a line is that line + 32,768.
"""

from __future__ import annotations

from breakeven.economics.usage import CLASSES

ORDINALS = 16
PART = 512
REVERSAL = 32_768
GENERATION = 65_536
MAX_PARTS = REVERSAL // PART
SLOTS = {usage_class.name: slot for slot, usage_class in enumerate(CLASSES)}
_SPECIAL_SLOT = PART // ORDINALS - 1
USAGE_MISSING = _SPECIAL_SLOT * ORDINALS
NOT_BILLED = USAGE_MISSING + 1
STATED = USAGE_MISSING + 2
