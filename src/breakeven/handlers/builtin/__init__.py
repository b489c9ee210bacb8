"""The built-in handlers, one module each: each recognises its task to the last word, or declines it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from breakeven.alignment.task import Declined, Reply, Task
from breakeven.handlers.builtin.arithmetic import arithmetic
from breakeven.handlers.builtin.lookup import Lookup
from breakeven.handlers.builtin.reshape import reshape
from breakeven.handlers.builtin.sandbox import Sandbox

BUILTIN: Mapping[str, Callable[[Mapping[str, str]], Callable[[Task], Reply | Declined]]] = {
    "arithmetic": arithmetic,
    "reshape": reshape,
    "lookup": Lookup,
    "python": Sandbox,
}
"""By name, what makes the answering function from the options in `breakeven.yaml`."""
