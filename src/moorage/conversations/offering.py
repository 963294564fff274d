"""Handing choices over: as a menu to tap, or else as a text with numbers, or else with a link to a page. Never two."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from moorage.connectors.content import Choices, ChoicesForm, Content, Text
from moorage.connectors.contract import Connector, Endpoint, Outbound, Sent
from moorage.connectors.failures import ProviderFailure, RefusalReason, Refused
from moorage.conversations.choice_words import ChoiceWords
from moorage.conversations.outcomes import Outcome

_ANOTHER_WAY = frozenset({RefusalReason.KIND_NOT_SENDABLE, RefusalReason.TOO_LONG})
"""Refusals of the menu that a text may not meet. After any other failure nothing is said in its place."""
_SHORTER = frozenset({RefusalReason.TOO_LONG})
"""Refusals of a text that a shorter one may not meet."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What the provider answered, and for choices in which form they went, if not as a menu.

    `refusal` is that of the menu, where a text followed it.
    """

    answer: Sent | ProviderFailure
    form: ChoicesForm | None = None
    refusal: Refused | None = None

    @property
    def menu_refusal(self) -> Refused | None:
        """Return why the menu was refused, if it was."""
        return self.answer if self.form is None and isinstance(self.answer, Refused) else self.refusal

    @property
    def leads_on(self) -> bool:
        """Return whether the same may be said in another form: surely nothing was shown, and that may be taken."""
        leading = _ANOTHER_WAY if self.form is None else _SHORTER
        return isinstance(self.answer, Refused) and self.answer.reason in leading

    def told(self, outcome: Outcome) -> Outcome:
        """Return `outcome`, which is that of the answer, with how the choices went out."""
        if self.form is None or not isinstance(self.answer, Sent):
            return outcome
        refusal = self.refusal
        note = {} if refusal is None else {"menu_refused": refusal.external_code, "detail": refusal.detail}
        kind_refused = refusal is not None and refusal.reason == RefusalReason.KIND_NOT_SENDABLE
        return replace(outcome, sent_as=self.form, refuses_choices=kind_refused, note={**outcome.note, **note})


async def offer(
    connector: Connector, endpoint: Endpoint, outbound: Outbound, *, as_text: bool, words: ChoiceWords, deadline: float
) -> Offered:
    """Hand the choices of `outbound` over before `deadline` (loop seconds), at once in words if `as_text`.

    Only a refusal leads from one form to the next: after it, surely nothing was shown.
    """
    offered: Offered | None = None
    for content, form in _ways(outbound.content, words, as_text=as_text):
        refusal = offered.menu_refusal if offered is not None else None
        try:
            sent = await connector.send(endpoint, replace(outbound, content=content), deadline=deadline)
        except ProviderFailure as failure:
            offered = Offered(failure, form, refusal)
        else:
            return Offered(sent, form, refusal)
        if not offered.leads_on:
            return offered
    if offered is None:
        raise AssertionError("choices can always be said somehow")
    return offered


def _ways(content: Content, words: ChoiceWords, *, as_text: bool) -> Sequence[tuple[Content, ChoicesForm | None]]:
    """Return what can be handed over, best first, each with its form; a menu has none."""
    if not isinstance(content, Choices):
        raise TypeError(f"no choices: {content.type}")
    menu: list[tuple[Content, ChoicesForm | None]] = [] if as_text else [(content, None)]
    return [*menu, *((Text(text=one.text), one.form) for one in words.forms(content))]
