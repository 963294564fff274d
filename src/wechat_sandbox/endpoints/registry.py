"""All endpoints of the product-facing API by path."""

from collections.abc import Mapping

from wechat_sandbox.endpoints import (
    access_tokens,
    components,
    custom_messages,
    inspection,
    management,
    material,
    media,
    menus,
    qr_codes,
    tags,
    users,
    web_authorization,
)
from wechat_sandbox.endpoints.call import Endpoint

ENDPOINTS: Mapping[str, Endpoint] = {
    endpoint.path: endpoint
    for endpoint in (
        *access_tokens.ENDPOINTS,
        *components.ENDPOINTS,
        *custom_messages.ENDPOINTS,
        *inspection.ENDPOINTS,
        *management.ENDPOINTS,
        *material.ENDPOINTS,
        *media.ENDPOINTS,
        *menus.ENDPOINTS,
        *qr_codes.ENDPOINTS,
        *tags.ENDPOINTS,
        *users.ENDPOINTS,
        *web_authorization.ENDPOINTS,
    )
}
