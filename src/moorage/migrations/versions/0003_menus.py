"""Custom menus.

Revision ID: 0003
Revises: 0002
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import protect, run

revision = "0003"
down_revision = "0002"

COMPANY_TABLES: tuple[LiteralString, ...] = ("channel_menus", "conditional_menus", "menu_versions")


def upgrade() -> None:
    """Add what menus need."""
    path = files("moorage") / "migrations" / "versions" / "0003_menus.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    for table in COMPANY_TABLES:
        protect(table)
