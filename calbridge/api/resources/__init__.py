"""The resources, one module each; :data:`BLUEPRINTS` in the order of the document."""

from calbridge.api.resources import connectors, users

BLUEPRINTS = (connectors.blueprint, users.blueprint)
