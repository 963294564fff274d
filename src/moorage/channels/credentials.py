"""The credentials of a channel: checked against the kind's manifest, sealed at rest, never shown again."""

import json
import re
from collections.abc import Mapping
from typing import cast

from moorage.channels.model import Address
from moorage.connectors.manifest import Manifest
from moorage.core.errors import Malformed, Missing
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx
from moorage.infra.secrets import SecretBox

PLATFORM_ID = "platform_id"
EXTERNAL_ACCOUNT_ID = "external_account_id"


def check_credentials(manifest: Manifest, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return every credential of the kind, trimmed, with defaults for what was left out.

    Raises Malformed with the field and one of `missing`, `mismatch`, `unknown`. Values are never part of the error.
    """
    known = (*manifest.credential_fields, *manifest.optional_credential_fields)
    for name in given.keys() - {field.name for field in known}:
        raise Malformed(field=f"credentials.{name[:40]}", reason="unknown")
    checked: dict[str, str] = {}
    for field in known:
        value = given.get(field.name, "").strip() or field.default
        if value is None:
            raise Malformed(field=f"credentials.{field.name}", reason="missing")
        if not re.fullmatch(field.pattern, value):
            raise Malformed(field=f"credentials.{field.name}", reason="mismatch")
        checked[field.name] = value
    return checked


def seal_credentials(box: SecretBox, credentials: Mapping[str, str], *, channel_id: ChannelId) -> bytes:
    """Return all credentials of a channel, sealed for it alone."""
    return box.seal(json.dumps(dict(credentials)).encode(), context=f"channel-credentials:{channel_id}")


def seal_verification(box: SecretBox, credentials: Mapping[str, str], *, manifest: Manifest, external_id: str) -> bytes:
    """Return, sealed, what verifying a push takes. The account's secret is not among it: pushes do not need it."""
    needed = {name: value for name, value in credentials.items() if name not in manifest.secrets_for_calls}
    return box.seal(json.dumps(needed).encode(), context=_address_context(manifest.kind, external_id))


def seal_platform_verification(
    box: SecretBox,
    *,
    kind: str,
    external_id: str,
    platform_id: str,
    external_account_id: str | None,
    before: Mapping[str, str],
) -> bytes:
    """Return, sealed, by which of our platforms an account pushes, and what it is called there.

    The platform's own keys are not among it: they change for all accounts at once. What stood there before stays, so
    that an account that had its own address goes on being heard there.
    """
    known = {PLATFORM_ID: platform_id, EXTERNAL_ACCOUNT_ID: external_account_id or ""}
    return box.seal(json.dumps({**before, **known}).encode(), context=_address_context(kind, external_id))


def open_verification(box: SecretBox, address: Address) -> Mapping[str, str]:
    """Return the credentials that the pushes of `address` are verified with. Raises SecretUnreadable."""
    return _opened(box, address.verification, context=_address_context(address.kind, address.external_id))


def verifies_itself(verification: Mapping[str, str]) -> bool:
    """Tell whether an account pushes to an address of its own, not only to the one that our platform has for all."""
    return bool(verification.keys() - {PLATFORM_ID, EXTERNAL_ACCOUNT_ID})


async def read_credentials(tx: Tx, *, box: SecretBox, channel_id: ChannelId) -> Mapping[str, str]:
    """Return the opened credentials of a channel. Raises Missing or SecretUnreadable."""
    sealed = await tx.value(
        "SELECT credentials FROM channels WHERE workspace_id = %s AND id = %s", [tx.workspace_id, channel_id]
    )
    if not isinstance(sealed, bytes):
        raise Missing(what="channel")
    return _opened(box, sealed, context=f"channel-credentials:{channel_id}")


async def replace_credentials(tx: Tx, *, box: SecretBox, channel_id: ChannelId, credentials: Mapping[str, str]) -> None:
    """Store `credentials` in place of those of the channel."""
    await tx.execute(
        "UPDATE channels SET credentials = %s WHERE workspace_id = %s AND id = %s",
        [seal_credentials(box, credentials, channel_id=channel_id), tx.workspace_id, channel_id],
    )


def _address_context(kind: str, external_id: str) -> str:
    return f"channel-address:{kind}:{external_id}"


def _opened(box: SecretBox, sealed: bytes, *, context: str) -> Mapping[str, str]:
    return cast("dict[str, str]", json.loads(box.open(sealed, context=context)))
