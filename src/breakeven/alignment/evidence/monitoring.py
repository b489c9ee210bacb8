"""After a switch: a share of calls keeps being answered by both rungs, and the reversed bet is the alarm that rolls back.

The doubt is now that the cheaper rung *is* good enough, H0: E[D] ≥ −margin. Wealth against it grows while the cheaper rung is
worse, and reaches 1/α with a probability of at most α where it is not, whenever one looks. A bet that runs for months has forgotten
why it was cautious: it starts anew whenever its wealth has fallen below 1, which makes it a change detector (an e-detector, Shin,
Ramdas & Rinaldo 2024): the mean time to a false alarm is then at least 1/α checks, so that α is chosen for the expected life of a
rollout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from breakeven.alignment.evidence.betting import EXPECTED_DROP, Wealth


@dataclass(slots=True)
class Alarm:
    """The reversed bet on checks of a rung that is in use. `alpha` is the risk of a false alarm within one run of the bet."""

    margin: float
    alpha: float
    wealth: Wealth = field(init=False)
    checks: int = 0
    restarts: int = 0

    def __post_init__(self) -> None:
        self.wealth = self._begun()

    def _begun(self) -> Wealth:
        return Wealth(mean=self.margin, lowest=-1.0, guess=EXPECTED_DROP * self.margin)

    def add(self, difference: float) -> bool:
        """Take one check (cheaper minus stronger score); whether the alarm rings now."""
        self.checks += 1
        self.wealth.add(-difference)
        if self.rings:
            return True
        if self.wealth.log < 0:
            self.wealth = self._begun()
            self.restarts += 1
        return False

    @property
    def rings(self) -> bool:
        """Whether the cheaper rung is shown to be worse than the margin allows."""
        return self.wealth.log >= math.log(1 / self.alpha)
