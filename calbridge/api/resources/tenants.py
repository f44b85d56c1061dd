"""Tenants and their keys: the platform's business."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from calbridge.api.answers import Answer, page
from calbridge.api.blueprint import Blueprint, MethodView
from calbridge.api.cursors import decode
from calbridge.api.examples import listed
from calbridge.api.here import Here
from calbridge.api.operation import Gives, Takes, operation
from calbridge.api.schemas import AnswerSchema, BodySchema, ListQuery, identifier, list_of, moment
from calbridge.service import keys, tenants
from calbridge.service.access import Role, Scope
from calbridge.service.values import instant
from calbridge.service.views import to_json

blueprint = Blueprint("tenants", "PSA accounts and their keys.")
ROLES = [Role.ADMIN.value, Role.BACKEND.value]


class TenantSchema(AnswerSchema):
    """A PSA account."""

    id = identifier()
    name = fields.Str(required=True)
    private_hosts = fields.List(
        fields.Str(),
        required=True,
        metadata={"description": "Private places that it may reach: host:port or a network."},
    )
    created_at = moment(required=True)
    version = fields.Int(required=True)


class TenantBody(BodySchema):
    """What can be said of a tenant. What is absent is kept."""

    name = fields.Str(required=True, validate=validate.Length(1, 200))
    private_hosts = fields.List(fields.Str(validate=validate.Length(1, 300)), validate=validate.Length(max=100))


class ReceiptSchema(AnswerSchema):
    """What was erased, in numbers."""

    kind = fields.Str(required=True, validate=validate.OneOf(["tenant", "user"]))
    tenant = fields.Str(required=True)
    user_id = fields.Str(required=True, allow_none=True)
    at = moment(required=True)
    counts = fields.Dict(keys=fields.Str(), values=fields.Int(), required=True)


class KeySchema(AnswerSchema):
    """A key without its secret."""

    id = identifier()
    role = fields.Str(required=True, validate=validate.OneOf([each.value for each in Role]))
    name = fields.Str(required=True)
    prefix = fields.Str(required=True, metadata={"description": "The beginning of the key, to recognise it."})
    created_at = moment(required=True)
    expires_at = moment(required=True)
    last_used_at = moment("To the minute.", required=True)


class NewKeySchema(KeySchema):
    """A key with its secret, shown this once."""

    key = fields.Str(required=True, metadata={"description": "Sent as: Authorization: Bearer <key>."})


class KeyBody(BodySchema):
    """A new key."""

    role = fields.Str(required=True, validate=validate.OneOf(ROLES))
    name = fields.Str(
        required=True, validate=[validate.Length(1, 200), validate.Regexp(r"^[^\r\n\x00]*\S[^\r\n\x00]*$")]
    )
    expires_at = moment("When it ends by itself.")


TENANT = {
    "id": "acme",
    "name": "Acme IT Services",
    "private_hosts": [],
    "created_at": "2027-01-04T08:00:00Z",
    "version": 1,
}
RECEIPT = {
    "kind": "tenant",
    "tenant": "acme",
    "user_id": None,
    "at": "2027-01-04T08:00:00Z",
    "counts": {"users": 3, "items": 120},
}
KEY = {
    "id": "5b1c0f9de2a4",
    "role": "backend",
    "name": "PSA server",
    "prefix": "t0a1b2c3d4e5f6a7",
    "created_at": "2027-01-04T08:00:00Z",
    "expires_at": None,
    "last_used_at": None,
}
NEW_KEY = KEY | {"key": "cbk_t0a1b2c3d4e5f6a7_Zm9yIHRoZSBkb2N1bWVudCBvbmx5LCBubyBrZXkgYXQgYWw"}


@blueprint.route("/tenants")
class Tenants(MethodView):
    """All tenants."""

    @operation(Scope.PLATFORM, Gives(200, list_of(TenantSchema, "Tenants"), listed(TENANT)), query=ListQuery)
    def get(self, here: Here, query: dict[str, Any]) -> dict[str, Any]:
        """List the tenants in the order of their ids"""
        found = tenants.list_tenants(here.parts, after=decode(query["cursor"], str), limit=query["limit"] + 1)
        return page([to_json(each) for each in found], query["limit"], lambda row: row["id"])


@blueprint.route("/tenants/<id:tenant_id>")
class Tenant(MethodView):
    """One tenant."""

    @operation(Scope.PLATFORM, Gives(200, TenantSchema, TENANT), refuses=["tenant_not_found"], versioned=True)
    def get(self, here: Here, tenant_id: str) -> Any:
        """Show a tenant"""
        return to_json(tenants.get_tenant(here.parts, tenant_id))

    @operation(
        Scope.PLATFORM,
        Gives(200, TenantSchema, TENANT, {201: "Made."}),
        takes=Takes(TenantBody, {"name": "Acme IT Services", "private_hosts": []}),
        refuses=["beyond_private_networks"],
        versioned=True,
        conditional=True,
    )
    def put(
        self, here: Here, tenant_id: str, body: dict[str, Any], if_version: int | None, create_only: bool
    ) -> Answer:
        """Make or change a tenant

        private_hosts, where given, are all that it may reach within the operator's PRIVATE_NETWORKS.
        """
        known = tenants.tenant_exists(here.parts, tenant_id)
        stored = tenants.put_tenant(
            here.parts,
            tenant_id,
            body["name"],
            private_hosts=body.get("private_hosts"),
            if_version=if_version,
            create_only=create_only,
        )
        return Answer(to_json(stored), 200 if known else 201)

    @operation(
        Scope.PLATFORM,
        Gives(200, ReceiptSchema, RECEIPT),
        refuses=["tenant_not_found", "integration_running"],
    )
    def delete(self, here: Here, tenant_id: str) -> Any:
        """Erase a tenant with all that is kept of it

        Events that syncing made at calendar services stay there.
        """
        return to_json(tenants.delete_tenant(here.parts, tenant_id))


@blueprint.route("/tenants/<id:tenant_id>/keys")
class TenantKeys(MethodView):
    """Keys of a tenant."""

    @operation(
        Scope.PLATFORM,
        Gives(200, list_of(KeySchema, "Keys"), listed(KEY)),
        query=ListQuery,
        refuses=["tenant_not_found"],
    )
    def get(self, here: Here, tenant_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """List the keys of a tenant, without their secrets"""
        found = keys.list_keys(here.parts, tenant_id, after=decode(query["cursor"], str), limit=query["limit"] + 1)
        return page([to_json(each) for each in found], query["limit"], lambda row: row["id"])

    @operation(
        Scope.PLATFORM,
        Gives(201, NewKeySchema, NEW_KEY),
        takes=Takes(KeyBody, {"role": "backend", "name": "PSA server"}),
        refuses=["tenant_not_found", "too_many_keys"],
    )
    def post(self, here: Here, tenant_id: str, body: dict[str, Any]) -> Any:
        """Make a key; its secret is answered this once

        Two of one role and name may live at a time, so that one follows the other without a pause.
        """
        told = body.get("expires_at")
        expires_at = None if told is None else instant(told, "expires_at")
        return to_json(keys.create_key(here.parts, tenant_id, Role(body["role"]), body["name"], expires_at))


@blueprint.route("/tenants/<id:tenant_id>/keys/<id:key_id>")
class TenantKey(MethodView):
    """One key of a tenant."""

    @operation(Scope.PLATFORM, Gives(200, KeySchema, KEY), refuses=["tenant_not_found", "key_not_found"])
    def delete(self, here: Here, tenant_id: str, key_id: str) -> Any:
        """Take a key back: it is refused from now on"""
        return to_json(keys.revoke_key(here.parts, tenant_id, key_id))
