"""What keeps a follow reply from being saved, told at its field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.channels.follow_replies.checking import Ground, as_counted, faults_of, longest_bytes
from moorage.channels.follow_replies.model import (
    ChoicesReply,
    FollowReply,
    Messages,
    NewsReply,
    PictureReply,
    SceneReply,
    TextReply,
)
from moorage.channels.follow_replies.storing import copy_follow_reply, read_follow_reply, save_follow_reply
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.core.errors import StaleVersion
from moorage.core.ids import PersonId, WorkspaceId, new_id
from moorage.core.templates import fill_template
from moorage.infra.database import Database
from tests.channels.docking import a_channel

PICTURE = new_id()
GROUND = Ground(manifest=MANIFEST, picture_ids={PICTURE})
HELLO: Messages = (TextReply(text="Hello {customer}"),)


def faults(reply: FollowReply) -> list[tuple[str, str]]:
    return [(fault.path, fault.reason) for fault in faults_of(reply, ground=GROUND)]


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (FollowReply(enabled=True, first=HELLO), []),
        (FollowReply(enabled=False), []),
        (FollowReply(enabled=True), [("first", "missing")]),
        (FollowReply(enabled=True, first=HELLO, returning=()), [("returning", "missing")]),
        (FollowReply(enabled=True, first=(TextReply(text=" "),)), [("first.0.text", "empty")]),
        (FollowReply(enabled=True, first=(TextReply(text="a\x00"),)), [("first.0.text", "unprintable")]),
        (FollowReply(enabled=True, first=(TextReply(text="{agent}"),)), [("first.0.text", "unknown_placeholder")]),
        (FollowReply(enabled=True, first=(TextReply(text="茶" * 683),)), [("first.0.text", "too_long")]),
        (FollowReply(enabled=True, first=(TextReply(text="x" * 1969 + "{customer}"),)), [("first.0.text", "too_long")]),
        (FollowReply(enabled=True, first=(PictureReply(picture_id=PICTURE),)), []),
        (FollowReply(enabled=True, first=(PictureReply(),)), [("first.0.picture_id", "missing")]),
        (FollowReply(enabled=True, first=(PictureReply(picture_id=new_id()),)), [("first.0.picture_id", "missing")]),
        (FollowReply(enabled=True, first=(ChoicesReply(text="{customer}?", items=("a", "b")),)), []),
        (
            FollowReply(enabled=True, first=(ChoicesReply(text="{agent}?", items=("a", "a ", " "), tail="a\x00"),)),
            [
                ("first.0.text", "unknown_placeholder"),
                ("first.0.tail", "unprintable"),
                ("first.0.items.1", "twice_the_same"),
                ("first.0.items.2", "empty"),
            ],
        ),
        (
            FollowReply(enabled=True, first=(ChoicesReply(text="?", items=("茶" * 43,)),)),
            [("first.0.items", "too_few"), ("first.0.items.0", "too_long")],
        ),
        (
            FollowReply(enabled=True, first=(ChoicesReply(text="?", items=tuple("abcdefghijk")),)),
            [("first.0.items", "too_many")],
        ),
        (
            FollowReply(enabled=True, first=(ChoicesReply(text="茶" * 683, items=("a", "b")),)),
            [("first.0.text", "too_long")],
        ),
        (
            FollowReply(enabled=True, first=(ChoicesReply(text="?", items=("a", "b")),) * 2),
            [("first.1", "second_question")],
        ),
        (FollowReply(enabled=True, first=(NewsReply(title="Tea", url="https://tea.example.com/"),)), []),
        (
            FollowReply(
                enabled=True,
                first=(NewsReply(title=" ", description="x" * 513, url="", picture_url="javascript:alert(1)"),),
            ),
            [
                ("first.0.title", "empty"),
                ("first.0.description", "too_long"),
                ("first.0.url", "empty"),
                ("first.0.picture_url", "no_web_address"),
            ],
        ),
        (
            FollowReply(
                enabled=True, first=HELLO, scenes=(SceneReply(scene="a"), SceneReply(scene="a", messages=HELLO))
            ),
            [("scenes.0.messages", "missing"), ("scenes.1.scene", "repeated")],
        ),
        (FollowReply(enabled=True, first=HELLO, scenes=(SceneReply(messages=HELLO),)), [("scenes.0.scene", "empty")]),
    ],
)
def test_each_fault_stands_at_its_field(reply: FollowReply, wanted: list[tuple[str, str]]) -> None:
    assert faults(reply) == wanted


def test_a_fault_tells_what_would_do() -> None:
    (fault,) = faults_of(FollowReply(enabled=True, first=(TextReply(text="x" * 2049),)), ground=GROUND)
    assert fault.values == {"bytes": 2049, "most": 2048}


WORDS = st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]))


@given(text=WORDS, customer=WORDS, channel=WORDS)
def test_no_names_make_a_text_longer_than_was_counted(text: str, customer: str, channel: str) -> None:
    template = text + "{customer}{channel}{time}"
    around = {"customer": as_counted(customer), "channel": as_counted(channel), "time": "09:41"}
    assert len(fill_template(template, values=around).encode()) <= longest_bytes(template)
    assert customer.startswith(around["customer"])


async def test_saving_past_somebody_else_is_refused(database: Database, workspace: WorkspaceId) -> None:
    channel = await a_channel(database, workspace)
    by = PersonId(new_id())

    async def save(version: int) -> int:
        async with database.in_workspace(workspace) as tx:
            stored = await save_follow_reply(
                tx,
                channel_id=channel.id,
                reply=FollowReply(enabled=True, first=HELLO),
                version=version,
                manifest=MANIFEST,
                by=by,
                remote_address="127.0.0.1",
            )
        return stored.version

    assert await save(0) == 1
    with pytest.raises(StaleVersion):
        await save(0)
    assert await save(1) == 2
    async with database.in_workspace(workspace) as tx:
        acts = await tx.value("SELECT count(*) FROM audit_log WHERE act = 'channel.follow_reply_changed'")
    assert acts == 2


async def test_copying_sets_the_same_for_another_channel_once(database: Database, workspace: WorkspaceId) -> None:
    source, target = await a_channel(database, workspace), await a_channel(database, workspace)
    by = PersonId(new_id())
    reply = FollowReply(enabled=True, first=HELLO)
    async with database.in_workspace(workspace) as tx:
        await save_follow_reply(
            tx,
            channel_id=source.id,
            reply=reply,
            version=0,
            manifest=MANIFEST,
            by=by,
            remote_address="127.0.0.1",
        )
        copies = [
            await copy_follow_reply(tx, source=source.id, target=target.id, by=by, remote_address="127.0.0.1")
            for _ in range(2)
        ]
        assert copies == [True, False]
        assert (await read_follow_reply(tx, channel_id=target.id)).reply == reply
