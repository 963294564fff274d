"""Questions of follow replies, which belong to no conversation.

Revision ID: 0014
Revises: 0013
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import run

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Let a question be asked where no conversation is open."""
    path = files("moorage") / "migrations" / "versions" / "0014_follow_questions.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
