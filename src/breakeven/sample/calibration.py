"""Calibration: token counts are adjusted until a feature's month costs its planted figure by the real price book, to the cent."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from breakeven.economics.money import ATTO
from breakeven.pricebook import PricingKey, RateCard
from breakeven.sample.plans import FeaturePlan, frontier_cost
from breakeven.sample.traffic import INPUT_SIDE, OUTPUT, REASONING, TOKEN_CLASSES, Ints, Traffic, month_start
from breakeven.sample.truth import OCTOBER

Floats = NDArray[np.float64]
_NOON = timedelta(hours=12)
_SLIGHTLY_LESS = 0.9995


@dataclass(frozen=True, slots=True)
class Goal:
    """Which attempts must cost how much together: a group number per attempt (−1: costs nothing), dollars × 10¹⁸ per group."""

    group: Ints
    amounts: tuple[int, ...]

    def sums(self, values: Floats) -> Floats:
        """`values` of the attempts summed by group."""
        costly = self.group >= 0
        return np.bincount(self.group[costly], values[costly], minlength=len(self.amounts)).astype(np.float64)


def calibrated(made: Traffic, card: RateCard) -> Traffic:
    """The same calls with tokens scaled, and a few added, so that each group costs its planned sum to the price of one token.

    What scales is what the models think, or say where they do not think; the input side scales only where tokens per task are
    planned too. Both conditions are linear in the two factors.
    """
    prices = _prices(made, card)
    goal = _goal(made)
    unit = _unit_prices(made, prices)
    flexible = np.array([item.reasoning > 0 for item in made.plan.slots])[made.slot]
    thought = np.where(flexible, made.tokens[REASONING], made.tokens[OUTPUT])
    said = np.where(flexible, made.tokens[OUTPUT], 0)
    price_thought = np.where(flexible, unit[REASONING], unit[OUTPUT])
    entered = sum(made.tokens[column] * unit[column] for column in INPUT_SIDE)
    cost_in = goal.sums(np.asarray(entered))
    cost_said = goal.sums(said * unit[OUTPUT])
    cost_thought = goal.sums(thought * price_thought)
    amounts = np.array(goal.amounts, dtype=float)

    tokens_in = goal.sums(np.asarray(sum(made.tokens[column] for column in INPUT_SIDE), dtype=float))
    per_dollar = goal.sums(thought.astype(float)) / cost_thought
    wide = 1.0
    if made.plan.tokens_per_task is not None:
        wanted = made.plan.tokens_per_task[made.month] * made.plan.outcomes[made.month] - goal.sums(said.astype(float)).sum()
        wide = (wanted - ((amounts - cost_said) * per_dollar).sum()) / (tokens_in.sum() - (cost_in * per_dollar).sum())
    deep = (amounts - wide * cost_in - cost_said) / cost_thought * _SLIGHTLY_LESS
    return _topped_up(_scaled(made, wide, np.append(deep, 1.0)[goal.group], flexible), prices, goal)


def _scaled(made: Traffic, wide: float, deep: Floats, flexible: NDArray[np.bool_]) -> Traffic:
    """The input side times `wide`; reasoning (output where there is none) times `deep`."""
    broad: Floats = np.full(deep.size, wide)
    factors = (*(broad for _ in INPUT_SIDE), np.where(flexible, 1.0, deep), deep)
    return replace(
        made, tokens=tuple(np.floor(column * by).astype(np.int64) for column, by in zip(made.tokens, factors, strict=True))
    )


def _topped_up(made: Traffic, prices: NDArray[np.object_], goal: Goal) -> Traffic:
    """Spread what each group still lacks as output tokens: first over all its attempts, then the rest over one of its days."""
    output = made.tokens[OUTPUT].copy()
    days = prices.shape[1]
    bucket = made.slot * days + made.day
    for number, amount in enumerate(goal.amounts):
        rows = np.flatnonzero(goal.group == number)
        missing = amount - _cost(made, prices, rows)
        counts = np.bincount(bucket[rows], minlength=prices.shape[0] * days)
        each = sum(int(count) * int(price) for count, price in zip(counts, prices[:, :, OUTPUT].reshape(-1), strict=True))
        output[rows] += missing // each
        busiest = int(counts.argmax())
        rest = missing % each // int(prices[:, :, OUTPUT].reshape(-1)[busiest])
        there = rows[bucket[rows] == busiest]
        output[there] += rest // there.size
        output[there[: rest % there.size]] += 1
    return replace(made, tokens=(*made.tokens[:OUTPUT], output, *made.tokens[OUTPUT + 1 :]))


def _goal(made: Traffic) -> Goal:
    """One sum for the whole month; or one per task class and rung where the classes' spend is planted."""
    plan, month = made.plan, made.month
    if plan.workflows[0].spend is None:
        return Goal(np.where(made.metered, 0, -1), (plan.cost[month] * ATTO,))
    group = np.where(made.metered, made.workflow * len(plan.slots) + made.slot, -1)
    first = made.attempt == 0
    calls = np.bincount((made.workflow * len(plan.slots) + made.slot)[first], minlength=len(plan.workflows) * len(plan.slots))
    return Goal(group, _planted_spend(plan, month, calls.reshape(len(plan.workflows), -1)))


def _planted_spend(plan: FeaturePlan, month: int, calls: Ints) -> tuple[int, ...]:
    """The month's cost divided among task classes (as in October, but for the mix of rungs) and rungs (by their planted ratio)."""
    ratio, planted = np.array((frontier_cost(month), 1.0)), np.array((frontier_cost(OCTOBER), 1.0))
    classes = np.array([(item.spend or 0) * (item.mix(month) @ ratio) / (item.october @ planted) for item in plan.workflows])
    weights = (calls * ratio) / (calls * ratio).sum(axis=1, keepdims=True) * (classes / classes.sum())[:, None]
    cents = np.round(weights.reshape(-1) * plan.cost[month] * 100).astype(np.int64)
    cents[0] += plan.cost[month] * 100 - cents.sum()
    return tuple(int(cent) * ATTO // 100 for cent in cents)


def _prices(made: Traffic, card: RateCard) -> NDArray[np.object_]:
    """Atto-dollars per token by slot, day of the month and class; the planted models' prices change at midnight only."""
    start, end = month_start(made.month), month_start(made.month + 1)
    days = (end - start).days
    table = np.zeros((len(made.plan.slots), days, len(TOKEN_CLASSES)), dtype=object)
    for number, slot in enumerate(made.plan.slots):
        for day in range(days):
            quote = card.quote(PricingKey(slot.provider, slot.model(made.month), start + timedelta(days=day) + _NOON))
            for column, name in enumerate(TOKEN_CLASSES):
                table[number, day, column] = sum(line.unit_price for line in quote.lines.get(name, ()))
    return table


def _unit_prices(made: Traffic, prices: NDArray[np.object_]) -> list[Floats]:
    """For each class the price of a token of each attempt, near enough to find the factors."""
    rough = prices.astype(float)
    return [rough[made.slot, made.day, column] for column in range(len(TOKEN_CLASSES))]


def _cost(made: Traffic, prices: NDArray[np.object_], rows: Ints) -> int:
    """The exact cost of these attempts in atto-dollars: sums of tokens by slot and day, times whole prices."""
    slots, days = prices.shape[:2]
    bucket = (made.slot * days + made.day)[rows]
    total = 0
    for column in range(len(TOKEN_CLASSES)):
        sums: Ints = np.zeros(slots * days, dtype=np.int64)
        np.add.at(sums, bucket, made.tokens[column][rows])
        total += sum(int(count) * int(price) for count, price in zip(sums, prices[:, :, column].reshape(-1), strict=True))
    return total
