"""The resources, one module each; :data:`BLUEPRINTS` in the order of the document."""

from calbridge.api.resources import connectors, integrations, runs, users

BLUEPRINTS = (users.blueprint, connectors.blueprint, integrations.blueprint, runs.blueprint)
