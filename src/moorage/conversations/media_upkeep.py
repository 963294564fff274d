"""What is looked after by the clock: files that are due to be fetched, and uploads that nobody sent."""

from datetime import timedelta

from moorage.channels.follow_replies.pictures import UnusedPicture, remove_unused_picture, unused_pictures
from moorage.conversations.media_files import UnsentUpload, remove_unsent, unsent_uploads
from moorage.conversations.media_messages import due_fetches, write_due_job
from moorage.infra.blobs import BlobMissing, BlobStore, find_blob
from moorage.infra.database import Database, Tx

AT_ONCE = 200
UNSENT_KEPT = timedelta(days=1)


async def fetch_due_media(database: Database) -> int:
    """Write a job for each file that is due to be tried again, and return how many those are."""
    async with database.as_system() as tx:
        due = await due_fetches(tx, most=AT_ONCE)
    for fetch in due:
        async with database.in_workspace(fetch.workspace_id) as tx:
            await write_due_job(tx, due=fetch)
    return len(due)


async def sweep_uploads(database: Database, *, blobs: BlobStore) -> int:
    """Remove uploads that were neither sent nor set within a day, and return how many those were."""
    removed = 0
    while True:
        async with database.as_system() as tx:
            found: list[UnsentUpload | UnusedPicture] = [
                *await unsent_uploads(tx, older_than=UNSENT_KEPT, most=AT_ONCE),
                *await unused_pictures(tx, older_than=UNSENT_KEPT, most=AT_ONCE),
            ]
        for upload in found:
            removed += await _remove(database, blobs=blobs, upload=upload)
        if len(found) < AT_ONCE:
            return removed


async def _remove(database: Database, *, blobs: BlobStore, upload: UnsentUpload | UnusedPicture) -> bool:
    async with database.in_workspace(upload.workspace_id) as tx:
        try:
            blob = await find_blob(tx, blob_id=upload.id)
        except BlobMissing:
            return False
        if not await _forget(tx, upload):
            return False
    await blobs.remove(blob)  # only now nothing refers to it; what a crash leaves here does no harm
    return True


async def _forget(tx: Tx, upload: UnsentUpload | UnusedPicture) -> bool:
    """Delete the rows of an upload; False if it was used meanwhile."""
    if isinstance(upload, UnusedPicture):
        return await remove_unused_picture(tx, picture_id=upload.id)
    return await remove_unsent(tx, upload_id=upload.id)
