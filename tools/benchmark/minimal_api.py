"""The yardstick: a Flask application that reads and writes the rows of items with SQLAlchemy Core, and nothing else."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, jsonify, request
from sqlalchemy import Connection, Engine, insert, select, update

from calbridge.store.tables import changes, integrations, items, links, tenants

_LINK = [
    links.c[name]
    for name in (
        "item_id", "integration_id", "state", "reason", "since", "remote_id", "web_link", "synced_version", "made_by",
        "editable",
    )
]  # fmt: skip


def minimal_app(engine: Engine, tenant: str) -> Flask:
    """The same three paths, without keys, checks or rules."""
    app = Flask("minimal")
    app.json.sort_keys = False  # type: ignore[attr-defined]

    @app.get("/v1/users/<user_id>/items/<item_id>")
    def one(user_id: str, item_id: str) -> Response:
        with engine.connect().execution_options(calbridge_writes=False) as connection:
            row = _one(connection, tenant, user_id, item_id)
            return jsonify(_shown(row) | {"links": _links(connection, tenant, [row.id]).get(row.id, [])})

    @app.get("/v1/users/<user_id>/items")
    def many(user_id: str) -> Response:
        with engine.connect().execution_options(calbridge_writes=False) as connection:
            query = select(items).where(
                items.c.tenant_id == tenant, items.c.user_id == user_id, items.c.deleted_at.is_(None)
            )
            rows = connection.execute(query.order_by(items.c.id).limit(int(request.args["limit"]))).all()
            linked = _links(connection, tenant, [row.id for row in rows])
            return jsonify({"data": [_shown(row) | {"links": linked.get(row.id, [])} for row in rows]})

    @app.put("/v1/users/<user_id>/items/<item_id>")
    def put(user_id: str, item_id: str) -> Response:
        body = request.get_json()
        with engine.begin() as connection:
            row = _one(connection, tenant, user_id, item_id)
            linked = _links(connection, tenant, [row.id])
            stored = _store(connection, tenant, user_id, row, body)
        return jsonify(_shown(row) | stored | {"links": linked.get(row.id, [])})

    return app


def _one(connection: Connection, tenant: str, user_id: str, item_id: str) -> Any:
    named = hashlib.sha256(item_id.removeprefix("ext:").encode()).hexdigest()[:40]
    query = select(items).where(items.c.tenant_id == tenant, items.c.user_id == user_id, items.c.external_hash == named)
    return connection.execute(query).one()


def _links(connection: Connection, tenant: str, item_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    owner = (integrations.c.tenant_id == links.c.tenant_id) & (integrations.c.id == links.c.integration_id)
    query = (
        select(*_LINK)
        .join(integrations, owner)
        .where(links.c.tenant_id == tenant, links.c.item_id.in_(item_ids), integrations.c.deleted_at.is_(None))
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.item_id, []).append({**row._mapping, "since": _told(row.since)})
    return found


def _shown(row: Any) -> dict[str, Any]:
    told = dict(row._mapping)
    told["content"] = json.loads(row.content)
    for name in ("completed_at", "first_start", "last_end", "deleted_at", "created_at", "updated_at"):
        told[name] = _told(told[name])
    return told


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _store(connection: Connection, tenant: str, user_id: str, row: Any, body: dict[str, Any]) -> dict[str, Any]:
    """The rows that a write touches: the item, the integrations that it wakes, the order of changes, the feed."""
    now = datetime.now(UTC)
    content = json.loads(row.content)
    content[""]["title"] = body["title"]
    here = (items.c.tenant_id == tenant, items.c.id == row.id)
    connection.execute(
        update(items).where(*here).values(content=json.dumps(content), version=row.version + 1, updated_at=now)
    )
    mine = (integrations.c.tenant_id == tenant, integrations.c.user_id == user_id)
    for (integration_id,) in connection.execute(select(integrations.c.id).where(*mine)).all():
        connection.execute(
            update(integrations)
            .where(integrations.c.tenant_id == tenant, integrations.c.id == integration_id)
            .values(due_no=integrations.c.due_no + 1)
        )
    seq = connection.scalar(
        update(tenants).where(tenants.c.id == tenant).values(seq=tenants.c.seq + 1).returning(tenants.c.seq)
    )
    connection.execute(update(items).where(*here).values(seq=seq))
    connection.execute(
        insert(changes).values(
            tenant_id=tenant,
            seq=seq,
            user_id=user_id,
            item_id=row.id,
            op="update",
            version=row.version + 1,
            changed_fields=["title"],
            source={"door": "api"},
            at=now,
        )
    )
    return {"content": content, "version": row.version + 1, "seq": seq, "updated_at": _told(now)}
