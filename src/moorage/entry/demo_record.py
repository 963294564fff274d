"""What a demo keeps about itself in its data folder, so that the next run finds the same people and account."""

import base64
import os
import secrets
from pathlib import Path
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

RECORD = "demo.json"


class SignIn(BaseModel, frozen=True):
    """How one person of the demo signs in."""

    email: str
    password: str


class DemoAccount(BaseModel, frozen=True):
    """The Official Account that exists in the sandbox and waits to be docked."""

    appid: str
    secret: str
    token: str
    aes_key: str


class DemoPlatform(BaseModel, frozen=True):
    """Our third-party platform at the sandbox."""

    appid: str
    secret: str
    token: str
    aes_key: str


class ScanAccount(BaseModel, frozen=True):
    """An account to dock by scanning a code. `permission_sets` lists all it can grant; None: whatever is asked."""

    appid: str
    name: str
    type: Literal["service", "subscription"]
    verified: bool = True
    permission_sets: tuple[int, ...] | None = None


def _new_platform() -> DemoPlatform:
    return DemoPlatform(
        appid=_new_appid(), secret=secrets.token_hex(16), token=secrets.token_hex(16), aes_key=_new_aes_key()
    )


def _new_scan_accounts() -> tuple[ScanAccount, ...]:
    """Return accounts of every kind, so that each way to be docked can be seen."""
    return (
        ScanAccount(appid=_new_appid(), name="码头茶馆 服务号", type="service"),
        ScanAccount(appid=_new_appid(), name="码头茶馆 订阅号", type="subscription"),
        ScanAccount(appid=_new_appid(), name="街角书店", type="subscription", verified=False),
        ScanAccount(appid=_new_appid(), name="远方茶舍", type="service", permission_sets=(2, 3, 15)),
    )


def _new_appid() -> str:
    return f"wx{secrets.token_hex(8)}"


def _new_aes_key() -> str:
    """Return 43 letters and digits that are base64 of 32 bytes, as WeChat's EncodingAESKey is."""
    while True:
        key = base64.b64encode(os.urandom(32)).decode().rstrip("=")
        if key.isalnum():
            return key


class DemoRecord(BaseModel, frozen=True):
    """Everything that must be the same at the next start; kept in a file with mode 600."""

    owner: SignIn
    agents: tuple[SignIn, ...]
    account: DemoAccount
    platform: DemoPlatform = Field(default_factory=_new_platform)
    scan_accounts: tuple[ScanAccount, ...] = Field(default_factory=_new_scan_accounts)
    workspace_id: UUID | None = None
    port: int | None = None
    sandbox_port: int | None = None


def kept_record(data_dir: Path) -> DemoRecord:
    """Return the record of `data_dir`, made up at the first call."""
    file = data_dir / RECORD
    if file.exists():
        return DemoRecord.model_validate_json(file.read_text())
    return keep_record(data_dir, _new_record())


def keep_record(data_dir: Path, record: DemoRecord) -> DemoRecord:
    """Store `record` and return it."""
    write_private(data_dir / RECORD, record.model_dump_json(indent=2))
    return record


def write_private(file: Path, text: str) -> None:
    """Write `text` aside, for this user's eyes only, and put it in its place at once."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as words:
        words.write(text)
    aside.replace(file)


def _new_record() -> DemoRecord:
    return DemoRecord(
        owner=_new_sign_in("owner@demo.test"),
        agents=(_new_sign_in("lin@demo.test"), _new_sign_in("wang@demo.test")),
        account=DemoAccount(
            appid=_new_appid(),
            secret=secrets.token_hex(16),
            token=secrets.token_hex(16),
            aes_key=_new_aes_key(),
        ),
    )


def _new_sign_in(email: str) -> SignIn:
    return SignIn(email=email, password=secrets.token_hex(6))
