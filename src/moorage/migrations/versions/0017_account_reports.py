"""Reports of a provider about an account itself.

Revision ID: 0017
Revises: 0016
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import protect, run

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add what the health page shows of them."""
    path = files("moorage") / "migrations" / "versions" / "0017_account_reports.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    protect("channel_reports")
