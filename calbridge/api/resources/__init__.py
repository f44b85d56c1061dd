"""The resources, one module each; :data:`BLUEPRINTS` in the order of the document."""

from calbridge.api.resources import (
    changes,
    connectors,
    integrations,
    item_batches,
    items,
    runs,
    tenants,
    user_imports,
    users,
)

BLUEPRINTS = (
    tenants.blueprint,
    users.blueprint,
    user_imports.blueprint,
    connectors.blueprint,
    integrations.blueprint,
    runs.blueprint,
    items.blueprint,
    item_batches.blueprint,
    changes.blueprint,
)
