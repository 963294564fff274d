"""The third-party platform of Official Accounts as data: its credentials, addresses and permission sets.

Source: WeChat Open Platform docs, "Third-party platforms: permission sets" and "Authorization process".
"""

from datetime import timedelta

from moorage.connectors.authorization import PermissionSet, PlatformManifest
from moorage.connectors.manifest import CredentialField

MESSAGES, USERS, ACCOUNT, WEB, MASS, MATERIAL, MENU = 1, 2, 3, 4, 7, 11, 15

PLATFORM_MANIFEST = PlatformManifest(
    credential_fields=(
        CredentialField(name="appid", pattern=r"wx[0-9a-f]{16}", secret=False, example="wxc0ffee1234567890"),
        CredentialField(
            name="secret", pattern=r"[0-9a-fA-F]{32}", secret=True, example="0123456789abcdef0123456789abcdef"
        ),
        CredentialField(name="token", pattern=r"[A-Za-z0-9]{3,32}", secret=True, example="Kf7tokenXq2LmZ"),
        CredentialField(
            name="aes_key",
            pattern=r"[A-Za-z0-9]{43}",
            secret=True,
            example="hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA",
        ),
    ),
    platform_field="appid",
    event_path="/wechat/platform/events",
    message_path="/wechat/platform/{external_id}/messages",
    account_placeholder="$APPID$",
    permission_sets=(
        PermissionSet(id=MESSAGES, name="messages", required=True),
        PermissionSet(id=MENU, name="menu", required=True),
        PermissionSet(id=USERS, name="users", required=True),
        PermissionSet(id=ACCOUNT, name="account", required=False),
        PermissionSet(id=WEB, name="web", required=False),
        PermissionSet(id=MASS, name="mass", required=False),
        PermissionSet(id=MATERIAL, name="material", required=False),
    ),
    preconditions=("certified_account", "administrator"),
    ticket_lasts=timedelta(hours=12),
)


def missing_reason(set_id: int) -> str:
    """Return the word for an account that has not granted the set."""
    return next(one.missing_reason for one in PLATFORM_MANIFEST.permission_sets if one.id == set_id)
