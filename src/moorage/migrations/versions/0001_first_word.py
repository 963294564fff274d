"""The first complete path: a customer writes, an agent answers.

Revision ID: 0001
Revises:
"""

from importlib.resources import files
from typing import LiteralString, cast

from moorage.migrations.protection import open_to_system, protect, run, share

revision = "0001"
down_revision = None

PLATFORM_TABLES: tuple[LiteralString, ...] = (
    "workspaces",
    "persons",
    "operators",
    "memberships",
    "sessions",
    "sign_ins",
    "idempotency_keys",
    "channel_addresses",
)
COMPANY_TABLES: tuple[LiteralString, ...] = (
    "event_counters",
    "agents",
    "skill_groups",
    "skill_group_members",
    "agent_status_spans",
    "channels",
    "channel_tokens",
    "push_nonces",
    "customers",
    "customer_identities",
    "threads",
    "conversations",
    "messages",
    "budgets",
    "deliveries",
    "assignments",
    "pushes",
    "decisions",
    "blobs",
)
APPEND_ONLY_TABLES: tuple[LiteralString, ...] = ("event_log", "audit_log")
SYSTEM_READS: tuple[LiteralString, ...] = ("agents", "channels", "channel_tokens", "event_counters")
SYSTEM_CLAIMS: tuple[LiteralString, ...] = ("pushes", "deliveries", "conversations")


def upgrade() -> None:
    """Create everything. There is nothing to keep yet."""
    _run_file("0001_first_word.sql")
    for table in PLATFORM_TABLES:
        share(table)
    for table in COMPANY_TABLES:
        protect(table)
    for table in APPEND_ONLY_TABLES:
        protect(table, rights="SELECT, INSERT")
    for table in SYSTEM_READS:
        open_to_system(table)
    for table in SYSTEM_CLAIMS:
        open_to_system(table, rights="SELECT, UPDATE")
    run("GRANT SELECT ON workspaces, channel_addresses TO moorage_system")
    run("GRANT SELECT ON alembic_version TO moorage_app")  # readiness compares it with what the code wants
    _run_file("0001_partitions.sql")
    _add_jobs()


def _add_jobs() -> None:
    """Add procrastinate's tables. Its fetch plan is bad until they are analysed, and again when they have grown."""
    run(cast("LiteralString", (files("procrastinate") / "sql" / "schema.sql").read_text("utf-8")))
    _run_file("0001_jobs.sql")


def _run_file(name: str) -> None:
    # A file of this package is as literal as the text of this module.
    run(cast("LiteralString", (files("moorage") / "migrations" / "versions" / name).read_text("utf-8")))
