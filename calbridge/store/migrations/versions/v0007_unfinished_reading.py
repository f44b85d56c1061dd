"""What reading left unfinished: known rows that gave no answer, and what a listing that was cut had named."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make them."""
    op.add_column("known", sa.Column("ranged", sa.String(length=24), nullable=True))
    op.add_column("known", sa.Column("retry_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("known", sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.drop_index("ix_known_recheck", "known")
    op.create_index(
        "ix_known_recheck",
        "known",
        ["tenant_id", "integration_id", "retry_at"],
        unique=False,
        sqlite_where=sa.text("recheck = 1"),
        postgresql_where=sa.text("recheck"),
    )
    op.create_table(
        "listings",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("checkpoint", TEXT, nullable=False),
        sa.Column("addresses", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_listings_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "integration_id", name=op.f("pk_listings")),
    )
