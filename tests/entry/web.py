"""The whole web process on a port of its own, and people who use it."""

import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import SecretStr

from moorage.core.ids import WorkspaceId
from moorage.entry.http import create_app
from moorage.infra.database import Database
from moorage.infra.settings import Settings
from moorage.staff.model import Role
from moorage.staff.operations import create_workspace
from tests.realtime.desk import Colleague, a_colleague
from tests.serving import served

SECRET_KEY = base64.b64encode(b"k" * 32).decode()


def web_settings(database_url: str, *, data_dir: Path | None = None) -> Settings:
    settings = Settings(
        database_url=SecretStr(database_url), secret_keys=SecretStr(SECRET_KEY), public_url="http://desk.example"
    )
    return settings if data_dir is None else settings.model_copy(update={"data_dir": data_dir})


@asynccontextmanager
async def web(database_url: str, *, data_dir: Path | None = None) -> AsyncGenerator[httpx.AsyncClient]:
    """Serve the application; yield a client of somebody who is not signed in."""
    async with (
        served(create_app(web_settings(database_url, data_dir=data_dir)), lifespan=True) as address,
        httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=20) as client,
    ):
        yield client


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody at their browser."""

    colleague: Colleague
    client: httpx.AsyncClient

    @property
    def workspace_id(self) -> WorkspaceId:
        return self.colleague.workspace_id


@asynccontextmanager
async def signed_in(database: Database, client: httpx.AsyncClient, *, role: Role = "owner") -> AsyncGenerator[SignedIn]:
    """Yield somebody of a workspace of their own."""
    workspace_id = await create_workspace(database, name="Harbour Tea")
    colleague = await a_colleague(database, workspace_id=workspace_id, role=role)
    async with httpx.AsyncClient(
        base_url=client.base_url,
        trust_env=False,
        timeout=20,
        cookies={"moorage_session": colleague.session.token},
        headers={"X-CSRF-Token": colleague.session.csrf_token},
    ) as own:
        yield SignedIn(colleague, own)
