"""Questions to who has opened a company's link, and reports of those who say no.

Revision ID: 0016
Revises: 0015
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import protect, run

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the questions, and why a link is reported."""
    path = files("moorage") / "migrations" / "versions" / "0016_identity_questions.sql"
    run(cast("LiteralString", path.read_text("utf-8")))  # a file of this package is as literal as this module's text
    protect("identity_questions")
