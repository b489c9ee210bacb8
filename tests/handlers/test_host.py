"""A caller loses at most the time limit, whatever a user's function does: real processes, really broken."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from breakeven.alignment.standing import Terms
from breakeven.alignment.task import Declined, Reply
from breakeven.handlers.builtin import BUILTIN
from breakeven.handlers.framing import LARGEST, Frames
from breakeven.handlers.host import LARGEST_ON_THE_SPOT
from breakeven.settings.handlers import BUILTINS, HandlerSettings

Function = Callable[..., HandlerSettings]
BROKEN = """
import os, sys, time
def handle(task):
    if task.prompt == "hang":
        while True: pass
    if task.prompt == "sleep": time.sleep(60)
    if task.prompt == "die": os._exit(3)
    if task.prompt == "crash":
        import ctypes; ctypes.string_at(0)
    if task.prompt == "raise": raise ValueError("no such vendor")
    if task.prompt == "exit": sys.exit(5)
    if task.prompt == "recurse": return handle(task)
    if task.prompt == "none": return None
    if task.prompt == "object": return object()
    if task.prompt == "large": return "x" * 20_000_000
    if task.prompt == "write":
        for fd in range(3, 1024):
            try: os.write(fd, b"\\xff" * 64)
            except OSError: pass
        return "written"
    if task.prompt == "print": print("noise"); return "printed"
    if task.prompt == "fields": return {"total": 1.5, "vendor": None}
    return task.prompt.upper()
"""


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("hang", "it took longer than 300 ms and was stopped"),
        ("sleep", "it took longer than 300 ms and was stopped"),
        ("die", "its process ended with status 3"),
        ("crash", "its process was ended by SIGSEGV"),
        ("raise", "it raised ValueError: no such vendor (own.py:10)"),
        ("exit", "it raised SystemExit: 5 (own.py:11)"),
        ("recurse", "it raised RecursionError"),
        ("none", "it declines"),
        ("object", "it returned a object, which is no answer"),
        ("large", "its answer has"),
        ("write", "its process said what cannot be understood"),
    ],
)
def test_whatever_it_does_the_call_goes_on(hosted: Any, function: Function, prompt: str, said: str) -> None:
    """Each fault is a decline with its reason within the time limit, and the next call is answered as if nothing had been."""

    async def work(asked: Any) -> tuple[float, Declined, Reply]:
        await asked.host.ready("own", 10)
        began = time.monotonic()
        declined = await asked.ask("own", prompt, 0.3 if prompt in {"hang", "sleep"} else 10)
        took = time.monotonic() - began
        return took, declined, await asked.ask("own", "after", 10)

    took, declined, after = hosted({"own": function(BROKEN)}, work)
    assert isinstance(declined, Declined)
    assert declined.why.startswith(said)
    assert after == Reply("AFTER")
    if prompt in {"hang", "sleep"}:
        assert 0.29 <= took < 1.5


def test_answers_in_every_form(hosted: Any, function: Function) -> None:
    """A text is the answer, plain values are answered as JSON, and what is printed goes elsewhere."""

    async def work(asked: Any) -> list[Reply]:
        return [await asked.ask("own", prompt) for prompt in ("text", "fields", "print")]

    text, fields, printed = hosted({"own": function(BROKEN)}, work)
    assert text == Reply("TEXT")
    assert (fields.text, fields.value) == ('{"total":1.5,"vendor":null}', {"total": 1.5, "vendor": None})
    assert printed == Reply("printed")


def test_a_hanging_handler_costs_others_nothing(hosted: Any, function: Function) -> None:
    """While one handler hangs, another answers; calls that wait for the hanging one are answered by its successor."""

    async def work(asked: Any) -> tuple[float, Any, Any, Any]:
        await asked.host.ready("own", 10)
        hanging = asyncio.ensure_future(asked.ask("own", "hang", 0.5))
        waiting = asyncio.ensure_future(asked.ask("own", "later", 10))
        began = time.monotonic()
        other = await asked.ask("other", "now")
        took = time.monotonic() - began
        return took, other, await hanging, await waiting

    handlers = {"own": function(BROKEN), "other": function(BROKEN, "other")}
    took, other, hanging, waiting = hosted(handlers, work)
    assert (other, waiting) == (Reply("NOW"), Reply("LATER"))
    assert isinstance(hanging, Declined)
    assert took < 5


def test_many_at_once_are_all_answered_once(hosted: Any, function: Function) -> None:
    """Two hundred calls over two processes, one in ten of which kills its process, each get their own outcome once."""

    async def work(asked: Any) -> list[Any]:
        prompts = ["die" if number % 50 == 7 else f"q{number}" for number in range(200)]
        return list(zip(prompts, await asyncio.gather(*(asked.ask("own", prompt, 20) for prompt in prompts)), strict=True))

    for prompt, outcome in hosted({"own": function(BROKEN, processes=2)}, work):
        assert isinstance(outcome, Declined) if prompt == "die" else outcome == Reply(prompt.upper())


def test_a_changed_file_is_taken_up(hosted: Any, function: Function) -> None:
    """The next call is answered by the new code; broken code declines with its line; correcting it is enough."""
    first = function("def handle(task):\n    return 'one'\n")
    file = Path(first.source.rpartition(":")[0])

    async def work(asked: Any) -> list[Any]:
        found = [await asked.ask("own")]
        for source in (
            "def handle(task):\n    return 'two!'\n",
            "def handle(task:\n",
            "x = 1\n",
            "def handle(task):\n    return 3\n",
        ):
            file.write_text(source, encoding="utf-8")  # noqa: ASYNC240 - the test waits for nothing else
            found.append(await asked.ask("own"))
        file.unlink()  # noqa: ASYNC240 - the test waits for nothing else
        return [*found, await asked.ask("own")]

    one, two, broken, nothing, three, gone = hosted({"own": first}, work)
    assert (one, two, three) == (Reply("one"), Reply("two!"), Reply("3", 3))
    assert broken.why.startswith("own.py:1 is no Python")
    assert nothing.why == "own.py has no function handle"
    assert gone.why == "own.py cannot be read: No such file or directory"


def test_a_handler_that_cannot_start_declines_at_once(hosted: Any, function: Function) -> None:
    """Code that ends its process while it is loaded is declined with the reason, without waiting for the time limit."""

    async def work(asked: Any) -> tuple[Any, float, Any]:
        await asked.host.ready("own", 10)
        began = time.monotonic()
        second = await asked.ask("own", "x", 30)
        return second, time.monotonic() - began, asked.host.fault("own")

    second, took, fault = hosted({"own": function("import os\nos._exit(7)\n")}, work)
    assert (second, fault) == (Declined("its process ended with status 7"), "its process ended with status 7")
    assert took < 5


def test_memory_is_limited(hosted: Any, function: Function) -> None:
    """A handler that takes more memory than declared gets a MemoryError, not the host's memory."""
    source = "def handle(task):\n    return str(len(bytearray(2_000_000_000)))\n"

    async def work(asked: Any) -> Any:
        return await asked.ask("own", "x", 20)

    found = hosted({"own": function(source, memory=512 * 1024 * 1024)}, work)
    assert isinstance(found, Declined)
    assert "MemoryError" in found.why


CHECK = """
def handle(task, reply):
    if reply.text == "raise": raise KeyError("total")
    if reply.text == "hang":
        while True: pass
    return None if reply.text == "right" else True if reply.text == "true" else False if reply.text == "false" else "not right"
"""


def test_a_check_that_fails_rejects(hosted: Any, function: Function) -> None:
    """Only a check that says so lets an answer stand; one that crashes, hangs or does not exist does not."""

    async def work(asked: Any) -> list[Any]:
        await asked.host.ready("own", 10)
        found = [await asked.check("own", answer, 5) for answer in ("right", "true", "wrong", "false", "raise")]
        return [
            *found,
            await asked.check("own", "hang", 0.3),
            await asked.check("none", "right"),
            await asked.check("sums", "right"),
        ]

    sums = HandlerSettings("sums", "builtin", "arithmetic", Terms("live"))
    right, true, wrong, false, raised, hanged, missing, judge = hosted({"own": function(CHECK), "sums": sums}, work)
    assert (right, true, wrong, false) == (None, None, "not right", "it returned False")
    assert raised == "it raised KeyError: 'total' (own.py:3)"
    assert hanged == "it took longer than 300 ms and was stopped"
    assert missing == "there is no function 'none', or it is off"
    assert judge == "sums is a builtin handler and judges nothing"


def test_long_prompts_do_not_hold_up_the_worker(hosted: Any) -> None:
    """Built-in handlers answer on the spot up to a length, and beyond it in a process of their own."""
    reshape = HandlerSettings("reshape", "builtin", "reshape", Terms("live"))

    async def work(asked: Any) -> tuple[Any, Any, Any]:
        short = await asked.ask("reshape", "Minify this JSON:\n[1, 2]")
        before = asked.host.pids("reshape")
        long = await asked.ask("reshape", "Minify this JSON:\n[" + "1, " * LARGEST_ON_THE_SPOT + "1]", 20)
        return short, before, long

    short, before, long = hosted({"reshape": reshape}, work)
    assert (short, before) == (Reply("[1,2]"), ())
    assert long.text.startswith("[1,1,1,")


def test_off_and_closed(hosted: Any, function: Function) -> None:
    """A handler that is off starts no process; after closing, everything is declined and no process is left."""
    own = function(BROKEN)

    async def work(asked: Any) -> tuple[Any, Any, tuple[int, ...]]:
        await asked.host.ready("own", 10)
        pids = asked.host.pids("own")
        off = await asked.ask("off")
        asked.host.close()
        return off, await asked.ask("own"), pids

    off, closed, pids = hosted({"own": own, "off": replace(own, name="off", terms=Terms("off"))}, work)
    assert off == Declined("there is no handler 'off', or it is off")
    assert closed == Declined("the gateway closes its handlers")
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_processes_end_with_their_worker(function: Function) -> None:
    """When a worker is killed, a hanging handler of its does not outlive it for long."""
    own = function(BROKEN)
    script = f"""
import asyncio, sys
from breakeven.alignment.standing import Terms
from breakeven.alignment.task import Task
from breakeven.handlers.host import Host
from breakeven.settings.handlers import HandlerSettings
async def main():
    host = Host({{"own": HandlerSettings("own", "function", {own.source!r}, Terms("live"))}}, asyncio.get_running_loop())
    await host.ready("own", 10)
    host.ask("own", Task("hang"), 60, print)
    print(*host.pids("own"), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        pid = int(worker.stdout.readline())
        worker.kill()
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if "Z (zombie)" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8"):
            return
        time.sleep(0.1)
    pytest.fail("the handler's process is still there")


def test_entry_points_are_found(hosted: Any) -> None:
    """A name that no installed package brings is declined with the names that there are."""
    handler = HandlerSettings("other", "entry_point", "shipping", Terms("live"))

    async def work(asked: Any) -> Any:
        return await asked.ask("other", "x", 10)

    assert "no installed package has the entry point 'shipping'" in hosted({"other": handler}, work).why


def test_frames_come_whole_or_not_at_all() -> None:
    """Messages arrive in any cuts as they were sent; one beyond the limit is refused before it is read."""
    sent = [b"", b"a", b"b" * 70_000]
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in sent)
    for cut in (1, 3, 4_096):
        frames = Frames()
        assert [body for start in range(0, len(stream), cut) for body in frames.feed(stream[start : start + cut])] == sent
    with pytest.raises(ValueError, match="a message of"):
        list(Frames().feed((LARGEST + 1).to_bytes(4, "big")))


def test_settings_and_code_know_the_same_built_in_handlers() -> None:
    """What may be declared is what there is."""
    assert set(BUILTINS) == set(BUILTIN)
