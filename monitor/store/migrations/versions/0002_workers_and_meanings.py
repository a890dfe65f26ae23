"""What an entry means, beside its decision; the workers that share a database.

Revision 0002, after 0001.
"""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

from monitor.store.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    _add_hosts()
    _add_workers()
    _add_senses()
    _add_texts()
    op.create_index("notifications_counted", "notifications", ["channel", "state"])


def _add_hosts() -> None:
    """Note the host of every feed, and which hosts rest."""
    op.add_column("feeds", sa.Column("host", sa.String(), nullable=True))
    held = sa.text("lease IS NOT NULL")
    op.create_index("feeds_held", "feeds", ["host"], sqlite_where=held, postgresql_where=held)
    op.create_table(
        "hosts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("rests_until_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("hosts_pkey")),
    )
    feeds = sa.table("feeds", sa.column("id", sa.Integer), sa.column("url", sa.String), sa.column("host", sa.String))
    found = op.get_bind().execute(sa.select(feeds.c.id, feeds.c.url)).all()
    rows = [{"this_id": row.id, "host": urlsplit(row.url).hostname or ""} for row in found]
    if rows:
        named = sa.update(feeds).where(feeds.c.id == sa.bindparam("this_id")).values(host=sa.bindparam("host"))
        op.get_bind().execute(named, rows)


def _add_workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("revision", sa.String(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("clock_ahead", sa.Float(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("gone_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("workers_pkey")),
    )


def _add_senses() -> None:
    op.create_table(
        "senses",
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("encoder", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("senses_decision_id_fkey")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("senses_pkey")),
    )


def _add_texts() -> None:
    """Keep the text of the pages that matched entries link to."""
    op.create_table(
        "texts",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name=op.f("texts_entry_id_fkey")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("texts_pkey")),
    )
