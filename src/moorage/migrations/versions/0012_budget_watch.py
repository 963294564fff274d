"""Limits that providers teach us.

Revision ID: 0012
Revises: 0011
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import protect, run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the cases, and what was lowered because of them."""
    path = files("moorage") / "migrations" / "versions" / "0012_budget_watch.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    protect("budget_cases")
