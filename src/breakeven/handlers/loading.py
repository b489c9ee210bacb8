"""A user's function by `file.py:function` or by entry point, taken up anew when its file has changed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

GROUP = "breakeven.handlers"
Function = Callable[..., Any]


class NotLoaded(Exception):
    """A function that cannot be had, and why."""


def from_entry_point(name: str) -> Function:
    """The function of the entry point `name`. Raises NotLoaded."""
    found = next(iter(entry_points(group=GROUP, name=name)), None)
    if found is None:
        known = ", ".join(sorted(entry_points(group=GROUP).names)) or "none"
        raise NotLoaded(f"no installed package has the entry point {name!r} in {GROUP}; there are: {known}")
    try:
        function = found.load()
    except BaseException as error:
        raise NotLoaded(f"{found.value} cannot be loaded: {said(error)}") from error
    if not callable(function):
        raise NotLoaded(f"{found.value} is no function")
    return function  # type: ignore[no-any-return]


class FileFunction:
    """The function of a file as it now is: loaded when asked for, and again whenever the file has changed."""

    def __init__(self, source: str) -> None:
        file, _, self._name = source.rpartition(":")
        self._file = Path(file)
        self._seen: tuple[int, int, int] | None = None
        self._found: Function | None = None
        self._fault = ""

    def current(self) -> Function:
        """The function. Raises NotLoaded where there is none, also where the file was whole before: no stale answer is given."""
        try:
            state = self._file.stat()
        except OSError as error:
            raise NotLoaded(f"{self._file.name} cannot be read: {error.strerror}") from None
        seen = (state.st_mtime_ns, state.st_size, state.st_ino)
        if seen != self._seen:
            self._seen, self._found = seen, None
            try:
                self._found = self._load()
            except NotLoaded as fault:
                self._fault = str(fault)
        if self._found is None:
            raise NotLoaded(self._fault)
        return self._found

    def _load(self) -> Function:
        directory = str(self._file.resolve().parent)
        if directory not in sys.path:
            sys.path.append(directory)  # last, so that no file beside it replaces a library
        module = ModuleType(f"handler_{self._file.stem}")
        module.__file__ = str(self._file)
        sys.modules[module.__name__] = module  # dataclasses and pickles look their module up
        try:
            code = compile(self._file.read_bytes(), str(self._file), "exec")
            exec(code, module.__dict__)  # noqa: S102 - the user's own file, in a process of its own
        except SyntaxError as error:
            raise NotLoaded(f"{self._file.name}:{error.lineno} is no Python: {error.msg}") from error
        except BaseException as error:
            raise NotLoaded(f"{self._file.name} cannot be loaded: {said(error)}") from error
        function = module.__dict__.get(self._name)
        if not callable(function):
            raise NotLoaded(f"{self._file.name} has no function {self._name}")
        return function  # type: ignore[no-any-return]


def said(error: BaseException) -> str:
    """A fault in one line, with the line of code where it arose."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
    try:
        text = " ".join(str(error).split())[:200]
    except Exception:  # noqa: BLE001 - a user's exception may do anything when it is printed
        text = ""
    return f"{type(error).__name__}{': ' if text else ''}{text}{place}"
