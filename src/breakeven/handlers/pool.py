"""The processes of one handler: questions wait for a free one, a hanging one is replaced, one that keeps dying is given time."""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from breakeven.alignment.task import Reply, Task
from breakeven.handlers.framing import Boot, Outcome, Question, frame
from breakeven.handlers.loading import said
from breakeven.handlers.process import Process

WAITING_MOST = 256
"""Questions that may wait for a process of one handler; more are declined at once."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0


@dataclass(slots=True)
class Job:
    """One question, and who waits for its outcome."""

    number: int
    content: bytes
    then: Callable[[Outcome], None]
    judging: bool
    timer: TimerHandle | None = None
    process: Process | None = None
    done: bool = False


class Pool:
    """A handler's processes and its waiting questions."""

    def __init__(self, boot: Boot, processes: int, loop: AbstractEventLoop) -> None:
        self._boot, self._size, self._loop = boot, processes, loop
        self._processes: dict[Process, Job | None] = {}
        self._ready: set[Process] = set()
        self._waiting: deque[Job] = deque()
        self._number = 0
        self._pause = 0.0
        self._closed = False
        self._restart: TimerHandle | None = None
        self.fault = ""
        """Why it cannot answer now: the function cannot be loaded, or its process does not stay alive."""
        self._fill()

    @property
    def ready(self) -> bool:
        """Whether a process has started, or cannot."""
        return bool(self._ready or self.fault)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids."""
        return tuple(process.pid for process in self._processes)

    def ask(self, task: Task, answer: Reply | None, seconds: float, then: Callable[[Outcome], None]) -> None:
        """Answer a task, or judge an answer to it."""
        self._number += 1
        judging = answer is not None
        try:
            content = frame(Question(self._number, task, answer))
        except Exception as error:  # noqa: BLE001 - tags and values are whatever a caller put there
            then(_nothing(self._number, f"the task cannot be sent: {said(error)}", judging=judging))
            return
        why = self._refusal()
        if why:
            then(_nothing(self._number, why, judging=judging))
            return
        job = Job(self._number, content, then, judging)
        job.timer = self._loop.call_later(seconds, self._late, job, seconds)
        self._waiting.append(job)
        self._serve()

    def close(self) -> None:
        """End all processes; what waits is declined."""
        self._closed = True
        if self._restart is not None:
            self._restart.cancel()
        jobs = [*self._waiting, *(job for job in self._processes.values() if job is not None)]
        for process in list(self._processes):
            process.kill()
        self._processes.clear()
        self._waiting.clear()
        for job in jobs:
            self._finish(job, _nothing(job.number, "the gateway closes its handlers", judging=job.judging))

    def _refusal(self) -> str:
        if self._closed:
            return "the gateway closes its handlers"
        if len(self._waiting) >= WAITING_MOST:
            return f"{len(self._waiting)} questions wait for it already"
        return self.fault if not self._processes else ""

    def _fill(self) -> None:
        self._restart = None
        while not self._closed and len(self._processes) < self._size:
            try:
                process = Process(self._boot, self._loop, self._heard, self._ended)
            except OSError as error:
                self.fault = f"its process cannot be started: {error.strerror}"
                self._later()
                return
            self._processes[process] = None

    def _later(self) -> None:
        self._pause = min(_LONGEST_PAUSE, self._pause * 2 or _FIRST_PAUSE)
        if self._restart is None and not self._closed:
            self._restart = self._loop.call_later(self._pause, self._fill)

    def _serve(self) -> None:
        for process in self._ready:
            if not self._waiting:
                return
            if self._processes[process] is None:
                job = self._waiting.popleft()
                self._processes[process], job.process = job, process
                process.send(job.content)

    def _heard(self, process: Process, outcome: Outcome) -> None:
        if process not in self._ready:  # the first word says whether the function could be loaded
            self._ready.add(process)
            self._pause, self.fault = 0.0, outcome.text
            self._serve()
            return
        job = self._processes.get(process)
        if job is None or outcome.number != job.number:
            return
        self._processes[process] = None
        self._finish(job, outcome)
        self._serve()

    def _ended(self, process: Process, status: str) -> None:
        """It has gone by itself: its question is declined, and another one is started, at once if it had got to work."""
        job = self._processes.pop(process, None)
        worked = process in self._ready
        self._ready.discard(process)
        why = f"its process {status}"
        if worked:
            self._fill()
        else:
            self.fault = why
            self._later()
        if job is not None:
            self._finish(job, _nothing(job.number, why, judging=job.judging))
        if not self._processes:
            while self._waiting:
                waiting = self._waiting.popleft()
                self._finish(waiting, _nothing(waiting.number, why, judging=waiting.judging))

    def _late(self, job: Job, seconds: float) -> None:
        process = job.process
        if process is None:
            self._waiting.remove(job)
            why = f"no process of it was free within {seconds * 1000:,.0f} ms"
        else:
            process.kill()
            self._processes.pop(process, None)
            self._ready.discard(process)
            self._fill()
            why = f"it took longer than {seconds * 1000:,.0f} ms and was stopped"
        self._finish(job, _nothing(job.number, why, judging=job.judging))

    def _finish(self, job: Job, outcome: Outcome) -> None:
        if not job.done:
            job.done = True
            if job.timer is not None:
                job.timer.cancel()
            job.then(outcome)


def _nothing(number: int, why: str, *, judging: bool) -> Outcome:
    return Outcome(number, "fault" if judging else "declined", why)
