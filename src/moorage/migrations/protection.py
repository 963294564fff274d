"""How a migration runs SQL and puts its tables under the policies. Each migration that adds a table uses these."""

from typing import LiteralString

import psycopg
from alembic import op
from psycopg import sql


def run(statements: LiteralString | sql.Composed) -> None:
    """Run one or several statements as they stand: no colon or percent sign has a meaning."""
    driver = op.get_bind().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("migrations run on psycopg")
    driver.execute(statements)


def protect(table: LiteralString, *, rights: LiteralString = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Let the app work with the rows of the workspace its transaction names, and nobody with any other.

    Without a named workspace the policy fails aloud (no `missing_ok`). A partition gets no rights of its own, so that
    its rows can be reached through the parent and its policy alone.
    """
    run(
        sql.SQL(
            """
            ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
            ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
            CREATE POLICY workspace ON {table} TO moorage_app
              USING (workspace_id = (SELECT current_setting('moorage.workspace_id')::uuid));
            GRANT {rights} ON {table} TO moorage_app;
            """
        ).format(table=sql.Identifier(table), rights=sql.SQL(rights))
    )


def open_to_system(table: LiteralString, *, rights: LiteralString = "SELECT") -> None:
    """Let timers, sweeper and sender see the rows of every workspace through the system door."""
    run(
        sql.SQL(
            """
            CREATE POLICY system ON {table} TO moorage_system USING (true);
            GRANT {rights} ON {table} TO moorage_system;
            """
        ).format(table=sql.Identifier(table), rights=sql.SQL(rights))
    )


def share(table: LiteralString, *, rights: LiteralString = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """Let the app work with a platform table, which belongs to no company."""
    run(sql.SQL("GRANT {} ON {} TO moorage_app").format(sql.SQL(rights), sql.Identifier(table)))
