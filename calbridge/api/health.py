"""Whether the process lives and can work: asked by supervisors and load balancers, without a key."""

from __future__ import annotations

from flask import Blueprint, Response

from calbridge.api.here import installed
from calbridge.api.problems import problem_response
from calbridge.errors import CalbridgeError
from calbridge.service.readiness import check_ready

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return Response('{"status":"ok"}', mimetype="application/json")


@blueprint.get("/readyz")
def readyz() -> Response:
    """The database is reached, has this version's tables, and the keys are those of this installation."""
    try:
        check_ready(installed().parts)
    except CalbridgeError as error:
        return problem_response(error.code, 503)
    return Response('{"status":"ready"}', mimetype="application/json")
