"""Links to customers' pages, signed as the web process of the tests signs them."""

from datetime import UTC, datetime

from moorage.conversations.choice_words import ChoiceWords
from moorage.conversations.outgoing_links import OutgoingLinks
from moorage.core.ids import ThreadId, WorkspaceId, new_id
from moorage.infra.links import SignedLinks

LINKS = SignedLinks([b"k" * 32])
OUTGOING = OutgoingLinks(links=LINKS, public_url="http://desk.example")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def some_choice_words(*, most_bytes: int = 2048) -> ChoiceWords:
    """Return what says choices to somebody in Chinese, as at noon."""
    return ChoiceWords(
        links=OUTGOING,
        workspace_id=WorkspaceId(new_id()),
        thread_id=ThreadId(new_id()),
        locale="zh-CN",
        most_bytes=most_bytes,
        now=NOON,
    )
