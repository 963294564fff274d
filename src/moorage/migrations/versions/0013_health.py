"""What is known of each channel's health, docking by a link, and what a platform's provider lists.

Revision ID: 0013
Revises: 0012
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import protect, run, share

revision = "0013"
down_revision = "0012"

TABLES: tuple[LiteralString, ...] = ("channel_checks", "channel_arrivals", "channel_refusals")


def upgrade() -> None:
    """Add what the checks of a channel are read from, and when each channel is looked at again."""
    path = files("moorage") / "migrations" / "versions" / "0013_health.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    for table in TABLES:
        protect(table)
    share("platform_comparisons")
