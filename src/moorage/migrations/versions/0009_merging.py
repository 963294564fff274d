"""Short lines that go out as one message.

Revision ID: 0009
Revises: 0008
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add which delivery goes along with which."""
    path = files("moorage") / "migrations" / "versions" / "0009_merging.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
