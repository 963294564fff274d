"""Pictures and other files of conversations.

Revision ID: 0005
Revises: 0004
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import open_to_system, protect, run

revision = "0005"
down_revision = "0004"

TABLES: tuple[LiteralString, ...] = ("media_files", "media_fetches")


def upgrade() -> None:
    """Add what keeps files and fetches those of customers. What is there already stays as it is."""
    path = files("moorage") / "migrations" / "versions" / "0005_media.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    for table in TABLES:
        protect(table)
        open_to_system(table)
