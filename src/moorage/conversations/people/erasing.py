"""Erasing what a customer has said and sent, and what is known of them. Messages stay, empty, so that counts do."""

from collections.abc import Mapping
from dataclasses import dataclass

from moorage.conversations.audiences import audience_of
from moorage.conversations.open_thread import CONVERSATION
from moorage.conversations.people.profiles import fallback_of
from moorage.conversations.people.telling import lock_customer, tell_of_customer, tell_of_identities
from moorage.conversations.people.traces import Gone, erase_names, erase_words
from moorage.core.ids import CustomerId, ThreadId
from moorage.customers.model import CustomerRecord
from moorage.customers.records import forget_customer, forget_profile, read_customer
from moorage.infra.blobs import Blob
from moorage.infra.database import Fact, Tx

TOPIC = "thread.erased"
ERASED = "erased"
OUR_NOTICES = ("agent_left", "channel_muted", "channel_restored", "not_said")
"""Lines about what staff and accounts did, which stay. What a customer did goes, like their words."""


async def erase_customer(tx: Tx, *, customer_id: CustomerId) -> list[Blob]:
    """Erase a customer's profile, texts and files, and return what is to be removed from the store after the commit."""
    thread_id = await lock_customer(tx, customer_id=customer_id)
    customer = await read_customer(tx, customer_id=customer_id)
    fallback = await fallback_of(tx, customer=customer)
    blobs = await _blobs_of(tx, thread_id=thread_id, customer=customer)
    await _stop_sending(tx, thread_id=thread_id)
    await _empty_messages(tx, thread_id=thread_id)
    await _forget_files(tx, thread_id=thread_id)
    await _forget_links(tx, customer=customer)
    await forget_customer(tx, before=customer, fallback=fallback)
    gone = Gone(customer_id=customer_id, thread_id=thread_id, blob_ids=[blob.id for blob in blobs], name=fallback)
    await erase_words(tx, gone=gone)
    await erase_names(tx, gone=gone)
    await tx.execute(
        "DELETE FROM blobs WHERE workspace_id = %s AND id = ANY(%s)", [tx.workspace_id, [blob.id for blob in blobs]]
    )
    await _tell(tx, thread_id=thread_id)
    await tell_of_customer(tx, customer_id=customer_id)
    return blobs


async def forget_name_and_picture(tx: Tx, *, customer_id: CustomerId) -> list[Blob]:
    """Forget what a customer is called and looks like, and return what is to be removed from the store then."""
    thread_id = await lock_customer(tx, customer_id=customer_id)
    customer = await read_customer(tx, customer_id=customer_id)
    picture = await _picture_of(tx, customer=customer)
    fallback = await fallback_of(tx, customer=customer)
    await forget_profile(tx, before=customer, fallback=fallback)
    name = customer.remark_name or fallback
    gone = Gone(customer_id=customer_id, thread_id=thread_id, blob_ids=[blob.id for blob in picture], name=name)
    await erase_names(tx, gone=gone)
    await tx.execute(
        "DELETE FROM blobs WHERE workspace_id = %s AND id = ANY(%s)", [tx.workspace_id, [blob.id for blob in picture]]
    )
    await tell_of_customer(tx, customer_id=customer_id)
    return picture


async def _blobs_of(tx: Tx, *, thread_id: ThreadId, customer: CustomerRecord) -> list[Blob]:
    files = await tx.rows(
        Blob,
        """
        SELECT b.id, b.path, b.media_type, b.bytes AS size_bytes, b.sha256
        FROM media_files f JOIN blobs b ON b.workspace_id = f.workspace_id AND b.id = f.id
        WHERE f.workspace_id = %s AND f.thread_id = %s
        """,
        [tx.workspace_id, thread_id],
    )
    return [*files, *await _picture_of(tx, customer=customer)]


async def _picture_of(tx: Tx, *, customer: CustomerRecord) -> list[Blob]:
    return await tx.rows(
        Blob,
        """
        SELECT id, path, media_type, bytes AS size_bytes, sha256 FROM blobs WHERE workspace_id = %s AND id = %s
        """,
        [tx.workspace_id, customer.avatar_blob_id],
    )


async def _stop_sending(tx: Tx, *, thread_id: ThreadId) -> None:
    """Let nothing go out that has not begun to: its words are gone."""
    await tx.execute(
        "UPDATE deliveries SET state = 'failed' WHERE workspace_id = %s AND thread_id = %s AND state = 'queued'",
        [tx.workspace_id, thread_id],
    )
    await tx.execute(
        """
        UPDATE messages SET delivery_state = 'failed', delivery_reason = %s
        WHERE workspace_id = %s AND thread_id = %s AND delivery_state IN ('queued', 'waiting')
        """,
        [ERASED, tx.workspace_id, thread_id],
    )


async def _empty_messages(tx: Tx, *, thread_id: ThreadId) -> None:
    """Leave of each message who wrote it, when, and of what kind it was. `OUR_NOTICES` stay as they are."""
    await tx.execute(
        """
        UPDATE messages
        SET content = jsonb_build_object('type', 'erased', 'version', 1, 'others', '{}'::jsonb, 'kind',
                                         content ->> 'type'),
            version = version + 1
        WHERE workspace_id = %s AND thread_id = %s AND content ->> 'type' <> 'erased'
          AND (content ->> 'type' <> 'notice' OR content ->> 'key' <> ALL(%s))
        """,
        [tx.workspace_id, thread_id, list(OUR_NOTICES)],
    )
    await tx.execute(
        """
        UPDATE conversations
        SET last_message = last_message || '{"preview": "", "type": "erased"}'
        WHERE workspace_id = %s AND thread_id = %s AND last_message <> '{}'
        """,
        [tx.workspace_id, thread_id],
    )


async def _forget_files(tx: Tx, *, thread_id: ThreadId) -> None:
    await tx.execute(
        "DELETE FROM media_fetches WHERE workspace_id = %s AND thread_id = %s", [tx.workspace_id, thread_id]
    )
    await tx.execute("DELETE FROM media_files WHERE workspace_id = %s AND thread_id = %s", [tx.workspace_id, thread_id])


async def _forget_links(tx: Tx, *, customer: CustomerRecord) -> None:
    """Forget what links said of the customer, also those that somebody else has opened."""
    theirs = {
        "workspace_id": tx.workspace_id,
        "customer_id": customer.id,
        "channel_id": customer.channel_id,
        "user_id": customer.company_user_id,
    }
    forgotten = await tx.execute(
        """
        DELETE FROM identity_conflicts
        WHERE workspace_id = %(workspace_id)s
          AND (%(customer_id)s IN (customer_id, holder_id)
               OR (channel_id = %(channel_id)s AND user_id = %(user_id)s))
        """,
        theirs,
    )
    await tx.execute(
        """
        DELETE FROM identity_questions
        WHERE workspace_id = %(workspace_id)s
          AND (customer_id = %(customer_id)s OR (channel_id = %(channel_id)s AND user_id = %(user_id)s))
        """,
        theirs,
    )
    await tx.execute(
        "DELETE FROM identity_link_uses WHERE workspace_id = %s AND customer_id = %s", [tx.workspace_id, customer.id]
    )
    if forgotten:
        tell_of_identities(tx, channel_id=customer.channel_id)


async def _tell(tx: Tx, *, thread_id: ThreadId) -> None:
    rows = await tx.rows(
        _ConversationRow,
        "SELECT to_jsonb(c) AS conversation FROM conversations c WHERE workspace_id = %s AND thread_id = %s",
        [tx.workspace_id, thread_id],
    )
    audience = {"role:supervisor"}
    for row in rows:
        audience |= audience_of(CONVERSATION.validate_python(row.conversation))
    tx.record(
        Fact(
            topic=TOPIC,
            object_id=thread_id,
            version=0,
            audience=tuple(sorted(audience)),
            payload={"thread_id": str(thread_id)},
        )
    )


@dataclass(frozen=True, slots=True)
class _ConversationRow:
    conversation: Mapping[str, object]
