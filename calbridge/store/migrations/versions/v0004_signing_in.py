"""Sign-ins under way, and grants to end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAME = sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql")
OPAQUE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DIGEST = sa.String(length=64)


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "authorizations",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("integration_id", NAME, nullable=False),
        sa.Column("user_id", NAME, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("digest", DIGEST, nullable=False),
        sa.Column("browser", DIGEST, nullable=True),
        sa.Column("confirmation", DIGEST, nullable=True),
        sa.Column("verifier", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("return_to", OPAQUE, nullable=True),
        sa.Column("relink", sa.Boolean(), nullable=False),
        sa.Column("stage", NAME, nullable=False),
        sa.Column("begun_by", OPAQUE, nullable=False),
        sa.Column("owner_id", OPAQUE, nullable=True),
        sa.Column("owner_address", OPAQUE, nullable=True),
        sa.Column("own_addresses", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "integration_id"],
            ["integrations.tenant_id", "integrations.id"],
            name=op.f("fk_authorizations_tenant_id_integration_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_authorizations")),
    )
    op.create_index("uq_authorizations_digest", "authorizations", ["digest"], unique=True)
    op.create_index(
        op.f("ix_authorizations_tenant_id_integration_id"),
        "authorizations",
        ["tenant_id", "integration_id"],
        unique=False,
    )
    op.create_index(op.f("ix_authorizations_expires_at"), "authorizations", ["expires_at"], unique=False)
    op.create_table(
        "revocations",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("id", NAME, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("username", OPAQUE, nullable=False),
        sa.Column("owner_id", OPAQUE, nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_revocations")),
    )
    op.create_index(op.f("ix_revocations_next_at"), "revocations", ["next_at"], unique=False)
