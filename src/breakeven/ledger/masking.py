"""Disguise and erasure of facts that are on their way into the ledger: in SQL, on a table that is about to be written.

`erased.json` remembers whom the ledger has forgotten, as salted hashes: what was under way at that moment, or is imported later
from an old export, loses the name as well. What somebody does after the erasure is theirs again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec

from breakeven.errors import LedgerDamaged
from breakeven.governance.privacy import COLUMN, ERASED, Pseudonyms, pads
from breakeven.ledger.layout import Layout, write_durably

FILE = "erased.json"
IDENTIFYING: Mapping[str, tuple[str, ...]] = {
    "calls": ("user_id", "trace_id", "tags", "source_ref"),
    "cost_lines": ("user_id",),
    "outcomes": ("user_id", "trace_id", "tags", "source_ref"),
}
"""What tells of one fact whose it was: the user, and what leads to the user in another system."""


_ADDRESS = r"[\pL\pN_.+-]+@[\pL\pN_-]+(?:\.[\pL\pN_-]+)+"
"""An e-mail address, as `governance.capture` finds it, for an engine without look-behind that needs no bounds."""


class Erasure(msgspec.Struct, frozen=True):
    """One forgotten user: SHA-256 of salt and name, and until when; `at` is naive UTC."""

    digest: str
    at: str


class _Erasures(msgspec.Struct):
    salt: str
    erased: list[Erasure] = []


def remember(layout: Layout, names: Iterable[str], at: datetime) -> str:
    """Note durably that these names of one person are forgotten; returns the first one's digest, by which the log knows it."""
    found = _read(layout) or _Erasures(secrets.token_hex(16))
    made = [Erasure(_digest(found.salt, name), at.isoformat(timespec="microseconds")) for name in names]
    gone = {each.digest for each in made}
    found.erased = [each for each in found.erased if each.digest not in gone] + made
    write_durably(layout.root / FILE, msgspec.json.format(msgspec.json.encode(found), indent=1))
    return made[0].digest


def forgotten(layout: Layout) -> tuple[str, list[Erasure]]:
    """The salt, and everybody whom the ledger has forgotten, for whoever keeps a copy of it. Raises LedgerDamaged."""
    found = _read(layout)
    return ("", []) if found is None else (found.salt, list(found.erased))


def mask(connection: duckdb.DuckDBPyConnection, layout: Layout, table: str, pseudonyms: Pseudonyms | None = None) -> None:
    """Take out of a temporary table whoever is erased, and disguise whoever is to be disguised."""
    columns = {row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()}
    if pseudonyms is not None:
        for dimension in pseudonyms.dimensions:
            if COLUMN[dimension] in columns:
                _disguise(connection, table, COLUMN[dimension], dimension, pseudonyms, tagged="tags" in columns)
        if "user" in pseudonyms.dimensions and "tags" in columns:
            told = f"UPDATE {table} SET tags = regexp_replace(tags, $address, '[email]', 'g') WHERE contains(tags, '@')"
            connection.execute(told, {"address": _ADDRESS})
    found = _read(layout)
    if found is not None and found.erased and {"user_id", "occurred_at"} <= columns:
        cleared = "".join(f", {name} = NULL" for name in IDENTIFYING["calls"][1:] if name in columns)
        connection.execute(
            f"UPDATE {table} SET user_id = $erased{cleared}"
            f" FROM (SELECT unnest($digests) AS digest, unnest($ends)::TIMESTAMP AS ends) AS gone"
            " WHERE user_id IS NOT NULL AND occurred_at <= ends AND sha256($salt || user_id) = digest",
            {
                "erased": ERASED,
                "salt": found.salt,
                "digests": [each.digest for each in found.erased],
                "ends": [each.at for each in found.erased],
            },
        )


def _disguise(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, dimension: str, pseudonyms: Pseudonyms, *, tagged: bool
) -> None:
    """HMAC-SHA256 in SQL, once for each distinct name; the same as `governance.privacy.pseudonym`.

    A tag whose whole value is the name gets the pseudonym too: tags are written without space, by us.
    """
    inner, outer = pads(pseudonyms.key)
    tags = ", tags = replace(tags, ':' || to_json(names.name), ':' || to_json(disguised))" if tagged else ""
    connection.execute(
        f"""
        UPDATE {table} SET {column} = disguised{tags} FROM (
            SELECT name, 'p:' ||
                sha256($outer::BLOB || unhex(sha256($inner::BLOB || encode($dimension || ':' || name))))[:32] AS disguised
            FROM (SELECT DISTINCT {column} AS name FROM {table} WHERE {column} IS NOT NULL)
            WHERE NOT regexp_full_match(name, 'p:[0-9a-f]{{32}}') AND name <> $erased
        ) AS names WHERE {table}.{column} = names.name""",
        {"inner": inner, "outer": outer, "dimension": dimension, "erased": ERASED},
    )


def _digest(salt: str, name: str) -> str:
    return hashlib.sha256((salt + name).encode()).hexdigest()


def _read(layout: Layout) -> _Erasures | None:
    path: Path = layout.root / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Erasures)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise LedgerDamaged(f"{path} is damaged: {error}", "Restore it from a backup: erased users could come back.") from error
