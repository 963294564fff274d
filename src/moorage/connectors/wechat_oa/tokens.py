"""Calling WeChat with the account's token: one that it refuses is renewed, and the call repeated, once."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from moorage.connectors.contract import Endpoint
from moorage.connectors.failures import TokenRefused

Answer = TypeVar("Answer")


async def with_token(endpoint: Endpoint, ask: Callable[[str], Awaitable[Answer]], *, deadline: float) -> Answer:
    """Return what `ask` returns, called with a token. Raises a provider failure.

    A refused token means that nothing was done, so that repeating even a message is safe.
    """
    token = await endpoint.tokens.token(deadline=deadline)
    try:
        return await ask(token)
    except TokenRefused:
        token = await endpoint.tokens.after_refusal(failed=token, deadline=deadline)
        return await ask(token)
