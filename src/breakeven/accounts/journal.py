"""What a worker has spent and reserved, kept where a kill cannot take it: a file mapped into memory, written at every change.

The first slot names the generation of the store. Every other one is a lease: its account, and two versions of (spent, reserved). A
change goes into the older version, and its number, which makes it the newer one, is written last: whenever the process is killed,
the last whole version stands. What the next worker finds here it settles: the spent as spent; the reserved too, because the vendor
may bill the calls that were under way.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from breakeven.errors import Unreachable

SLOT = 1024
LONGEST_KEY = 800
_FIRST_SLOTS = 64
_HEAD = struct.Struct("<HHB3xd")  # lengths of key and lease id, flags, width of a slice
_VERSION = 40  # number, spent, reserved
_VERSIONS = SLOT - 2 * _VERSION
_NUMBER = struct.Struct("<Q")
_IN_FLIGHT = 1


class Left(NamedTuple):
    """What a dead worker left in one lease."""

    key: str
    lease: str
    spent: int
    reserved: int
    in_flight: bool
    slice_seconds: float


class Journal:
    """The journal of one worker; the file is locked while it lives."""

    def __init__(self, path: Path) -> None:
        """Take over the file. Raises BlockingIOError while its writer lives, Unreachable where it cannot be written."""
        self._path = path
        try:
            self._file = path.open("r+b" if path.exists() else "w+b")
        except OSError as error:
            raise Unreachable(
                f"{path} cannot be written: {error.strerror}", "Make room on the disk, and the directory writable."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise
        size = os.fstat(self._file.fileno()).st_size
        if size < 2 * SLOT:
            size = _FIRST_SLOTS * SLOT
            os.ftruncate(self._file.fileno(), size)
        self._map = mmap.mmap(self._file.fileno(), size - size % SLOT)
        self._numbers: dict[int, int] = {}
        self._free: list[int] = []
        self._used = SLOT

    def __enter__(self) -> Self:
        """The journal itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        """Let go of the file."""
        self.close()

    @property
    def generation(self) -> str:
        """The generation of the store that the leases are of."""
        length = self._map[0]
        return self._map[1 : 1 + length].decode("ascii", "replace")

    def note_generation(self, generation: str) -> None:
        """Note it before anything is leased from that store."""
        name = generation.encode()
        self._map[0] = 0
        self._map[1 : 1 + len(name)] = name
        self._map[0] = len(name)

    def left(self) -> Iterator[Left]:
        """What stands in the file, of this or of a dead worker."""
        for at in range(SLOT, len(self._map), SLOT):
            key_length, lease_length, flags, width = _HEAD.unpack_from(self._map, at)
            if not key_length or key_length + lease_length > LONGEST_KEY + 64:
                continue
            start = at + _HEAD.size
            key = self._map[start : start + key_length].decode("utf-8", "replace")
            lease = self._map[start + key_length : start + key_length + lease_length].decode("utf-8", "replace")
            place = max((at + _VERSIONS, at + _VERSIONS + _VERSION), key=lambda version: _NUMBER.unpack_from(self._map, version)[0])
            spent = int.from_bytes(self._map[place + 8 : place + 24], "little")
            reserved = int.from_bytes(self._map[place + 24 : place + 40], "little")
            yield Left(key, lease, spent, reserved, bool(flags & _IN_FLIGHT), width)

    def open_slot(self, key: str, lease: str, *, in_flight: bool, slice_seconds: float) -> int:
        """A slot for a new lease; returns its place."""
        at = self._free.pop() if self._free else self._used
        if at == self._used:
            self._used += SLOT
            if self._used > len(self._map):
                size = 2 * len(self._map)
                os.ftruncate(self._file.fileno(), size)
                self._map.resize(size)
        self._map[at + _VERSIONS : at + SLOT] = bytes(2 * _VERSION)
        name, identity = key.encode(), lease.encode()
        start = at + _HEAD.size
        self._map[start : start + len(name) + len(identity)] = name + identity
        _HEAD.pack_into(self._map, at, len(name), len(identity), _IN_FLIGHT if in_flight else 0, slice_seconds)
        self._numbers[at] = 0
        return at

    def rename(self, at: int, key: str, lease: str) -> None:
        """The lease goes on under another id."""
        _, _, flags, width = _HEAD.unpack_from(self._map, at)
        name, identity = key.encode(), lease.encode()
        start = at + _HEAD.size
        self._map[start : start + len(name) + len(identity)] = name + identity
        _HEAD.pack_into(self._map, at, len(name), len(identity), flags, width)

    def write(self, at: int, spent: int, reserved: int) -> None:
        """Note what is spent and reserved now."""
        number = self._numbers[at] + 1
        self._numbers[at] = number
        place = at + _VERSIONS + (_VERSION if number & 1 else 0)
        memory = self._map
        memory[place + 8 : place + 40] = spent.to_bytes(16, "little") + reserved.to_bytes(16, "little")
        _NUMBER.pack_into(memory, place, number)

    def close_slot(self, at: int) -> None:
        """The lease has ended and everything is told."""
        self._map[at : at + _HEAD.size] = bytes(_HEAD.size)
        del self._numbers[at]
        self._free.append(at)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
        self._file.close()
