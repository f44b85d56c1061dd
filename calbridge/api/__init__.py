"""The REST API (DESIGN: REST API): one module a resource, each a thin door to the use cases."""

from calbridge.api.application import create_app, create_frame, install

__all__ = ["create_app", "create_frame", "install"]
