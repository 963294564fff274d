"""Choices in words, where nothing can be tapped: a text with numbers, or the question with a link to its page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from moorage.connectors.content import Choices, ChoicesForm
from moorage.connectors.numbered import HINTS, numbered
from moorage.conversations.link_words import Locale, beside_choices
from moorage.conversations.outgoing_links import OutgoingLinks
from moorage.core.ids import ThreadId, WorkspaceId
from moorage.infra.links import SignedLink

CHOICES_PAGE: Final = "choices"
"""Of a link that is about a question, by the id of its prompt."""
LASTS = timedelta(hours=24)
"""Of the link. The question itself waits less long, and its page says so."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What stands for choices, and which form of them that is."""

    text: str
    form: ChoicesForm


@dataclass(frozen=True, slots=True)
class ChoiceWords:
    """Says choices to the customer of one thread, in the language of its channel."""

    links: OutgoingLinks
    workspace_id: WorkspaceId
    thread_id: ThreadId
    locale: Locale
    most_bytes: int
    """What one text of the channel's carries, in UTF-8."""
    now: datetime

    def forms(self, choices: Choices) -> Sequence[Spoken]:
        """Return the texts that can stand for `choices`, the better one first; at least one.

        The link has no place for a question that nothing waits for the answer of.
        """
        text = numbered(choices, hint=HINTS[self.locale])
        page = self._with_page(choices)
        fits = page is None or len(text.encode()) <= self.most_bytes
        return [*([Spoken(text, "text")] if fits else []), *([] if page is None else [Spoken(page, "page")])]

    def _with_page(self, choices: Choices) -> str | None:
        if choices.prompt_id is None:
            return None
        link = SignedLink(
            purpose=CHOICES_PAGE,
            workspace_id=self.workspace_id,
            thread_id=self.thread_id,
            expires_at=self.now + LASTS,
            about=choices.prompt_id.hex,
        )
        address = self.links.address_of(link)
        return beside_choices(choices.text, address=address, locale=self.locale, most_bytes=self.most_bytes)
