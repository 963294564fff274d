"""Questions with choices that wait for an answer.

Revision ID: 0011
Revises: 0010
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import protect, run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add prompts, and what is remembered of how accounts show choices and typing."""
    path = files("moorage") / "migrations" / "versions" / "0011_prompts.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    protect("prompts")
