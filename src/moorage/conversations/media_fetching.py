"""Files that customers send: fetched from the provider at once, looked at, stored, and shown by the message.

A message with a file is stored as `fetching` together with a row of `media_fetches` and a job. The job tries once; what
did not come is tried again when its row is due, first soon, then each hour for as long as the provider keeps files.
Running twice is harmless: who comes second finds the file kept.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from moorage.channels.endpoints import open_endpoint
from moorage.channels.states import note_missing_permission
from moorage.connectors.content import CONTENT, Media
from moorage.connectors.failures import (
    CredentialsInvalid,
    ProviderFailure,
    RefusalReason,
    Refused,
    TryLater,
    Unreachable,
)
from moorage.connectors.manifest import Manifest
from moorage.connectors.registry import Connectors, media_power
from moorage.conversations.budgets import MUTE_CHANNEL_STATES
from moorage.conversations.media import KeptFile
from moorage.conversations.media_files import add_file
from moorage.conversations.media_looking import Found, Looked, Looks, NotFetched
from moorage.conversations.media_messages import change_media, end_fetch, put_off_fetch
from moorage.core.ids import ChannelId, MessageId, ThreadId, WorkspaceId, new_id
from moorage.infra.blobs import Blob, BlobStore
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox, SecretUnreadable
from moorage.media.names import safe_name

FETCH_WITHIN_S = 60.0
LEASE = timedelta(minutes=3)
"""Longer than a try can take; what a dead worker held is tried again after it."""
SOON = (timedelta(seconds=5), timedelta(seconds=20), timedelta(minutes=1), timedelta(minutes=3))
"""After each of the first failures; meanwhile the message still says that its file is being fetched."""
LATER = timedelta(hours=1)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Claimed:
    """A file that is to be fetched now, leased to this try."""

    attempts: int
    thread_id: ThreadId
    content: Mapping[str, object]
    sent_at: datetime
    channel_id: ChannelId
    channel_kind: str
    channel_state: str

    @property
    def media(self) -> Media:
        content = CONTENT.validate_python(self.content)
        if not isinstance(content, Media):
            raise TypeError("only files are fetched")
        return content


@dataclass(frozen=True, slots=True)
class MediaFetcher:
    """Fetches files, one call each."""

    database: Database
    connectors: Connectors
    box: SecretBox
    blobs: BlobStore
    looks: Looks

    async def fetch(self, *, workspace_id: WorkspaceId, message_id: MessageId) -> None:
        """Try to fetch the file of a message, if it is still to be fetched and nobody else is at it."""
        async with self.database.in_workspace(workspace_id) as tx:
            claimed = await _claim(tx, message_id=message_id)
        if claimed is None:
            return
        try:
            looked = await self._get(workspace_id, claimed)
        except NotFetched as failure:
            await self._note_failure(workspace_id, message_id, claimed, failure)
        else:
            await self._keep(workspace_id, message_id, claimed, looked)

    async def _get(self, workspace_id: WorkspaceId, claimed: _Claimed) -> Looked:
        """Return the file after looking at it. Raises NotFetched."""
        connector = self.connectors[claimed.channel_kind]
        power, media = media_power(connector), claimed.media
        most_bytes = connector.manifest.fetchable_media.get(media.type)
        if power is None or most_bytes is None:
            raise NotFetched(reason="kind_not_allowed", state="refused")
        if claimed.channel_state in MUTE_CHANNEL_STATES:
            raise NotFetched(reason="channel_state")
        try:
            endpoint = await open_endpoint(
                self.database,
                box=self.box,
                connectors=self.connectors,
                workspace_id=workspace_id,
                channel_id=claimed.channel_id,
            )
            deadline = asyncio.get_running_loop().time() + FETCH_WITHIN_S
            content = await power.fetch_media(endpoint, media, most_bytes=most_bytes, deadline=deadline)
        except SecretUnreadable as error:
            raise NotFetched(reason="secret_unreadable") from error
        except ProviderFailure as failure:
            raise _judged(failure) from failure
        kept_anyway = claimed.attempts > len(SOON)
        return await self.looks.look(media, content, kept_anyway=kept_anyway)

    async def _keep(self, workspace_id: WorkspaceId, message_id: MessageId, claimed: _Claimed, looked: Looked) -> None:
        stored = [await self._store(workspace_id, claimed, looked.file)]
        if looked.playable not in (None, looked.file):
            stored.append(await self._store(workspace_id, claimed, looked.playable or looked.file))
        told = {"duration_s": looked.duration_s, "flaw": looked.flaw}
        if looked.playable is not None:
            told["playable_blob_id"] = str(stored[-1].blob.id)

        async def keep(tx: Tx) -> bool:
            return await _keep_files(tx, message_id=message_id, stored=stored, told=told)

        if not await self.database.run(workspace_id, keep):
            for one in stored:
                await self.blobs.remove(one.blob)  # somebody else was first
        size = stored[0].blob.size_bytes
        log.info("media_kept", message_id=str(message_id), workspace_id=str(workspace_id), bytes=size, flaw=looked.flaw)

    async def _store(self, workspace_id: WorkspaceId, claimed: _Claimed, found: Found) -> "_Stored":
        blob = await self.blobs.keep(
            workspace_id=workspace_id, blob_id=new_id(), content=found.content, media_type=found.media_type
        )
        file = KeptFile(
            id=blob.id,
            thread_id=claimed.thread_id,
            kind=claimed.media.type,
            media_type=found.media_type,
            size_bytes=blob.size_bytes,
            width=found.width,
            height=found.height,
            name=safe_name("", media_type=found.media_type, fallback=f"{claimed.media.type}-{str(blob.id)[-8:]}"),
            uploaded_by=None,
            was_sent=True,
        )
        return _Stored(blob=blob, file=file)

    async def _note_failure(
        self, workspace_id: WorkspaceId, message_id: MessageId, claimed: _Claimed, failure: NotFetched
    ) -> None:
        manifest = self.connectors[claimed.channel_kind].manifest

        async def note(tx: Tx) -> None:
            await _record_failure(tx, message_id=message_id, claimed=claimed, failure=failure, manifest=manifest)
            if isinstance(failure.__cause__, ProviderFailure):
                await note_missing_permission(tx, channel_id=claimed.channel_id, failure=failure.__cause__)

        await self.database.run(workspace_id, note)
        log.warning(
            "media_not_fetched",
            message_id=str(message_id),
            workspace_id=str(workspace_id),
            reason=failure.reason,
            attempts=claimed.attempts,
        )


async def _claim(tx: Tx, *, message_id: MessageId) -> _Claimed | None:
    return await tx.row(
        _Claimed,
        """
        WITH claimed AS (
          UPDATE media_fetches SET attempts = attempts + 1, lease_until = %(lease_until)s
          WHERE workspace_id = %(workspace_id)s AND message_id = %(message_id)s
            AND (lease_until IS NULL OR lease_until < %(now)s)
          RETURNING workspace_id, message_id, attempts
        )
        SELECT c.attempts, m.thread_id, m.content, m.sent_at, t.channel_id, h.kind AS channel_kind,
               h.state AS channel_state
        FROM claimed c
        JOIN messages m ON m.workspace_id = c.workspace_id AND m.id = c.message_id
        JOIN threads t ON t.workspace_id = m.workspace_id AND t.id = m.thread_id
        JOIN channels h ON h.workspace_id = t.workspace_id AND h.id = t.channel_id
        """,
        {
            "workspace_id": tx.workspace_id,
            "message_id": message_id,
            "now": tx.now,
            "lease_until": tx.now + LEASE,
        },
    )


@dataclass(frozen=True, slots=True)
class _Stored:
    """A file in the store, and what is to be written down of it."""

    blob: Blob
    file: KeptFile


async def _keep_files(tx: Tx, *, message_id: MessageId, stored: Sequence[_Stored], told: Mapping[str, object]) -> bool:
    """Write the files down and show the first; False if the message has one already."""
    file = stored[0].file
    kept = file.as_content()
    names = ("state", "blob_id", "media_type", "size_bytes", "width", "height", "name")
    whole = {**{name: getattr(kept, name) for name in names}, **told, "reason": None}
    if not await change_media(tx, thread_id=file.thread_id, message_id=message_id, told=whole):
        return False
    for one in stored:
        await add_file(tx, blob=one.blob, file=one.file)
    await end_fetch(tx, message_id=message_id)
    return True


async def _record_failure(
    tx: Tx, *, message_id: MessageId, claimed: _Claimed, failure: NotFetched, manifest: Manifest
) -> None:
    """Say in the message why its file did not come, unless another try follows soon; and when that is."""
    if not failure.is_final and tx.now >= claimed.sent_at + manifest.media_kept_for:
        failure = NotFetched(reason="expired", state="expired")
    if failure.is_final:
        await change_media(tx, thread_id=claimed.thread_id, message_id=message_id, told=_told(failure))
        await end_fetch(tx, message_id=message_id)
        return
    soon = claimed.attempts <= len(SOON)
    if not soon:
        await change_media(tx, thread_id=claimed.thread_id, message_id=message_id, told=_told(failure))
    wait = SOON[claimed.attempts - 1] if soon else LATER
    await put_off_fetch(tx, message_id=message_id, until=tx.now + wait)


def _told(failure: NotFetched) -> Mapping[str, object]:
    return {"state": failure.state, "reason": failure.reason}


def _judged(failure: ProviderFailure) -> NotFetched:
    """Return what the provider's answer means for the file."""
    match failure:
        case Refused(reason=RefusalReason.MEDIA_GONE):
            return NotFetched(reason="expired", state="expired")
        case Refused(reason=RefusalReason.TOO_LARGE):
            return NotFetched(reason="too_large", state="refused")
        case Refused(reason=reason) | CredentialsInvalid(reason=reason):
            return NotFetched(reason=reason)
        case TryLater():
            return NotFetched(reason="provider_busy")
        case Unreachable():
            return NotFetched(reason="provider_unreachable")
        case _:
            return NotFetched(reason="other")
