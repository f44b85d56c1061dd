"""What a tenant's administrators set, and the word they give for unusually many deletions."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api.answers import JSON
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.bodies import MERGE_PATCH
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.schemas import AnswerSchema, BodySchema, moment
from calbridge.api.schemas_integrations import TYPES, RangeSchema, SettingsSchema
from calbridge.service.access import Scope
from calbridge.service.items import confirm_deletes
from calbridge.service.tenant_settings import change_settings, get_settings
from calbridge.service.views import to_json

blueprint = Blueprint("settings", "What a tenant's administrators set for all its users.")


class ExchangeSchema(BodySchema):
    """The tenant's own Exchange."""

    url = fields.Str(allow_none=True)
    version = fields.Str(allow_none=True)
    batch_size = fields.Int(allow_none=True, strict=True, validate=validate.Range(1, 512))
    notification_url = fields.Str(allow_none=True)


class _Settings(BodySchema):
    sync_enabled = fields.Bool(truthy={True}, falsy={False}, allow_none=True)
    services_allowed = fields.List(fields.Str(), allow_none=True, metadata={"description": "null: all."})
    mechanism = fields.Str(allow_none=True, validate=validate.OneOf(["auto", "push", "polling"]))
    poll_minutes = fields.Int(allow_none=True, strict=True, validate=validate.Range(1, 1440))
    retry_minutes = fields.Int(allow_none=True, strict=True, validate=validate.Range(1, 10_080))
    initial_range = fields.Nested(RangeSchema, allow_none=True)
    live_past_days = fields.Int(allow_none=True, strict=True, validate=validate.Range(0, 36_500))
    default_settings = fields.Nested(SettingsSchema, allow_none=True)
    locked_settings = fields.List(fields.Str(), allow_none=True)
    allowed_origins = fields.List(fields.Str(), allow_none=True)
    title_templates = fields.Dict(
        keys=fields.Str(validate=validate.OneOf(TYPES)),
        values=fields.Str(allow_none=True),
        allow_none=True,
        metadata={"description": "By item type: {title} with text and associations around it."},
    )
    record_url = fields.Str(
        allow_none=True,
        metadata={"description": "Where the PSA shows an item, with {record_id}, {external_id}, {id} or {type}."},
    )
    exchange = fields.Nested(ExchangeSchema, allow_none=True)


class TenantSettingsPatch(_Settings):
    """What is to change. What is absent is kept, null gives the default back."""

    notify_failure_to = fields.Raw(
        allow_none=True,
        metadata={
            "description": "Mail addresses: a list, or one text with ; between them.",
            "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}, {"type": "null"}],
        },
    )


class TenantSettings(_Settings, AnswerSchema):
    """All settings, defaults written out."""

    notify_failure_to = fields.List(fields.Str(), required=True)
    private_hosts = fields.List(fields.Str(), required=True, metadata={"description": "Granted by the platform."})
    version = fields.Int(required=True)


class ConfirmedSchema(AnswerSchema):
    """Until when deletions do not wait."""

    confirmed_until = moment(required=True)


SETTINGS = {
    "version": 2,
    "sync_enabled": True,
    "services_allowed": ["icloud", "caldav"],
    "mechanism": "auto",
    "poll_minutes": 15,
    "retry_minutes": 30,
    "notify_failure_to": ["ops@example.com"],
    "initial_range": {"past_days": 180, "future_days": None},
    "live_past_days": 30,
    "default_settings": {"conflict": "psa"},
    "locked_settings": ["send.privacy"],
    "allowed_origins": ["https://psa.example.com"],
    "private_hosts": [],
    "title_templates": {"service_call": "[{organization}] {title}"},
    "record_url": "https://psa.example.com/records/{record_id}",
    "exchange": {"url": None, "version": None, "batch_size": 100, "notification_url": None},
}
PATCH = {"notify_failure_to": ["ops@example.com"], "retry_minutes": 60}


@blueprint.route("/settings")
class Settings(MethodView):
    """Settings of the tenant."""

    @operation(Scope.ADMIN, Gives(200, TenantSettings, SETTINGS), versioned=True)
    def get(self, here: Here) -> Any:
        """Show the tenant's settings"""
        return to_json(get_settings(here.parts, here.tenant))

    @operation(
        Scope.ADMIN,
        Gives(200, TenantSettings, SETTINGS),
        takes=Takes(TenantSettingsPatch, PATCH, types=(JSON, MERGE_PATCH)),
        versioned=True,
        conditional=True,
    )
    def patch(self, here: Here, body: dict[str, Any], if_version: int | None) -> Any:
        """Change the tenant's settings

        They are in force at once; docs/tenants.md says what each means.
        """
        return to_json(change_settings(here.parts, here.tenant, body, if_version=if_version))


@blueprint.route("/deletions/confirm")
class DeletionsConfirmation(MethodView):
    """The word that unusually many deletions wait for."""

    @operation(Scope.ADMIN, Gives(200, ConfirmedSchema, {"confirmed_until": "2027-01-05T08:00:00Z"}))
    def post(self, here: Here) -> Any:
        """Let the PSA delete unusually many items

        Where programs of the tenant delete more in an hour than is usual, deletions are refused with
        confirmation_needed until an administrator gives this word; it is good for 24 hours.
        """
        return {"confirmed_until": to_json(confirm_deletes(here.parts, here.tenant))}
