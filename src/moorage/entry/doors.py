"""What the routes of each room need of the process, made once at its start and kept in the application's state."""

from fastapi import FastAPI

from moorage.channels.addresses import AddressBook
from moorage.channels.authorization_routes import AuthorizationsDoor
from moorage.channels.health.doctor import Doctor
from moorage.channels.health.routes import HealthDoor
from moorage.channels.health.watch import PushWatch
from moorage.channels.menus.publishing import Menus
from moorage.channels.menus.routes import MenusDoor
from moorage.channels.notices import Notices
from moorage.channels.release_check import ReleaseCheck
from moorage.channels.routes import ChannelsDoor
from moorage.connectors.strings import read_strings
from moorage.conversations.channel_pictures import ChannelPictures
from moorage.conversations.media_routes import MediaDoor
from moorage.conversations.media_uploads import Uploads
from moorage.conversations.outgoing_links import OutgoingLinks
from moorage.conversations.people.identify_routes import IdentifyDoor
from moorage.conversations.people.identifying import Identifying
from moorage.conversations.people.profiles import Profiles
from moorage.conversations.people.visits import Visits
from moorage.conversations.routes import ConversationsDoor
from moorage.customers.links import PagesDoor
from moorage.entry.container import Container, authorizations_of
from moorage.entry.platform_push_routes import PlatformPushDoor
from moorage.entry.push_routes import PushDoor
from moorage.media.films import Films
from moorage.media.pictures import Pictures
from moorage.media.recordings import Recordings
from moorage.realtime.hub import Hub
from moorage.reception.customer_uploads import CustomerUploads
from moorage.reception.intake import Intake
from moorage.reception.upload_looking import UploadLooks
from moorage.staff.guard import StaffDoor


def furnish(app: FastAPI, container: Container, hub: Hub) -> None:
    """Give each room's routes what they need of the process."""
    doctor = Doctor(database=container.database, box=container.box, connectors=container.connectors)
    app.state.container = container
    app.state.hub = hub
    app.state.staff_door = StaffDoor(
        database=container.database, passwords=container.passwords, public_url=container.settings.public_url
    )
    app.state.pages_door = PagesDoor(
        database=container.database, links=container.links, public_url=container.settings.public_url
    )
    _furnish_channels(app, container, doctor)
    _furnish_conversations(app, container)
    _furnish_files(app, container)
    _furnish_pushes(app, container, doctor)


def _furnish_channels(app: FastAPI, container: Container, doctor: Doctor) -> None:
    app.state.channels_door = ChannelsDoor(
        database=container.database,
        box=container.box,
        connectors=container.connectors,
        words={kind: read_strings(kind) for kind in container.connectors},
        public_url=container.settings.public_url,
    )
    app.state.health_door = HealthDoor(doctor=doctor)
    app.state.menus_door = MenusDoor(
        menus=Menus(database=container.database, box=container.box, connectors=container.connectors)
    )
    app.state.authorizations_door = AuthorizationsDoor(
        authorizations=authorizations_of(container), blobs=container.blobs
    )


def _furnish_conversations(app: FastAPI, container: Container) -> None:
    app.state.conversations_door = ConversationsDoor(database=container.database, connectors=container.connectors)
    app.state.identify_door = IdentifyDoor(
        identifying=Identifying(
            visits=Visits(
                database=container.database,
                connectors=container.connectors,
                box=container.box,
                public_url=container.settings.public_url,
            ),
            links=container.links,
            profiles=Profiles(
                database=container.database,
                connectors=container.connectors,
                box=container.box,
                blobs=container.blobs,
            ),
        )
    )


def _furnish_files(app: FastAPI, container: Container) -> None:
    """Pictures, sounds and films are looked at by a few at a time, whoever hands them in: agents or customers."""
    pictures, recordings = Pictures(), Recordings()
    films = Films(pictures=pictures)
    app.state.media_door = MediaDoor(
        blobs=container.blobs,
        channel_pictures=ChannelPictures(
            database=container.database,
            connectors=container.connectors,
            blobs=container.blobs,
            pictures=pictures,
        ),
        uploads=Uploads(
            database=container.database,
            connectors=container.connectors,
            blobs=container.blobs,
            pictures=pictures,
            recordings=recordings,
            films=films,
        ),
    )
    app.state.customer_uploads = CustomerUploads(
        database=container.database,
        connectors=container.connectors,
        blobs=container.blobs,
        looks=UploadLooks(pictures=pictures, recordings=recordings, films=films),
    )


def _furnish_pushes(app: FastAPI, container: Container, doctor: Doctor) -> None:
    app.state.platform_push_door = PlatformPushDoor(
        notices=Notices(database=container.database, box=container.box),
        release_check=ReleaseCheck(database=container.database, box=container.box),
    )
    app.state.push_door = PushDoor(
        database=container.database,
        connectors=container.connectors,
        box=container.box,
        addresses=AddressBook(container.database),
        intake=Intake(
            database=container.database,
            connectors=container.connectors,
            box=container.box,
            links=OutgoingLinks(links=container.links, public_url=container.settings.public_url),
        ),
        counters=app.state.counters,
        watch=PushWatch(doctor),
    )
