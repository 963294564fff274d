"""The command `python -m wechat_sandbox`."""

import argparse
import contextlib
import json
import sys
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from wechat_sandbox.accounts import AccountSeed, seed_accounts
from wechat_sandbox.components.registry import ComponentFormInvalid, ComponentSeed, seed_components
from wechat_sandbox.server import ExposureRefused, check_bind_address, serve
from wechat_sandbox.settings import Settings
from wechat_sandbox.world import Sandbox

_SEEDS = TypeAdapter(list[AccountSeed])
_COMPONENT_SEEDS = TypeAdapter(list[ComponentSeed])


def main(arguments: list[str] | None = None) -> None:
    """Run the stand-in as the command line says; wrong arguments end with status 2."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    try:
        check_bind_address(bind=chosen.bind, exposure_agreed=chosen.yes_i_expose_it)
    except ExposureRefused:
        parser.error("the sandbox has no sign-in: --bind needs a loopback address (or --yes-i-expose-it)")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        sandbox = Sandbox(settings=_settings(chosen))
        seed_accounts(sandbox, _seeds(chosen))
        seed_components(sandbox, _component_seeds(chosen))
    except (OSError, ValueError, ComponentFormInvalid) as error:
        parser.error(str(error))
    with contextlib.suppress(KeyboardInterrupt):
        serve(sandbox=sandbox, bind=chosen.bind, port=chosen.port, ready_file=chosen.ready_file)


def _parser() -> argparse.ArgumentParser:
    usual = Settings()
    parser = argparse.ArgumentParser(prog="wechat_sandbox", description="A local stand-in for WeChat's servers.")
    add = parser.add_argument
    add("--port", type=int, default=0, help="0 picks a free one")
    add("--bind", default="127.0.0.1")
    add("--yes-i-expose-it", action="store_true", help="allow an address that other machines reach")
    add("--state-file", type=Path, help="JSON; keeps everything across restarts")
    add("--ready-file", type=Path, help="JSON with the addresses, written once they answer")
    add("--clock-file", type=Path, help="a number of seconds to add to the time, read anew when it changes")
    add("--account", action="append", default=[], metavar="JSON", help="an account to create unless it exists")
    add("--accounts-file", type=Path, help="JSON list of such accounts")
    add("--component", action="append", default=[], metavar="JSON", help="a third-party platform to create likewise")
    add("--components-file", type=Path, help="JSON list of such platforms")
    add("--ticket-interval", type=float, default=usual.ticket_interval_s, metavar="S", help="by the moved clock")
    add("--deadline", type=float, default=usual.deadline_s, metavar="S", help="for one delivery of a push")
    add("--retry-interval", type=float, default=usual.retry_interval_s, metavar="S")
    add("--deliveries", type=int, default=usual.deliveries, help="how often a push is delivered at most")
    return parser


def _settings(chosen: argparse.Namespace) -> Settings:
    return Settings(
        state_file=chosen.state_file,
        clock_file=chosen.clock_file,
        deadline_s=chosen.deadline,
        retry_interval_s=chosen.retry_interval,
        deliveries=chosen.deliveries,
        ticket_interval_s=chosen.ticket_interval,
    )


def _seeds(chosen: argparse.Namespace) -> list[AccountSeed]:
    try:
        return _SEEDS.validate_python(_given(chosen.account, file=chosen.accounts_file))
    except ValidationError as error:
        raise ValueError(f"account not understood: {error}") from error


def _component_seeds(chosen: argparse.Namespace) -> list[ComponentSeed]:
    try:
        return _COMPONENT_SEEDS.validate_python(_given(chosen.component, file=chosen.components_file))
    except ValidationError as error:
        raise ValueError(f"component not understood: {error}") from error


def _given(texts: list[str], *, file: Path | None) -> list[object]:
    given: list[object] = [json.loads(text) for text in texts]
    if file is not None:
        given.extend(json.loads(file.read_text(encoding="utf-8")))
    return given


if __name__ == "__main__":
    main()
