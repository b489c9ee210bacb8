"""The plan of each feature: how much it is used, what a month of it costs, which models do which work. All of it is invented."""

from __future__ import annotations

from dataclasses import dataclass

from breakeven.sample.truth import (
    CONTRACTS,
    COST_ELASTICITY,
    FRONTIER_SHARE,
    INVOICES,
    MONTHS,
    OCTOBER,
    SEPTEMBER,
    SUPPORT,
    TASK_CLASSES,
    TOKENS_PER_TASK,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """A rung as a feature uses it: the model in force since which month, and its habit in tokens per call."""

    rung: str
    provider: str
    models: tuple[tuple[int, str], ...]
    input: int
    cached: int
    output: int
    reasoning: int = 0

    def model(self, month: int) -> str:
        """The model that this rung runs on in a month."""
        return [name for since, name in self.models if since <= month][-1]


@dataclass(frozen=True, slots=True)
class Workflow:
    """One kind of task: its share of calls, its size in tokens against the habit, and its mix of slots at three times."""

    name: str
    share: float
    first: tuple[float, ...]
    september: tuple[float, ...]
    october: tuple[float, ...]
    size: float = 1.0
    spend: int | None = None  # dollars in October, where they are planted

    def mix(self, month: int) -> tuple[float, ...]:
        """Shares of the slots in a month: even steps until September, then as planted."""
        if month == OCTOBER:
            return self.october
        return tuple(a + (b - a) * month / SEPTEMBER for a, b in zip(self.first, self.september, strict=True))


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """One feature: monthly cost in dollars, units delivered, how calls hang together, its work and its rungs."""

    name: str | None
    team: str | None
    unit: str
    cost: tuple[int, ...]
    outcomes: tuple[int, ...]
    calls: tuple[int, ...]
    success: float
    steps: int  # calls that share a trace: exactly, or on average (see `varied`)
    varied: bool
    engagement: float  # how strongly use concentrates on few customers and users
    workflows: tuple[Workflow, ...]
    slots: tuple[Slot, ...]
    tokens_per_task: tuple[int, ...] | None = None

    @property
    def key(self) -> str:
        """A word for identifiers."""
        return (self.name or "nobody").split(maxsplit=1)[0].lower()

    @property
    def scaling(self) -> float:
        """By which power tokens per call grow with a customer's calls of the month."""
        return COST_ELASTICITY.get(self.name or "", 1.0) - 1.0


def even(name: str, share: float, mix: tuple[float, ...], size: float = 1.0) -> Workflow:
    """A workflow whose mix never changes."""
    return Workflow(name, share, mix, mix, mix, size)


SONNET = ((0, "claude-sonnet-4-5-20250929"), (4, "claude-sonnet-4-6"))
FRONTIER_COST = {SEPTEMBER: 4.33, OCTOBER: 3.14}
"""How many times as much a contract call costs on the frontier rung as on the middle one; before September as in September."""


def frontier_cost(month: int) -> float:
    """The planted ratio of a frontier call's cost to a middle one's."""
    return FRONTIER_COST[max(month, SEPTEMBER)]


def contract_workflows() -> tuple[Workflow, ...]:
    """The task classes with the sizes that make their planted spend come out of their planted mix."""
    ratio = frontier_cost(OCTOBER)
    each = [item.spend / item.calls / (item.frontier * ratio + 1 - item.frontier) for item in TASK_CLASSES]
    mean = sum(item.calls * one for item, one in zip(TASK_CLASSES, each, strict=True)) / sum(item.calls for item in TASK_CLASSES)
    found = []
    for item, one in zip(TASK_CLASSES, each, strict=True):
        first, september, october = (
            (item.frontier * share / FRONTIER_SHARE[OCTOBER], 1 - item.frontier * share / FRONTIER_SHARE[OCTOBER])
            for share in FRONTIER_SHARE.values()
        )
        found.append(Workflow(item.name, item.calls, first, september, october, one / mean, item.spend))
    return tuple(found)


SUPPORT_OUTCOMES = (7_000, 9_200, 12_000, 15_800, 20_500, 26_500, 34_000, 43_000, 54_500, 70_000, 94_600, 96_726)
INVOICE_OUTCOMES = (30_000, 37_500, 46_500, 56_400, 66_900, 78_000, 89_400, 100_500, 111_600, 121_500, 129_000, 120_506)
CONTRACT_OUTCOMES = (3_600, 5_000, 6_700, 8_600, 10_700, 13_000, 15_500, 18_400, 21_200, 24_200, 27_300, 41_200)
DOCUMENTS_PER_CALL = 6

SUPPORT_PLAN = FeaturePlan(
    name=SUPPORT, team="support", unit="answer",
    cost=(1_155, 1_500, 1_930, 2_510, 3_220, 4_110, 5_200, 6_490, 8_570, 10_360, 13_810, 14_120),
    outcomes=SUPPORT_OUTCOMES, calls=SUPPORT_OUTCOMES, success=0.9206, steps=2, varied=True, engagement=1.0,
    workflows=(
        even("answer ticket", 0.72, (0.6, 0.4, 0.0)),
        even("summarise thread", 0.18, (0.2, 0.2, 0.6), 0.5),
        even("route ticket", 0.10, (0.0, 0.0, 1.0), 0.15),
    ),
    slots=(
        Slot("mid", "anthropic", SONNET, 34_000, 30_000, 4_000),
        Slot("mid", "openai", ((0, "gpt-5-2025-08-07"), (2, "gpt-5.2"), (5, "gpt-5.4")), 40_000, 24_000, 2_100, 3_000),
        Slot("small", "google", ((0, "gemini-2.5-flash"),), 20_000, 6_000, 1_200),
    ),
)  # fmt: skip
INVOICE_PLAN = FeaturePlan(
    name=INVOICES, team="back-office", unit="document",
    cost=(1_800, 2_220, 2_710, 3_240, 3_780, 4_330, 4_880, 5_400, 5_900, 6_360, 6_720, 6_240),
    outcomes=INVOICE_OUTCOMES, calls=tuple(-(-units // DOCUMENTS_PER_CALL) for units in INVOICE_OUTCOMES),
    success=0.985, steps=1, varied=False, engagement=0.9,
    workflows=(
        Workflow("read invoice", 0.8, (0.12, 0.78, 0.10), (0.16, 0.69, 0.15), (0.16, 0.685, 0.155)),
        even("match order", 0.2, (0.5, 0.0, 0.5), 0.6),
    ),
    slots=(
        Slot("small", "anthropic", ((0, "claude-haiku-4-5-20251001"),), 44_000, 14_000, 15_000),
        Slot("mid", "anthropic", SONNET, 40_000, 14_000, 18_000),
        Slot("small", "google", ((0, "gemini-2.5-flash"),), 44_000, 11_000, 13_000, 3_000),
    ),
)  # fmt: skip
PRO_MODELS = ((0, "gpt-5-pro-2025-10-06"), (2, "gpt-5.2-pro"), (9, "gpt-5.5-pro"))
MIDDLE_MODELS = ((0, "gpt-5-2025-08-07"), (2, "gpt-5.2"), (5, "gpt-5.4"), (9, "gpt-5.6-sol"))
CONTRACT_PLAN = FeaturePlan(
    name=CONTRACTS, team="back-office", unit="document",
    cost=(432, 675, 1_005, 1_462, 2_033, 2_730, 3_643, 4_784, 6_148, 7_744, 9_635, 20_015),
    outcomes=CONTRACT_OUTCOMES, calls=CONTRACT_OUTCOMES, success=0.93, steps=3, varied=False, engagement=0.8,
    workflows=contract_workflows(),
    slots=(
        Slot("frontier", "openai", PRO_MODELS, 1_150, 7_950, 500, 1_770),
        Slot("mid", "openai", MIDDLE_MODELS, 700, 3_000, 3_000, 4_400),
    ),
    tokens_per_task=TOKENS_PER_TASK,
)  # fmt: skip
NOBODYS_PLAN = FeaturePlan(
    name=None, team=None, unit="",
    cost=(1_100, 1_080, 1_050, 1_020, 1_000, 980, 960, 930, 900, 870, 835, 1_335),
    outcomes=(0,) * MONTHS,
    calls=(4_900, 4_800, 4_700, 4_550, 4_450, 4_350, 4_250, 4_150, 4_000, 3_850, 3_700, 5_900),
    success=1.0, steps=1, varied=False, engagement=1.0,
    workflows=(even("", 1.0, (0.6, 0.4)),),
    slots=(
        Slot("frontier", "openai", ((0, "gpt-5-2025-08-07"), (2, "gpt-5.2"), (6, "gpt-5.5")), 18_000, 4_000, 2_400, 2_600),
        Slot("mid", "anthropic", SONNET, 36_000, 8_000, 6_500),
    ),
)  # fmt: skip
PLANS = (SUPPORT_PLAN, INVOICE_PLAN, CONTRACT_PLAN, NOBODYS_PLAN)
SUPPORT_SUCCESSES = 89_041
"""Answers that resolved their ticket in October: at the declared worth they make the month's $52,000."""
