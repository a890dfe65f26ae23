"""What alembic runs: the migrations, on the connection and in the transaction that `store.migrate` gives it."""

from alembic import context
from sqlmodel import SQLModel

from monitor.store import tables  # noqa: F401  (fills the metadata)

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
