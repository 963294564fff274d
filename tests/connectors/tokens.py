"""Sources of tokens whose behaviour a test decides."""

from collections.abc import Mapping

from moorage.connectors.content import Content
from moorage.connectors.contract import Connector, Endpoint, Outbound, Sent

DEADLINE_FAR = 3600.0


class NoTokens:
    """A source that must not be asked: what is sent with it has to be refused before."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self._credentials = credentials

    async def token(self, *, deadline: float) -> str:
        raise AssertionError("the token was asked for")

    async def after_refusal(self, *, failed: str, deadline: float) -> str:
        raise AssertionError("another token was asked for")

    async def send(self, connector: Connector, content: Content) -> Sent:
        endpoint = Endpoint(external_account_id="account", credentials=self._credentials, tokens=self)
        message = Outbound(external_customer_id="customer", content=content)
        return await connector.send(endpoint, message, deadline=DEADLINE_FAR)


class ListedTokens:
    """A source that gives its tokens one after the other, the next one after each refusal."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.refused: list[str] = []

    async def token(self, *, deadline: float) -> str:
        return self._tokens[0]

    async def after_refusal(self, *, failed: str, deadline: float) -> str:
        self.refused.append(failed)
        return self._tokens[1]
