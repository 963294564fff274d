"""The settings of a process. They are read once, in `entry/`, and passed on in narrow parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from moorage.core.errors import DomainError


@dataclass(eq=False)
class SettingMissing(DomainError):
    """A setting that this command needs has no value."""

    code: ClassVar[str] = "infra.setting_missing"
    name: str
    what_for: str

    def __str__(self) -> str:
        return f"{self.name} is not set. {self.what_for}"


@dataclass(eq=False)
class ClockFileRefused(DomainError):
    """A clock file is for the demo and for tests; a service with customers keeps the database's time."""

    code: ClassVar[str] = "infra.clock_file_refused"
    path: str

    def __str__(self) -> str:
        return f"MOORAGE_CLOCK_FILE ({self.path}) moves the clock and is for `moorage demo` and tests. Unset it."


class Settings(BaseSettings):
    """Every setting, from the environment as `MOORAGE_` and the name in capitals."""

    model_config = SettingsConfigDict(env_prefix="MOORAGE_", extra="ignore", frozen=True)

    database_url: SecretStr | None = None
    """The login moorage_app. Without it `moorage demo` starts its own PostgreSQL."""
    migration_database_url: SecretStr | None = None
    """The login that may change tables, for `moorage migrate`. Default: database_url."""
    public_url: str = "http://127.0.0.1:8700"
    """Where browsers and providers reach this installation; callbacks and links are made from it."""
    bind: str = "127.0.0.1"
    port: int = Field(default=8700, ge=0, le=65535)
    data_dir: Path = Path(".moorage")
    """The folder for what is not in the database: the embedded cluster, blobs, the demo's keys."""
    secret_keys: SecretStr | None = None
    """Base64 keys of 32 bytes, separated by commas. The first encrypts, all decrypt."""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses or networks whose `X-Forwarded-For` is believed, separated by commas."""
    clock_file: Path | None = None
    wechat_api_url: str = "https://api.weixin.qq.com"
    wechat_mp_url: str = "https://mp.weixin.qq.com"
    wechat_open_url: str = "https://open.weixin.qq.com"
    wechat_component_appid: str | None = None
    """Of our third-party platform at WeChat. These four come together, and count before what the operator entered."""
    wechat_component_appsecret: SecretStr | None = None
    wechat_component_token: SecretStr | None = None
    wechat_component_aes_key: SecretStr | None = None
    log_format: Literal["json", "text"] = "text"
    pool_size: int = Field(default=10, ge=2, le=100)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("public_url", "wechat_api_url", "wechat_mp_url", "wechat_open_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @property
    def serves_https(self) -> bool:
        """Return whether browsers come over TLS, so that cookies are marked Secure."""
        return self.public_url.startswith("https://")


def required_database_url(settings: Settings) -> str:
    """Return the app's database URL. Raises SettingMissing."""
    if settings.database_url is None:
        raise SettingMissing(
            name="MOORAGE_DATABASE_URL",
            what_for="It names the PostgreSQL (15 or newer) and the login moorage_app; `moorage demo` needs none.",
        )
    return settings.database_url.get_secret_value()


def required_migration_url(settings: Settings) -> str:
    """Return the database URL of the login that may change tables, by default the app's. Raises SettingMissing."""
    if settings.migration_database_url is not None:
        return settings.migration_database_url.get_secret_value()
    return required_database_url(settings)


def wechat_component(settings: Settings) -> Mapping[str, str] | None:
    """Return the third-party platform's credentials, or None where the operator enters them. Raises SettingMissing
    where some are set and others are not."""
    given = {
        "appid": settings.wechat_component_appid,
        "appsecret": _plain(settings.wechat_component_appsecret),
        "token": _plain(settings.wechat_component_token),
        "aes_key": _plain(settings.wechat_component_aes_key),
    }
    if not any(given.values()):
        return None
    for name, value in given.items():
        if not value:
            raise SettingMissing(
                name=f"MOORAGE_WECHAT_COMPONENT_{name.upper()}",
                what_for="The four settings of the third-party platform come together, or none of them.",
            )
    return {name.removeprefix("app") if name == "appsecret" else name: value or "" for name, value in given.items()}


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def required_secret_keys(settings: Settings) -> str:
    """Return the key list as it was given. Raises SettingMissing."""
    if settings.secret_keys is None:
        raise SettingMissing(
            name="MOORAGE_SECRET_KEYS",
            what_for="It seals credentials at rest; make one with `openssl rand -base64 32` and keep it safe.",
        )
    return settings.secret_keys.get_secret_value()


def refuse_clock_file(settings: Settings) -> None:
    """Return if no clock file is set, as `serve` and `work` demand. Raises ClockFileRefused."""
    if settings.clock_file is not None:
        raise ClockFileRefused(path=str(settings.clock_file))
