"""Promises of signed links: they open what they were made for, until they expire, and cannot be made up."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.core.ids import ThreadId, WorkspaceId, new_id
from moorage.infra.links import LastingLink, LinkExpired, LinkInvalid, SignedLink, SignedLinks

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD, NEW = b"o" * 32, b"n" * 32
LINKS = SignedLinks([NEW])


def a_link(*, purpose: str = "upload", about: str = "") -> SignedLink:
    return SignedLink(
        purpose=purpose,
        workspace_id=WorkspaceId(new_id()),
        thread_id=ThreadId(new_id()),
        expires_at=NOW + timedelta(hours=24),
        about=about,
    )


@given(workspace=st.uuids(), thread=st.uuids(), about=st.text(max_size=100), hours=st.integers(1, 24 * 365))
def test_what_a_link_says_is_read_again(workspace: UUID, thread: UUID, about: str, hours: int) -> None:
    link = SignedLink(
        purpose="file",
        workspace_id=WorkspaceId(workspace),
        thread_id=ThreadId(thread),
        expires_at=NOW + timedelta(hours=hours),
        about=about,
    )
    assert LINKS.read(LINKS.token(link), purpose="file", now=NOW) == link


def test_a_link_is_good_for_one_purpose_only() -> None:
    token = LINKS.token(a_link(purpose="file"))
    with pytest.raises(LinkInvalid):
        LINKS.read(token, purpose="upload", now=NOW)


def test_a_link_ends_when_it_says() -> None:
    link = a_link()
    assert LINKS.read(LINKS.token(link), purpose="upload", now=link.expires_at - timedelta(seconds=1)) == link
    with pytest.raises(LinkExpired):
        LINKS.read(LINKS.token(link), purpose="upload", now=link.expires_at)


def test_a_changed_link_is_refused_wherever_it_was_changed() -> None:
    token = LINKS.token(a_link())
    for place, letter in enumerate(token[:-1]):  # the last letter may hold unused bits
        changed = f"{token[:place]}{'A' if letter != 'A' else 'B'}{token[place + 1 :]}"
        with pytest.raises(LinkInvalid):
            LINKS.read(changed, purpose="upload", now=NOW)


@given(token=st.text(max_size=300))
def test_any_other_text_is_refused_by_name(token: str) -> None:
    with pytest.raises(LinkInvalid):
        LINKS.read(token, purpose="upload", now=NOW)


def test_links_outlive_the_exchange_of_keys_and_not_the_key_itself() -> None:
    token = SignedLinks([OLD]).token(a_link())
    assert SignedLinks([NEW, OLD]).read(token, purpose="upload", now=NOW).purpose == "upload"
    with pytest.raises(LinkInvalid):
        SignedLinks([NEW]).read(token, purpose="upload", now=NOW)


@given(workspace=st.uuids(), about=st.uuids())
def test_a_lasting_link_is_read_again_and_always_the_same(workspace: UUID, about: UUID) -> None:
    link = LastingLink(purpose="picture", workspace_id=WorkspaceId(workspace), about=about)
    token = LINKS.lasting_token(link)
    assert LINKS.read_lasting(token, purpose="picture") == link
    assert LINKS.lasting_token(link) == token
    assert SignedLinks([OLD, NEW]).read_lasting(token, purpose="picture") == link


def test_a_lasting_link_is_good_for_one_purpose_and_no_link_that_ends_is_one() -> None:
    lasting = LINKS.lasting_token(LastingLink(purpose="picture", workspace_id=WorkspaceId(new_id()), about=new_id()))
    for token, purpose in [
        (lasting, "file"),
        (LINKS.token(a_link(purpose="picture")), "picture"),
        (LINKS.token(a_link(purpose="lasting picture")), "picture"),
        (f"{lasting[:-1]}{'A' if lasting[-1] != 'A' else 'B'}", "picture"),
        ("", "picture"),
    ]:
        with pytest.raises(LinkInvalid):
            LINKS.read_lasting(token, purpose=purpose)
    with pytest.raises(LinkInvalid):
        LINKS.read(lasting, purpose="picture", now=NOW)
    with pytest.raises(LinkInvalid):
        SignedLinks([OLD]).read_lasting(lasting, purpose="picture")
