"""Who customers are: profiles, remark names, the company's own ids, erasure.

Revision ID: 0010
Revises: 0009
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import protect, run

revision = "0010"
down_revision = "0009"

TABLES: tuple[LiteralString, ...] = (
    "channel_identity",
    "web_authorizations",
    "identity_link_uses",
    "identity_conflicts",
)


def upgrade() -> None:
    """Add what is known of customers, and how a company says who they are. What is there already stays as it is."""
    path = files("moorage") / "migrations" / "versions" / "0010_identity.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    for table in TABLES:
        protect(table)
