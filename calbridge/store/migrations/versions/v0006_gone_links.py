"""The index of links with evidence of a remote deletion is in the order of their ids, in which they are read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it anew."""
    op.drop_index("ix_links_gone", "links")
    op.create_index(
        "ix_links_gone",
        "links",
        ["tenant_id", "integration_id", "id"],
        unique=False,
        sqlite_where=sa.text("gone_at IS NOT NULL"),
        postgresql_where=sa.text("gone_at IS NOT NULL"),
    )
