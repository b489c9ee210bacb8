"""What a handler's answer costs: on the spot, in a process of its own, in the sandbox; and what checks and cascades' pieces cost.

Run: python -m bench.handlers

Targets: a CRUXEval-O prompt answered in 200 µs at the median and every one of them; a handler answer through the gateway within
150 µs of CPU beyond a bare pass; a compiled handler loaded in 50 ms.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from statistics import median

import polars as pl
import uvloop

from breakeven.alignment.checks import checks_from
from breakeven.alignment.compiled.documents import read_document
from breakeven.alignment.compiled.learning import Learner
from breakeven.alignment.standing import Terms
from breakeven.alignment.task import Declined, Reply, Task
from breakeven.cli.examples import read_examples
from breakeven.handlers.builtin import BUILTIN
from breakeven.handlers.builtin.sandbox import Sandbox
from breakeven.handlers.compiled import CompiledAnswers
from breakeven.handlers.host import Host
from breakeven.settings.handlers import HandlerSettings

SHARED = Path(os.environ.get("BREAKEVEN_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
ROUNDS, CALLS = 5, 2_000
LIVE = Terms("live")


def main() -> None:
    """Print all figures."""
    queries = pl.read_parquet(SHARED / "routing" / "queries.parquet")
    crux = queries.filter(pl.col("dataset") == "cruxeval-o")["prompt"].to_list()
    others = queries.filter(pl.col("dataset") != "cruxeval-o")["prompt"].to_list()
    _sandbox(crux)
    for name in ("arithmetic", "reshape"):
        answers = BUILTIN[name]({})
        print(f"{name}: declines a foreign prompt in {_microseconds(lambda prompt, a=answers: a(Task(prompt)), others):.1f} µs")
    arithmetic = BUILTIN["arithmetic"]({})
    print(f"arithmetic: answers in {_microseconds(lambda _: arithmetic(Task('What is 12 * (3 + 4)?')), range(CALLS)):.1f} µs")
    _checks()
    _compiled()
    with tempfile.TemporaryDirectory() as directory:
        uvloop.run(_host(Path(directory), crux))


def _microseconds(work: Callable[..., object], items: Sequence[object]) -> float:
    """The median of the rounds' mean times."""
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for item in items:
            work(item)
        found.append((time.perf_counter() - began) / len(items) * 1e6)
    return median(found)


def _sandbox(prompts: list[str]) -> None:
    sandbox = Sandbox({})
    medians, answered = [], 0
    for _ in range(ROUNDS):
        taken = []
        for prompt in prompts:
            began = time.perf_counter()
            found = sandbox(Task(prompt))
            taken.append((time.perf_counter() - began) * 1e6)
            answered += isinstance(found, Reply)
        medians.append(median(taken))
    print(
        f"python: {answered // ROUNDS} of {len(prompts)} CRUXEval-O prompts answered, median {min(medians):.0f} µs in the best of"
    )
    print(f"        {ROUNDS} rounds, {median(medians):.0f} µs in the middle one (wall clock, sandbox included)")
    sandbox.close()


def _checks() -> None:
    checks = checks_from([
        ("present", ["vendor", "total"]), ("dates", ["issued", "due"]), ("digits", {"field": "iban", "sort": "iban"}),
        ("sum", {"of": ["net", "tax"], "is": "total"}), ("pattern", {"field": "number", "matches": "^INV-"}),
        ("schema", {"type": "object", "required": ["vendor"]}),
    ])  # fmt: skip
    reply = Reply(json.dumps({
        "vendor": "V", "issued": "2024-01-01", "due": "2024-02-01", "iban": "DE89370400440532013000", "number": "INV-1",
        "net": 100, "tax": 19, "total": 119,
    }))  # fmt: skip
    assert checks.fault(Task(""), reply) is None
    print(f"checks: six of an invoice in {_microseconds(lambda _: checks.fault(Task(''), reply), range(CALLS)):.1f} µs")


def _compiled() -> None:
    past = read_examples(SHARED / "documents" / "sroie_receipts.jsonl.gz", "lines", "fields")
    texts = ["\n".join("  ".join(cell.text for cell in row) for row in one.read().rows) for one in past]
    learner = Learner(["date"], 0.93, 0.98, Random(0))  # noqa: S311 - draws folds
    for one, text in zip(past, texts, strict=True):
        learner.learn(read_document(text), one.truth, one.name)
    _, content = learner.write()
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "receipts.json"
        file.write_bytes(content)
        loads = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            answers = CompiledAnswers(str(file), {})
            loads.append((time.perf_counter() - began) * 1000)
        print(f"compiled: {len(content) / 1e6:.1f} MB loaded in {median(loads):.1f} ms")
        answered = sum(isinstance(answers(Task(text)), Reply) for text in texts)
        taken = _microseconds(lambda text: answers(Task(text)), texts)
        print(f"compiled: {taken:,.0f} µs a receipt as plain text, {answered} of {len(texts)} answered")


async def _host(directory: Path, crux: list[str]) -> None:
    """The way to a process and back, as the worker sees it."""
    file = directory / "own.py"
    file.write_text("def handle(task):\n    return 'yes'\n", encoding="utf-8")
    handlers = {
        "own": HandlerSettings("own", "function", f"{file}:handle", LIVE),
        "python": HandlerSettings("python", "builtin", "python", LIVE),
        "sums": HandlerSettings("sums", "builtin", "arithmetic", LIVE),
    }
    loop = asyncio.get_running_loop()
    host = Host(handlers, loop)

    async def ask(name: str, prompt: str) -> Reply | Declined:
        said: asyncio.Future[Reply | Declined] = loop.create_future()
        host.ask(name, Task(prompt), 5.0, said.set_result)
        return await said

    for name, prompts in (("sums", ["2 + 2 ="] * CALLS), ("own", ["x"] * CALLS), ("python", crux)):
        await host.ready(name, 10)
        await ask(name, prompts[0])
        walls, cpus = [], []
        for _ in range(ROUNDS):
            cpu = time.process_time()
            for prompt in prompts:
                wall = time.perf_counter()
                assert isinstance(await ask(name, prompt), Reply)
                walls.append((time.perf_counter() - wall) * 1e6)
            cpus.append((time.process_time() - cpu) / len(prompts) * 1e6)
        print(f"host, {name}: {median(walls):.0f} µs at the median, {median(cpus):.0f} µs of the worker's CPU a call")
    host.close()


if __name__ == "__main__":
    main()
