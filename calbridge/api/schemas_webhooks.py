"""Webhooks and deliveries: the shapes of :mod:`calbridge.service.webhook_views`."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api.schemas import ID_PATTERN, AnswerSchema, BodySchema, moment
from calbridge.api.schemas_items import choice
from calbridge.service.deliveries import STATUSES
from calbridge.service.webhooks import LONGEST_URL

TYPES = (
    "item.created",
    "item.updated",
    "item.deleted",
    "item.kept",
    "integration.not_connected",
    "integration.connected",
    "run.waiting",
)
PING = "ping"


class WebhookSchema(AnswerSchema):
    """Where the tenant is told what happens."""

    id = fields.Str(required=True)
    url = fields.Str(required=True)
    events = fields.List(choice(TYPES), required=True)
    user_id = fields.Str(
        required=True, allow_none=True, metadata={"description": "Only what concerns this user; null is everybody."}
    )
    own = fields.Bool(required=True, metadata={"description": "Also what the key `key_id` wrote itself."})
    key_id = fields.Str(required=True, allow_none=True, metadata={"description": "Whose writes are its own."})
    active = fields.Bool(required=True)
    reason = fields.Str(
        required=True, allow_none=True, metadata={"description": "Of the list of errors: why it was switched off."}
    )
    failing_since = moment("It has taken nothing since.", required=True)
    rotating_until = moment("Until then messages carry a signature by the former secret, too.", required=True)
    version = fields.Int(required=True)
    created_at = moment(required=True)
    updated_at = moment(required=True)


class NewWebhookSchema(WebhookSchema):
    """A webhook with a new secret."""

    secret = fields.Str(
        required=True, metadata={"description": "To verify signatures with (Standard Webhooks); shown this once."}
    )


class WebhookBody(BodySchema):
    """What can be said of a webhook; null is the default."""

    url = fields.Str(required=True, validate=validate.Length(1, LONGEST_URL), metadata={"format": "uri"})
    events = fields.List(
        choice(TYPES),
        allow_none=True,
        validate=validate.Length(1, len(TYPES)),
        metadata={"description": "What it is told; all of them unless some are named."},
    )
    user_id = fields.Str(allow_none=True, validate=validate.Regexp(ID_PATTERN))
    own = fields.Bool(allow_none=True, truthy={True}, falsy={False})
    key_id = fields.Str(
        allow_none=True,
        validate=validate.Regexp(ID_PATTERN),
        metadata={"description": "Whose writes are its own; the caller's key unless another is named."},
    )
    active = fields.Bool(allow_none=True, truthy={True}, falsy={False})


class WebhookPatch(WebhookBody):
    """What changes (RFC 7396)."""

    url = fields.Str(validate=validate.Length(1, LONGEST_URL), metadata={"format": "uri"})


class RotationBody(BodySchema):
    """How a secret is replaced."""

    keep_hours = fields.Int(
        strict=True,
        validate=validate.Range(0, 168),
        metadata={"description": "For so long messages carry signatures by both secrets; 24 unless another is given."},
    )


class DeliverySchema(AnswerSchema):
    """A message to a webhook; its id is the same at every try."""

    id = fields.Str(required=True, metadata={"description": "As in the header `webhook-id`."})
    webhook_id = fields.Str(required=True)
    type = choice((*TYPES, PING), required=True)
    seq = fields.Int(required=True, allow_none=True, metadata={"description": "As in the change feed."})
    user_id = fields.Str(required=True, allow_none=True)
    item_id = fields.Str(required=True, allow_none=True)
    integration_id = fields.Str(required=True, allow_none=True)
    status = choice(STATUSES, required=True)
    attempts = fields.Int(required=True)
    next_at = moment("It is not tried before.", required=True)
    answered = fields.Int(required=True, allow_none=True, metadata={"description": "The status of the last answer."})
    code = fields.Str(
        required=True, allow_none=True, metadata={"description": "Of the list of errors: the last failure."}
    )
    created_at = moment(required=True)
    finished_at = moment(required=True)


BODY: dict[str, Any] = {"url": "https://psa.example.com/hooks/calbridge", "events": ["item.updated", "item.deleted"]}
WEBHOOK: dict[str, Any] = {
    "id": "5b1f0a9c2d3e4f5061728394",
    **BODY,
    "user_id": None,
    "own": False,
    "key_id": "k3Yw9Qz2LmNp",
    "active": True,
    "reason": None,
    "failing_since": None,
    "rotating_until": None,
    "version": 1,
    "created_at": "2027-01-04T08:00:00Z",
    "updated_at": "2027-01-04T08:00:00Z",
}
NEW_WEBHOOK = WEBHOOK | {"secret": "whsec_" + "c2hvd24gdGhpcyBvbmNlLCB0aGVuIG5ldmVyIGFnYWlu"}
DELIVERY: dict[str, Any] = {
    "id": "m3Zr8tUw1cVy",
    "webhook_id": WEBHOOK["id"],
    "type": "item.updated",
    "seq": 4711,
    "user_id": "alice",
    "item_id": "itm_5f0c3a9d2b71",
    "integration_id": None,
    "status": "delivered",
    "attempts": 1,
    "next_at": None,
    "answered": 204,
    "code": None,
    "created_at": "2027-01-04T08:05:01Z",
    "finished_at": "2027-01-04T08:05:02Z",
}
