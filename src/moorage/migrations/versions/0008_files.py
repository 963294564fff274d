"""Voices, videos and files that are sent, and files that customers hand in.

Revision ID: 0008
Revises: 0007
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add what is known of files of every kind."""
    path = files("moorage") / "migrations" / "versions" / "0008_files.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
