"""What a pack is composed from: the ledger, the settings, the period, and each report that several blocks need, made once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from breakeven.economics.periods import Period, month_of, previous
from breakeven.errors import BreakevenError
from breakeven.ledger.layout import Layout
from breakeven.pricebook import RateCard
from breakeven.reports.packs.structure import Block
from breakeven.reports.pnl import Pnl, bounded, pnl
from breakeven.reports.portfolio import Portfolio, portfolio
from breakeven.reports.question import Facts, Question, Remembering
from breakeven.reports.unpriced import Unpriced, unpriced
from breakeven.settings import Settings

A_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Sources:
    """`now` is naive UTC; `book` opens the price book; `layout` is where decisions and rollouts are noted."""

    ledger: Facts
    settings: Settings
    layout: Layout
    period: Period
    now: datetime
    book: Callable[[], RateCard]

    @cached_property
    def facts(self) -> Facts:
        """The ledger, each statement asked once."""
        return Remembering(self.ledger)

    @cached_property
    def versus(self) -> Period | None:
        """The period before; all time has none."""
        return None if self.period.unbounded else previous(self.period)

    @cached_property
    def question(self) -> Question:
        """The period by feature, against the one before."""
        return Question(self.period, versus=self.versus)

    @cached_property
    def days(self) -> Period:
        """The days meant: all time is cut to those that have facts."""
        return bounded(self.facts, Question(self.period)).period

    @cached_property
    def seen_from(self) -> datetime:
        """The last moment of the period, or now where it still runs: as of when budgets are shown."""
        return min(self.now, self.days.end - A_MOMENT)

    @cached_property
    def month(self) -> Period:
        """The last month of the period, which scenarios start from."""
        return month_of(self.seen_from)

    @cached_property
    def pnl(self) -> Pnl:
        """What each feature earns, costs and keeps."""
        return pnl(self.facts, self.settings, self.question)

    @cached_property
    def portfolio(self) -> Portfolio:
        """Adoption beside margin."""
        return portfolio(self.facts, self.settings, self.question)

    @cached_property
    def unpriced(self) -> Unpriced:
        """What has no known cost."""
        return unpriced(self.facts, self.period)

    def command(self, words: str, *, versus: bool = False) -> str:
        """The command that shows more of the same period."""
        name = f"'{self.period.name}'" if " " in self.period.name else self.period.name
        return f"breakeven {words} --period {name}" + (" --vs previous" if versus and self.versus else "")


Maker = Callable[[Sources], Block]


def or_said(maker: Maker, sources: Sources) -> Block:
    """A block; where its report cannot answer, a block that says why, so that one gap does not cost the reader all the rest."""
    try:
        return maker(sources)
    except BreakevenError as error:
        name = maker.__name__.replace("_", "-")
        title = maker.__name__.replace("_", " ").capitalize()
        question = (maker.__doc__ or "").splitlines()[0]
        return Block(id=name, title=title, question=question, sentence=f"This cannot be said: {error.what}. {error.remedy}")
