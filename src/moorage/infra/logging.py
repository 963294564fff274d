"""Structured logs: a constant name and ids, as JSON lines or readable text, and no secret by accident."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Literal

import structlog
from structlog.typing import Processor

HIDDEN = "***"
# What a line must never carry. Callers log ids; this is the net under them.
_HIDDEN_PARTS = ("password", "secret", "token", "openid", "aes_key", "authorization", "cookie")
_QUIET = ("httpx", "httpcore", "procrastinate", "uvicorn.access", "asyncio")


def configure_logging(*, log_format: Literal["json", "text"]) -> None:
    """Send every log line of this process to standard error, our own and the libraries' alike."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns of what it could not do on a lost connection, beside raising the loss itself. Its pool is heard.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    logging.getLogger("psycopg.pool").setLevel(logging.WARNING)


def hide_secrets(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Return `event` with the value of every field hidden whose name tells of a secret."""
    for name in event:
        if any(part in name.lower() for part in _HIDDEN_PARTS):
            event[name] = HIDDEN
    return event


def _rendering(log_format: Literal["json", "text"]) -> list[Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    # The default shows each frame's local variables, and with them customers' words and tokens.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
