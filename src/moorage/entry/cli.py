"""The command `moorage`.

The commands that migrate import what they need themselves: it takes a second, and `serve` and `work`, which are
started again after a crash, do without.
"""

import asyncio
import gc
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import ValidationError

from moorage.core.errors import DomainError
from moorage.entry import admin
from moorage.entry.container import open_container
from moorage.entry.http import create_app
from moorage.entry.worker import run_worker
from moorage.infra.logging import configure_logging
from moorage.infra.settings import Settings, refuse_clock_file, required_migration_url

PARTING_LIMIT_S = 8
COLLECTED_EVERY = 20_000
"""How many new objects make the youngest generation worth a look; Python's own figure is 700."""
LONGEST_SOCKET_MESSAGE_BYTES = 64 * 1024

app = typer.Typer(
    name="moorage",
    help="Self-hosted customer service for WeChat Official Accounts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(admin.app, name="admin")

DemoMark = Annotated[bool, typer.Option("--demo", hidden=True, help="Set by `moorage demo` on its own processes.")]


@app.command()
def demo(
    port: Annotated[int | None, typer.Option(help="Of the console. Default: 8700, or a free one.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Everything is kept there. Default: MOORAGE_DATA_DIR.")] = None,
    ready_file: Annotated[Path | None, typer.Option(help="JSON with addresses and sign-ins, once it serves.")] = None,
) -> None:
    """Run everything on this machine, with a WeChat sandbox and a company to try it with."""
    from moorage.entry.demo import run_demo  # noqa: PLC0415 -- see above

    settings = Settings()
    if data_dir is not None:
        settings = settings.model_copy(update={"data_dir": data_dir})
    if port is None and "port" in settings.model_fields_set:
        port = settings.port
    run_demo(settings=settings, port=port, ready_file=ready_file)


@app.command()
def serve(demo: DemoMark = False) -> None:
    """Run a web process: API, sockets, console and the addresses that providers push to."""
    settings = _process_settings(demo=demo)
    asyncio.run(_try_parts(settings))
    application = create_app(settings)
    _let_the_collector_rest()
    uvicorn.run(
        application,
        host=settings.bind,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        ws_max_size=LONGEST_SOCKET_MESSAGE_BYTES,
        timeout_graceful_shutdown=PARTING_LIMIT_S,
    )


@app.command()
def work(
    demo: DemoMark = False, ready_file: Annotated[Path | None, typer.Option(help="Made once it works.")] = None
) -> None:
    """Run a worker process: sends messages, takes in what stayed, runs jobs."""
    asyncio.run(run_worker(_process_settings(demo=demo), ready_file=ready_file))


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema (login: MOORAGE_MIGRATION_DATABASE_URL)."""
    from moorage.infra.migrate import migrate as apply_migrations  # noqa: PLC0415 -- see above

    revision = apply_migrations(url=required_migration_url(Settings()))
    print(f"The schema is at {revision}.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def sandbox(context: typer.Context) -> None:
    """Run the WeChat stand-in alone (`moorage sandbox --help` for its options)."""
    os.execv(sys.executable, [sys.executable, "-m", "wechat_sandbox", *context.args])  # noqa: S606 -- our own module


@app.command()
def openapi() -> None:
    """Print the API's description as OpenAPI JSON."""
    print(json.dumps(create_app(Settings()).openapi(), ensure_ascii=False, indent=2, sort_keys=True))


def main() -> None:
    """Run the command line; an expected failure ends it with a sentence and status 1, unusable settings with 2."""
    status = 0
    try:
        app()
    except* DomainError as errors:
        status = _explain(errors)
    except* ValidationError as errors:
        status = _explain(errors) + 1
    sys.exit(status)


def _explain(errors: ExceptionGroup[Exception]) -> int:
    for error in errors.exceptions:
        if isinstance(error, ExceptionGroup):
            _explain(error)  # pyright: ignore[reportUnknownArgumentType] -- a group inside a group
        else:
            print(f"moorage: {_sentence(error)}", file=sys.stderr)
    return 1


def _sentence(error: Exception) -> str:
    """Return what an error says of itself; where it has no words of its own, what its kind means, with its fields."""
    if not isinstance(error, DomainError) or type(error).__str__ is not DomainError.__str__:
        return str(error)
    meaning = (type(error).__doc__ or "").split("\n", 1)[0]
    fields = ", ".join(f"{name}: {value}" for name, value in error.details().items())
    return f"{meaning} ({fields})" if fields else meaning


async def _try_parts(settings: Settings) -> None:
    """Open and close what a process is made of, so that what is wrong ends the command with its own sentence."""
    async with open_container(settings):
        return


def _let_the_collector_rest() -> None:
    """Look for cycles seldom, and never among what is there now and stays: that took a fifth of a push's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_EVERY, 20, 50)


def _process_settings(*, demo: bool) -> Settings:
    """Return the settings of `serve` and `work`, with logging set up; only the demo may move the clock."""
    settings = Settings()
    if not demo:
        refuse_clock_file(settings)
    configure_logging(log_format=settings.log_format)
    return settings


if __name__ == "__main__":
    main()
