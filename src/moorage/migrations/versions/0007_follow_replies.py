"""What accounts say to who follows them.

Revision ID: 0007
Revises: 0006
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import open_to_system, protect, run

revision = "0007"
down_revision = "0006"

TABLES: tuple[LiteralString, ...] = ("follow_replies", "channel_pictures")


def upgrade() -> None:
    """Add what is said, and the pictures in it."""
    path = files("moorage") / "migrations" / "versions" / "0007_follow_replies.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    for table in TABLES:
        protect(table)
    open_to_system("channel_pictures")
