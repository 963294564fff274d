"""The kinds of channels there are. A new kind is one folder and one line here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import httpx

from moorage.connectors.authorization import AuthorizesByPlatform, PlatformManifest
from moorage.connectors.contract import AnswersRequests, Connector, FetchesMedia, IssuesTokens, ShowsTyping
from moorage.connectors.examining import ExaminesAccounts
from moorage.connectors.manifest import Manifest
from moorage.connectors.menus import PublishesMenus
from moorage.connectors.people import KnowsCustomers, RecognisesVisitors
from moorage.connectors.web.connector import WebChat
from moorage.connectors.web.visitors import InProcessVisitors, Visitors
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.connector import WechatOfficialAccount
from moorage.connectors.wechat_oa.platform import WechatPlatform


@dataclass(frozen=True, slots=True)
class ProviderUrls:
    """Where the providers are; other addresses than their own in the sandbox."""

    wechat_api: str
    wechat_mp: str = "https://mp.weixin.qq.com"
    wechat_open: str = "https://open.weixin.qq.com"


Connectors = Mapping[str, Connector]


def open_connectors(
    *,
    http: httpx.AsyncClient,
    urls: ProviderUrls,
    platforms: Mapping[str, Mapping[str, str]] | None = None,
    visitors: Visitors | None = None,
) -> Connectors:
    """Return every kind's connector by its name. All of them call out through `http`.

    `platforms` holds, by kind, the credentials of our platform that this process was started with.
    `visitors` hands messages to visitors of web pages; None: there is nobody but those of this process.
    """
    given = platforms or {}
    wechat_api = WechatApi(http=http, api_url=urls.wechat_api, other_urls=(urls.wechat_mp,))
    wechat = WechatOfficialAccount(
        api=wechat_api,
        open_url=urls.wechat_open,
        platform=WechatPlatform(
            api=wechat_api,
            mp_url=urls.wechat_mp,
            open_url=urls.wechat_open,
            configured=given.get(WechatOfficialAccount.manifest.kind),
        ),
    )
    web = WebChat(visitors=InProcessVisitors() if visitors is None else visitors)
    kinds: tuple[Connector, ...] = (wechat, web)
    return {kind.manifest.kind: kind for kind in kinds}


def platform_manifests() -> Mapping[str, PlatformManifest]:
    """Return, by kind, what the platforms of those kinds need that are docked by authorization."""
    return {WechatOfficialAccount.manifest.kind: WechatPlatform.manifest}


def manifests() -> tuple[Manifest, ...]:
    """Return what every kind can do, for what is laid out before any connector is opened."""
    return (WechatOfficialAccount.manifest, WebChat.manifest)


def answering_power(connector: Connector) -> AnswersRequests | None:
    """Return the power to answer a push in its own request, or None for a kind without it."""
    return cast("AnswersRequests", connector) if connector.manifest.passive_reply else None


def required_answering_power(connector: Connector) -> AnswersRequests:
    """Return the power to answer a push in its own request. Asking it of a kind without it is a defect."""
    power = answering_power(connector)
    if power is None:
        raise TypeError(f"{connector.manifest.kind} answers no requests")
    return power


def token_power(connector: Connector) -> IssuesTokens | None:
    """Return the power to issue tokens, or None for a kind that works without them."""
    return cast("IssuesTokens", connector) if hasattr(connector, "issue_token") else None


def typing_power(connector: Connector) -> ShowsTyping | None:
    """Return the power to show the customer that somebody writes, or None for a kind without it."""
    return cast("ShowsTyping", connector) if hasattr(connector, "show_typing") else None


def media_power(connector: Connector) -> FetchesMedia | None:
    """Return the power to fetch what customers sent, or None for a kind without it."""
    return cast("FetchesMedia", connector) if hasattr(connector, "fetch_media") else None


def required_platform_power(connector: Connector) -> AuthorizesByPlatform:
    """Return the power to dock by authorization. Asking it of a kind without it is a defect."""
    power = platform_power(connector)
    if power is None:
        raise TypeError(f"{connector.manifest.kind} has no platform")
    return power


def platform_power(connector: Connector) -> AuthorizesByPlatform | None:
    """Return the power to dock accounts by authorization, or None for a kind without it."""
    platform: object = getattr(connector, "platform", None)
    return None if platform is None else cast("AuthorizesByPlatform", platform)


def menu_power(connector: Connector) -> PublishesMenus | None:
    """Return the power to publish menus, or None for a kind without it."""
    menus: object = getattr(connector, "menus", None)
    return None if menus is None else cast("PublishesMenus", menus)


def people_power(connector: Connector) -> KnowsCustomers | None:
    """Return the power to read profiles and write remark names, or None for a kind without it."""
    people: object = getattr(connector, "people", None)
    return None if people is None else cast("KnowsCustomers", people)


def visitors_power(connector: Connector) -> RecognisesVisitors | None:
    """Return the power to tell who opens a page, or None for a kind without it."""
    visitors: object = getattr(connector, "visitors", None)
    return None if visitors is None else cast("RecognisesVisitors", visitors)


def examination_power(connector: Connector) -> ExaminesAccounts | None:
    """Return the power to look at accounts at their provider, or None for a kind without it."""
    examination: object = getattr(connector, "examination", None)
    return None if examination is None else cast("ExaminesAccounts", examination)
