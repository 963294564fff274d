"""Which function each job of reception runs."""

from functools import partial

from moorage.connectors.registry import Connectors
from moorage.conversations.people.profiles import Profiles
from moorage.infra.blobs import BlobStore
from moorage.infra.database import Database
from moorage.infra.jobs import JobFunctions
from moorage.reception.erasing import Wishes
from moorage.reception.jobs import (
    CARRY_OUT_WISH,
    END_UNDOCKED,
    HAND_OVER,
    PICK_UP_QUEUE,
    SETTLE_CHANNEL,
    SHOW_CHANNEL_AGAIN,
)
from moorage.reception.leaving import hand_over
from moorage.reception.operations import pick_up_queue
from moorage.reception.settling import end_undocked, settle_channel, show_channel_again


def reception_jobs(*, database: Database, connectors: Connectors, blobs: BlobStore, profiles: Profiles) -> JobFunctions:
    """Return which function each job of reception runs."""
    return {
        PICK_UP_QUEUE: partial(pick_up_queue, database, connectors=connectors),
        HAND_OVER: partial(hand_over, database, connectors=connectors),
        SETTLE_CHANNEL: partial(settle_channel, database, connectors=connectors),
        END_UNDOCKED: partial(end_undocked, database, connectors=connectors),
        SHOW_CHANNEL_AGAIN: partial(show_channel_again, database, connectors=connectors),
        CARRY_OUT_WISH: Wishes(database=database, blobs=blobs, profiles=profiles).carry_out,
    }
