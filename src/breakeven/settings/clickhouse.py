"""Where the ledger's facts are in ClickHouse, besides or instead of the DuckDB file that reports ask otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from breakeven.errors import UsageError
from breakeven.yamlfields import Fields, Problems
from breakeven.yamlfile import Node

SCHEMES = {"clickhouse": False, "clickhouses": True}
PASSWORD_VARIABLE = "BREAKEVEN_CLICKHOUSE_PASSWORD"  # noqa: S105 - the name of a variable, no password
ENGINES = ("duckdb", "clickhouse")
FIELDS = ("url", "retention_days")
LEDGER_FIELDS = ("path", "clickhouse", "answers")
_PLAIN, _SECURE = 8123, 8443
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SHAPE = "clickhouse://user@host:8123/database (clickhouses:// for TLS)"


@dataclass(frozen=True, slots=True)
class ClickHouseAddress:
    """One database of a ClickHouse server, over its HTTP interface. The password stands in an environment variable."""

    host: str
    port: int
    user: str
    database: str
    secure: bool
    password_variable: str = PASSWORD_VARIABLE

    def __str__(self) -> str:
        scheme = "clickhouses" if self.secure else "clickhouse"
        return f"{scheme}://{self.user}@{self.host}:{self.port}/{self.database}"

    def password(self, environment: Mapping[str, str]) -> str:
        """The password, empty where the variable is not set."""
        return environment.get(self.password_variable, "")


@dataclass(frozen=True, slots=True)
class ClickHouseSettings:
    """Where sealed segments are shipped, how many days single facts are kept there (None: for good), and whether reports ask it."""

    address: ClickHouseAddress
    retention_days: int | None = None
    answers: bool = False


def is_clickhouse(text: str) -> bool:
    """Whether a text is an address of ClickHouse rather than a path."""
    return text.partition("://")[0].lower() in SCHEMES and "://" in text


def parse_address(text: str) -> ClickHouseAddress:
    """The address in a URL such as `clickhouse://user@host:8123/database?password_env=NAME`. Raises UsageError."""
    try:
        parts = urlsplit(text)
        port = parts.port
        options = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise UsageError(f"the address {_hidden(text)!r} cannot be read", f"Write it as {_SHAPE}.") from None
    if parts.scheme.lower() not in SCHEMES or not parts.hostname:
        raise UsageError(f"{_hidden(text)!r} is no address of ClickHouse", f"Write it as {_SHAPE}.")
    if parts.password is not None:
        raise UsageError(
            "the address of ClickHouse holds a password",
            f"Put it into an environment variable, and its name into the address: ?password_env={PASSWORD_VARIABLE}.",
        )
    if unknown := options.keys() - {"password_env"}:
        raise UsageError(f"the address of ClickHouse has an unknown option {min(unknown)!r}", "Known: password_env.")
    database = parts.path.strip("/") or "breakeven"
    if not _NAME.match(database):
        raise UsageError(f"the database {database!r} of ClickHouse is no plain name", "Use letters, digits and underscores.")
    secure = SCHEMES[parts.scheme.lower()]
    return ClickHouseAddress(
        host=parts.hostname,
        port=port or (_SECURE if secure else _PLAIN),
        user=unquote(parts.username or "default"),
        database=database,
        secure=secure,
        password_variable=options.get("password_env", PASSWORD_VARIABLE),
    )


def clickhouse_of(ledger: Node | None, problems: Problems) -> ClickHouseSettings | None:
    """What the section `ledger` says of ClickHouse: an address instead of a directory, or `clickhouse` and `answers`."""
    if ledger is None:
        return None
    if ledger.mapping is None:
        return _settings(ledger, ledger.value, None, answers=True, problems=problems) if is_clickhouse(str(ledger.value)) else None
    fields = Fields(ledger, "ledger", LEDGER_FIELDS, problems)
    answers = fields.choice("answers", ENGINES, "duckdb") == "clickhouse"
    node = fields.get("clickhouse")
    if node is None or node.value is None:
        if answers:
            problems.add(ledger, "ledger: answers is clickhouse, but no clickhouse is named", f"Add `clickhouse: {_SHAPE}`.")
        return None
    if node.mapping is None:
        return _settings(node, node.value, None, answers=answers, problems=problems)
    own = Fields(node, "ledger: clickhouse", FIELDS, problems)
    kept = own.number("retention_days", low="1")
    return _settings(node, own.text("url", required=True), None if kept is None else int(kept), answers=answers, problems=problems)


def _settings(node: Node, url: object, days: int | None, *, answers: bool, problems: Problems) -> ClickHouseSettings | None:
    if url is None:
        return None
    try:
        return ClickHouseSettings(parse_address(str(url)), days, answers)
    except UsageError as error:
        problems.add(node, f"ledger: {error.what}", error.remedy)
        return None


def _hidden(text: str) -> str:
    """The address without what may be a password."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", text)
