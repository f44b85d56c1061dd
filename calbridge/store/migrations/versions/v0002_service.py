"""Tables of the service: keys, webhooks, mail, who is at work; and the version of what a caller may change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables of this version."""
    for table in ("tenants", "users", "integrations"):
        op.add_column(table, sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False))
    for table, column in (("tenants", "sync_enabled"), ("integrations", "allowed")):
        op.add_column(table, sa.Column(column, sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("integrations", sa.Column("bulk", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("tenants", sa.Column("deletes_confirmed_until", sa.BigInteger(), nullable=True))
    _index_what_is_due()
    op.create_table(
        "heartbeats",
        sa.Column("id", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeats")),
    )
    op.create_index(op.f("ix_heartbeats_kind_seen_at"), "heartbeats", ["kind", "seen_at"], unique=False)
    op.create_table(
        "keys_of_platform",
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("prefix", NAME, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys_of_platform")),
    )
    op.create_index("uq_keys_of_platform_prefix", "keys_of_platform", ["prefix"], unique=True)
    op.create_table(
        "slots",
        sa.Column("name", NAME, nullable=False),
        sa.Column("claimed", sa.BigInteger(), nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_slots")),
    )
    op.create_table(
        "keys_of_tenants",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("role", NAME, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("prefix", NAME, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_keys_of_tenants_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_keys_of_tenants")),
    )
    op.create_index("uq_keys_of_tenants_prefix", "keys_of_tenants", ["prefix"], unique=True)
    op.create_table(
        "webhooks",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("former_secret", sa.Text(), nullable=True),
        sa.Column("former_until", sa.BigInteger(), nullable=True),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("user_id", NAME, nullable=True),
        sa.Column("key_id", NAME, nullable=True),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("reason", NAME, nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("owner", NAME, nullable=True),
        sa.Column("owned_until", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_webhooks_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "deliveries",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("webhook_id", NAME, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("user_id", NAME, nullable=True),
        sa.Column("subject", NAME, nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("code", NAME, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "webhook_id"],
            ["webhooks.tenant_id", "webhooks.id"],
            name=op.f("fk_deliveries_tenant_id_webhook_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_deliveries")),
    )
    for name, columns in (
        ("ix_deliveries_order", ["tenant_id", "webhook_id", "subject", "place"]),
        ("ix_deliveries_due", ["tenant_id", "webhook_id", "next_at"]),
    ):
        op.create_index(
            name,
            "deliveries",
            columns,
            unique=False,
            sqlite_where=sa.text("status = 'pending'"),
            postgresql_where=sa.text("status = 'pending'"),
        )
    op.create_index(
        op.f("ix_deliveries_tenant_id_webhook_id_created_at"),
        "deliveries",
        ["tenant_id", "webhook_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "connector_states",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("account_id", NAME, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["accounts.tenant_id", "accounts.id"],
            name=op.f("fk_connector_states_tenant_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", name=op.f("pk_connector_states")),
    )
    op.create_table(
        "notices",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=True),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("code", NAME, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_notices_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_notices")),
    )
    op.create_index(
        "ix_notices_due",
        "notices",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )


def _index_what_is_due() -> None:
    """What the sweep asks every second must cost what is due, not what there is."""
    op.create_index(op.f("ix_integrations_next_poll_at"), "integrations", ["next_poll_at"], unique=False)
    due = "due_no > cleared"
    _index("ix_integrations_due", "integrations", ["tenant_id", "id"], due, due)
    _index(
        "ix_links_retry", "links", ["retry_at"], "work = 1 AND retry_at IS NOT NULL", "work AND retry_at IS NOT NULL"
    )


def _index(name: str, table: str, columns: list[str], sqlite: str, postgresql: str) -> None:
    """A partial index; the two databases spell booleans differently."""
    op.create_index(
        name, table, columns, unique=False, sqlite_where=sa.text(sqlite), postgresql_where=sa.text(postgresql)
    )
