"""Docking by authorization, and many accounts.

Revision ID: 0002
Revises: 0001
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import protect, run, share

revision = "0002"
down_revision = "0001"

PLATFORM_TABLES: tuple[LiteralString, ...] = (
    "platform_credentials",
    "platform_tokens",
    "docking_attempts",
    "unclaimed_authorizations",
)
COMPANY_TABLES: tuple[LiteralString, ...] = ("channel_permission_sets",)


def upgrade() -> None:
    """Add what docking by authorization needs. What is there already stays as it is."""
    path = files("moorage") / "migrations" / "versions" / "0002_platform.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    for table in PLATFORM_TABLES:
        share(table)
    for table in COMPANY_TABLES:
        protect(table)
