"""Enterprise identity: the company's link says who somebody is, the provider tells which customer opens it.

A link can be forwarded, so that who opens it is asked first. One that was made for exactly this customer need not ask.

Also the way for who comes without a link, from a menu for instance: they are recognised first, sent to the company's
own page with a token that stands for them, and come back by a link that names the token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

from moorage.conversations.people.profiles import Profiles
from moorage.conversations.people.telling import lock_customer, tell_of_customer, tell_of_identities
from moorage.conversations.people.visits import Begun, Place, Visit, VisitFailed, Visits
from moorage.core.errors import DomainError
from moorage.core.ids import ThreadId
from moorage.customers.bindings import BindingOutcome, bind, check_unused, report_declined
from moorage.customers.enterprise import EnterpriseIdentity, open_secrets, read_enterprise
from moorage.customers.identity_links import SIGNATURE, IdentityLink, read_link
from moorage.customers.links import page_address
from moorage.customers.model import CustomerRecord
from moorage.customers.questions import IdentityQuestion, add_question, read_question, settle_question
from moorage.customers.records import read_customer
from moorage.infra.database import Tx
from moorage.infra.links import LinkExpired, LinkInvalid, SignedLink, SignedLinks

PURPOSE: Final = "identify"
RESULT_PAGE: Final = "identity"
CUSTOMER_TOKEN: Final = "customer-token"  # noqa: S105 -- what a token is for
RESULT_LASTS = timedelta(minutes=30)
TOKEN_LASTS = timedelta(minutes=30)
MOST_QUERY_CHARACTERS = 6000

IdentifyFault = Literal["no_login_page", "other_customer", "customer_token_expired"]


@dataclass(eq=False)
class IdentifyFailed(DomainError):
    """The visitor is known, and still cannot be bound to whom the link names, or sent on."""

    code: ClassVar[str] = "customers.identify_failed"
    kind: ClassVar[str] = "conflict"
    reason: IdentifyFault


@dataclass(frozen=True, slots=True)
class Identifying:
    """Takes the company's links."""

    visits: Visits
    links: SignedLinks
    profiles: Profiles

    async def begin(self, place: Place, *, query: str) -> Begun:
        """Return where who opens a company's link is to go; without parameters, who comes from a menu.

        Raises VisitFailed, IdentityLinkRefused, or IdentifyFailed where the company has no page of its own.
        """
        settings = await self._settings(place)
        if query:
            await self._read(place, query, settings)
        elif settings.login_url is None:
            raise IdentifyFailed(reason="no_login_page")
        about = {"query": query}
        return await self.visits.begin(place, purpose=PURPOSE, about=about, asks_profile=settings.asks_profile)

    async def finish(self, visit: Visit) -> str:
        """Ask who was recognised whether their link means them, and return where the browser goes for that.

        Where no question is needed they are bound at once, and it goes where that is said.

        Raises IdentityLinkRefused, IdentityLinkUsed, VisitFailed or IdentifyFailed.
        """
        if (profile := visit.profile) is not None:
            await self.profiles.keep(
                workspace_id=visit.place.workspace_id, customer_id=visit.customer_id, profile=profile
            )
        settings = await self._settings(visit.place)
        query = str(visit.about.get("query", ""))
        if not query:
            return self._to_company(visit, settings)
        link = await self._read(visit.place, query, settings)
        self._check_customer(visit, link)
        return self._page(visit, about=await self._bind_or_ask(visit, link))

    async def look(self, page: SignedLink, *, question_id: UUID) -> IdentityQuestion:
        """Return the question of a page as it stands. Raises Missing or IdentityQuestionExpired."""
        async with self.visits.database.in_workspace(page.workspace_id) as tx:
            question = await read_question(tx, question_id=question_id, thread_id=page.thread_id)
            question.check_open(now=tx.now)
        return question

    async def answer(self, page: SignedLink, *, question_id: UUID, is_them: bool) -> IdentityQuestion:
        """Bind the customer, or report that the link does not mean them, and return how the question stands then.

        What was answered before stays so. Raises Missing, IdentityQuestionExpired, IdentityLinkUsed, or VisitFailed
        where links are switched off.
        """

        async def take(tx: Tx) -> None:
            await _take_answer(tx, page=page, question_id=question_id, is_them=is_them)

        await self.visits.database.run(page.workspace_id, take)
        return await self.look(page, question_id=question_id)

    async def _settings(self, place: Place) -> EnterpriseIdentity:
        channel = await self.visits.channel(place)
        self.visits.power(channel)
        async with self.visits.database.in_workspace(place.workspace_id) as tx:
            settings = await read_enterprise(tx, channel_id=place.channel_id)
        if not settings.enabled or settings.secret_made_at is None:
            raise VisitFailed(reason="off")
        return settings

    async def _read(self, place: Place, query: str, settings: EnterpriseIdentity) -> IdentityLink:
        async with self.visits.database.in_workspace(place.workspace_id) as tx:
            secrets = await open_secrets(tx, box=self.visits.box, channel_id=place.channel_id)
        return read_link(
            parameters_of(query),
            secrets=secrets,
            allowed=set(settings.attributes),
            now=self.visits.database.clock.now(),
        )

    def _check_customer(self, visit: Visit, link: IdentityLink) -> None:
        """Return if a link that names a customer was opened by that one. Raises IdentifyFailed."""
        if link.customer_token is None:
            return
        now = self.visits.database.clock.now()
        try:
            named = self.links.read(link.customer_token, purpose=CUSTOMER_TOKEN, now=now)
        except LinkExpired as error:
            raise IdentifyFailed(reason="customer_token_expired") from error
        except LinkInvalid as error:
            raise IdentifyFailed(reason="other_customer") from error
        if (named.workspace_id, named.thread_id) != (visit.place.workspace_id, visit.thread_id):
            raise IdentifyFailed(reason="other_customer")

    async def _bind_or_ask(self, visit: Visit, link: IdentityLink) -> str:
        """Return what the page is about: an outcome, or the id of a question."""

        async def bind_or_ask(tx: Tx) -> str:
            await lock_customer(tx, customer_id=visit.customer_id)
            customer = await read_customer(tx, customer_id=visit.customer_id)
            if link.customer_token is not None or customer.company_user_id == link.user_id:
                return await _bind(tx, customer=customer, link=link)
            await check_unused(tx, customer=customer, link=link)
            return str(await add_question(tx, customer=customer, link=link))

        return await self.visits.database.run(visit.place.workspace_id, bind_or_ask)

    def _to_company(self, visit: Visit, settings: EnterpriseIdentity) -> str:
        """Return the company's own page, with a token that stands for the visitor there."""
        if settings.login_url is None:
            raise IdentifyFailed(reason="no_login_page")
        token = self._signed(visit.place, visit.thread_id, purpose=CUSTOMER_TOKEN, lasts=TOKEN_LASTS)
        parts = urlsplit(settings.login_url)
        query = [*parse_qsl(parts.query, keep_blank_values=True), ("customer_token", self.links.token(token))]
        return urlunsplit(parts._replace(query=urlencode(query)))

    def _page(self, visit: Visit, *, about: str) -> str:
        link = self._signed(visit.place, visit.thread_id, purpose=RESULT_PAGE, lasts=RESULT_LASTS, about=about)
        return page_address(self.links, public_url=self.visits.public_url, link=link)

    def _signed(
        self, place: Place, thread_id: ThreadId, *, purpose: str, lasts: timedelta, about: str = ""
    ) -> SignedLink:
        return SignedLink(
            purpose=purpose,
            workspace_id=place.workspace_id,
            thread_id=thread_id,
            expires_at=self.visits.database.clock.now() + lasts,
            about=about,
        )


def parameters_of(query: str) -> Sequence[tuple[str, str]]:
    """Return the parameters of a link as they came. What is no query at all has none that anybody signed."""
    if len(query) > MOST_QUERY_CHARACTERS:
        return [(SIGNATURE, "")]
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        return [(SIGNATURE, "")]


async def _take_answer(tx: Tx, *, page: SignedLink, question_id: UUID, is_them: bool) -> None:
    asked = await read_question(tx, question_id=question_id, thread_id=page.thread_id)
    await lock_customer(tx, customer_id=asked.customer_id)
    question = await read_question(tx, question_id=question_id, thread_id=page.thread_id)
    question.check_open(now=tx.now)
    if question.outcome is not None:
        return  # the button was pressed twice, or the page was gone back to
    customer = await read_customer(tx, customer_id=question.customer_id)
    if not is_them:
        await report_declined(tx, customer=customer, link=question.link)
        tell_of_identities(tx, channel_id=customer.channel_id)
        await settle_question(tx, question_id=question.id, outcome="declined")
        return
    if not (await read_enterprise(tx, channel_id=customer.channel_id)).enabled:
        raise VisitFailed(reason="off")
    outcome = await _bind(tx, customer=customer, link=question.link)
    await settle_question(tx, question_id=question.id, outcome=outcome)


async def _bind(tx: Tx, *, customer: CustomerRecord, link: IdentityLink) -> BindingOutcome:
    """Bind a customer, whose thread is locked, or report a contradiction, and tell browsers of it."""
    outcome = await bind(tx, customer=customer, link=link)
    if outcome == "conflict":
        tell_of_identities(tx, channel_id=customer.channel_id)
    else:
        await tell_of_customer(tx, customer_id=customer.id)
    return outcome
