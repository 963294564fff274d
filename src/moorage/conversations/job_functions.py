"""Which function each job of conversations runs."""

from functools import partial

from moorage.connectors.registry import Connectors
from moorage.conversations.jobs import (
    FETCH_DUE_MEDIA,
    FETCH_MEDIA,
    HIDE_WRITING,
    PUSH_REMARK,
    READ_PROFILE,
    SHOW_WRITING,
    SWEEP_UPLOADS,
)
from moorage.conversations.media_fetching import MediaFetcher
from moorage.conversations.media_looking import Looks
from moorage.conversations.media_upkeep import fetch_due_media, sweep_uploads
from moorage.conversations.people.profiles import Profiles
from moorage.conversations.people.remarks import Remarks
from moorage.conversations.writing_shown import WritingShower
from moorage.infra.blobs import BlobStore
from moorage.infra.database import Database
from moorage.infra.jobs import JobFunctions
from moorage.infra.secrets import SecretBox
from moorage.media.pictures import Pictures
from moorage.media.voices import Voices


def conversation_jobs(
    *, database: Database, box: SecretBox, connectors: Connectors, blobs: BlobStore, profiles: Profiles
) -> JobFunctions:
    """Return which function each job of conversations runs."""
    looks = Looks(pictures=Pictures(), voices=Voices())
    fetcher = MediaFetcher(database=database, connectors=connectors, box=box, blobs=blobs, looks=looks)
    shower = WritingShower(database=database, connectors=connectors, box=box)
    remarks = Remarks(database=database, connectors=connectors, box=box)
    return {
        FETCH_MEDIA: fetcher.fetch,
        FETCH_DUE_MEDIA: partial(fetch_due_media, database),
        SWEEP_UPLOADS: partial(sweep_uploads, database, blobs=blobs),
        SHOW_WRITING: shower.show,
        HIDE_WRITING: shower.hide,
        READ_PROFILE: profiles.read,
        PUSH_REMARK: remarks.push,
    }
