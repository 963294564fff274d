"""WeChat's return codes about menus, and the place in the menu that each of them means.

Source: WeChat Official Account docs, "Custom menu: return codes", "Conditional menus" and "Global return codes".
"""

from collections.abc import Mapping

from moorage.connectors.failures import ProviderFailure, RefusalReason, Refused
from moorage.connectors.menus import MenuField, MenuLevel, MenuReason, MenuRefused
from moorage.connectors.wechat_oa.refusals import failure_of

_Place = tuple[str, MenuField | None, MenuLevel | None]

_REFUSALS: Mapping[int, _Place] = {
    40003: (RefusalReason.UNKNOWN_CUSTOMER, None, None),
    40007: ("menu_media_unusable", "media", None),
    40015: ("menu_kind_unknown", "kind", None),
    40016: ("menu_too_many_items", "items", "top"),
    40017: ("menu_kind_unknown", "kind", "top"),
    40018: ("menu_name_refused", "name", "top"),
    40019: ("menu_key_refused", "key", "top"),
    40020: ("menu_url_refused", "url", "top"),
    40022: ("menu_too_deep", "items", "sub"),
    40023: ("menu_too_many_items", "items", "sub"),
    40024: ("menu_kind_unknown", "kind", "sub"),
    40025: ("menu_name_refused", "name", "sub"),
    40026: ("menu_key_refused", "key", "sub"),
    40027: ("menu_url_refused", "url", "sub"),
    40028: (MenuReason.API_NOT_ALLOWED, None, None),
    40054: ("menu_domain_refused", "url", "top"),
    40055: ("menu_domain_refused", "url", "sub"),
    40118: ("menu_media_unusable", "media", None),
    40119: ("menu_kind_not_allowed", "kind", "top"),
    40120: ("menu_kind_not_allowed", "kind", "sub"),
    40121: ("menu_media_unusable", "media", None),
    40165: ("menu_path_refused", "path", None),
    40166: ("menu_app_id_refused", "app_id", None),
    41007: ("menu_sub_items_missing", "items", "sub"),
    45010: ("menu_published_too_often", None, None),
    45064: ("menu_app_not_linked", "app_id", None),
    45159: ("menu_rule_refused", "rule", None),
    48001: (MenuReason.API_NOT_ALLOWED, None, None),
    61007: (MenuReason.PERMISSION_MISSING, None, None),
    65301: (MenuReason.GONE, None, None),
    65302: (RefusalReason.UNKNOWN_CUSTOMER, None, None),
    65303: ("menu_default_missing", None, None),
    65304: ("menu_rule_empty", "rule", None),
    65305: ("menu_too_many_conditional", None, None),
    65306: ("menu_conditional_not_allowed", None, None),
    65307: ("menu_empty", "items", None),
    65308: ("menu_kind_unknown", "kind", None),
    65309: ("menu_conditional_off", None, None),
    65310: ("menu_rule_refused", "rule", None),
    65311: ("menu_rule_refused", "rule", None),
    65312: ("menu_rule_refused", "rule", None),
    65313: ("menu_rule_refused", "rule", None),
    65314: ("menu_rule_refused", "rule", None),
    65316: ("menu_too_many_domains", "url", None),
    65317: ("menu_url_refused", "url", None),
}

MENU_REASONS = frozenset(str(reason) for reason, _, _ in _REFUSALS.values())
"""Every reason that a refused menu can have beside those of other calls; each has its sentence in `strings/`."""


def failure_of_menu_call(*, errcode: int, detail: str) -> ProviderFailure:
    """Return what WeChat's `errcode` means for a call about menus."""
    if errcode in _REFUSALS:
        reason, at, level = _REFUSALS[errcode]
        return MenuRefused(external_code=errcode, detail=detail, reason=reason, at=at, level=level)
    failure = failure_of(errcode=errcode, detail=detail)
    if isinstance(failure, Refused) and not isinstance(failure, MenuRefused):
        return MenuRefused(external_code=errcode, detail=detail, reason=failure.reason)
    return failure
