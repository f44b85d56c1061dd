"""The resources, one module each; :data:`BLUEPRINTS` in the order of the document."""

from calbridge.api.resources import (
    audit,
    changes,
    connectors,
    integrations,
    item_batches,
    items,
    notifications,
    runs,
    sandbox,
    settings,
    sign_ins,
    status,
    syncs,
    tenants,
    user_imports,
    users,
    webhooks,
)
from calbridge.api.resources.tokens import UserTokens

BLUEPRINTS = (
    tenants.blueprint,
    settings.blueprint,
    users.blueprint,
    user_imports.blueprint,
    connectors.blueprint,
    integrations.blueprint,
    sign_ins.blueprint,
    syncs.blueprint,
    runs.blueprint,
    items.blueprint,
    item_batches.blueprint,
    changes.blueprint,
    webhooks.blueprint,
    notifications.blueprint,
    audit.blueprint,
    sandbox.blueprint,
    status.blueprint,
)

__all__ = ["BLUEPRINTS", "UserTokens"]
