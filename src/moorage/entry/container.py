"""What a process is made of: opened at its start, closed at its end, handed to routes and loops in narrow parts."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from psycopg_pool import AsyncConnectionPool

from moorage.channels.accounts import Accounts
from moorage.channels.authorizations import Authorizations
from moorage.connectors.registry import Connectors, ProviderUrls, open_connectors
from moorage.entry.platforms import configured_platforms
from moorage.entry.subscriptions import SUBSCRIPTIONS, SubscriptionTable
from moorage.infra.blobs import BlobStore, open_blob_folder
from moorage.infra.clock import DatabaseClock
from moorage.infra.database import Database
from moorage.infra.http_client import open_provider_client
from moorage.infra.jobs import JobQueue
from moorage.infra.links import SignedLinks
from moorage.infra.pool import open_pool
from moorage.infra.schema_version import newest_revision
from moorage.infra.secrets import SecretBox, parse_keys
from moorage.infra.settings import Settings, required_database_url, required_secret_keys
from moorage.staff.passwords import Passwords

BLOBS = "blobs"
"""The folder below the data folder that pictures and files lie in; every process of an installation sees it."""


@dataclass(frozen=True, slots=True)
class Container:
    """The parts of one process."""

    settings: Settings
    database_url: str
    """For connections that only listen; everything else goes through `database`."""
    pool: AsyncConnectionPool
    clock: DatabaseClock
    database: Database
    box: SecretBox
    links: SignedLinks
    provider_client: httpx.AsyncClient
    connectors: Connectors
    blobs: BlobStore
    passwords: Passwords
    newest_revision: str
    """Of the schema, as this version of the code wants it."""


@asynccontextmanager
async def open_container(settings: Settings) -> AsyncGenerator[Container]:
    """Open the parts that `settings` describe and close them afterwards.

    Raises SettingMissing, PlatformSettingWrong, SecretKeysUnusable, DatabaseUnreachable or UnsafeLogin, each with a
    sentence how to mend it.
    """
    database_url = required_database_url(settings)
    keys = parse_keys(required_secret_keys(settings))
    box = SecretBox(keys)
    platforms = configured_platforms(settings)
    clock = DatabaseClock(clock_file=settings.clock_file)
    async with (
        await open_pool(database_url, size=settings.pool_size) as pool,
        open_provider_client() as provider_client,
    ):
        await clock.measure(pool)
        yield Container(
            settings=settings,
            database_url=database_url,
            pool=pool,
            clock=clock,
            database=Database(
                pool=pool, clock=clock, subscriptions=SubscriptionTable(jobs=JobQueue(), rows=SUBSCRIPTIONS)
            ),
            box=box,
            links=SignedLinks(keys),
            provider_client=provider_client,
            connectors=open_connectors(
                http=provider_client,
                urls=ProviderUrls(
                    wechat_api=settings.wechat_api_url,
                    wechat_mp=settings.wechat_mp_url,
                    wechat_open=settings.wechat_open_url,
                ),
                platforms=platforms,
            ),
            blobs=open_blob_folder(settings.data_dir / BLOBS),
            passwords=Passwords(),
            newest_revision=newest_revision(),
        )


def authorizations_of(parts: Container) -> Authorizations:
    """Return what docks accounts by authorization, in the web process and in the worker alike."""
    return Authorizations(
        database=parts.database,
        box=parts.box,
        connectors=parts.connectors,
        accounts=Accounts(database=parts.database, box=parts.box, connectors=parts.connectors, blobs=parts.blobs),
        public_url=parts.settings.public_url,
    )
