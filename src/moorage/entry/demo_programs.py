"""The processes of a demo, and what each is told."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from moorage.entry.demo_record import DemoRecord, write_private
from moorage.entry.supervisor import Program
from moorage.infra.settings import Settings

SANDBOX_ACCOUNT_NAME = "码头茶馆"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the parts of a demo are reached."""

    console: str
    sandbox: str

    def callback_of(self, appid: str) -> str:
        """Return where the sandbox sends the pushes of an account."""
        return f"{self.console}/wechat/oa/{appid}"


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
    account = {
        **record.account.model_dump(),
        "name": SANDBOX_ACCOUNT_NAME,
        "callback_url": addresses.callback_of(record.account.appid),
    }
    # The account's secrets go by a file: whoever lists processes reads command lines.
    accounts_file = settings.data_dir / "sandbox-accounts.json"
    write_private(accounts_file, json.dumps([account], ensure_ascii=False))
    return (
        *(sys.executable, "-m", "wechat_sandbox", "--port", str(record.sandbox_port)),
        *("--state-file", str(settings.data_dir / "sandbox.json"), "--clock-file", str(settings.clock_file)),
        *("--accounts-file", str(accounts_file)),
    )


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
