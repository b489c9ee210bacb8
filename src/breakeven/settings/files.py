"""Changing `breakeven.yaml` in place: the whole change or nothing, its result checked first, the difference told."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from breakeven.errors import Unreachable, UsageError
from breakeven.settings.loading import parse_settings


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of the file that is not written yet."""

    path: Path
    before: str
    after: str

    @property
    def changes(self) -> bool:
        """Whether anything is different."""
        return self.before != self.after

    @property
    def difference(self) -> str:
        """The change as a unified difference."""
        old, new = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        return "".join(_ended(line) for line in difflib.unified_diff(old, new, str(self.path), str(self.path), n=2))

    def write(self) -> None:
        """All of the new text or all of the old one, whatever happens in between; a link stays a link. Raises Unreachable."""
        target = self.path.resolve()
        temporary = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                file.write(self.after)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(target.stat().st_mode & 0o7777)
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Unreachable(
                f"{self.path} cannot be written: {error.strerror}", "Check the permissions of the file and its directory."
            ) from None


def edited(path: Path, change: Callable[[str, str], str]) -> Edit:
    """Let `change` (text and name of the file in, text out) edit the file; the result must be a faultless configuration.

    Raises ConfigError where it is not, Unreachable or UsageError where the file cannot be read.
    """
    before = _read(path)
    after = change(before, str(path))
    parse_settings(after, str(path), path)
    return Edit(path, before, after)


def write_beside(config: Path | None, files: Mapping[str, bytes]) -> None:
    """Write files that a change of the configuration names, in its folder. Raises Unreachable."""
    if config is None:
        return
    for name, content in files.items():
        target = config.resolve().with_name(name)
        try:
            target.write_bytes(content)
        except OSError as error:
            raise Unreachable(f"{target} cannot be written: {error.strerror}", "Check the permissions of its directory.") from None


def _ended(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _read(path: Path) -> str:
    """The text as it is, line ends included."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror}", "Check its permissions.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text", "Save it as UTF-8.") from None
