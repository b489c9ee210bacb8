"""What needs no simulation: closed forms of the scenario model, which are also what the simulation is tested against.

cost index               (f · g)^t                        f: yearly price factor, g: yearly tokens-per-task factor
stand still              1 − 1/g                          the price fall a year that keeps the cost of a task where it is
waiting helps            only if g < 1/f
band                     quantile p of (f · g)^t = exp(t · (μ_f + μ_g + z_p · √(σ_f² + σ_g²)))      for lognormal f and g
break even on price      m = (value − fixed) / cost       also on tokens per task: cost is proportional to either
break even on usage      m = (fixed − flat value) / (value of tasks − cost)
break even on seats      m = (cost + fixed − value of tasks) / flat value
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from breakeven.economics.scenario.model import Baseline

Side = Literal["up to", "from", "never", "always", "unknown"]


def cost_index(price: float, tokens: float, years: float) -> float:
    """Cost of a task over today's after so many years: (f · g)^t."""
    return math.exp(years * math.log(price * tokens))


def stand_still(tokens: float) -> float:
    """The price fall a year (0.375 is 37.5%) at which the cost of a task stays: 1 − 1/g; negative where prices might even rise."""
    return 1 - 1 / tokens


def helps_to_wait(price: float, tokens: float) -> bool:
    """Whether the cost of a task falls by itself: g < 1/f."""
    return price * tokens < 1


def needed_within(base: Baseline, tokens: float, own_price: float, years: float) -> float | None:
    """The price fall a year that brings a feature to break-even in so many years; None without value, or where none would.

    f = (value · q^t / cost)^(1/t) / g. Negative where prices may rise so much a year until then.
    """
    if base.value is None or base.value <= 0 or base.cost <= 0:
        return None
    return 1 - float((base.value / base.cost) ** (1 / years)) * own_price / tokens


@dataclass(frozen=True, slots=True)
class Multiplier:
    """The factor on one driver at which a feature breaks even.

    `up to`: it earns up to that factor. `from`: it earns from that factor on. `never` and `always`: no factor changes the sign.
    """

    driver: str
    side: Side
    factor: float | None = None


def multipliers(base: Baseline) -> tuple[Multiplier, ...]:
    """Break-even factors for price, tokens per task, usage and seats, each with all else as it is; fixed cost is carried."""
    if base.value is None:
        return tuple(Multiplier(driver, "unknown") for driver in ("price", "tokens per task", "usage", "seats"))
    earned = (base.value_per_task or 0.0) * base.tasks
    left = base.value - base.fixed_cost
    falling = [_falling(driver, left, base.cost) for driver in ("price", "tokens per task")]
    return (*falling, _usage(earned - base.cost, base.flat_value - base.fixed_cost), _seats(base, earned))


def _falling(driver: str, left: float, cost: float) -> Multiplier:
    """A driver that only adds cost: it may grow until nothing is left."""
    if cost <= 0:
        return Multiplier(driver, "always" if left >= 0 else "never")
    return Multiplier(driver, "up to", left / cost) if left > 0 else Multiplier(driver, "never")


def _usage(each: float, rest: float) -> Multiplier:
    """`each`: what all tasks earn over their cost at today's volume; `rest`: flat value less fixed cost. each · m + rest ≥ 0."""
    if math.isclose(each, 0.0, abs_tol=1e-12):
        return Multiplier("usage", "always" if rest >= 0 else "never")
    if each > 0:
        return Multiplier("usage", "from", -rest / each) if rest < 0 else Multiplier("usage", "always")
    return Multiplier("usage", "up to", rest / -each) if rest > 0 else Multiplier("usage", "never")


def _seats(base: Baseline, earned: float) -> Multiplier:
    """Seats bring flat value alone; usage stays what it is."""
    short = base.cost + base.fixed_cost - earned
    if base.flat_value <= 0:
        return Multiplier("seats", "always" if short <= 0 else "never")
    return Multiplier("seats", "from", short / base.flat_value) if short > 0 else Multiplier("seats", "always")
