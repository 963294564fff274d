"""Handing choices over: as a menu to tap, or else as a text with numbers. Never both."""

from dataclasses import dataclass, replace

from moorage.connectors.content import Choices, Text
from moorage.connectors.contract import Connector, Endpoint, Outbound, Sent
from moorage.connectors.failures import ProviderFailure, RefusalReason, Refused
from moorage.connectors.numbered import numbered
from moorage.conversations.outcomes import Outcome

_ANOTHER_WAY = frozenset({RefusalReason.KIND_NOT_SENDABLE, RefusalReason.TOO_LONG})
"""Refusals of the menu that a text may not meet. After any other failure nothing is said in its place."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What the provider answered, and for choices whether they went as a text.

    `refusal` is that of the menu, where a text followed it.
    """

    answer: Sent | ProviderFailure
    as_text: bool = False
    refusal: Refused | None = None

    def told(self, outcome: Outcome) -> Outcome:
        """Return `outcome`, which is that of the answer, with how the choices went out."""
        if not self.as_text or not isinstance(self.answer, Sent):
            return outcome
        refusal = self.refusal
        note = {} if refusal is None else {"menu_refused": refusal.external_code, "detail": refusal.detail}
        kind_refused = refusal is not None and refusal.reason == RefusalReason.KIND_NOT_SENDABLE
        return replace(outcome, sent_as="text", refuses_choices=kind_refused, note={**outcome.note, **note})


async def offer(
    connector: Connector, endpoint: Endpoint, outbound: Outbound, *, as_text: bool, hint: str, deadline: float
) -> Offered:
    """Hand the choices of `outbound` over before `deadline` (loop seconds), at once as a text if `as_text`.

    Only a refusal leads from the menu to the text: after it, surely nothing was shown.
    """
    content = outbound.content
    if not isinstance(content, Choices):
        raise TypeError(f"no choices: {content.type}")
    refusal: Refused | None = None
    if not as_text:
        try:
            return Offered(await connector.send(endpoint, outbound, deadline=deadline), as_text=False)
        except Refused as failure:
            if failure.reason not in _ANOTHER_WAY:
                return Offered(failure, as_text=False)
            refusal = failure
        except ProviderFailure as failure:
            return Offered(failure, as_text=False)
    words = replace(outbound, content=Text(text=numbered(content, hint=hint)))
    try:
        return Offered(await connector.send(endpoint, words, deadline=deadline), as_text=True, refusal=refusal)
    except ProviderFailure as failure:
        return Offered(failure, as_text=True, refusal=refusal)
