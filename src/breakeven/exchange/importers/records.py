"""Record by record: what the importers of logs and bodies share, where a record is more than a row of a table."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from breakeven.errors import DataError, Problem, Unreachable, UsageError
from breakeven.exchange.importers.fields import ATTRIBUTION, CONTEXT
from breakeven.exchange.importers.projection import FUTURE_ALLOWED
from breakeven.exchange.importers.request import ImportRequest

SHOWN = 5
"""So many problems are told one by one; the others are counted."""
SAMPLED = 3
_GZIP = b"\x1f\x8b"
_DIMENSIONS = tuple(entry.name for entry in ATTRIBUTION)
_MEND = "Mend the record in the rejects file and import that."


class EmptyFile(DataError):
    """A file without anything in it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is empty", "Nothing was imported from it.")


@dataclass(slots=True)
class Rejects:
    """Records that cannot be used: how many, the first problems, and the records themselves for the rejects file."""

    count: int = 0
    empty_files: int = 0
    problems: list[Problem] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)

    def add(self, where: str, what: str, record: bytes, remedy: str = _MEND) -> None:
        """Set one record aside."""
        self.count += 1
        self.lines.append(record.rstrip(b"\r\n"))
        if len(self.problems) < SHOWN:
            self.problems.append(Problem(where, what, remedy))

    def file(self, path: Path, error: DataError) -> None:
        """A whole file cannot be used; files that are merely empty are only counted."""
        if isinstance(error, EmptyFile):
            self.empty_files += 1
            return
        self.count += 1
        if len(self.problems) < SHOWN:
            self.problems.append(Problem(str(path), error.what.removeprefix(f"{path} "), error.remedy))

    def write(self, directory: Path, name: str, now: datetime) -> list[Path]:
        """Write the records, one a line, as they came; returns the file, or nothing where there is nothing to write."""
        if not self.lines:
            return []
        # Microseconds: two imports within one second must not overwrite each other's rejects.
        path = directory / f"{now:%Y%m%dT%H%M%S%f}-{name}.jsonl"
        path.write_bytes(b"\n".join(self.lines) + b"\n")
        return [path]

    def notes(self, paths: Sequence[Path]) -> list[str]:
        """How many more there are than are told, and where they lie."""
        more = [f"{counted(self.count - len(self.problems), 'more record')} set aside"] if self.count > len(self.problems) else []
        more += (
            [f"{counted(self.empty_files, 'file')} {'is' if self.empty_files == 1 else 'are'} empty"] if self.empty_files else []
        )
        return more + [f"set aside in {path}" for path in paths]


def counted(count: int, noun: str) -> str:
    """`1 call`, `2 calls`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def opened_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, unpacked where it is gzip. Raises Unreachable or DataError naming the file."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            if not packed:
                yield from raw
                return
            with gzip.open(raw) as unpacked:
                yield from unpacked
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}", "Copy it again from where it came from.") from error
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror or error}", "Check the path and its permissions.") from error


def each_file(request: ImportRequest) -> Iterator[Path]:
    """The files one by one, with progress told in bytes."""
    sizes = [path.stat().st_size for path in request.files]
    for number, path in enumerate(request.files):
        if request.progress is not None:
            request.progress(sum(sizes[:number]), sum(sizes))
        yield path
    if request.progress is not None:
        request.progress(sum(sizes), sum(sizes))


def whole(path: Path) -> bytes:
    """The bytes of a file, unpacked. Raises Unreachable or DataError naming the file."""
    content = b"".join(opened_lines(path))
    if not content.strip():
        raise EmptyFile(path)
    return content


def given(request: ImportRequest, importer: str, others: Iterable[str] = ()) -> dict[str, str]:
    """The values that the user gave for all records. Raises UsageError for what cannot be given here."""
    if request.columns:
        raise UsageError(f"{importer} takes no --map: its records say what they are", "Leave --map out, or use the format calls.")
    if request.distinct or request.origin:
        raise UsageError(f"{importer} takes neither --distinct nor --at-origin", "Leave them out, or use the format calls.")
    known = {*_DIMENSIONS, *others}
    unknown = [name for name in request.constants if name not in known]
    if unknown:
        raise UsageError(f"{importer} cannot set {', '.join(unknown)}", f"It can set: {', '.join(sorted(known))}.")
    return dict(request.constants)


def attributed(
    row: dict[str, object], found: Mapping[str, tuple[object, str]], constants: Mapping[str, str], by: str = "option"
) -> dict[str, object]:
    """`row` with its attribution: what the user (or `by` whom it is) gave, else what the record says, each with its source."""
    sources: dict[str, str] = {}
    for name in _DIMENSIONS:
        value, source = (constants[name], by) if name in constants else found.get(name, (None, ""))
        if value not in (None, ""):
            row[name] = str(value)
            sources[name] = source
    row["attribution_sources"] = object_text(sources)
    return row


def object_text(values: Mapping[str, object]) -> str:
    """A JSON object with sorted keys, unknown values left out: how tags, contexts and sources are kept."""
    return msgspec.json.encode({name: values[name] for name in sorted(values) if values[name] not in (None, "")}).decode()


def pricing_context(values: Mapping[str, object]) -> str:
    """The facts that a price depends on besides the model, as they are kept."""
    return object_text({name: value for name, value in values.items() if isinstance(value, str)})


CONTEXT_NAMES = tuple(entry.name for entry in CONTEXT)


def instant_of(value: object) -> datetime | None:
    """Naive UTC of ISO 8601 text or of seconds, milliseconds or microseconds since 1970; None where it is neither."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        if isinstance(value, int | float):
            factor = next((f for bound, f in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)) if value >= bound), 1)
            return datetime.fromtimestamp(value / factor, UTC).replace(tzinfo=None)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def time_fault(moment: datetime | None, shown: object, now: datetime) -> str | None:
    """What is wrong with a time, or None."""
    if moment is None:
        return "it has no time" if shown in (None, "") else f"its time {str(shown)[:40]!r} is no instant"
    return f"its time {moment.isoformat()}Z lies in the future" if moment > now + FUTURE_ALLOWED else None


def say_sample(request: ImportRequest, rows: Sequence[Mapping[str, object]]) -> None:
    """With --dry-run: the first rows as they would be taken."""
    if request.dry_run:
        for row in rows[:SAMPLED]:
            request.say(
                "would take " + ", ".join(f"{name}={value}" for name, value in row.items() if value not in (None, "{}", ""))
            )
