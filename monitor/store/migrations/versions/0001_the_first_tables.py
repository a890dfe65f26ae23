"""The first tables.

Revision 0001, after None.
"""

import sqlalchemy as sa
from alembic import op

from monitor.store import tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this revision."""
    op.create_table(
        "facts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("changed_at", tables.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="facts_pkey"),
    )
    op.create_table(
        "feeds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("last_modified", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("next_poll_at", tables.Instant(), nullable=False),
        sa.Column("first_polled_at", tables.Instant(), nullable=True),
        sa.Column("last_polled_at", tables.Instant(), nullable=True),
        sa.Column("last_ok_at", tables.Instant(), nullable=True),
        sa.Column("last_new_at", tables.Instant(), nullable=True),
        sa.Column("failing_since_at", tables.Instant(), nullable=True),
        sa.Column("gap_seconds", sa.Float(), nullable=True),
        sa.Column("schedule", sa.JSON(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("leased_until_at", tables.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="feeds_pkey"),
        sa.UniqueConstraint("name", name="feeds_name_key"),
    )
    op.create_index("feeds_next_poll_at", "feeds", ["next_poll_at"], unique=False)

    op.create_table(
        "rule_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("since_at", tables.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="rule_versions_pkey"),
        sa.UniqueConstraint("fingerprint", name="rule_versions_fingerprint_key"),
    )
    op.create_table(
        "silences",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("starts_at", tables.Instant(), nullable=False),
        sa.Column("ends_at", tables.Instant(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="silences_pkey"),
    )
    op.create_index("silences_ends_at", "silences", ["ends_at"], unique=False)

    op.create_table(
        "stories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("opened_at", tables.Instant(), nullable=False),
        sa.Column("last_at", tables.Instant(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("outlets", sa.JSON(), nullable=False),
        sa.Column("raised", sa.Boolean(), nullable=False),
        sa.Column("merged_into", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["merged_into"], ["stories.id"], name="stories_merged_into_fkey"),
        sa.PrimaryKeyConstraint("id", name="stories_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("stories_last_at", "stories", ["last_at"], unique=False)

    op.create_table(
        "entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("published_at", tables.Instant(), nullable=True),
        sa.Column("first_seen_at", tables.Instant(), nullable=False),
        sa.Column("first_poll", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("leased_until_at", tables.Instant(), nullable=True),
        sa.Column("rules_id", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="entries_feed_id_fkey"),
        sa.ForeignKeyConstraint(["rules_id"], ["rule_versions.id"], name="entries_rules_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="entries_pkey"),
        sa.UniqueConstraint("feed_id", "key", name="entries_feed_id_key_key"),
    )
    op.create_index("entries_first_seen_at", "entries", ["first_seen_at"], unique=False)
    op.create_index(
        "entries_pending",
        "entries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "entries_tried",
        "entries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending' AND attempts > 0"),
        postgresql_where=sa.text("status = 'pending' AND attempts > 0"),
    )

    op.create_table(
        "notifications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=True),
        sa.Column("batch", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(), nullable=False),
        sa.Column("ready_at", tables.Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(), nullable=True),
        sa.Column("leased_until_at", tables.Instant(), nullable=True),
        sa.Column("message", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("sent_at", tables.Instant(), nullable=True),
        sa.Column("folded_into", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["folded_into"], ["notifications.id"], name="notifications_folded_into_fkey"),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="notifications_story_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="notifications_pkey"),
        sa.UniqueConstraint("key", name="notifications_key_key"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "notifications_held",
        "notifications",
        ["ready_at"],
        unique=False,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "notifications_pending",
        "notifications",
        ["channel", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "notifications_sent",
        "notifications",
        ["channel", "sent_at"],
        unique=False,
        sqlite_where=sa.text("state = 'sent'"),
        postgresql_where=sa.text("state = 'sent'"),
    )
    op.create_index("notifications_story_id", "notifications", ["story_id"], unique=False)

    op.create_table(
        "outages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("began_at", tables.Instant(), nullable=False),
        sa.Column("ended_at", tables.Instant(), nullable=True),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feeds.id"], name="outages_feed_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="outages_pkey"),
    )
    op.create_index(
        "one_open_outage",
        "outages",
        ["feed_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("outages_feed_id", "outages", ["feed_id"], unique=False)

    op.create_table(
        "seeds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("published_at", tables.Instant(), nullable=False),
        sa.Column("loaded_at", tables.Instant(), nullable=False),
        sa.Column("removed_at", tables.Instant(), nullable=True),
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="seeds_story_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seeds_pkey"),
        sa.UniqueConstraint("name", name="seeds_name_key"),
    )
    op.create_index("seeds_story_id", "seeds", ["story_id"], unique=False)

    op.create_table(
        "corrections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_at", tables.Instant(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("into_id", sa.Integer(), nullable=True),
        sa.Column("entry_id", sa.Integer(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="corrections_entry_id_fkey"),
        sa.ForeignKeyConstraint(["into_id"], ["stories.id"], name="corrections_into_id_fkey"),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="corrections_story_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="corrections_pkey"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decided_at", tables.Instant(), nullable=False),
        sa.Column("rules_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("news", sa.String(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("nearest_id", sa.Integer(), nullable=True),
        sa.Column("features", sa.JSON(), nullable=False),
        sa.Column("matches", sa.JSON(), nullable=False),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("text", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="decisions_entry_id_fkey"),
        sa.ForeignKeyConstraint(["rules_id"], ["rule_versions.id"], name="decisions_rules_id_fkey"),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="decisions_story_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="decisions_pkey"),
        sa.UniqueConstraint("entry_id", "revision", name="decisions_entry_id_revision_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("decisions_decided_at", "decisions", ["decided_at"], unique=False)
    op.create_index("decisions_story_id", "decisions", ["story_id"], unique=False)

    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("created_at", tables.Instant(), nullable=False),
        sa.Column("acked_at", tables.Instant(), nullable=True),
        sa.Column("acked_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="alerts_decision_id_fkey"),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.id"], name="alerts_entry_id_fkey"),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"], name="alerts_story_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="alerts_pkey"),
        sa.UniqueConstraint("entry_id", "revision", name="alerts_entry_id_revision_key"),
        sa.UniqueConstraint("story_id", "sequence", name="alerts_story_id_sequence_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("alerts_created_at", "alerts", ["created_at"], unique=False)

    op.create_table(
        "notification_alerts",
        sa.Column("notification_id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="notification_alerts_alert_id_fkey"),
        sa.ForeignKeyConstraint(
            ["notification_id"], ["notifications.id"], name="notification_alerts_notification_id_fkey"
        ),
        sa.PrimaryKeyConstraint("notification_id", "alert_id", name="notification_alerts_pkey"),
    )
    op.create_index("notification_alerts_alert_id", "notification_alerts", ["alert_id"], unique=False)
