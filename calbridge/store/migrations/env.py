"""What alembic runs: the steps, over the connection that :mod:`calbridge.store.migrate` opened."""

from __future__ import annotations

from alembic import context

from calbridge.store.indexes import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
