"""How many sealed pushes one web process takes in, beside the least that such a server can do, in one run.

Both are processes of their own behind the same uvicorn, on the same PostgreSQL with its ordinary settings, and get the
same kind of load: 500 customers, 32 connections, bodies sealed beforehand. Rounds alternate, and medians count, so that
a busy machine disturbs both. No worker runs: what is found taken in after the last answer was taken in before it.
The last line printed is one JSON object.
"""

import argparse
import asyncio
import base64
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from bench.baseline import GRANT, TABLE
from bench.cpu import cpu_s
from bench.pushing import Answers, as_http, closed_loop, open_loop
from moorage.connectors.contract import RawRequest
from moorage.core.clock import OffsetClock
from moorage.infra.database import Database, DomainEvent, Tx
from moorage.infra.embedded import Engine, running_engine
from moorage.infra.migrate import migrate
from moorage.infra.pool import open_pool
from tests.connectors.wechat_requests import sealed_push
from tests.conversations.desk import Desk, a_desk, an_openid

CUSTOMERS = 500
CONNECTIONS = 32
OPEN_CONNECTIONS = 200
OPEN_PER_S = 150
SERVES_WITHIN_S = 30
AGENTS = 5


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is sent."""

    rounds: int
    pushes: int
    open_s: int


@dataclass(frozen=True, slots=True)
class Target:
    """A server under load, and the database behind it."""

    port: int
    process: int
    engine: int


@dataclass(frozen=True, slots=True)
class Round:
    """What one round came to: requests a second, and processor milliseconds for each."""

    rate: float
    server_ms: float
    database_ms: float


class Quiet:
    """Subscriptions of a process without jobs."""

    async def dispatch(self, tx: Tx, event: DomainEvent) -> None:
        """Do nothing about `event`."""


async def measure(engine: Engine, folder: Path, sizes: Sizes) -> dict[str, object]:
    """Return the figures."""
    async with await open_pool(engine.url(), size=4) as pool:
        database = Database(pool=pool, clock=OffsetClock(), subscriptions=Quiet())
        async with a_desk(database, verified=True) as desk:
            for number in range(AGENTS):
                await desk.an_agent(name=f"Agent {number}", most_conversations=CUSTOMERS // AGENTS)
            customers = [an_openid() for _ in range(CUSTOMERS)]
            with (
                _serving("moorage.entry.cli", "serve", engine=engine, desk=desk, folder=folder) as ours,
                _serving("bench.baseline", engine=engine, desk=desk, folder=folder) as baseline,
            ):
                return await _rounds(desk, customers, ours=ours, baseline=baseline, sizes=sizes)


async def _rounds(
    desk: Desk, customers: Sequence[str], *, ours: Target, baseline: Target, sizes: Sizes
) -> dict[str, object]:
    await _closed(desk, customers, ours, count=len(customers))  # each customer's conversation is open from here on
    await _closed(desk, customers, baseline, count=len(customers))
    rounds: list[Round] = []
    baseline_rounds: list[Round] = []
    for number in range(1, sizes.rounds + 1):
        baseline_rounds.append(await _closed(desk, customers, baseline, count=sizes.pushes * 2))
        rounds.append(await _closed(desk, customers, ours, count=sizes.pushes))
        rate, baseline_rate = rounds[-1].rate, baseline_rounds[-1].rate
        print(f"round {number}: {rate:.0f} pushes/s taken in, {baseline_rate:.0f} by the baseline", flush=True)
        await _assert_taken_in(desk)
    opened = await open_loop(
        ours.port,
        _requests(desk, customers, sizes.open_s * OPEN_PER_S),
        per_s=OPEN_PER_S,
        connections=OPEN_CONNECTIONS,
    )
    _assert_answered(opened)
    await _assert_taken_in(desk)
    both = zip(rounds, baseline_rounds, strict=True)
    return {
        "ratio": round(statistics.median(one.rate / base.rate for one, base in both), 3),
        **_median_of(rounds, prefix=""),
        **_median_of(baseline_rounds, prefix="baseline_"),
        "p50_ms": round(opened.quantile_ms(0.5), 1),
        "p99_ms": round(opened.quantile_ms(0.99), 1),
        "slowest_ms": round(opened.quantile_ms(1), 1),
        "open_loop_per_s": OPEN_PER_S,
        "customers": CUSTOMERS,
        "connections": CONNECTIONS,
    }


def _median_of(rounds: Sequence[Round], *, prefix: str) -> dict[str, object]:
    return {
        f"{prefix}rate": round(statistics.median(one.rate for one in rounds), 1),
        f"{prefix}server_cpu_ms": round(statistics.median(one.server_ms for one in rounds), 2),
        f"{prefix}database_cpu_ms": round(statistics.median(one.database_ms for one in rounds), 2),
    }


async def _closed(desk: Desk, customers: Sequence[str], target: Target, *, count: int) -> Round:
    requests = _requests(desk, customers, count)
    server_s, database_s = cpu_s(target.process), cpu_s(target.engine)
    rate, answers = await closed_loop(target.port, requests, connections=CONNECTIONS)
    server_s, database_s = cpu_s(target.process) - server_s, cpu_s(target.engine) - database_s
    _assert_answered(answers)
    return Round(rate=rate, server_ms=server_s / count * 1000, database_ms=database_s / count * 1000)


def _requests(desk: Desk, customers: Sequence[str], count: int) -> list[bytes]:
    """Return sealed pushes of all customers in turn, ready to be sent."""
    now = desk.database.clock.now()
    path = f"/wechat/oa/{desk.channel.external_id}"
    bodies = (desk.said(f"我的订单 {n} 到哪里了?", by=customers[n % len(customers)]) for n in range(count))
    return [as_http(_sealed(desk, body, at=now), path=path) for body in bodies]


def _sealed(desk: Desk, body: bytes, *, at: datetime) -> RawRequest:
    known = desk.credentials
    return sealed_push(body, at=at, appid=known["appid"], aes_key=known["aes_key"], token=known["token"])


def _assert_answered(answers: Answers) -> None:
    if answers.refused:
        raise AssertionError(f"{len(answers.refused)} pushes were refused, the first by {answers.refused[0]!r}")


async def _assert_taken_in(desk: Desk) -> None:
    """Raise unless every stored push is taken in and shows as a message. No worker runs that could have done it."""
    waiting = await desk.value("SELECT count(*) FROM pushes WHERE taken_in_at IS NULL")
    pushes = await desk.value("SELECT count(*) FROM pushes")
    messages = await desk.value("SELECT count(*) FROM messages WHERE author_kind = 'customer'")
    if waiting or pushes != messages:
        raise AssertionError(f"{pushes} pushes stored, {waiting} not taken in, {messages} messages")


# ---------------------------------------------------------------- the two servers


@contextmanager
def _serving(module: str, *words: str, engine: Engine, desk: Desk, folder: Path) -> Generator[Target]:
    """Run a server and yield it."""
    port = _free_port()
    with (folder / f"{module}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            env={**os.environ, **_environment(engine, desk, folder, port)},
            stdout=log,
            stderr=log,
        )
    print(f"{module} is process {process.pid}", flush=True)
    try:
        _await_port(process, port)
        yield Target(port=port, process=process.pid, engine=engine.process.pid if engine.process else 0)
    finally:
        process.terminate()
        process.wait()


def _environment(engine: Engine, desk: Desk, folder: Path, port: int) -> Mapping[str, str]:
    return {
        "MOORAGE_DATABASE_URL": engine.url(),
        "MOORAGE_SECRET_KEYS": base64.b64encode(b"k" * 32).decode(),  # the one that the desk's channel is sealed with
        "MOORAGE_PORT": str(port),
        "MOORAGE_DATA_DIR": str(folder / "files"),
        "MOORAGE_LOG_FORMAT": "json",
        "BENCH_TOKEN": desk.credentials["token"],
        "BENCH_AES_KEY": desk.credentials["aes_key"],
        "BENCH_APPID": desk.credentials["appid"],
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + SERVES_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server did not start (status {process.poll()})")


def main() -> None:
    """Run it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--pushes", type=int, default=1500, help="of ours in a round; the baseline gets twice that")
    arguments.add_argument("--open-s", type=int, default=20, help="how long the second run lasts")
    given = arguments.parse_args()
    sizes = Sizes(rounds=given.rounds, pushes=given.pushes, open_s=given.open_s)
    with tempfile.TemporaryDirectory(prefix=f"moorage-bench-{secrets.token_hex(2)}-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server runs as another user when this runs as root
        with running_engine(folder=folder / "postgres", options={}) as engine:
            migrate(url=engine.url(login="moorage_owner"))
            with psycopg.connect(engine.url(login="moorage_owner"), autocommit=True) as connection:
                connection.execute(TABLE)
                connection.execute(GRANT)
            figures = asyncio.run(measure(engine, folder, sizes))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
