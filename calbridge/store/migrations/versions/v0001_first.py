"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of this version."""
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("fingerprint_secret", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )
    op.create_table(
        "receipts",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("erased_tenant", NAME, nullable=False),
        sa.Column("erased_user", NAME, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
    )
    op.create_table(
        "tenants",
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )
    op.create_table(
        "audit",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", NAME, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_audit_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_tenant_id_id"), "audit", ["tenant_id", "id"], unique=False)
    op.create_table(
        "checks",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_checks_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checks")),
    )
    op.create_index(op.f("ix_checks_tenant_id_subject_at"), "checks", ["tenant_id", "subject", "at"], unique=False)
    op.create_table(
        "grants",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("host", NAME, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_grants_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "host", name=op.f("pk_grants")),
    )
    op.create_table(
        "users",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("email", TEXT, nullable=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("time_zone", NAME, nullable=False),
        sa.Column("calendar_sync", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_users_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_users")),
    )
    op.create_table(
        "accounts",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("user_id", NAME, nullable=True),
        sa.Column("service", NAME, nullable=False),
        sa.Column("url", TEXT, nullable=True),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("owner_id", TEXT, nullable=True),
        sa.Column("owner_address", TEXT, nullable=True),
        sa.Column("own_addresses", sa.Text(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("refusals", sa.Text(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], name=op.f("fk_accounts_tenant_id_user_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_accounts")),
    )
    op.create_index(op.f("ix_accounts_tenant_id_user_id"), "accounts", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "changes",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", NAME, nullable=False),
        sa.Column("item_id", NAME, nullable=False),
        sa.Column("op", NAME, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_fields", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], name=op.f("fk_changes_tenant_id_user_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "seq", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_tenant_id_at"), "changes", ["tenant_id", "at"], unique=False)
    op.create_index(op.f("ix_changes_tenant_id_user_id_seq"), "changes", ["tenant_id", "user_id", "seq"], unique=False)
    op.create_table(
        "items",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("user_id", NAME, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("record_id", TEXT, nullable=True),
        sa.Column("due", sa.Text(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("associations", sa.Text(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("origin", NAME, nullable=True),
        sa.Column("ical_uid", TEXT, nullable=True),
        sa.Column("ical_hash", sa.String(length=40), nullable=True),
        sa.Column("match", sa.String(length=64), nullable=True),
        sa.Column("locked", sa.Text(), nullable=False),
        sa.Column("first_start", sa.BigInteger(), nullable=True),
        sa.Column("last_end", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("external_hash", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], name=op.f("fk_items_tenant_id_user_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_items")),
        sa.UniqueConstraint(
            "tenant_id", "user_id", "external_hash", name=op.f("uq_items_tenant_id_user_id_external_hash")
        ),
    )
    op.create_index(
        op.f("ix_items_tenant_id_user_id_ical_hash"), "items", ["tenant_id", "user_id", "ical_hash"], unique=False
    )
    op.create_index(op.f("ix_items_tenant_id_user_id_match"), "items", ["tenant_id", "user_id", "match"], unique=False)
    op.create_index(op.f("ix_items_tenant_id_user_id_seq"), "items", ["tenant_id", "user_id", "seq"], unique=False)
    op.create_table(
        "integrations",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("user_id", NAME, nullable=False),
        sa.Column("account_id", NAME, nullable=True),
        sa.Column("service", NAME, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=True),
        sa.Column("calendar_id", TEXT, nullable=True),
        sa.Column("calendar_hash", sa.String(length=40), nullable=True),
        sa.Column("calendar_name", TEXT, nullable=True),
        sa.Column("calendar_zone", TEXT, nullable=True),
        sa.Column("cursor", TEXT, nullable=True),
        sa.Column("checkpoint", TEXT, nullable=True),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("baselined", sa.Boolean(), nullable=False),
        sa.Column("projected", TEXT, nullable=True),
        sa.Column("leave_confirmed", sa.Boolean(), nullable=False),
        sa.Column("compared_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_retrieve_until", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_send_until", sa.BigInteger(), nullable=True),
        sa.Column("due_no", sa.BigInteger(), nullable=False),
        sa.Column("cleared", sa.BigInteger(), nullable=False),
        sa.Column("next_poll_at", sa.BigInteger(), nullable=True),
        sa.Column("last_sync_at", sa.BigInteger(), nullable=True),
        sa.Column("last_run_at", sa.BigInteger(), nullable=True),
        sa.Column("fresh_as_of", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["accounts.tenant_id", "accounts.id"],
            name=op.f("fk_integrations_tenant_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"], ["users.tenant_id", "users.id"], name=op.f("fk_integrations_tenant_id_user_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_integrations")),
    )
    op.create_index(
        op.f("ix_integrations_tenant_id_account_id"), "integrations", ["tenant_id", "account_id"], unique=False
    )
    op.create_index(op.f("ix_integrations_tenant_id_user_id"), "integrations", ["tenant_id", "user_id"], unique=False)
    op.create_index(
        "uq_integrations_calendar",
        "integrations",
        ["tenant_id", "user_id", "account_id", "calendar_hash"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "deletions",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("direction", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_deletions_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletions")),
    )
    op.create_index(
        op.f("ix_deletions_tenant_id_integration_id_direction_at"),
        "deletions",
        ["tenant_id", "integration_id", "direction", "at"],
        unique=False,
    )
    op.create_table(
        "keys",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("item_id", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_keys_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "key", name=op.f("pk_keys")),
    )
    op.create_index(op.f("ix_keys_key"), "keys", ["key"], unique=False)
    op.create_index(op.f("ix_keys_tenant_id_integration_id"), "keys", ["tenant_id", "integration_id"], unique=False)
    op.create_table(
        "known",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("remote_hash", sa.String(length=40), nullable=False),
        sa.Column("remote_id", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=True),
        sa.Column("uid", TEXT, nullable=True),
        sa.Column("uid_hash", sa.String(length=40), nullable=True),
        sa.Column("marker", TEXT, nullable=True),
        sa.Column("marker_hash", sa.String(length=40), nullable=True),
        sa.Column("match", sa.String(length=64), nullable=True),
        sa.Column("first_start", sa.BigInteger(), nullable=True),
        sa.Column("last_end", sa.BigInteger(), nullable=True),
        sa.Column("state", NAME, nullable=False),
        sa.Column("code", NAME, nullable=True),
        sa.Column("indexed", sa.Boolean(), nullable=False),
        sa.Column("recheck", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_known_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "integration_id", "remote_hash", name=op.f("pk_known")),
    )
    op.create_index(
        "ix_known_recheck",
        "known",
        ["tenant_id", "integration_id"],
        unique=False,
        sqlite_where=sa.text("recheck = 1"),
        postgresql_where=sa.text("recheck"),
    )
    op.create_index(
        op.f("ix_known_tenant_id_integration_id_marker_hash"),
        "known",
        ["tenant_id", "integration_id", "marker_hash"],
        unique=False,
    )
    op.create_index(
        op.f("ix_known_tenant_id_integration_id_match"), "known", ["tenant_id", "integration_id", "match"], unique=False
    )
    op.create_index(
        op.f("ix_known_tenant_id_integration_id_uid_hash"),
        "known",
        ["tenant_id", "integration_id", "uid_hash"],
        unique=False,
    )
    op.create_table(
        "leases",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("owner", NAME, nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_leases_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "integration_id", name=op.f("pk_leases")),
    )
    op.create_table(
        "links",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("item_id", NAME, nullable=False),
        sa.Column("remote_id", TEXT, nullable=True),
        sa.Column("remote_hash", sa.String(length=40), nullable=True),
        sa.Column("uid", TEXT, nullable=True),
        sa.Column("uid_hash", sa.String(length=40), nullable=True),
        sa.Column("key", NAME, nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("made_by", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("sent", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("seen_version", TEXT, nullable=True),
        sa.Column("native", sa.LargeBinary(), nullable=True),
        sa.Column("level", NAME, nullable=False),
        sa.Column("editable", NAME, nullable=False),
        sa.Column("organised_here", sa.Boolean(), nullable=False),
        sa.Column("web_link", TEXT, nullable=True),
        sa.Column("owed", sa.Text(), nullable=True),
        sa.Column("withheld", sa.Text(), nullable=True),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        sa.Column("gone_sure", sa.Boolean(), nullable=False),
        sa.Column("work", sa.Boolean(), nullable=False),
        sa.Column("ranged", sa.Boolean(), nullable=False),
        sa.Column("reread", sa.Boolean(), nullable=False),
        sa.Column("parked", TEXT, nullable=True),
        sa.Column("consent", sa.Boolean(), nullable=False),
        sa.Column("guests", sa.Boolean(), nullable=False),
        sa.Column("old_uids", sa.Text(), nullable=True),
        sa.Column("undone", sa.Text(), nullable=True),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("synced_version", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("born", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_links_tenant_id_integration_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "item_id"],
            ["items.tenant_id", "items.id"],
            name=op.f("fk_links_tenant_id_item_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant_id", "integration_id", "id", name=op.f("pk_links")),
    )
    op.create_index(
        "ix_links_waiting",
        "links",
        ["tenant_id", "integration_id", "id"],
        unique=False,
        sqlite_where=sa.text("reason = 'confirmation_needed'"),
        postgresql_where=sa.text("reason = 'confirmation_needed'"),
    )
    op.create_index(
        "ix_links_gone",
        "links",
        ["tenant_id", "integration_id", "gone_at"],
        unique=False,
        sqlite_where=sa.text("gone_at IS NOT NULL"),
        postgresql_where=sa.text("gone_at IS NOT NULL"),
    )
    op.create_index(
        op.f("ix_links_tenant_id_integration_id_live"), "links", ["tenant_id", "integration_id", "live"], unique=False
    )
    op.create_index(
        op.f("ix_links_tenant_id_integration_id_remote_hash"),
        "links",
        ["tenant_id", "integration_id", "remote_hash"],
        unique=False,
    )
    op.create_index(
        op.f("ix_links_tenant_id_integration_id_uid_hash"),
        "links",
        ["tenant_id", "integration_id", "uid_hash"],
        unique=False,
    )
    op.create_index(op.f("ix_links_tenant_id_item_id"), "links", ["tenant_id", "item_id"], unique=False)
    op.create_index(
        "ix_links_work",
        "links",
        ["tenant_id", "integration_id", "id"],
        unique=False,
        sqlite_where=sa.text("work = 1"),
        postgresql_where=sa.text("work"),
    )
    op.create_table(
        "logs",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("run_id", NAME, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("action", NAME, nullable=False),
        sa.Column("direction", NAME, nullable=False),
        sa.Column("item_id", NAME, nullable=True),
        sa.Column("link_id", NAME, nullable=True),
        sa.Column("remote_id", TEXT, nullable=True),
        sa.Column("code", NAME, nullable=True),
        sa.Column("title", TEXT, nullable=True),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("stripped", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_logs_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logs")),
    )
    op.create_index(
        op.f("ix_logs_tenant_id_integration_id_id"), "logs", ["tenant_id", "integration_id", "id"], unique=False
    )
    op.create_index(op.f("ix_logs_tenant_id_item_id"), "logs", ["tenant_id", "item_id"], unique=False)
    op.create_index(
        "ix_logs_values",
        "logs",
        ["tenant_id", "at"],
        unique=False,
        sqlite_where=sa.text("stripped = 0"),
        postgresql_where=sa.text("NOT stripped"),
    )
    op.create_table(
        "runs",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("trigger", NAME, nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=True),
        sa.Column("counters", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_runs_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_runs")),
    )
    op.create_index(
        op.f("ix_runs_tenant_id_integration_id_created_at"),
        "runs",
        ["tenant_id", "integration_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "intents",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("link_id", NAME, nullable=False),
        sa.Column("op", NAME, nullable=False),
        sa.Column("remote_id", TEXT, nullable=True),
        sa.Column("uid", TEXT, nullable=True),
        sa.Column("key", NAME, nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("version", TEXT, nullable=True),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("units", sa.Text(), nullable=False),
        sa.Column("rekeyed", sa.Text(), nullable=False),
        sa.Column("redact", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("purpose", NAME, nullable=False),
        sa.Column("born", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id", "link_id"],
            ["links.tenant_id", "links.integration_id", "links.id"],
            name=op.f("fk_intents_tenant_id_integration_id_link_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant_id", "integration_id", "id", name=op.f("pk_intents")),
    )
    op.create_index(
        op.f("ix_intents_tenant_id_integration_id_link_id"),
        "intents",
        ["tenant_id", "integration_id", "link_id"],
        unique=False,
    )
    op.create_table(
        "link_uids",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("uid_hash", sa.String(length=40), nullable=False),
        sa.Column("link_id", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id", "link_id"],
            ["links.tenant_id", "links.integration_id", "links.id"],
            name=op.f("fk_link_uids_tenant_id_integration_id_link_id"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("tenant_id", "integration_id", "uid_hash", "link_id", name=op.f("pk_link_uids")),
    )
    op.create_index(
        op.f("ix_link_uids_tenant_id_integration_id_link_id"),
        "link_uids",
        ["tenant_id", "integration_id", "link_id"],
        unique=False,
    )
