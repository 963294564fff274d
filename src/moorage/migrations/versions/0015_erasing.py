"""Erasing a customer reaches the event log.

Revision ID: 0015
Revises: 0014
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import run

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Let the words be taken out of facts; nothing else of a fact can be changed."""
    path = files("moorage") / "migrations" / "versions" / "0015_erasing.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
