"""The processes of a demo, and what each is told."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from moorage.connectors.registry import platform_manifests
from moorage.entry.demo_record import DemoRecord, write_private
from moorage.entry.supervisor import Program
from moorage.infra.settings import Settings, wechat_component

SANDBOX_ACCOUNT_NAME = "码头茶馆"
PLATFORM_NAME = "Moorage"
ADMINISTRATOR = "陈晓"
"""Who scans for all accounts of the demo."""
WECHAT_PLATFORM = platform_manifests()["wechat_oa"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the parts of a demo are reached."""

    console: str
    sandbox: str

    def callback_of(self, appid: str) -> str:
        """Return where the sandbox sends the pushes of an account."""
        return f"{self.console}/wechat/oa/{appid}"

    @property
    def event_url(self) -> str:
        """Return where the sandbox sends what it tells our platform."""
        return self.console + WECHAT_PLATFORM.event_path

    @property
    def message_url(self) -> str:
        """Return where the sandbox sends the pushes of all accounts that authorized our platform."""
        return self.console + WECHAT_PLATFORM.message_path.format(external_id=WECHAT_PLATFORM.account_placeholder)


def demo_programs(settings: Settings, *, record: DemoRecord, addresses: Addresses) -> tuple[Program, ...]:
    """Return sandbox, web process and worker, all with the demo's settings."""
    environment = _environment(settings)
    moorage = (sys.executable, "-m", "moorage.entry.cli")
    worker_ready = worker_ready_file(settings)
    worker_ready.unlink(missing_ok=True)
    return (
        Program(name="sandbox", command=_sandbox_command(settings, record, addresses), orphan_signal="TERM"),
        Program(name="web", command=(*moorage, "serve", "--demo"), environment=environment),
        Program(
            name="worker",
            command=(*moorage, "work", "--demo", "--ready-file", str(worker_ready)),
            environment=environment,
        ),
    )


def _sandbox_command(settings: Settings, record: DemoRecord, addresses: Addresses) -> tuple[str, ...]:
    # Secrets go by files: whoever lists processes reads command lines.
    accounts_file = settings.data_dir / "sandbox-accounts.json"
    write_private(accounts_file, json.dumps(_sandbox_accounts(record, addresses), ensure_ascii=False))
    components_file = settings.data_dir / "sandbox-components.json"
    write_private(components_file, json.dumps(_sandbox_components(settings, addresses), ensure_ascii=False))
    return (
        *(sys.executable, "-m", "wechat_sandbox", "--port", str(record.sandbox_port)),
        *("--state-file", str(settings.data_dir / "sandbox.json"), "--clock-file", str(settings.clock_file)),
        *("--accounts-file", str(accounts_file), "--components-file", str(components_file)),
    )


def _sandbox_accounts(record: DemoRecord, addresses: Addresses) -> list[Mapping[str, object]]:
    own: dict[str, object] = {
        **record.account.model_dump(),
        "name": SANDBOX_ACCOUNT_NAME,
        "administrator": ADMINISTRATOR,
        "callback_url": addresses.callback_of(record.account.appid),
    }
    others = (
        {**account.model_dump(exclude_none=True), "administrator": ADMINISTRATOR, "api_enabled": account.verified}
        for account in record.scan_accounts
    )
    return [own, *others]


def _sandbox_components(settings: Settings, addresses: Addresses) -> list[Mapping[str, object]]:
    platform = wechat_component(settings)
    if platform is None:
        return []
    named = {"name": PLATFORM_NAME, "start_domain": urlsplit(addresses.console).netloc, "published": True}
    return [{**platform, **named, "event_url": addresses.event_url, "message_url": addresses.message_url}]


def _environment(settings: Settings) -> Mapping[str, str]:
    """Return the settings as the environment that gives a child the same ones."""
    values = settings.model_dump(exclude_none=True)
    return {f"MOORAGE_{name.upper()}": _plain(value) for name, value in values.items()}


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] -- a tuple of texts


def worker_ready_file(settings: Settings) -> Path:
    """Return the file that the worker writes once its loops run."""
    return settings.data_dir / "worker.ready"
