"""The process of one handler: reads questions, runs the function, writes outcomes. Nothing else knows the user's code.

Started as `python -m breakeven.handlers.child FD`; FD is its end of a pair of sockets. It ends when the other end is closed.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from breakeven.alignment.task import Declined, Reply
from breakeven.errors import BreakevenError
from breakeven.handlers.framing import Boot, Frames, Outcome, Question, decoder, frame
from breakeven.handlers.loading import FileFunction, Function, NotLoaded, from_entry_point, said

_CHUNK = 1 << 16
_WATCH_SECONDS = 1.0
_LONGEST = 16 * 1024 * 1024
_JSON = msgspec.json.Encoder(decimal_format="number")
Current = Callable[[], Function]


def main(descriptor: int) -> None:
    """Serve until the other side goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the gateway, which ends us
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with socket.socket(fileno=descriptor) as connection:
        messages = _messages(connection)
        current = _started(decoder(Boot).decode(next(messages)))
        connection.sendall(frame(_ready(current)))
        questions = decoder(Question)
        for body in messages:
            question = questions.decode(body)
            connection.sendall(_framed(_judged(current, question) if question.answer is not None else _answered(current, question)))


def _messages(connection: socket.socket) -> Any:  # noqa: ANN401 - a generator of bytes
    frames = Frames()
    while data := connection.recv(_CHUNK):
        yield from frames.feed(data)


def _end_with(parent: int) -> None:
    """End when the gateway's worker has ended, even while a function hangs."""
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(0)


def _started(boot: Boot) -> Current:
    if boot.memory:
        import resource  # noqa: PLC0415 - not on every platform

        resource.setrlimit(resource.RLIMIT_AS, (boot.memory, boot.memory))
    if boot.kind == "function":
        return FileFunction(boot.source).current
    if boot.kind == "entry_point":
        return _once(lambda: from_entry_point(boot.source))
    return _once(lambda: _ours(boot))


def _ours(boot: Boot) -> Function:
    from breakeven.handlers.answering import answers_of  # noqa: PLC0415 - a user's function does not need it

    try:
        return answers_of(boot.kind, boot.source, boot.options)
    except BreakevenError as error:
        raise NotLoaded(error.what) from error


def _once(load: Current) -> Current:
    """Load now and keep it, or keep the reason."""
    try:
        found = load()
    except NotLoaded as fault:
        why = str(fault)

        def missing() -> Function:
            raise NotLoaded(why)

        return missing
    return lambda: found


def _ready(current: Current) -> Outcome:
    try:
        current()
    except NotLoaded as fault:
        return Outcome(0, "fault", str(fault))
    return Outcome(0, "stands")


def _answered(current: Current, question: Question) -> Outcome:
    try:
        found = current()(question.task)
    except NotLoaded as fault:
        return Outcome(question.number, "declined", str(fault))
    except BaseException as error:  # noqa: BLE001 - whatever a user's function does, the call goes on
        return Outcome(question.number, "declined", f"it raised {said(error)}")
    return _spoken(question.number, found)


def _spoken(number: int, found: object) -> Outcome:
    """What a function returned, as an outcome: None declines, a text is the answer, other plain values are answered as JSON."""
    if found is None:
        return Outcome(number, "declined", "it declines")
    if isinstance(found, Declined):
        return Outcome(number, "declined", str(found.why))
    if isinstance(found, Reply):
        return Outcome(number, "answered", str(found.text), found.value)
    if isinstance(found, str):
        return Outcome(number, "answered", found)
    try:
        text = _JSON.encode(found).decode()
        value = msgspec.json.decode(text)
    except Exception as error:  # noqa: BLE001 - a returned object may fail in any way when it is read
        return Outcome(number, "declined", f"it returned a {type(found).__name__}, which is no answer: {said(error)}")
    return Outcome(number, "answered", text, value)


def _judged(current: Current, question: Question) -> Outcome:
    try:
        why = current()(question.task, question.answer)
    except NotLoaded as fault:
        return Outcome(question.number, "fault", str(fault))
    except BaseException as error:  # noqa: BLE001 - whatever a user's function does, the call goes on
        return Outcome(question.number, "fault", f"it raised {said(error)}")
    if why is None or why is True:
        return Outcome(question.number, "stands")
    return Outcome(question.number, "fault", why if isinstance(why, str) and why else f"it returned {why!r:.60}")


def _framed(outcome: Outcome) -> bytes:
    """The outcome as bytes; one that cannot be sent is a decline."""
    kind: Literal["declined", "fault"] = "declined" if outcome.kind in {"answered", "declined"} else "fault"
    try:
        framed = frame(outcome)
    except Exception as error:  # noqa: BLE001 - a value of a user's own type
        return frame(Outcome(outcome.number, kind, f"its answer cannot be sent: {said(error)}"))
    if len(framed) > _LONGEST:
        return frame(Outcome(outcome.number, kind, f"its answer has {len(framed):,} bytes"))
    return framed


if __name__ == "__main__":
    main(int(sys.argv[1]))
