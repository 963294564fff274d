"""The texts of the authorization page in Chinese and English."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["zh-CN", "en"]

_TEXTS: Mapping[Language, Mapping[str, str]] = {
    "zh-CN": {
        "title": "公众号授权",
        "brand": "公众平台",
        "tag": "沙箱",
        "wants": "{name} 申请以下权限",
        "wants_lead": "由公众号管理员在手机上选择要授权的公众号和权限。",
        "exclusive": "独占",
        "scan": "请用公众号管理员的微信扫描二维码",
        "code_of": "授权二维码",
        "open_phone": "在本机打开管理员的手机",
        "refused": "页面无法打开",
        "empty": "空",
        "other_language": "English",
        "domain": (
            "请确认授权入口页所在域名，与授权后回调页所在域名相同，并且已登记为该第三方平台的授权发起页域名。"
            "授权入口页所在域名：{entry}。授权后回调页所在域名：{back}。"
        ),
        "component_unknown": "第三方平台不存在，请检查 component_appid。",
        "auth_type": "auth_type 缺失，或者不包含公众号。",
        "parameter": "参数错误：action 应为 bindcomponent，no_scan 应为 1。",
        "pre_auth_code_invalid": "预授权码无效，请返回第三方平台重新发起授权。",
        "pre_auth_code_used": "预授权码已被使用，请返回第三方平台重新发起授权。",
        "pre_auth_code_expired": "预授权码已过期，请返回第三方平台重新发起授权。",
    },
    "en": {
        "title": "Account authorization",
        "brand": "Official Accounts",
        "tag": "Sandbox",
        "wants": "{name} asks for these permissions",
        "wants_lead": "The account's administrator chooses the account and the permissions on the phone.",
        "exclusive": "exclusive",
        "scan": "Scan with the WeChat of the account's administrator",
        "code_of": "Authorization QR code",
        "open_phone": "Open the administrator's phone on this machine",
        "refused": "This page cannot be opened",
        "empty": "empty",
        "other_language": "简体中文",
        "domain": (
            "The page that leads here and the page to return to must be on the same domain, and it must be registered "
            "as the platform's start domain. Domain of the page that leads here: {entry}. "
            "Domain of the page to return to: {back}."
        ),
        "component_unknown": "There is no such third-party platform. Check component_appid.",
        "auth_type": "auth_type is missing or does not include official accounts.",
        "parameter": "Wrong parameters: action must be bindcomponent and no_scan must be 1.",
        "pre_auth_code_invalid": "The pre-auth code is not valid. Go back to the platform and start again.",
        "pre_auth_code_used": "The pre-auth code was used before. Go back to the platform and start again.",
        "pre_auth_code_expired": "The pre-auth code is too old. Go back to the platform and start again.",
    },
}


def texts_in(language: Language) -> Mapping[str, str]:
    """Return all texts of the page in one language."""
    return _TEXTS[language]
