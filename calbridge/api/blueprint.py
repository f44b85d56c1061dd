"""A group of operations of the document."""

from __future__ import annotations

from flask.views import MethodView
from flask_smorest import Blueprint as SmorestBlueprint


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """Operations under one tag; resources are :class:`flask.views.MethodView` with :func:`~.operation.operation`."""

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, __name__, description=description)


__all__ = ["Blueprint", "MethodView"]
