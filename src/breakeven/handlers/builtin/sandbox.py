"""“What does this Python return”: the code is run, in an interpreter made for code that nobody trusts.

The interpreter (`pydantic-monty`, an extra) knows no files, network, environment, clock or foreign modules, and runs in a process
of its own below the handler's process. Time, memory, depth and output are bounded. What it cannot run, or whose result is no
literal, is declined; so is code whose result depends on the order of a set, which no two runs of Python need have in common.
"""

from __future__ import annotations

import codecs
import re
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from breakeven.alignment.task import Declined, Reply, Task
from breakeven.errors import Unreachable
from breakeven.handlers.builtin.placing import OneProcessor, threads_of
from breakeven.handlers.builtin.preparing import Prepared, prepared
from breakeven.handlers.forms import formed, unreadable

SECONDS = 0.2
MEMORY = 32 * 1024 * 1024
DEPTH = 1_000
_SUSPENSIONS = 100
_LONGEST_PROMPT, _LONGEST_ANSWER = 20_000, 20_000
_SPARE_SECONDS = 0.5
_THE = r"(?:this|the following|the given|the provided|the) "
_CODE = r"(?:Python )?(?:code|function|snippet|program|script)"
_BLOCK = re.compile(
    r"\A(?P<before>.*?)(?:\[PYTHON\]\n(?P<tagged>.*?)\n\[/PYTHON\]|```(?:python|py)?\n(?P<fenced>.*?)\n```)(?P<after>.*)\Z",
    re.DOTALL,
)
_ASSERTION = re.compile(r"\Aassert (?P<call>.+) == \?\?\Z", re.DOTALL)
_COMPLETES = re.compile(
    r"You are given a Python function and an assertion containing an input to the function\. "
    r"Complete the assertion with a literal \(no unsimplified expressions, no function calls\) "
    r"containing the output when executing the provided code on the given input, "
    r"even if the function is incorrect or incomplete\.(?: Do NOT output any extra information\.)?"
    r"|(?:Please )?[Cc]omplete the assertion(?: with a literal)?[.:]?"
)
_RETURNS = re.compile(
    rf"(?:What (?:does|will|would) (?:{_THE}{_CODE} )?(?:return|print|output)"
    rf"|What is the (?:output|result|return value) of {_THE}{_CODE})[?:]?",
    re.IGNORECASE,
)
_CALL = re.compile(r"What (?:does|will|would) `(?P<call>[^`\n]+)` (?:return|evaluate to)\??", re.IGNORECASE)
_ONLY = re.compile(r"(?:Answer with|Return|Reply with|Give|Output) only the (?:output|value|literal|result)\.?", re.IGNORECASE)
_PRINTS = re.compile(r"(?:\A|\n)print\((?P<shown>[^\n]*)\)\s*\Z")
_ENCODINGS = frozenset(
    {"latin-1", "iso8859-1", "iso8859-15", "cp1252", "cp437", "utf-16", "utf-32", "shift_jis", "euc_jp", "gbk", "big5", "koi8-r"}
)


@dataclass(frozen=True, slots=True)
class Question:
    """Code, and the expression whose value is asked for; `shown` where it is printed rather than returned."""

    code: str
    call: str
    shown: bool = False


def recognised(prompt: str) -> Question | None:
    """The question that a prompt asks, or None where any of its words is not understood."""
    if len(prompt) > _LONGEST_PROMPT:
        return None
    found = _BLOCK.match(prompt.strip())
    if found is None or "```" in found["after"] or "[PYTHON]" in found["after"]:
        return None
    code = (found["tagged"] or found["fenced"] or "").strip("\n")
    before, after = found["before"].strip(), found["after"].strip()
    asked = " ".join(part for part in (before, after) if not _ONLY.fullmatch(part) and part)
    body, _, last = code.rpartition("\n")
    assertion = _ASSERTION.match(last)
    if assertion is not None:
        return Question(body, assertion["call"]) if _COMPLETES.fullmatch(asked) else None
    call = _CALL.fullmatch(asked)
    if call is not None:
        return Question(code, call["call"])
    printed = _PRINTS.search(code)
    if printed is not None and _RETURNS.fullmatch(asked) and code.count("print(") == 1:
        return Question(code[: printed.start()], printed["shown"], shown=True)
    return None


class Sandbox:
    """Runs one question at a time; the interpreter's process is started with the handler and replaced when it dies."""

    def __init__(self, options: Mapping[str, str]) -> None:
        try:
            import pydantic_monty  # noqa: PLC0415 - an extra
        except ImportError:
            raise Unreachable("the sandbox is not installed", "Run: pip install 'breakeven[sandbox]'") from None
        self._options = options
        self._monty = pydantic_monty
        self._limits = pydantic_monty.ResourceLimits(
            max_feed_duration_secs=SECONDS, max_memory=MEMORY, max_recursion_depth=DEPTH, max_suspensions=_SUSPENSIONS
        )
        self._lock = threading.Lock()
        own = threads_of()
        self._open: AbstractContextManager[Any] = pydantic_monty.Monty(
            max_processes=1, request_timeout=SECONDS + _SPARE_SECONDS, checkout_timeout=_SPARE_SECONDS
        )
        self._pool = self._open.__enter__()
        self._serving = threads_of() - own  # those that the pool has started in this process
        self._worker: int | None = None
        self._beside = OneProcessor(())
        self._run("1 + 1")  # so that the first caller does not wait for it

    def close(self) -> None:
        """End the interpreter."""
        self._beside.release()
        self._open.__exit__(None, None, None)

    def __call__(self, task: Task) -> Reply | Declined:
        """The value that the code returns, or why it is declined."""
        why = unreadable(task, self._options)
        if why is not None:
            return Declined(why)
        question = recognised(task.prompt)
        if question is None:
            return Declined("it does not ask what Python code returns, or not in a form that is understood to the last word")
        try:
            plan = prepared(question.code, question.call)
            if isinstance(plan, Declined):
                return plan
            value = self._valued(plan)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return Declined(f"the code is not understood: {type(error).__name__}")
        except (self._monty.MontyError, _NoLiteral) as error:
            return Declined(f"the sandbox gives no answer: {str(error)[:120]}")
        text = value if question.shown and isinstance(value, str) else repr(value)
        return formed(task, text, value) if len(text) <= _LONGEST_ANSWER else Declined("the value is too long to be an answer")

    def _valued(self, plan: Prepared) -> object:
        """The value; where sets take part, only if it is the same with their elements put in from the other end."""
        value = self._run(plan.source, gapped=plan.gapped)
        if plan.turned is not None and repr(self._run(plan.turned, gapped=True)) != repr(value) and not isinstance(value, set):
            raise _NoLiteral("the value depends on the order of a set")
        text = repr(value)
        if "..." in text and "..." not in plan.source:
            raise _NoLiteral("the value is too deep, or holds itself")
        if "<" in text and self._run(plan.asking(_PLAIN), gapped=plan.gapped) is not True:
            raise _NoLiteral("the value is no literal")
        return value

    def _run(self, source: str, *, gapped: bool = False) -> object:
        with self._lock:
            self._beside.turn()
            return self._told(source, gapped=gapped)

    def _told(self, source: str, *, gapped: bool) -> object:
        with self._pool.checkout(limits=self._limits) as session:
            found = session.feed_run(source, external_lookup=_HOST) if gapped else session.feed_run(source)
            if session.worker_pid != self._worker:
                self._find(session.worker_pid)
        if not gapped:
            return _literal(found)
        gaps, value = found
        if gaps:
            raise _NoLiteral(f"the sandbox lacks {gaps[0]}")
        return _literal(value)

    def _find(self, worker: int | None) -> None:
        """Take note of the threads of a worker's process, which is another one where the last one died."""
        self._worker = worker
        self._beside.release()
        self._beside = OneProcessor(self._serving | (threads_of(worker) if worker is not None else frozenset()))


def _host_encode(text: str, encoding: str, errors: str) -> tuple[str, object]:
    """A text in another encoding, which the interpreter lacks."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        return "unknown", f"unknown encoding: {encoding}"
    if name not in _ENCODINGS or errors not in {"strict", "ignore", "replace"} or len(text) > _LONGEST_ANSWER:
        return "gap", "that encoding"
    try:
        return "encoded", text.encode(name, errors)
    except UnicodeError:
        return "gap", "that exception"


def _host_decode(content: bytes, encoding: str, errors: str) -> tuple[str, object]:
    """Bytes in another encoding as a text."""
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        return "unknown", f"unknown encoding: {encoding}"
    if name not in _ENCODINGS or errors not in {"strict", "ignore", "replace"} or len(content) > _LONGEST_ANSWER:
        return "gap", "that encoding"
    try:
        return "decoded", content.decode(name, errors)
    except UnicodeError:
        return "gap", "that exception"


_HOST = {"_host_encode": _host_encode, "_host_decode": _host_decode}


_PLAIN = """
def _plain(value, depth=20):
    if value is None or type(value) in (bool, int, float, str, bytes):
        return True
    if depth and type(value) in (list, tuple, set):
        return all([_plain(item, depth - 1) for item in value])
    if depth and type(value) is dict:
        return all([_plain(key, depth - 1) and _plain(item, depth - 1) for key, item in value.items()])
    return False
"""
"""Asks inside whether a value is a literal: what is none leaves the sandbox as a text about it, such as `<function f>`."""


class _NoLiteral(Exception):
    """Why a value is no answer."""


def _literal(value: object, depth: int = 50) -> object:
    """The value itself. Raises _NoLiteral where its text would not be Python that means it."""
    if value is None or type(value) in {bool, int, float, str, bytes}:
        return value
    if depth and type(value) in {list, tuple, set}:
        for item in value:  # type: ignore[attr-defined]
            _literal(item, depth - 1)
        return value
    if depth and type(value) is dict:
        for name, item in value.items():
            _literal(name, depth - 1)
            _literal(item, depth - 1)
        return value
    raise _NoLiteral(f"the value is a {type(value).__name__}, not a literal")
