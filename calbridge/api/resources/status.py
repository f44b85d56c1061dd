"""How things stand."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.here import Here
from calbridge.api.operation import Gives, operation
from calbridge.api.schemas import AnswerSchema, moment
from calbridge.service.access import Role, Scope
from calbridge.service.status import status, tenant_status
from calbridge.service.views import to_json

blueprint = Blueprint("status", "How the installation or the tenant stands.")


def counts(description: str, *, allow_none: bool = False) -> fields.Dict:
    """Numbers by name."""
    return fields.Dict(
        keys=fields.Str(),
        values=fields.Int(),
        required=True,
        allow_none=allow_none,
        metadata={"description": description},
    )


class ProcessSchema(AnswerSchema):
    """A process of the service."""

    id = fields.Str(required=True)
    kind = fields.Str(required=True, validate=validate.OneOf(["worker", "scheduler"]))
    host = fields.Str(required=True)
    started_at = moment(required=True)
    seen_at = moment(required=True)
    alive = fields.Bool(required=True, metadata={"description": "It was seen lately."})
    facts = fields.Dict(required=True)


class StatusSchema(AnswerSchema):
    """Counts that operators watch."""

    integrations = counts("By status; inactive ones apart.")
    runs = counts("Runs of the last day, by status.")
    due = fields.Int(required=True, metadata={"description": "Integrations whose triggers nobody has taken up."})
    waiting = counts("Webhook deliveries and mails that are still to be sent.")
    queues = counts("Jobs that wait, by queue: for the platform, where there is a Redis.", allow_none=True)
    budgets = fields.Dict(
        keys=fields.Str(),
        values=fields.Float(),
        required=True,
        metadata={"description": "Used share of each service's quota, 0 to 1: for the platform."},
    )
    watches = counts("Push subscriptions: live ones, and integrations that are polled because asking for one failed.")
    processes = fields.List(fields.Nested(ProcessSchema), required=True, metadata={"description": "For the platform."})


STATUS = {
    "integrations": {"connected": 40, "inactive": 2},
    "runs": {"succeeded": 960},
    "due": 0,
    "waiting": {"deliveries": 0, "mails": 0},
    "queues": {"realtime": 0, "default": 1, "bulk": 0, "webhooks": 0},
    "budgets": {"google": 0.12},
    "watches": {"live": 38, "failing": 0},
    "processes": [
        {
            "id": "worker-3f9a",
            "kind": "worker",
            "host": "sync1",
            "started_at": "2027-01-04T08:00:00Z",
            "seen_at": "2027-01-04T09:00:00Z",
            "alive": True,
            "facts": {"queues": ["realtime", "default"]},
        }
    ],
}


@blueprint.route("/status")
class Status(MethodView):
    """Counts."""

    @operation(Scope.STATUS, Gives(200, StatusSchema, STATUS))
    def get(self, here: Here) -> Any:
        """Show how things stand

        With a platform key in the whole installation, else in the tenant.
        """
        if here.caller.role is Role.PLATFORM:
            return to_json(status(here.parts))
        return to_json(tenant_status(here.parts, here.tenant))
