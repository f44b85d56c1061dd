"""The REST API (DESIGN: REST API): one module a resource, each a thin door to the use cases."""

from calbridge.api.application import create_app

__all__ = ["create_app"]
