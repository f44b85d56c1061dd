"""My Calendar: the items of a user."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import fields, validate

from calbridge.api import examples
from calbridge.api.answers import JSON, Answer, page
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.bodies import MERGE_PATCH
from calbridge.api.cursors import decode, encode
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, must_be_there, operation
from calbridge.api.schemas import ID_PATTERN, BodySchema, ListQuery, list_of
from calbridge.api.schemas_integrations import LogSchema
from calbridge.api.schemas_item_bodies import CHECKS, ItemBody, ItemPatch, NewItem
from calbridge.api.schemas_items import GIVEN, ITEM, ItemSchema, choice
from calbridge.service import items
from calbridge.service.access import Scope
from calbridge.service.item_expansion import Place, list_occurrences
from calbridge.service.item_out import RESPONSES, UNANSWERED
from calbridge.service.responses import LONGEST_COMMENT, respond
from calbridge.service.values import instant, invalid
from calbridge.service.views import to_json

blueprint = Blueprint(
    "items",
    "My Calendar. `item_id` is calbridge's own id, or `ext:` and the PSA's `external_id`: a PUT there makes the item, "
    "a PUT under calbridge's own id only changes it.",
)
_MISSING = ["user_not_found", "item_not_found"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ItemQuery(ListQuery):
    """Which items."""

    start = fields.Str(
        data_key="from",
        load_default=None,
        metadata={"format": "date-time", "description": "Only what ends after this time."},
    )
    end = fields.Str(
        data_key="to",
        load_default=None,
        metadata={"format": "date-time", "description": "Only what starts before this time."},
    )
    type = choice(items.TYPES, load_default=None)
    external_id = fields.Str(load_default=None, validate=validate.Regexp(ID_PATTERN))
    expand = fields.Bool(
        load_default=False,
        truthy={"true"},
        falsy={"false"},
        metadata={
            "description": "Show each occurrence of a series, by time; needs `from` and `to`, at most 370 days apart."
        },
    )


@blueprint.route("/users/<id:user_id>/items")
class Items(MethodView):
    """All items."""

    @operation(
        Scope.ITEMS_READ,
        Gives(200, list_of(ItemSchema, "Items"), examples.listed(ITEM)),
        query=ItemQuery,
        refuses=["user_not_found", "recurrence_too_large"],
    )
    def get(self, here: Here, user_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """List a user's items

        In the order of their ids; with `expand`, their occurrences by time.
        """
        limit = query["limit"]
        chosen = {
            "start": None if query["start"] is None else instant(query["start"], "from"),
            "end": None if query["end"] is None else instant(query["end"], "to"),
            "type": query["type"],
            "external_id": query["external_id"],
        }
        here.user(user_id)
        if query["expand"]:
            filtered, after = items.chosen_by(**chosen), _place(query["cursor"])
            found = list_occurrences(here.parts, here.tenant, user_id, filtered, after=after, limit=limit + 1)
            more = len(found) > limit
            shown = found[:limit]
            return {
                "data": [row.item for row in shown],
                "next_cursor": encode(_told(shown[-1].place)) if more else None,
            }
        rows = items.list_items(
            here.parts, here.tenant, user_id, limit=limit + 1, after=decode(query["cursor"], str), **chosen
        )
        return page(rows, limit, lambda row: row["id"])

    @operation(
        Scope.ITEMS_WRITE,
        Gives(201, ItemSchema, ITEM),
        takes=Takes(NewItem, GIVEN | {"external_id": "T-17"}),
        refuses=["user_not_found", "already_exists", *CHECKS],
        versioned=True,
    )
    def post(self, here: Here, user_id: str, body: Any) -> Any:
        """Make an item under an id of calbridge's"""
        return items.add_item(here.parts, here.tenant, here.user(user_id), body)


def _told(place: Place) -> list[Any]:
    return [(place[0] - _EPOCH) // timedelta(microseconds=1), place[1], place[2]]


def _place(cursor: str | None) -> Place | None:
    told = decode(cursor, list)
    match told:
        case None:
            return None
        case [int(micros), str(item_id), str(key)] if 0 <= abs(micros) < 10**17:
            return _EPOCH + timedelta(microseconds=micros), item_id, key
    raise invalid("cursor", "must be the next_cursor of an earlier answer")


@blueprint.route("/users/<id:user_id>/items/<id:item_id>")
class Item(MethodView):
    """One item."""

    @operation(Scope.ITEMS_READ, Gives(200, ItemSchema, ITEM), refuses=_MISSING, versioned=True)
    def get(self, here: Here, user_id: str, item_id: str) -> Any:
        """Show an item with its links"""
        return items.get_item(here.parts, here.tenant, here.user(user_id), item_id)

    @operation(
        Scope.ITEMS_WRITE,
        Gives(200, ItemSchema, ITEM, {201: "Made."}),
        takes=Takes(ItemBody, GIVEN),
        refuses=[*_MISSING, "already_exists", "organised_elsewhere", "text_hidden", "item_changed", *CHECKS],
        versioned=True,
        conditional=True,
    )
    def put(
        self, here: Here, user_id: str, item_id: str, body: Any, if_version: int | None, create_only: bool
    ) -> Answer:
        """Make or change an item

        What is absent is kept; null clears. Under `ext:{external_id}` it is made where it is not there yet.
        """
        stored = items.store_item(
            here.parts,
            here.tenant,
            here.user(user_id),
            item_id,
            body,
            if_version=if_version,
            create_only=create_only,
            change_only=must_be_there(),
        )
        return Answer(stored.item, 201 if stored.created else 200)

    @operation(
        Scope.ITEMS_WRITE,
        Gives(200, ItemSchema, ITEM),
        takes=Takes(ItemPatch, {"title": "Replace the switch and its cable"}, (JSON, MERGE_PATCH)),
        refuses=[*_MISSING, "already_exists", "organised_elsewhere", "text_hidden", "item_changed", *CHECKS],
        versioned=True,
        conditional=True,
    )
    def patch(self, here: Here, user_id: str, item_id: str, body: Any, if_version: int | None) -> Any:
        """Change what is named (RFC 7396)"""
        return items.patch_item(here.parts, here.tenant, here.user(user_id), item_id, body, if_version=if_version)

    @operation(
        Scope.ITEMS_WRITE,
        Gives(200, ItemSchema, ITEM | {"version": 2, "deleted_at": "2027-01-04T09:00:00Z"}),
        refuses=[*_MISSING, "organised_elsewhere", "confirmation_needed", "item_changed"],
        versioned=True,
        conditional=True,
    )
    def delete(self, here: Here, user_id: str, item_id: str, if_version: int | None) -> Any:
        """Delete an item

        Its last state is answered. Linked calendars lose it with the next sync, as their integrations' settings say.
        """
        return items.delete_item(here.parts, here.tenant, here.user(user_id), item_id, if_version=if_version)


@blueprint.route("/users/<id:user_id>/items/<id:item_id>/history")
class ItemHistory(MethodView):
    """What syncing did with an item."""

    @operation(
        Scope.ITEMS_READ,
        Gives(200, list_of(LogSchema, "ItemHistory"), examples.listed(examples.LOG)),
        query=ListQuery,
        refuses=_MISSING,
    )
    def get(self, here: Here, user_id: str, item_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """Show what syncing did with an item

        Over all integrations, the newest first; of a deleted item, too.
        """
        limit = query["limit"]
        lines = items.item_history(
            here.parts,
            here.tenant,
            here.user(user_id),
            item_id,
            limit=limit + 1,
            before=decode(query["cursor"], int),
        )
        return page([to_json(line) for line in lines], limit, lambda row: row["id"])


class ResponseBody(BodySchema):
    """An answer to an invitation."""

    response = choice(set(RESPONSES) - {UNANSWERED}, required=True)
    comment = fields.Str(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=LONGEST_COMMENT),
        metadata={"description": "Words for the organiser, where the service can send them."},
    )


@blueprint.route("/users/<id:user_id>/items/<id:item_id>/response")
class ItemResponse(MethodView):
    """The user's answer to an invitation."""

    @operation(
        Scope.ITEMS_WRITE,
        Gives(200, ItemSchema, ITEM | {"my_response": "accepted", "version": 2}),
        takes=Takes(ResponseBody, {"response": "accepted", "comment": "I bring the cable."}),
        refuses=[
            *_MISSING,
            "not_invited",
            "answer_not_possible",
            "integration_inactive",
            "not_connected",
            "integration_running",
            "item_changed",
        ],
        versioned=True,
        upstream=True,
    )
    def post(self, here: Here, user_id: str, item_id: str, body: dict[str, Any]) -> Any:
        """Answer an invitation

        Given to the calendar that it came from, which may tell the organiser by mail; for all of a series.
        """
        return respond(here.parts, here.tenant, here.user(user_id), item_id, body["response"], body.get("comment"))
