"""Handing a message over in the first of its ways that the provider takes. Never in two.

A question goes as a menu to tap, else as a text with numbers, else with a link to a page; a file as a card, else in
words with its link. All else has one way only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from moorage.connectors.content import Choices, ChoicesForm
from moorage.connectors.contract import Connector, Endpoint, Outbound, Sent
from moorage.connectors.failures import ProviderFailure, RefusalReason, Refused
from moorage.conversations.outcomes import Outcome
from moorage.infra.blobs import BlobMissing

_ANOTHER_WAY = frozenset(
    {RefusalReason.KIND_NOT_SENDABLE, RefusalReason.TOO_LONG, RefusalReason.EMPTY, RefusalReason.LINK_REFUSED}
)
"""Refusals of a menu or a card that a text may not meet. After any other failure nothing is said in its place."""
_SHORTER = frozenset({RefusalReason.TOO_LONG})
"""Refusals of a text that a shorter one may not meet."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of handing a message over. `form` says which words stand for it; None: it is shown as what it is."""

    outbound: Outbound
    form: ChoicesForm | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """What the provider answered, and in which form the message went, if not as what it is.

    `refusal` is that of the menu or card, where words followed it; `of_choices` says that it was a menu.
    """

    answer: Sent | ProviderFailure
    form: ChoicesForm | None = None
    refusal: Refused | None = None
    of_choices: bool = False

    @property
    def shown_refusal(self) -> Refused | None:
        """Return why the message was refused as what it is, if it was."""
        return self.answer if self.form is None and isinstance(self.answer, Refused) else self.refusal

    @property
    def leads_on(self) -> bool:
        """Return whether the same may be said in another way: surely nothing was shown, and that may be taken."""
        leading = _ANOTHER_WAY if self.form is None else _SHORTER
        return isinstance(self.answer, Refused) and self.answer.reason in leading

    def told(self, outcome: Outcome) -> Outcome:
        """Return `outcome`, which is that of the answer, with how the message went out."""
        if self.form is None or not isinstance(self.answer, Sent):
            return outcome
        if (refusal := self.refusal) is None:
            return replace(outcome, sent_as=self.form)
        note = {"menu_refused" if self.of_choices else "card_refused": refusal.external_code, "detail": refusal.detail}
        refuses_choices = self.of_choices and refusal.reason == RefusalReason.KIND_NOT_SENDABLE
        return replace(outcome, sent_as=self.form, refuses_choices=refuses_choices, note={**outcome.note, **note})


async def offer(connector: Connector, endpoint: Endpoint, ways: Sequence[Way], *, deadline: float) -> Offered:
    """Hand a message over before `deadline` (loop seconds). `ways` are the best first, and one at least.

    Only a refusal leads from one way to the next: after it, surely nothing was shown.
    """
    of_choices = isinstance(ways[0].outbound.content, Choices)
    offered: Offered | None = None
    for way in ways:
        refusal = offered.shown_refusal if offered is not None else None
        answer = await _handed_over(connector, endpoint, way.outbound, deadline=deadline)
        offered = Offered(answer, way.form, refusal, of_choices)
        if not offered.leads_on:
            return offered
    if offered is None:
        raise ValueError("a message can always be handed over somehow")
    return offered


async def _handed_over(
    connector: Connector, endpoint: Endpoint, outbound: Outbound, *, deadline: float
) -> Sent | ProviderFailure:
    try:
        return await connector.send(endpoint, outbound, deadline=deadline)
    except ProviderFailure as failure:
        return failure
    except BlobMissing:  # the store has lost the file; nothing was sent
        return Refused(external_code=None, detail="", reason="file_missing")
