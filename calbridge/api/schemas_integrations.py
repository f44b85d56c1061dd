"""Schemas of integrations and of what their syncing did."""

from __future__ import annotations

from marshmallow import fields, validate

from calbridge.api.schemas import AnswerSchema, BodySchema, identifier, moment
from calbridge.api.schemas_items import when
from calbridge.domain.item import ItemType
from calbridge.domain.json_parts import MAX_RECIPIENTS
from calbridge.domain.options import Level, OnLeave, Winner
from calbridge.domain.settings_json import MAX_CATEGORIES, MAX_DAYS

TYPES = [each.value for each in ItemType]
LEVELS = [each.value for each in Level]


def _switch(meaning: str) -> fields.Bool:
    return fields.Bool(truthy={True}, falsy={False}, metadata={"description": meaning})


def _word(words: list[str], meaning: str) -> fields.Str:
    return fields.Str(validate=validate.OneOf(words), metadata={"description": meaning})


def _days(meaning: str) -> fields.Int:
    within = validate.Range(0, MAX_DAYS)
    return fields.Int(allow_none=True, strict=True, validate=within, metadata={"description": meaning})


class RangeSchema(BodySchema):
    """Local days before and after today; null is unbounded."""

    past_days = _days("Days before today; null is without a bound.")
    future_days = _days("Days after today; null is without a bound.")


class RangesSchema(BodySchema):
    """Ranges that are copied when the integration is first activated; null copies nothing."""

    retrieve = fields.Nested(
        RangeSchema,
        allow_none=True,
        metadata={"description": "Events that are copied when it is first activated; null: none."},
    )
    send = fields.Nested(
        RangeSchema,
        allow_none=True,
        metadata={"description": "Items that are copied when it is first activated; null: none."},
    )


class PrivacySchema(BodySchema):
    """Privacy levels: full, busy_only (times alone), skip."""

    private = _word(LEVELS, "What passes of private entries: all, their times alone, or nothing.")
    other = _word(LEVELS, "What passes of all other entries.")


class SkipSchema(BodySchema):
    """What is not retrieved when new."""

    declined = _switch("Leave out new invitations that the user declined.")
    free = _switch("Leave out new events that show as free.")
    all_day = _switch("Leave out new events of whole days.")
    categories = fields.List(
        fields.Str(),
        validate=validate.Length(max=MAX_CATEGORIES),
        metadata={"description": "Leave out new events of any of these categories."},
    )


class RetrieveSchema(BodySchema):
    """Linked calendar to My Calendar."""

    create = _switch("Make an item for each new event.")
    update = _switch("Take changes of linked events over.")
    delete = _switch("Delete an item whose event is deleted, where `existence` of its type is `linked`.")
    privacy = fields.Nested(PrivacySchema)
    skip = fields.Nested(SkipSchema)


class SendSchema(BodySchema):
    """My Calendar to linked calendar."""

    types = fields.List(
        fields.Str(validate=validate.OneOf(TYPES)), metadata={"description": "Types of items that are sent."}
    )
    privacy = fields.Nested(PrivacySchema)
    forward = _switch("Send on what another integration retrieved.")
    on_leave = _word(
        [each.value for each in OnLeave],
        "What becomes of our copies there when their type is not sent any more, or `forward` is switched off.",
    )


class SettingsSchema(BodySchema):
    """Settings of an integration. What is absent in a change is kept."""

    retrieve = fields.Nested(RetrieveSchema)
    send = fields.Nested(SendSchema)
    ranges = fields.Nested(RangesSchema)
    conflict = _word(
        [each.value for each in Winner],
        "Whose value wins where both sides changed the same: My Calendar, the linked calendar, or the later change.",
    )
    existence = fields.Dict(
        keys=fields.Str(validate=validate.OneOf(TYPES)),
        values=fields.Str(validate=validate.OneOf(["psa", "linked"])),
        metadata={
            "description": "By type, what a deletion in the linked calendar does. linked: the item is deleted, too; "
            "psa: the item stays, and the link ends."
        },
    )
    invitations = _word(["none", "all"], "none: no guests are written, and nothing that syncing does mails anybody.")
    poll_minutes = fields.Int(
        allow_none=True,
        strict=True,
        validate=validate.Range(1, 1440),
        metadata={"description": "Minutes between two looks at the linked calendar; null is as the tenant has it."},
    )
    notify_failure_to = fields.List(
        fields.Str(validate=validate.Length(1, 320)),
        validate=validate.Length(max=MAX_RECIPIENTS),
        metadata={"description": "Mail addresses that are told of failures, too; set by admin keys only."},
    )


class AccountBody(BodySchema):
    """What somebody signs in with."""

    url = fields.Str(allow_none=True, validate=validate.Length(1, 2000))
    username = fields.Str(required=True, validate=validate.Length(1, 320))
    password = fields.Str(required=True, validate=validate.Length(1, 1000), metadata={"format": "password"})


class AccountSchema(AnswerSchema):
    """A signed-in identity, without its secret."""

    service = fields.Str(required=True)
    url = fields.Str(required=True, allow_none=True)
    username = fields.Str(required=True)
    owner_address = fields.Str(required=True, allow_none=True)
    has_secret = fields.Bool(required=True)


class AccountOfIntegration(AnswerSchema):
    """The account that an integration uses."""

    url = fields.Str(required=True, allow_none=True)
    username = fields.Str(required=True)
    owner_address = fields.Str(required=True, allow_none=True)


class CalendarOfIntegration(AnswerSchema):
    """The linked calendar."""

    id = fields.Str(required=True)
    name = fields.Str(required=True, allow_none=True)
    time_zone = fields.Str(required=True, allow_none=True)


class CalendarSchema(AnswerSchema):
    """A calendar that can be linked."""

    id = fields.Str(required=True)
    name = fields.Str(required=True)
    time_zone = fields.Str(required=True, allow_none=True)
    color = fields.Str(required=True, allow_none=True)
    primary = fields.Bool(required=True)
    writable = fields.Bool(required=True)


class IntegrationSchema(AnswerSchema):
    """User, account, linked calendar and settings."""

    id = identifier()
    user_id = identifier()
    service = fields.Str(required=True)
    account = fields.Nested(AccountOfIntegration, required=True, allow_none=True)
    active = fields.Bool(required=True)
    status = fields.Str(required=True, validate=validate.OneOf(["setup", "connected", "not_connected", "deleting"]))
    reason = fields.Str(
        required=True, allow_none=True, metadata={"description": "A code: why it is not as it should be."}
    )
    calendar = fields.Nested(CalendarOfIntegration, required=True, allow_none=True)
    settings = fields.Nested(SettingsSchema, required=True)
    last_sync_at = moment("When an item was last written, either way.", required=True)
    last_run_at = moment("When it last ran.", required=True)
    fresh_as_of = moment("The last complete reading of the linked calendar.", required=True)
    next_run_at = moment("When it is looked at next, at the latest.", required=True)
    version = fields.Int(required=True)


class IntegrationBody(BodySchema):
    """A new integration. Without an account it waits for somebody to sign in."""

    user_id = identifier()
    service = fields.Str(required=True, validate=validate.Length(1, 100))
    account = fields.Nested(AccountBody, allow_none=True)
    calendar_id = fields.Str(allow_none=True, validate=validate.Length(1, 4000))
    settings = fields.Nested(SettingsSchema, allow_none=True)
    active = fields.Bool(truthy={True}, falsy={False})


class IntegrationPatch(BodySchema):
    """What is to change."""

    active = fields.Bool(truthy={True}, falsy={False})
    calendar_id = fields.Str(validate=validate.Length(1, 4000))
    old_calendar = fields.Str(
        validate=validate.OneOf(["keep", "remove_ours"]),
        metadata={"description": "What becomes of our copies in the former calendar."},
    )
    settings = fields.Nested(SettingsSchema)
    confirm_leaving = fields.Int(
        strict=True,
        validate=validate.Range(0, 10_000_000),
        metadata={"description": "The number of events that may leave the calendar, as confirmation_needed told it."},
    )


class ChangeSchema(AnswerSchema):
    """One field before and after; both null where privacy hides values."""

    field = fields.Str(required=True)
    before = fields.Str(required=True, allow_none=True)
    after = fields.Str(required=True, allow_none=True)


class StepSchema(AnswerSchema):
    """One step of a plan."""

    action = fields.Str(required=True)
    direction = fields.Str(required=True)
    item_id = fields.Str(required=True, allow_none=True)
    remote_id = fields.Str(required=True, allow_none=True)
    title = fields.Str(required=True, allow_none=True)
    start = when("When it would start, a series its first time; null where there is no time.", required=True)
    reason = fields.Str(required=True, allow_none=True)
    changes = fields.List(fields.Nested(ChangeSchema), required=True)


RUN_STATUSES = ["queued", "running", "succeeded", "partial", "failed", "waiting"]


class RunSchema(AnswerSchema):
    """One execution of the sync of one integration."""

    id = identifier()
    integration_id = identifier()
    kind = fields.Str(required=True, metadata={"description": "live, range, preview, removal, calendar, ..."})
    trigger = fields.Str(required=True)
    status = fields.Str(
        required=True,
        validate=validate.OneOf(RUN_STATUSES),
    )
    reason = fields.Str(required=True, allow_none=True)
    counters = fields.Dict(keys=fields.Str(), values=fields.Int(), required=True)
    created_at = moment(required=True)
    started_at = moment(required=True)
    finished_at = moment(required=True)
    request_id = fields.Str(
        required=True, allow_none=True, metadata={"description": "X-Request-Id of the request that asked for it."}
    )
    plan = fields.List(fields.Nested(StepSchema), required=True, metadata={"description": "Of a preview."})


class LogSchema(AnswerSchema):
    """One line of the log."""

    id = fields.Int(required=True)
    run_id = fields.Str(required=True, allow_none=True)
    integration_id = identifier()
    at = moment(required=True)
    action = fields.Str(required=True)
    direction = fields.Str(required=True, validate=validate.OneOf(["retrieve", "send"]))
    item_id = fields.Str(required=True, allow_none=True)
    remote_id = fields.Str(required=True, allow_none=True)
    code = fields.Str(required=True, allow_none=True)
    title = fields.Str(required=True, allow_none=True)
    changes = fields.List(fields.Nested(ChangeSchema), required=True)


class LinkSchema(AnswerSchema):
    """One pair of an item and an event, and where it stands."""

    integration_id = identifier()
    item_id = identifier()
    state = fields.Str(required=True)
    reason = fields.Str(required=True, allow_none=True)
    since = moment(required=True)
    remote_id = fields.Str(required=True, allow_none=True)
    web_link = fields.Str(required=True, allow_none=True)
    synced_version = fields.Int(required=True)
    made_by = fields.Str(required=True)
    title = fields.Str(required=True, allow_none=True)
    withheld = fields.List(fields.Str(), required=True)


class KnownSchema(AnswerSchema):
    """An event of the linked calendar that has no link. Its text is not kept, its times only where they were read."""

    id = identifier()
    integration_id = identifier()
    remote_id = fields.Str(required=True, metadata={"description": "Its address at the service."})
    state = fields.Str(required=True)
    code = fields.Str(required=True, allow_none=True)
    starts_at = moment(required=True)
    ends_at = moment(required=True)
