"""The shared promises, for every kind that is registered."""

from collections.abc import AsyncIterator

import pytest

from moorage.connectors.contract import Connector
from moorage.connectors.registry import ProviderUrls, open_connectors
from moorage.infra.http_client import open_provider_client
from tests.connectors.contract import ConnectorContract

KINDS = ("wechat_oa", "web")
NOWHERE = ProviderUrls(wechat_api="http://127.0.0.1:9")


@pytest.fixture(params=KINDS)
async def connector(request: pytest.FixtureRequest) -> AsyncIterator[Connector]:
    async with open_provider_client() as http:
        yield open_connectors(http=http, urls=NOWHERE)[request.param]


class TestEveryKind(ConnectorContract):
    """The suite itself stands in `contract.py`."""


async def test_the_suite_runs_for_every_registered_kind() -> None:
    async with open_provider_client() as http:
        assert set(KINDS) == set(open_connectors(http=http, urls=NOWHERE))
