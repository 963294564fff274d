"""Our platform's credentials and ticket: sealed, the newest kept, the environment first."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from moorage.channels.platforms import find_platform, open_platform, read_health, store_platform, store_ticket
from moorage.connectors.failures import CredentialsInvalid
from moorage.connectors.wechat_oa.permissions import PLATFORM_MANIFEST
from moorage.core.errors import Malformed
from moorage.infra.database import Database
from moorage.infra.secrets import SecretBox, SecretUnreadable
from moorage.staff.model import Actor
from moorage.staff.passwords import Passwords
from tests.channels.docking import BOX
from tests.channels.platform_world import KIND, Desk, a_desk, an_actor
from tests.conftest import Heard, MovableClock, a_workspace
from tests.connectors.platform_requests import PLATFORM

OTHER = {**PLATFORM, "appid": "wxc0ffee0000000002"}


@pytest.fixture
async def desk(fresh_database: Database, heard: Heard, tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(fresh_database, heard, tmp_path, configured=False) as opened:
        yield opened


@pytest.fixture
async def actor(fresh_database: Database, passwords: Passwords) -> Actor:
    return await an_actor(fresh_database, passwords, await a_workspace(fresh_database))


async def enter(desk: Desk, actor: Actor, **given: str) -> Mapping[str, str]:
    async with desk.database.in_workspace(actor.workspace_id) as tx:
        stored = await store_platform(
            tx, box=BOX, kind=KIND, manifest=PLATFORM_MANIFEST, given={**PLATFORM, **given}, by=actor.person_id
        )
    return stored.credentials


async def test_what_the_operator_entered_counts_where_the_environment_says_nothing(
    desk: Desk, actor: Actor, heard: Heard, tmp_path: Path
) -> None:
    async with desk.database.in_platform() as tx:
        assert await find_platform(tx, box=BOX, connector=desk.connectors[KIND]) is None
    await enter(desk, actor, **OTHER)
    assert (await desk.platform()).source == "stored"
    assert (await desk.platform()).id == OTHER["appid"]
    async with a_desk(desk.database, heard, tmp_path, configured=True) as configured:
        platform = await configured.platform()
    assert (platform.source, platform.id) == ("env", PLATFORM["appid"])


async def test_what_was_entered_is_sealed(desk: Desk, actor: Actor) -> None:
    await enter(desk, actor)
    async with desk.database.in_platform() as tx:
        row = str(await tx.value("SELECT platform_credentials::text FROM platform_credentials"))
        with pytest.raises(SecretUnreadable):
            await find_platform(tx, box=SecretBox([b"x" * 32]), connector=desk.connectors[KIND])
    for name in ("secret", "token", "aes_key"):
        assert PLATFORM[name] not in row
        assert PLATFORM[name].encode().hex() not in row


async def test_a_secret_that_is_left_out_stays_and_a_key_that_changes_is_kept_beside(desk: Desk, actor: Actor) -> None:
    await enter(desk, actor)
    after = await enter(desk, actor, secret="", aes_key="B" * 43)
    assert after["secret"] == PLATFORM["secret"]
    assert (after["aes_key"], after["previous_aes_key"]) == ("B" * 43, PLATFORM["aes_key"])
    again = await enter(desk, actor, secret="", aes_key="B" * 43)
    assert again["previous_aes_key"] == PLATFORM["aes_key"]


async def test_another_platform_needs_a_secret_of_its_own(desk: Desk, actor: Actor) -> None:
    await enter(desk, actor)
    with pytest.raises(Malformed) as caught:
        await enter(desk, actor, appid=OTHER["appid"], secret="")
    assert (caught.value.field, caught.value.reason) == ("secret", "missing")


@pytest.mark.parametrize("field", ["appid", "secret", "token", "aes_key"])
async def test_a_field_of_the_wrong_form_is_named(field: str, desk: Desk, actor: Actor) -> None:
    with pytest.raises(Malformed) as caught:
        await enter(desk, actor, **{field: "no such thing!"})
    assert (caught.value.field, caught.value.reason) == (field, "mismatch")
    assert "no such thing" not in str(caught.value)


async def test_an_older_ticket_never_replaces_a_newer_one(desk: Desk, actor: Actor) -> None:
    await enter(desk, actor)
    platform, now = await desk.platform(), desk.database.clock.now()
    for ticket, signed_at in (("new", now), ("old", now - timedelta(minutes=10))):
        async with desk.database.in_platform() as tx:
            await store_ticket(tx, box=BOX, platform=platform, ticket=ticket, signed_at=signed_at)
    endpoint = await open_platform(desk.database, box=BOX, connector=desk.connectors[KIND])
    await endpoint.tokens.token(deadline=3600.0 * 24 * 365)
    assert desk.provider.calls[-1].asked["component_verify_ticket"] == "new"


async def test_the_age_of_the_ticket_is_told(desk: Desk, actor: Actor, clock: MovableClock) -> None:
    await enter(desk, actor)
    platform = await desk.platform()

    async def age() -> str:
        async with desk.database.in_platform() as tx:
            return (await read_health(tx, platform=platform, manifest=PLATFORM_MANIFEST)).ticket.age

    assert await age() == "never"
    await desk.ticket()
    assert await age() == "fresh"
    clock.forward(timedelta(hours=12))
    assert await age() == "old"


async def test_the_ticket_of_one_platform_is_not_used_for_another(desk: Desk, actor: Actor) -> None:
    await enter(desk, actor)
    await desk.ticket()
    await enter(desk, actor, **OTHER)
    endpoint = await open_platform(desk.database, box=BOX, connector=desk.connectors[KIND])
    with pytest.raises(CredentialsInvalid, match="ticket_missing"):
        await endpoint.tokens.token(deadline=3600.0 * 24 * 365)


async def test_new_credentials_make_the_old_token_void(desk: Desk, actor: Actor) -> None:
    await enter(desk, actor)
    await desk.ticket()
    endpoint = await open_platform(desk.database, box=BOX, connector=desk.connectors[KIND])
    assert await endpoint.tokens.token(deadline=3600.0 * 24 * 365) == "C1"
    await enter(desk, actor, secret="f" * 32)
    endpoint = await open_platform(desk.database, box=BOX, connector=desk.connectors[KIND])
    assert await endpoint.tokens.token(deadline=3600.0 * 24 * 365) == "C2"
