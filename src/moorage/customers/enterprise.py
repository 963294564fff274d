"""How a channel's company says who its customers are: on or off, the secret that signs its links, what comes along."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from psycopg.types.json import Jsonb

from moorage.core.errors import Malformed, StaleVersion
from moorage.core.ids import ChannelId
from moorage.customers.identity_links import NAME, RESERVED
from moorage.infra.database import Tx
from moorage.infra.secrets import SecretBox

OLD_SECRET_LASTS = timedelta(hours=24)
MOST_ATTRIBUTES = 20
MOST_URL_CHARACTERS = 500
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class EnterpriseIdentity:
    """What a channel's admins have set."""

    enabled: bool
    secret_made_at: datetime | None
    previous_until: datetime | None
    """Until then the secret before the present one is accepted too."""
    attributes: Sequence[str]
    login_url: str | None
    asks_profile: bool
    version: int


NOTHING_SET = EnterpriseIdentity(
    enabled=False,
    secret_made_at=None,
    previous_until=None,
    attributes=(),
    login_url=None,
    asks_profile=False,
    version=0,
)


async def read_enterprise(tx: Tx, *, channel_id: ChannelId) -> EnterpriseIdentity:
    """Return what is set for a channel."""
    row = await tx.row(
        EnterpriseIdentity,
        """
        SELECT enabled, secret_made_at, CASE WHEN previous_until > %s THEN previous_until END AS previous_until,
               attributes, login_url, asks_profile, version
        FROM channel_identity WHERE workspace_id = %s AND channel_id = %s
        """,
        [tx.now, tx.workspace_id, channel_id],
    )
    return row or NOTHING_SET


async def change_enterprise(
    tx: Tx,
    *,
    channel_id: ChannelId,
    enabled: bool,
    attributes: Sequence[str],
    login_url: str | None,
    asks_profile: bool,
    version: int,
) -> None:
    """Set anew what is set for a channel. Raises Malformed, or StaleVersion where somebody was quicker."""
    before = await lock_enterprise(tx, channel_id=channel_id)
    if before.version != version:
        raise StaleVersion(version=before.version)
    await tx.execute(
        """
        UPDATE channel_identity
        SET enabled = %(enabled)s, attributes = %(attributes)s, login_url = %(login_url)s,
            asks_profile = %(asks_profile)s, version = version + 1
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s
        """,
        {
            "enabled": enabled,
            "attributes": Jsonb(list(_checked_names(attributes))),
            "login_url": _checked_url(login_url),
            "asks_profile": asks_profile,
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
        },
    )


async def make_secret(tx: Tx, *, box: SecretBox, channel_id: ChannelId) -> str:
    """Return a new secret, told this once. The one before goes on being accepted for a day."""
    await lock_enterprise(tx, channel_id=channel_id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    await tx.execute(
        """
        UPDATE channel_identity
        SET previous_secret = secret,
            previous_until = CASE WHEN secret IS NULL THEN NULL ELSE %(until)s::timestamptz END,
            secret = %(secret)s, secret_made_at = %(now)s, version = version + 1
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s
        """,
        {
            "until": tx.now + OLD_SECRET_LASTS,
            "secret": box.seal(secret.encode(), context=_context(channel_id)),
            "now": tx.now,
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
        },
    )
    return secret


async def open_secrets(tx: Tx, *, box: SecretBox, channel_id: ChannelId) -> list[str]:
    """Return the secrets that count now, the present one first. Raises SecretUnreadable."""
    row = await tx.row(
        _Secrets,
        """
        SELECT secret, CASE WHEN previous_until > %s THEN previous_secret END AS previous_secret
        FROM channel_identity WHERE workspace_id = %s AND channel_id = %s
        """,
        [tx.now, tx.workspace_id, channel_id],
    )
    sealed = [] if row is None else [one for one in (row.secret, row.previous_secret) if one is not None]
    return [box.open(one, context=_context(channel_id)).decode() for one in sealed]


async def lock_enterprise(tx: Tx, *, channel_id: ChannelId) -> EnterpriseIdentity:
    """Return what is set for a channel, locked, so that one thing after the other happens to its identities.

    Whoever works on a thread has locked that before.
    """
    await tx.execute(
        """
        INSERT INTO channel_identity AS c (workspace_id, channel_id, version) VALUES (%s, %s, 0)
        ON CONFLICT (workspace_id, channel_id) DO UPDATE SET version = c.version
        """,
        [tx.workspace_id, channel_id],
    )
    return await read_enterprise(tx, channel_id=channel_id)


def _checked_names(names: Sequence[str]) -> Sequence[str]:
    """Return names of attributes. Raises Malformed with `too_many`, `mismatch`, `reserved` or `twice`."""
    if len(names) > MOST_ATTRIBUTES:
        raise Malformed(field="attributes", reason="too_many")
    for name in names:
        if not NAME.fullmatch(name):
            raise Malformed(field="attributes", reason="mismatch")
        if name in RESERVED:
            raise Malformed(field="attributes", reason="reserved")
    if len(set(names)) != len(names):
        raise Malformed(field="attributes", reason="twice")
    return names


def _checked_url(url: str | None) -> str | None:
    """Return the address of the company's own page, None for none. Raises Malformed."""
    trimmed = (url or "").strip()
    if not trimmed:
        return None
    try:
        parts = urlsplit(trimmed)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        usable = False
    if not usable or len(trimmed) > MOST_URL_CHARACTERS or not trimmed.isprintable() or " " in trimmed:
        raise Malformed(field="login_url", reason="mismatch")
    return trimmed


def _context(channel_id: ChannelId) -> str:
    return f"identity-secret:{channel_id}"


@dataclass(frozen=True, slots=True)
class _Secrets:
    secret: bytes | None
    previous_secret: bytes | None
