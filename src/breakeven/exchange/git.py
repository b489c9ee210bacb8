"""Files of a git repository as they stand in a revision or in the work tree. Only reads; no network, no index."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from breakeven.errors import DataError, Unreachable, UsageError

TIMEOUT_SECONDS = 60
_SHORT = 9


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository by the directory of its work tree."""

    root: Path

    def commit(self, revision: str) -> str:
        """The full id of the commit that a revision names. Raises UsageError."""
        found = _git(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        if found.returncode != 0:
            raise UsageError(
                f"git knows no revision {revision!r} in {self.root.name}",
                "Name a branch, tag or commit; in a CI job fetch it first (a shallow checkout has only its own commit).",
            )
        return found.stdout.decode().strip()

    def fork(self, base: str, head: str) -> str | None:
        """The commit that both grew from, or None where the history that is here does not reach it."""
        found = _git(self.root, "merge-base", base, head)
        return found.stdout.decode().split("\n", 1)[0] if found.returncode == 0 else None

    def file(self, commit: str, path: str) -> str | None:
        """The text of a file in a commit, `path` from the root; None where there is none. Raises DataError where it is no text."""
        found = _git(self.root, "cat-file", "blob", f"{commit}:{path}")
        return _text(found.stdout, f"{commit[:_SHORT]}:{path}") if found.returncode == 0 else None

    def path_of(self, path: Path) -> str | None:
        """A path from the root as git writes it; None where it lies outside of the work tree."""
        absolute = Path(os.path.normpath(path.absolute()))
        for root in (self.root, self.root.resolve()):
            if absolute.is_relative_to(root):
                return absolute.relative_to(root).as_posix()
        parent = absolute.parent.resolve() / absolute.name
        return parent.relative_to(self.root.resolve()).as_posix() if parent.is_relative_to(self.root.resolve()) else None


def repository_of(place: Path) -> Repository:
    """The repository whose work tree holds the directory `place`. Raises Unreachable where git or a repository is missing."""
    found = _git(place, "rev-parse", "--show-toplevel")
    if found.returncode != 0:
        raise Unreachable(f"{place} is not in a git repository", "Run it inside of the repository that holds breakeven.yaml.")
    return Repository(Path(found.stdout.decode().rstrip("\n")))


def file_on_disk(path: Path) -> str | None:
    """The text of a file of the work tree; None where there is none. Raises DataError where it is no text."""
    try:
        return _text(path.read_bytes(), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Unreachable(f"{path} cannot be read: {error.strerror}", "Check what it is, and its permissions.") from None


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{name}:{line}: the file is not UTF-8 text", "Save it as UTF-8.") from None


def _git(place: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run one reading command of git; which program `git` is, the user's PATH decides."""
    command = ["git", "--no-optional-locks", "-C", str(place), *arguments]
    environment = {**os.environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    try:
        return subprocess.run(  # noqa: S603 - no shell; revisions come after --end-of-options or behind a full commit id
            command, capture_output=True, check=False, timeout=TIMEOUT_SECONDS, env=environment
        )
    except FileNotFoundError:
        raise Unreachable("git is not installed", "Install git, or put it on the PATH.") from None
    except subprocess.TimeoutExpired:
        raise Unreachable(f"git did not answer within {TIMEOUT_SECONDS} s", "Check the repository with `git fsck`.") from None
