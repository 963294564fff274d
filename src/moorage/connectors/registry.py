"""The kinds of channels there are. A new kind is one folder and one line here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import httpx

from moorage.connectors.contract import Connector, IssuesTokens, Manifest
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.connector import WechatOfficialAccount


@dataclass(frozen=True, slots=True)
class ProviderUrls:
    """Where the providers are; other addresses than their own in the sandbox."""

    wechat_api: str


Connectors = Mapping[str, Connector]


def open_connectors(*, http: httpx.AsyncClient, urls: ProviderUrls) -> Connectors:
    """Return every kind's connector by its name. All of them call out through `http`."""
    kinds: tuple[Connector, ...] = (WechatOfficialAccount(api=WechatApi(http=http, api_url=urls.wechat_api)),)
    return {kind.manifest.kind: kind for kind in kinds}


def manifests() -> tuple[Manifest, ...]:
    """Return what every kind can do, for what is laid out before any connector is opened."""
    return (WechatOfficialAccount.manifest,)


def token_issuer(connector: Connector) -> IssuesTokens:
    """Return `connector` as one that issues tokens. Asking it of a kind that works without them is a defect."""
    if not hasattr(connector, "issue_token"):
        raise TypeError(f"{connector.manifest.kind} issues no tokens")
    return cast("IssuesTokens", connector)
