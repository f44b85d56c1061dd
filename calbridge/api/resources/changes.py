"""What happened in My Calendar, for a PSA that goes on from a cursor (SYNC E3)."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.here import Here
from calbridge.api.operation import Gives, operation
from calbridge.api.schemas import ListQuery
from calbridge.api.schemas_changes import CHANGE, ChangesSchema
from calbridge.service.access import Scope
from calbridge.service.changes import list_changes
from calbridge.service.views import to_json

blueprint = Blueprint("changes", "What changed in My Calendar, on either side.")


class ChangesQuery(ListQuery):
    """Which changes."""

    cursor = fields.Str(
        load_default=None,
        metadata={
            "minLength": 1,
            "maxLength": 2000,
            "description": "The next_cursor of the last answer, or `latest`: nothing of the past, only where to go on.",
        },
    )
    user_id = fields.Str(load_default=None, metadata={"description": "Only of this user."})
    own = fields.Bool(
        load_default=False,
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Also what the caller's key wrote itself."},
    )


@blueprint.route("/changes")
class Changes(MethodView):
    """The feed."""

    @operation(
        Scope.ITEMS_READ,
        Gives(200, ChangesSchema, {"data": [CHANGE], "next_cursor": "WyI4ZjBmIiwxLDQ3MTEsMTc5OTA0OTYwMDAwMDAwMF0"}),
        query=ChangesQuery,
        refuses=["user_not_found", "cursor_expired"],
    )
    def get(self, here: Here, query: dict[str, Any]) -> Any:
        """List what changed since a cursor

        In the order of the changes; from the oldest that is kept without a cursor. Every answer has a `next_cursor`,
        which misses nothing that is stored later: keep it, and ask again with it.
        """
        asked = query | {"user_id": here.own_user(query["user_id"])}
        return to_json(list_changes(here.parts, here.tenant, **asked))
