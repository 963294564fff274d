"""Logs: one JSON line for each event, ids in it, secrets not."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from moorage.infra.logging import configure_logging
configure_logging(log_format="json")
structlog.get_logger("moorage.x").info("channel_docked", channel_id="c1", access_token="hunter2", app_secret="hunter2")
logging.getLogger("library").warning("of a library: 你好")
logging.getLogger("httpx").info("POST https://host/?access_token=hunter2")
"""


def test_every_line_is_json_with_ids_and_without_secrets() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    ours, theirs = (json.loads(line) for line in done.stderr.splitlines())
    assert (ours["event"], ours["channel_id"], ours["level"]) == ("channel_docked", "c1", "info")
    assert theirs["event"] == "of a library: 你好"
    assert "hunter2" not in done.stderr
