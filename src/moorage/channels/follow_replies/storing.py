"""Reading and writing what an account says to who follows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from moorage.channels.follow_replies.checking import FollowReplyInvalid, Ground, faults_of
from moorage.channels.follow_replies.model import FollowReply
from moorage.channels.follow_replies.pictures import pictures_of, share_pictures, use_pictures
from moorage.connectors.manifest import Manifest
from moorage.core.errors import StaleVersion
from moorage.core.ids import ChannelId, PersonId
from moorage.infra.audit import write_audit
from moorage.infra.database import Fact, Tx


@dataclass(frozen=True, slots=True)
class StoredFollowReply:
    """What is set for one channel. `version` 0: nothing was saved yet."""

    reply: FollowReply
    version: int
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Row:
    reply: Mapping[str, object]
    version: int
    changed_at: datetime


async def read_follow_reply(tx: Tx, *, channel_id: ChannelId) -> StoredFollowReply:
    """Return what is set for a channel; nothing, and switched off, where nobody has saved anything."""
    row = await tx.row(
        _Row,
        "SELECT reply, version, changed_at FROM follow_replies WHERE workspace_id = %s AND channel_id = %s",
        [tx.workspace_id, channel_id],
    )
    if row is None:
        return StoredFollowReply(reply=FollowReply(), version=0, changed_at=None)
    return StoredFollowReply(
        reply=FollowReply.model_validate(row.reply), version=row.version, changed_at=row.changed_at
    )


async def save_follow_reply(
    tx: Tx,
    *,
    channel_id: ChannelId,
    reply: FollowReply,
    version: int,
    manifest: Manifest,
    by: PersonId,
    remote_address: str,
) -> StoredFollowReply:
    """Set what a channel says to who follows it, and return it.

    `version` is the one that the person has seen. Raises FollowReplyInvalid or StaleVersion.
    """
    ground = Ground(
        manifest=manifest,
        picture_ids={picture.id for picture in await pictures_of(tx, channel_id=channel_id)},
    )
    faults = faults_of(reply, ground=ground)
    if faults:
        raise FollowReplyInvalid(faults=[fault.model_dump() for fault in faults])
    before = await read_follow_reply(tx, channel_id=channel_id)
    if before.version != version:
        raise StaleVersion(version=before.version)
    return await _write(
        tx,
        channel_id=channel_id,
        before=before,
        reply=reply,
        act="channel.follow_reply_changed",
        by=by,
        remote_address=remote_address,
    )


async def copy_follow_reply(tx: Tx, *, source: ChannelId, target: ChannelId, by: PersonId, remote_address: str) -> bool:
    """Set for one channel what is set for another; False where it is so already."""
    reply = (await read_follow_reply(tx, channel_id=source)).reply
    before = await read_follow_reply(tx, channel_id=target)
    if before.reply == reply:
        return False
    await share_pictures(tx, source=source, target=target, picture_ids=list(reply.picture_ids()))
    await _write(
        tx,
        channel_id=target,
        before=before,
        reply=reply,
        act="channel.follow_reply_copied",
        by=by,
        remote_address=remote_address,
    )
    return True


async def _write(
    tx: Tx,
    *,
    channel_id: ChannelId,
    before: StoredFollowReply,
    reply: FollowReply,
    act: str,
    by: PersonId,
    remote_address: str,
) -> StoredFollowReply:
    written = await tx.row(
        _Row,
        """
        INSERT INTO follow_replies AS f (workspace_id, channel_id, reply, version, changed_at)
        VALUES (%(workspace_id)s, %(channel_id)s, %(reply)s, 1, %(now)s)
        ON CONFLICT (workspace_id, channel_id) DO UPDATE
          SET reply = excluded.reply, version = f.version + 1, changed_at = excluded.changed_at
          WHERE f.version = %(version)s
        RETURNING reply, version, changed_at
        """,
        {
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
            "reply": Jsonb(reply.model_dump(mode="json")),
            "version": before.version,
            "now": tx.now,
        },
    )
    if written is None or written.version != before.version + 1:
        raise StaleVersion(version=(await read_follow_reply(tx, channel_id=channel_id)).version)
    await use_pictures(tx, channel_id=channel_id, picture_ids=list(reply.picture_ids()))
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act=act,
        object_kind="channel",
        object_id=channel_id,
        before={"follow_reply": before.reply.model_dump(mode="json")},
        after={"follow_reply": reply.model_dump(mode="json")},
    )
    tx.record(
        Fact(
            topic="channel.follow_reply_changed",
            object_id=channel_id,
            version=written.version,
            audience=("all",),
            payload={"channel_id": str(channel_id), "version": written.version},
        )
    )
    return StoredFollowReply(reply=reply, version=written.version, changed_at=written.changed_at)
