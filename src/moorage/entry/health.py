"""Whether this process lives, and whether it can serve."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

import psycopg
from fastapi import APIRouter, Request, Response
from psycopg_pool import PoolTimeout
from pydantic import BaseModel

from moorage.entry.container import Container
from moorage.entry.counters import Counters
from moorage.infra.database import Database

READY_LIMIT_S = 3.0

router = APIRouter(include_in_schema=False)


class Liveness(BaseModel):
    """The process lives. `counters` tells what it refused since it began."""

    status: Literal["ok"] = "ok"
    counters: Mapping[str, int]


class Readiness(BaseModel):
    """Whether requests can be served, and each thing that it takes."""

    status: Literal["ok", "not_ready"]
    database: Literal["ok", "unreachable"]
    migrations: Literal["ok", "behind", "unknown"]


@router.get("/healthz")
async def check_liveness(request: Request) -> Liveness:
    """Tell that the process lives; asks nobody."""
    counters: Counters = request.app.state.counters
    return Liveness(counters=counters.read())


@router.get("/readyz")
async def check_readiness(request: Request, response: Response) -> Readiness:
    """Tell whether the database answers and has this version's schema; 503 if not."""
    container: Container = request.app.state.container
    readiness = await _readiness(container.database, expected=container.newest_revision)
    if readiness.status != "ok":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return readiness


async def _readiness(database: Database, *, expected: str) -> Readiness:
    try:
        async with asyncio.timeout(READY_LIMIT_S), database.in_platform() as tx:
            found = await tx.value("SELECT version_num FROM alembic_version")
    except psycopg.errors.UndefinedTable:
        return Readiness(status="not_ready", database="ok", migrations="behind")
    except (psycopg.OperationalError, PoolTimeout, TimeoutError):
        return Readiness(status="not_ready", database="unreachable", migrations="unknown")
    if found != expected:
        return Readiness(status="not_ready", database="ok", migrations="behind")
    return Readiness(status="ok", database="ok", migrations="ok")
