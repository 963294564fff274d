"""Waiting for PostgreSQL's NOTIFY, on a connection of its own, without ever trusting it alone."""

import asyncio
from collections.abc import AsyncGenerator

import psycopg
import structlog
from psycopg import sql

CONNECT_LIMIT_S = 5
RETRY_AFTER_S = 0.5

log = structlog.get_logger()


async def wake_ups(*, url: str, channel: str, at_least_every_s: float) -> AsyncGenerator[frozenset[str]]:
    """Yield the payloads that arrived together on `channel`, for as long as the caller goes on.

    An empty set means "look for yourself": it comes after every connection that is made, because what was notified
    before is lost, and whenever nothing came for `at_least_every_s`, also while the database is away. Close the
    generator (`contextlib.aclosing`) to give the connection back.
    """
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                url, autocommit=True, application_name=f"moorage {channel}", connect_timeout=CONNECT_LIMIT_S
            ) as connection:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                while True:
                    yield frozenset()
                    while payloads := await _next_batch(connection, limit_s=at_least_every_s):
                        yield payloads
        except psycopg.OperationalError:
            log.warning("listening_interrupted", channel=channel)
        await asyncio.sleep(RETRY_AFTER_S)
        yield frozenset()


async def _next_batch(connection: psycopg.AsyncConnection, *, limit_s: float) -> frozenset[str]:
    return frozenset([notice.payload async for notice in connection.notifies(timeout=limit_s, stop_after=1)])
