"""`moorage demo`: everything on one machine, for trying out and for the browser tests.

One supervisor runs PostgreSQL, the web process, the worker and the WeChat sandbox as processes of their own, starts
again what ends, and takes all of them along when it goes, even by kill -9.
"""

import asyncio
import fcntl
import signal
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import ClassVar

from pydantic import SecretStr

from moorage.core.errors import DomainError
from moorage.entry.demo_engine import EngineKeeper
from moorage.entry.demo_programs import Addresses, demo_programs
from moorage.entry.demo_ready import announce, until_ready
from moorage.entry.demo_record import DemoRecord, keep_record, kept_record
from moorage.entry.demo_workspace import build_demo_workspace
from moorage.entry.ports import reserve_exactly, reserve_port
from moorage.entry.supervisor import Supervisor
from moorage.infra.migrate import migrate
from moorage.infra.secrets import kept_keys
from moorage.infra.settings import Settings, required_migration_url, wechat_component

DEFAULT_PORT = 8700
DEFAULT_SANDBOX_PORT = 8701


@dataclass(eq=False)
class DemoRunsAlready(DomainError):
    """Another demo uses the same data folder."""

    code: ClassVar[str] = "entry.demo_runs_already"
    kind: ClassVar[str] = "conflict"
    data_dir: str

    def __str__(self) -> str:
        return f"Another demo runs on {self.data_dir}: end it, or name another folder with --data-dir."


def run_demo(*, settings: Settings, port: int | None, ready_file: Path | None) -> None:
    """Run a demo in `settings.data_dir` until Ctrl-C or SIGTERM.

    `port` is the console's (None: the one of last time, else 8700, else a free one). `ready_file` is removed first and
    written once everything serves. A database named in `settings` is used instead of an embedded one.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)
    data_dir = settings.data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
    with _only_demo(data_dir), ExitStack() as stack:
        record = _with_ports(stack, data_dir, wanted=port, bind=settings.bind)
        engine = None
        if settings.database_url is None:
            tell("PostgreSQL starts")
            engine = stack.enter_context(EngineKeeper(folder=data_dir / "postgres", tell=tell))
            settings = settings.model_copy(update=engine.database_settings())
        settings = _demo_settings(settings, data_dir=data_dir, record=record)
        tell("the schema is brought up to date")
        migrate(url=required_migration_url(settings))
        record = asyncio.run(build_demo_workspace(settings, data_dir=data_dir, record=record))
        asyncio.run(_supervise(settings, record=record, engine=engine, ready_file=ready_file))


def _leave(number: int, _frame: FrameType | None) -> None:
    """End the process by an exception, so that what has been started is ended too."""
    raise SystemExit(128 + number)


def tell(line: str) -> None:
    """Print one line of the demo's log."""
    name = "" if line[8:9] == "|" else f"{'demo':<8}| "
    print(f"{name}{line}", flush=True)


@contextmanager
def _only_demo(data_dir: Path) -> Generator[None]:
    with (data_dir / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoRunsAlready(data_dir=str(data_dir)) from None
        yield


def _with_ports(stack: ExitStack, data_dir: Path, *, wanted: int | None, bind: str) -> DemoRecord:
    """Return the record with ports reserved: those of last time if possible, so that addresses stay the same."""
    record = kept_record(data_dir)
    if wanted:
        port = reserve_exactly(stack, bind=bind, port=wanted)
    else:
        usual = record.port or DEFAULT_PORT
        port = reserve_port(stack, bind=bind, preferred=usual if wanted is None else 0)
    sandbox_port = reserve_port(stack, bind="127.0.0.1", preferred=record.sandbox_port or DEFAULT_SANDBOX_PORT)
    return keep_record(data_dir, record.model_copy(update={"port": port, "sandbox_port": sandbox_port}))


def _demo_settings(settings: Settings, *, data_dir: Path, record: DemoRecord) -> Settings:
    sandbox = f"http://127.0.0.1:{record.sandbox_port}"
    fixed: dict[str, object] = {
        "data_dir": data_dir,
        "port": record.port,
        "clock_file": data_dir / "clock",
        "wechat_api_url": sandbox,
        "wechat_mp_url": sandbox,
        "wechat_open_url": sandbox,
    }
    if wechat_component(settings) is None:
        fixed |= _platform_settings(record)
    if settings.secret_keys is None:
        fixed["secret_keys"] = SecretStr(kept_keys(data_dir / "secret_keys"))
    if "public_url" not in settings.model_fields_set:
        fixed["public_url"] = f"http://127.0.0.1:{record.port}"
    return settings.model_copy(update=fixed)


def _platform_settings(record: DemoRecord) -> Mapping[str, object]:
    platform = record.platform
    return {
        "wechat_component_appid": platform.appid,
        "wechat_component_appsecret": SecretStr(platform.secret),
        "wechat_component_token": SecretStr(platform.token),
        "wechat_component_aes_key": SecretStr(platform.aes_key),
    }


async def _supervise(
    settings: Settings, *, record: DemoRecord, engine: EngineKeeper | None, ready_file: Path | None
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    addresses = Addresses(console=settings.public_url, sandbox=settings.wechat_api_url)
    supervisor = Supervisor(tell=tell)

    async def tell_when_ready() -> None:
        await until_ready(settings, addresses)
        supervisor.everything_ready = True
        announce(settings, record, addresses, ready_file)

    async with asyncio.TaskGroup() as tasks:
        programs = demo_programs(settings, record=record, addresses=addresses)
        running = [tasks.create_task(supervisor.keep(program)) for program in programs]
        running += [tasks.create_task(engine.keep())] if engine is not None else []
        running.append(tasks.create_task(tell_when_ready()))
        await stop.wait()
        tell("everything ends")
        for task in running:
            task.cancel()
