"""The credentials of our platforms that a process is started with, by kind of channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from moorage.channels.platforms import check_platform_credentials
from moorage.connectors.registry import platform_manifests
from moorage.core.errors import DomainError, Malformed
from moorage.infra.settings import Settings, wechat_component

SETTINGS = {"appid": "APPID", "secret": "APPSECRET", "token": "TOKEN", "aes_key": "AES_KEY"}


@dataclass(eq=False)
class PlatformSettingWrong(DomainError):
    """A setting of the third-party platform does not have the form of one. Its value is not shown."""

    code: ClassVar[str] = "entry.platform_setting_wrong"
    name: str

    def __str__(self) -> str:
        return f"{self.name} has not the form of one: copy it anew from the platform's page at WeChat's Open Platform."


def configured_platforms(settings: Settings) -> Mapping[str, Mapping[str, str]]:
    """Return what the environment says, by kind. Raises SettingMissing or PlatformSettingWrong."""
    given = wechat_component(settings)
    if given is None:
        return {}
    try:
        return {"wechat_oa": check_platform_credentials(platform_manifests()["wechat_oa"], given)}
    except Malformed as error:
        raise PlatformSettingWrong(name=f"MOORAGE_WECHAT_COMPONENT_{SETTINGS[error.field]}") from error
