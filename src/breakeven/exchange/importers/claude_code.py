"""Claude Code's session logs: what a coding agent's calls cost, by project, session, subagent and branch.

A log repeats the usage of a call on every block of its answer, and the same lines may stand in several files (subagents, resumed
sessions). One call is one vendor message and request; of its lines the one with the most output tokens counts, because earlier ones
were written before the answer was complete. Calls that may still be growing are left for the next import.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from breakeven.economics.money import digits
from breakeven.errors import DataError, Problem
from breakeven.exchange.importers.records import (
    SHOWN,
    EmptyFile,
    Rejects,
    attributed,
    counted,
    each_file,
    given,
    instant_of,
    object_text,
    opened_lines,
    pricing_context,
    say_sample,
    time_fault,
)
from breakeven.exchange.importers.request import ImportReport, ImportRequest, Target
from breakeven.ledger import Ledger
from breakeven.providers import read

SETTLED_AFTER = timedelta(minutes=15)
"""A call whose last line is younger may still be answering; its usage would be too small."""
SYNTHETIC = "<synthetic>"
_PROJECTS = "projects"
# Messages of other clouds carry other ids; their price may differ from Anthropic's own.
_CLOUDS = {"msg_bdrk_": "bedrock", "msg_vrtx_": "google"}


@dataclass(slots=True)
class Logged:
    """One call: its first line (when, where, by whom) and its fullest line (what was used)."""

    first: tuple[datetime, str]
    origin: Mapping[str, Any]
    place: str
    group: str
    fullest: tuple[int, bytes]
    message: Mapping[str, Any]
    last: datetime
    lines: int = 1


@dataclass(slots=True)
class Logs:
    """What the files hold: calls by their identity, the directories that projects were seen in, and what is no call."""

    calls: dict[str, Logged] = field(default_factory=dict)
    directories: dict[str, dict[str, datetime]] = field(default_factory=dict)
    rejects: Rejects = field(default_factory=Rejects)
    usage_lines: int = 0
    synthetic: int = 0


@dataclass(frozen=True, slots=True)
class ClaudeCode:
    """The importer `claude-code`."""

    name: str = "claude-code"
    summary: str = "Session logs of Claude Code, as in ~/.claude/projects; projects become features."
    suffixes: tuple[str, ...] = (".jsonl",)

    def run(self, request: ImportRequest, target: Target) -> ImportReport:
        """Read all files, join the lines of each call, stage the calls that are complete, commit."""
        constants = given(request, self.name, ("provider",))
        logs = Logs()
        for path in each_file(request):
            _read_or_tell(path, request, logs)
        since = request.since or datetime.min  # noqa: DTZ901 - instants here are naive UTC
        settled = {
            key: call for key, call in logs.calls.items() if call.last <= request.now - SETTLED_AFTER and call.first[0] >= since
        }
        problems = list(logs.rejects.problems)
        names = project_names(logs.directories)
        rows = [row for key, call in settled.items() for row in staged(key, call, names, constants, problems)]
        for line in _told(logs, names):
            request.say(line)
        say_sample(request, rows)
        with target.ledger.intake(
            source=f"import:{self.name}", quotes=target.quotes, cost_class=target.cost_classes, recorded_at=request.now
        ) as intake:
            intake.stage_rows(rows)
            problems += grown(target.ledger, rows)
            result = intake.commit(dry_run=request.dry_run, progress=request.progress)
        paths = [] if request.dry_run else logs.rejects.write(target.ledger.layout.rejects, self.name, request.now)
        notes = [*_left(sum(call.last > request.now - SETTLED_AFTER for call in logs.calls.values())), *logs.rejects.notes(paths)]
        return ImportReport(result, len(request.files), logs.rejects.count, paths, problems, notes)


def _read_or_tell(path: Path, request: ImportRequest, logs: Logs) -> None:
    """One file that is no log must not lose the others; alone, it is the answer."""
    try:
        read_log(path, request.now, logs)
    except DataError as error:
        if len(request.files) == 1:
            raise
        logs.rejects.file(path, error)


def read_log(path: Path, now: datetime, logs: Logs) -> None:
    """Add the calls of one file. Raises DataError where the file is no log at all."""
    slug = _slug_of(path)
    empty = True
    for number, line in enumerate(opened_lines(path), 1):
        if empty and line.strip():
            empty = False
            if not line.lstrip().startswith(b"{"):
                raise DataError(
                    f"{path} is not a Claude Code log: line {number} is not a JSON object",
                    "Name .jsonl files or a directory of them.",
                )
        # A line that was cut off before its usage must not vanish in silence: reading it sets it aside.
        if b'"usage"' in line or (line.strip() and not line.rstrip().endswith(b"}")):
            _read_line(f"{path}:{number}", line, slug, now, logs)
    if empty:
        raise EmptyFile(path)


def _read_line(where: str, line: bytes, slug: str, now: datetime, logs: Logs) -> None:
    try:
        entry = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        logs.rejects.add(where, f"this is not a whole JSON object ({error})", line)
        return
    message = entry.get("message") if isinstance(entry, dict) else None
    if not isinstance(message, dict) or not isinstance(message.get("usage"), dict) or message.get("role") == "user":
        return
    if message.get("model") == SYNTHETIC or entry.get("isApiErrorMessage") is True:
        logs.synthetic += 1
        return
    moment = instant_of(entry.get("timestamp"))
    fault = time_fault(moment, entry.get("timestamp"), now)
    if moment is None or fault is not None:
        logs.rejects.add(f"{where} field timestamp", fault or "", line)
        return
    logs.usage_lines += 1
    group = slug or f"session {entry.get('sessionId')}"
    directory = entry.get("cwd")
    if isinstance(directory, str) and directory:
        seen = logs.directories.setdefault(group, {})
        seen[directory] = min(moment, seen.get(directory, moment))
    key = identity_of(entry, message)
    told = Logged((moment, str(entry.get("uuid"))), entry, where, group, _fullness(message), message, moment)
    known = logs.calls.get(key)
    logs.calls[key] = told if known is None else _joined(known, told)


def identity_of(entry: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """What makes two lines the same call: the vendor's message and request ids; where one is missing, within a session."""
    parts = (message.get("id"), entry.get("requestId"))
    if all(parts):
        return "/".join(map(str, parts))
    rest = next((part for part in parts if part), None) or entry.get("uuid") or msgspec.json.encode(message).decode()
    return f"{entry.get('sessionId')}/{rest}"


def _fullness(message: Mapping[str, Any]) -> tuple[int, bytes]:
    """Which of several lines of a call says most; ties are broken by content, so that the order of files alters nothing."""
    output = message["usage"].get("output_tokens")
    return (output if isinstance(output, int) else -1, msgspec.json.encode(message["usage"], order="sorted"))


def _joined(one: Logged, other: Logged) -> Logged:
    first = min(one, other, key=lambda line: line.first)
    fullest = max(one, other, key=lambda line: line.fullest)
    return Logged(
        first.first,
        first.origin,
        first.place,
        first.group,
        fullest.fullest,
        fullest.message,
        max(one.last, other.last),
        one.lines + other.lines,
    )


def _slug_of(path: Path) -> str:
    """The project's directory below `projects`, whose name Claude Code makes from the working directory; empty elsewhere."""
    parts = path.absolute().parts[:-1]
    places = [number for number, part in enumerate(parts) if part == _PROJECTS and number + 1 < len(parts)]
    return parts[places[-1] + 1] if places else ""


def project_names(directories: Mapping[str, Mapping[str, datetime]]) -> dict[str, str]:
    """A name for each project: the last part of its directory, or of two where several projects would share it."""
    homes = {group: _home(group, seen) for group, seen in directories.items()}
    short = {group: _tail(home, 1) for group, home in homes.items()}
    shared = {name for name in short.values() if len({homes[group] for group in homes if short[group] == name}) > 1}
    return {group: _tail(home, 2) if short[group] in shared else short[group] for group, home in homes.items()}


def _home(group: str, seen: Mapping[str, datetime]) -> str:
    """The directory that the project's slug was made from, else the earliest that its lines name."""
    exact = [directory for directory in seen if re.sub(r"[^A-Za-z0-9]", "-", directory) == group]
    return min(exact) if exact else min(seen, key=lambda directory: (seen[directory], directory))


def _tail(directory: str, count: int) -> str:
    return "/".join([part for part in re.split(r"[\\/]", directory) if part][-count:]) or directory


def staged(
    key: str, call: Logged, names: Mapping[str, str], constants: Mapping[str, str], problems: list[Problem]
) -> Iterator[dict[str, object]]:
    """The rows of one call, one for each model iteration. What its usage object gets wrong is added to `problems`."""
    message, origin = call.message, call.origin
    provider = constants.get("provider") or next(
        (cloud for start, cloud in _CLOUDS.items() if str(message.get("id")).startswith(start)), "anthropic"
    )
    reading = read(message, provider=provider, api="anthropic", where=call.place)
    problems += reading.problems[: max(0, SHOWN - len(problems))]
    agent = origin.get("agentId")
    row: dict[str, object] = {
        "identity": key,
        "occurred_at": call.first[0].isoformat(),
        "provider": reading.provider,
        "api": reading.api,
        "model": reading.model or None,
        "pricing_context": pricing_context(reading.context),
        "status": "ok",
        "usage_known": reading.state == "metered",
        "stated_cost": digits(reading.stated_cost),
        "tags": object_text(
            {
                "agent": agent,
                "branch": origin.get("gitBranch"),
                "client_version": origin.get("version"),
                "skill": origin.get("attributionSkill"),
            }
        ),
        "source_ref": message.get("id"),
    }
    found = {
        "feature": (
            names.get(call.group) or (None if call.group.startswith("session ") else call.group.strip("-")),
            "import:project",
        ),
        "trace_id": (origin.get("sessionId"), "import:sessionId"),
        "workflow": (_role(agent, sidechain=bool(origin.get("isSidechain"))), "import:isSidechain"),
    }
    attributed(row, found, constants)
    if not reading.parts:
        yield row
    for number, part in enumerate(reading.parts):
        yield {**row, "part": number, "part_model": part.model or reading.model, **part.usage}


def _role(agent: object, *, sidechain: bool) -> str:
    """Who made the call: the main conversation, a subagent, or the compaction of a conversation that grew too long."""
    if isinstance(agent, str) and agent.startswith("acompact"):
        return "compaction"
    return "subagent" if sidechain or agent else "main"


def grown(ledger: Ledger, rows: list[dict[str, object]]) -> list[Problem]:
    """Calls that the ledger has with fewer output tokens than the log shows now: told, because recorded facts are never edited."""
    outputs = {
        str(row["source_ref"]): int(str(row.get("output", 0))) + int(str(row.get("reasoning", 0)))
        for row in rows
        if row.get("part", 0) == 0 and row["source_ref"]
    }
    found = ledger.query(
        """
        SELECT count(*), sum(now.output - before.output) FROM
            (SELECT unnest($refs::VARCHAR[]) AS ref, unnest($outputs::BIGINT[]) AS output) AS now
            JOIN (SELECT source_ref AS ref, max(output_tokens + coalesce(reasoning_tokens, 0)) AS output FROM calls
                  WHERE source = 'import:claude-code' GROUP BY source_ref) AS before USING (ref)
        WHERE now.output > before.output""",
        {"refs": list(outputs), "outputs": list(outputs.values())},
    )
    calls, tokens = found[0] if found else (0, 0)
    if not calls:
        return []
    shows = f"{counted(calls, 'call')} {'shows' if calls == 1 else 'show'}"
    what = f"{shows} {tokens:,} more output tokens than when first imported"
    return [
        Problem("claude-code", what, "They stay as recorded; import whole logs rather than pieces cut in the middle of a call.")
    ]


def _told(logs: Logs, names: Mapping[str, str]) -> Iterator[str]:
    yield f"{logs.usage_lines:,} lines with usage are {len(logs.calls):,} calls (the log repeats a call's usage on every block)"
    if names:
        shown = sorted(set(names.values()))
        yield f"feature ← project: {', '.join(shown[:8])}{', ...' if len(shown) > 8 else ''}"  # noqa: PLR2004 - what fits a line
    yield "trace ← session; workflow ← main, subagent or compaction; tags: branch, agent, client_version"
    if logs.synthetic:
        were = "was" if logs.synthetic == 1 else "were"
        yield f"{counted(logs.synthetic, 'message')} {were} made by Claude Code itself, not by a model"


def _left(count: int) -> list[str]:
    minutes = int(SETTLED_AFTER.total_seconds() // 60)
    return (
        [f"{counted(count, 'call')} of the last {minutes} minutes may still grow; the next import takes what is complete then"]
        if count
        else []
    )


CLAUDE_CODE = ClaudeCode()
