"""Pages that customers open by a signed link.

Revision ID: 0004
Revises: 0003
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import run, share

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the counts of uses."""
    path = files("moorage") / "migrations" / "versions" / "0004_customer_pages.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    share("use_counts")
