"""Importers that read record by record: one function says what a record means, everything else is shared.

The same function serves files and what is posted to the web port, so a call costs the same whichever way it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from breakeven.errors import DataError, Problem
from breakeven.exchange.importers.beside import Beside, metered_days
from breakeven.exchange.importers.claims import Claim, compared
from breakeven.exchange.importers.documents import Document, documents
from breakeven.exchange.importers.records import SHOWN, Rejects, attributed, counted, each_file, given, say_sample, time_fault
from breakeven.exchange.importers.request import ImportReport, ImportRequest, Target

Node = Mapping[str, Any]
Row = dict[str, Any]
WHO, FAULT, ENDS = "who", "fault", "ends_at"
"""Members of a row that are no columns: its attribution with sources, a doubt about its usage, and when it is complete."""
_MEND = "Mend the record in the rejects file and import that."


class RowFault(ValueError):
    """Why a record cannot be used, which field says so, and what to do."""

    def __init__(self, what: str, field: str = "", remedy: str = _MEND) -> None:
        super().__init__(what)
        self.what = what
        self.field = field
        self.remedy = remedy


_NEVER = datetime(9000, 1, 1)  # noqa: DTZ001 - instants are naive UTC; revenue may be of a period to come
Rows = Callable[[Node], Iterable[Row]]


def as_it_is(rows: Sequence[Row]) -> Sequence[Row]:
    """Rows that need not be looked at together."""
    return rows


@dataclass(frozen=True, slots=True)
class RecordImporter:
    """One source: `rows` says what a record means (`occurred_at` is naive UTC), `opened` how a file falls into records.

    `settled` looks at the rows of all files together. `aggregated` sources say what a vendor counted for a whole day: where the
    ledger has calls of that vendor and day from elsewhere, the row is left out and told, or it would count twice. `claim`: what the
    source says that its calls cost.
    """

    name: str
    summary: str
    rows: Rows
    suffixes: tuple[str, ...] = (".json", ".jsonl", ".ndjson")
    opened: Callable[[Path], Iterator[Document]] = documents
    settled: Callable[[Sequence[Row]], Sequence[Row]] = as_it_is
    fact: str = "calls"
    aggregated: bool = False
    settable: tuple[str, ...] = ("provider", "model")
    plan: tuple[str, ...] = ()
    claim: Claim | None = None

    def run(self, request: ImportRequest, target: Target) -> ImportReport:
        """Read all files, keep what is good and not too old, set aside what is not, stage, commit."""
        constants = given(request, self.name, self.settable)
        rejects, doubts = Rejects(), list[Problem]()
        rows = [row for path in each_file(request) for row in self._read(path, request, constants, rejects, doubts)]
        recent = [row for row in self.settled(rows) if request.since is None or self._time(row) >= request.since]
        kept = [row for row in recent if ENDS not in row or row[ENDS] <= request.now]
        older, growing = len(rows) - len(recent), len(recent) - len(kept)
        beside = metered_days(target.ledger, f"import:{self.name}", kept) if self.aggregated else Beside()
        staged = [staged_row(row, constants) for row in kept if not beside.covers(row)]
        for line in self.plan:
            request.say(line)
        say_sample(request, staged)
        with target.ledger.intake(
            source=f"import:{self.name}", quotes=target.quotes, cost_class=target.cost_classes, recorded_at=request.now
        ) as intake:
            intake.facts_rows(self.fact, staged, not_identifying=constants)
            result = intake.commit(dry_run=request.dry_run, progress=request.progress)
        paths = [] if request.dry_run else rejects.write(target.ledger.layout.rejects, self.name, request.now)
        notes = [f"{counted(older, 'row')} older than --since left out"] if older else []
        problems = (*rejects.problems, *doubts[:SHOWN], *beside.problems(kept))
        notes += [f"{counted(growing, 'row')} of a time that has not ended yet left for the next import"] if growing else []
        more = [f"{len(doubts) - SHOWN:,} more doubts about usage"] if len(doubts) > SHOWN else []
        report = ImportReport(result, len(request.files), rejects.count, paths, problems, [*notes, *more, *rejects.notes(paths)])
        return compared(report, request, target, self.name, self.claim)

    def _time(self, row: Row) -> datetime:
        moment: datetime = row["occurred_at" if self.fact == "calls" else "period_start"]
        return moment

    def _read(
        self, path: Path, request: ImportRequest, constants: Mapping[str, str], rejects: Rejects, doubts: list[Problem]
    ) -> Iterator[Row]:
        """The rows of one file. One that cannot be read must not lose the others; alone, it is the answer."""
        try:
            for document in self.opened(path):
                if document.broken:
                    rejects.add(document.where, document.broken, document.text())
                    continue
                try:
                    rows = self.taken(document.node, constants, request.now)
                except RowFault as fault:
                    where = f"{document.where} field {fault.field}" if fault.field else document.where
                    rejects.add(where, fault.what, document.text(), fault.remedy)
                    continue
                for row in rows:
                    if row.get(FAULT):
                        doubts.append(Problem(document.where, str(row[FAULT]), _UNKNOWN))
                    yield row
        except DataError as error:
            if len(request.files) == 1:
                raise
            rejects.file(path, error)

    def taken(self, node: Node, constants: Mapping[str, str], now: datetime) -> list[Row]:
        """The rows of one record, checked. Raises RowFault where it cannot be used."""
        rows = list(self.rows(node))
        for row in rows:
            time = "occurred_at" if self.fact == "calls" else "period_start"
            fault = time_fault(row.get(time), row.get("shown_time"), now if self.fact == "calls" else _NEVER)
            if fault is not None:
                raise RowFault(fault, time)
            row.pop("shown_time", None)
            for name in ("provider", "model"):
                if name in constants:
                    row[name] = constants[name]
        return rows


_UNKNOWN = "Its usage is kept as unknown; say how the source counts with --set cache=outside, or take the vendor's own figures."


def staged_row(row: Row, constants: Mapping[str, str], by: str = "option") -> Row:
    """A row as the ledger stages it: attribution with its sources, instants as text. `by` is who gave the constants."""
    staged = {name: value for name, value in row.items() if name not in (WHO, FAULT, ENDS) and value is not None}
    for name in ("occurred_at", "period_start", "period_end"):
        if isinstance(staged.get(name), datetime):
            staged[name] = staged[name].isoformat()
    if WHO in row:
        attributed(staged, row[WHO], constants, by)
    return staged
