"""Connecting to a ClickHouse server: over HTTP, with the password from the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from breakeven.errors import Unreachable
from breakeven.ledger.clickhouse.facts import ClickHouseFacts, explained
from breakeven.settings.clickhouse import ClickHouseAddress

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CONNECT_SECONDS = 5
ANSWER_SECONDS = 300


def connected(address: ClickHouseAddress, *, create: bool = False) -> Client:
    """A connection to the database of an address, which is made where it is missing and `create` says so. Raises Unreachable."""
    try:
        from clickhouse_connect import get_client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Unreachable(
            "the ledger is in ClickHouse, but its driver is not installed", "Install it: pip install 'breakeven[clickhouse]'"
        ) from error
    with explained(str(address)):
        client = get_client(
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password(os.environ),
            database="default" if create else address.database,
            secure=address.secure,
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=ANSWER_SECONDS,
            autogenerate_session_id=False,
        )
        if create:
            client.command(f"CREATE DATABASE IF NOT EXISTS {address.database}")
            client.database = address.database
    return client


@contextmanager
def facts_at(address: ClickHouseAddress) -> Iterator[ClickHouseFacts]:
    """The facts at an address, to be read."""
    with ClickHouseFacts(connected(address), str(address)) as facts:
        yield facts
