"""Webhooks of the tenant, and what was sent to them."""

from __future__ import annotations

from typing import Any

from calbridge.api import examples
from calbridge.api.answers import JSON, page
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.bodies import MERGE_PATCH
from calbridge.api.cursors import decode
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.schemas import ListQuery, list_of
from calbridge.api.schemas_items import choice
from calbridge.api.schemas_webhooks import (
    BODY,
    DELIVERY,
    NEW_WEBHOOK,
    PING,
    WEBHOOK,
    DeliverySchema,
    NewWebhookSchema,
    RotationBody,
    WebhookBody,
    WebhookPatch,
    WebhookSchema,
)
from calbridge.service import deliveries, webhooks
from calbridge.service.access import Scope
from calbridge.service.views import to_json

blueprint = Blueprint(
    "webhooks",
    "What happens, told by signed POSTs (Standard Webhooks): in order for each item, at least once, under a stable id.",
)
_NO_ADDRESS = ["user_not_found", "address_refused", "port_refused", "too_large"]
_PINGED = {"type": PING, "seq": None, "user_id": None, "item_id": None}


class DeliveriesQuery(ListQuery):
    """Which deliveries."""

    status = choice(deliveries.STATUSES, load_default=None)


@blueprint.route("/webhooks")
class Webhooks(MethodView):
    """All webhooks."""

    @operation(Scope.BACKEND, Gives(200, list_of(WebhookSchema, "Webhooks"), examples.listed(WEBHOOK)), query=ListQuery)
    def get(self, here: Here, query: dict[str, Any]) -> dict[str, Any]:
        """List the webhooks"""
        limit, after = query["limit"], decode(query["cursor"], str)
        found = webhooks.list_webhooks(here.parts, here.tenant, limit=limit + 1, after=after)
        return page([to_json(each) for each in found], limit, lambda row: row["id"])

    @operation(
        Scope.BACKEND,
        Gives(201, NewWebhookSchema, NEW_WEBHOOK),
        takes=Takes(WebhookBody, BODY),
        refuses=[*_NO_ADDRESS, "too_many_webhooks"],
        versioned=True,
    )
    def post(self, here: Here, body: dict[str, Any]) -> Any:
        """Make a webhook

        Its secret is answered this once. What happens from now on is told to it.
        """
        return to_json(webhooks.add_webhook(here.parts, here.tenant, body))


@blueprint.route("/webhooks/<id:webhook_id>")
class Webhook(MethodView):
    """One webhook."""

    @operation(Scope.BACKEND, Gives(200, WebhookSchema, WEBHOOK), refuses=["webhook_not_found"], versioned=True)
    def get(self, here: Here, webhook_id: str) -> Any:
        """Show a webhook"""
        return to_json(webhooks.get_webhook(here.parts, here.tenant, webhook_id))

    @operation(
        Scope.BACKEND,
        Gives(200, WebhookSchema, WEBHOOK | {"version": 2}),
        takes=Takes(WebhookPatch, {"active": True}, (JSON, MERGE_PATCH)),
        refuses=["webhook_not_found", *_NO_ADDRESS],
        versioned=True,
        conditional=True,
    )
    def patch(self, here: Here, webhook_id: str, body: dict[str, Any], if_version: int | None) -> Any:
        """Change a webhook (RFC 7396)

        Switched on again, or with another address, it is told at once what waits for it.
        """
        return to_json(webhooks.change_webhook(here.parts, here.tenant, webhook_id, body, if_version=if_version))

    @operation(Scope.BACKEND, Gives(204), refuses=["webhook_not_found"])
    def delete(self, here: Here, webhook_id: str) -> None:
        """Delete a webhook with all that waits for it"""
        webhooks.delete_webhook(here.parts, here.tenant, webhook_id)


@blueprint.route("/webhooks/<id:webhook_id>/secret")
class WebhookSecret(MethodView):
    """The secret that signs."""

    @operation(
        Scope.BACKEND,
        Gives(200, NewWebhookSchema, NEW_WEBHOOK | {"rotating_until": "2027-01-05T08:00:00Z"}),
        takes=Takes(RotationBody, {"keep_hours": 24}),
        refuses=["webhook_not_found"],
        versioned=True,
    )
    def post(self, here: Here, webhook_id: str, body: dict[str, Any]) -> Any:
        """Replace the secret of a webhook

        The new one is answered this once. For a while messages carry a signature by each of the two.
        """
        return to_json(webhooks.rotate_secret(here.parts, here.tenant, webhook_id, **body))


@blueprint.route("/webhooks/<id:webhook_id>/test")
class WebhookTest(MethodView):
    """A ping."""

    @operation(Scope.BACKEND, Gives(200, DeliverySchema, DELIVERY | _PINGED), refuses=["webhook_not_found"])
    def post(self, here: Here, webhook_id: str) -> Any:
        """Send a ping to a webhook now

        Once, also to one that is switched off; the answer tells what came of it.
        """
        return to_json(webhooks.send_test(here.parts, here.tenant, webhook_id))


@blueprint.route("/webhooks/<id:webhook_id>/deliveries")
class WebhookDeliveries(MethodView):
    """What was sent."""

    @operation(
        Scope.BACKEND,
        Gives(200, list_of(DeliverySchema, "Deliveries"), examples.listed(DELIVERY)),
        query=DeliveriesQuery,
        refuses=["webhook_not_found", "delivery_not_found"],
    )
    def get(self, here: Here, webhook_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """List what was sent to a webhook, the newest first

        Deliveries are kept for 7 days.
        """
        limit = query["limit"]
        found = deliveries.list_deliveries(
            here.parts,
            here.tenant,
            webhook_id,
            status=query["status"],
            limit=limit + 1,
            before=decode(query["cursor"], str),
        )
        return page([to_json(each) for each in found], limit, lambda row: row["id"])


@blueprint.route("/webhooks/deliveries/<id:delivery_id>/redeliver")
class Redelivery(MethodView):
    """Once more."""

    @operation(
        Scope.BACKEND,
        Gives(202, DeliverySchema, DELIVERY | {"status": "pending", "attempts": 0, "finished_at": None}),
        refuses=["delivery_not_found", "webhook_inactive"],
    )
    def post(self, here: Here, delivery_id: str) -> Any:
        """Deliver a message once more

        Under the same id, with what is there now; one that waits is tried at once.
        """
        return to_json(deliveries.redeliver(here.parts, here.tenant, delivery_id))
