"""Settings: what the environment says, checked, and what is missing, named."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from moorage.infra.settings import SettingMissing, Settings, required_database_url, required_secret_keys


def test_a_public_url_loses_its_last_slash() -> None:
    assert Settings(public_url="https://help.example.org/").public_url == "https://help.example.org"
    assert Settings(public_url="https://help.example.org/").serves_https


def test_an_address_without_scheme_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings(wechat_api_url="api.weixin.qq.com")


def test_proxies_are_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORAGE_TRUSTED_PROXIES", "10.0.0.0/8, 192.168.1.4")
    assert Settings().trusted_proxies == ("10.0.0.0/8", "192.168.1.4")


def test_missing_settings_are_named_with_what_they_are_for() -> None:
    with pytest.raises(SettingMissing, match="MOORAGE_DATABASE_URL is not set"):
        required_database_url(Settings(database_url=None))
    with pytest.raises(SettingMissing, match="openssl rand"):
        required_secret_keys(Settings(secret_keys=None))


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    shown = repr(Settings.model_validate({"database_url": "postgresql://u:hunter2@h/d", "secret_keys": "hunter3"}))
    assert "hunter" not in shown


def test_the_settings_page_tells_of_every_setting_and_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "settings.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `MOORAGE_(\w+)` \| (.+?) \|", page, flags=re.MULTILINE))
    assert rows.keys() == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if field.default:
            assert rows[name.upper()] == f"`{field.default}`"
