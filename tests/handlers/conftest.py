"""A host of real processes in an event loop, and the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from breakeven.alignment.standing import Terms
from breakeven.alignment.task import Declined, Reply, Task
from breakeven.cli.main import run
from breakeven.handlers.host import Host
from breakeven.settings.handlers import HandlerSettings

Run = Callable[..., tuple[int, str, str]]


class Asked:
    """A host whose answers can be awaited."""

    def __init__(self, handlers: Mapping[str, HandlerSettings]) -> None:
        self._loop = asyncio.get_running_loop()
        self.host = Host(handlers, self._loop)

    async def ask(self, name: str, prompt: str = "x", seconds: float = 5.0) -> Reply | Declined:
        """What a handler says; fails where it says something twice."""
        said: asyncio.Future[Reply | Declined] = self._loop.create_future()
        self.host.ask(name, Task(prompt), seconds, said.set_result)
        return await said

    async def check(self, name: str, answer: str, seconds: float = 5.0) -> str | None:
        """What a check function says."""
        said: asyncio.Future[str | None] = self._loop.create_future()
        self.host.check(name, Task("x"), Reply(answer), seconds, said.set_result)
        return await said


Hosted = Callable[[Mapping[str, HandlerSettings], Callable[[Asked], Awaitable[Any]]], Any]


@pytest.fixture
def hosted() -> Hosted:
    """Runs a coroutine function with a host of these handlers, and closes it."""

    def running(handlers: Mapping[str, HandlerSettings], work: Callable[[Asked], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            asked = Asked(handlers)
            try:
                return await work(asked)
            finally:
                asked.host.close()

        return asyncio.run(main())

    return running


@pytest.fixture
def function(tmp_path: Path) -> Callable[..., HandlerSettings]:
    """Declares a live handler whose file holds this source."""

    def declared(source: str, name: str = "own", **limits: Any) -> HandlerSettings:
        file = tmp_path / f"{name}.py"
        file.write_text(source, encoding="utf-8")
        return HandlerSettings(name, "function", f"{file}:handle", Terms("live"), **limits)

    return declared


@pytest.fixture
def breakeven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs one command line in a directory of its own, with a ledger in it; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BREAKEVEN_LEDGER", str(tmp_path / "ledger"))
    monkeypatch.delenv("BREAKEVEN_CONFIG", raising=False)

    def command(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return command
