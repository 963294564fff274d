"""Returning customers, and agents who lost their connection.

Revision ID: 0006
Revises: 0005
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the queue's order, who is away, and who serves a customer again."""
    path = files("moorage") / "migrations" / "versions" / "0006_waiting.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
