"""Push subscriptions, when to look after them, and which triggers the present run has taken up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make them."""
    op.add_column("installation", sa.Column("pushed_at", TEXT, nullable=True))
    op.add_column("leases", sa.Column("taken", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("integrations", sa.Column("watch_at", sa.BigInteger(), nullable=True))
    op.add_column("integrations", sa.Column("watch_tries", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("integrations", sa.Column("watch_code", NAME, nullable=True))
    op.create_index(
        "ix_integrations_watch",
        "integrations",
        ["watch_at"],
        unique=False,
        sqlite_where=sa.text("watch_at IS NOT NULL"),
        postgresql_where=sa.text("watch_at IS NOT NULL"),
    )
    op.create_table(
        "watches",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("account_id", NAME, nullable=False),
        sa.Column("connector", NAME, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("calendar_id", TEXT, nullable=False),
        sa.Column("base", TEXT, nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("state", TEXT, nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_watches_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_watches")),
    )
    op.create_index("uq_watches_digest", "watches", ["digest"], unique=True)
    op.create_index(
        op.f("ix_watches_tenant_id_integration_id"), "watches", ["tenant_id", "integration_id"], unique=False
    )
