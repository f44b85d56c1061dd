"""The resources, one module each; :data:`BLUEPRINTS` in the order of the document."""

from calbridge.api.resources import (
    changes,
    connectors,
    integrations,
    item_batches,
    items,
    runs,
    syncs,
    tenants,
    user_imports,
    users,
)
from calbridge.api.resources.tokens import UserTokens

BLUEPRINTS = (
    tenants.blueprint,
    users.blueprint,
    user_imports.blueprint,
    connectors.blueprint,
    integrations.blueprint,
    syncs.blueprint,
    runs.blueprint,
    items.blueprint,
    item_batches.blueprint,
    changes.blueprint,
)

__all__ = ["BLUEPRINTS", "UserTokens"]
