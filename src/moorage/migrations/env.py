"""What alembic runs: the migrations, on the connection that `moorage.infra.migrate` opened."""

from alembic import context
from sqlalchemy.engine import Connection


def run() -> None:
    """Apply the migrations inside the caller's transaction."""
    connection = context.config.attributes.get("connection")
    if not isinstance(connection, Connection):
        raise TypeError("migrations run by `moorage migrate`, which opens the connection")
    context.configure(connection=connection)
    context.run_migrations()


run()
