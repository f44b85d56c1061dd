"""The tables. Every row but those of ``installation`` and ``receipts`` belongs to a tenant, and every foreign key says
so. Long ids from outside are indexed by their hash (:func:`calbridge.store.columns.digest`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from calbridge.store.columns import Instant, Json, Name, Opaque, Packed, Serial

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_HASH = String(40)


def _of(table: str, *columns: str, late: bool = False) -> ForeignKeyConstraint:
    """A foreign key within the tenant; ``late`` ones are checked at the commit, so that rows come in any order."""
    target = ["tenant_id", *(["integration_id"] if len(columns) == 2 else []), "id"] if columns else ["id"]
    names = ["tenant_id", *columns]
    timing: dict[str, Any] = {"deferrable": True, "initially": "DEFERRED"} if late else {}
    return ForeignKeyConstraint(names, [f"{table}.{name}" for name in target], **timing)


def _key(name: str) -> Column[Any]:
    return Column(name, Name, primary_key=True)


def _must(name: str, type_: Any, default: str | None = None) -> Column[Any]:
    return Column(name, type_, nullable=False, server_default=None if default is None else text(default))


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean, nullable=False)


installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    _must("name", Name),
    _must("fingerprint_secret", Text),
)

tenants = Table(
    "tenants",
    metadata,
    _key("id"),
    _must("name", Opaque),
    _must("settings", Json),
    _must("seq", BigInteger),
    _must("epoch", Integer),
    _must("created_at", Instant),
)

users = Table(
    "users",
    metadata,
    _key("tenant_id"),
    _key("id"),
    Column("email", Opaque),
    _must("name", Opaque),
    _must("time_zone", Name),
    _flag("calendar_sync"),
    _must("epoch", Integer),
    _must("created_at", Instant),
    _must("updated_at", Instant),
    _of("tenants"),
)

accounts = Table(
    "accounts",
    metadata,
    _key("tenant_id"),
    _key("id"),
    Column("user_id", Name),
    _must("service", Name),
    Column("url", Opaque),
    _must("username", Opaque),
    Column("secret", Text),
    _must("facts", Json),
    Column("owner_id", Opaque),
    Column("owner_address", Opaque),
    _must("own_addresses", Json),
    Column("not_before", Instant),
    _must("refusals", Json),
    _flag("refused"),
    Column("failing_since", Instant),
    Column("told_at", Instant),
    _must("tries", Integer),
    _must("created_at", Instant),
    _of("users", "user_id"),
    Index(None, "tenant_id", "user_id"),
)

integrations = Table(
    "integrations",
    metadata,
    _key("tenant_id"),
    _key("id"),
    _must("user_id", Name),
    Column("account_id", Name),
    _must("service", Name),
    _must("settings", Json),
    _flag("active"),
    _must("status", Name),
    Column("reason", Name),
    Column("calendar_id", Opaque),
    Column("calendar_hash", _HASH),
    Column("calendar_name", Opaque),
    Column("calendar_zone", Opaque),
    Column("cursor", Opaque),
    Column("checkpoint", Opaque),
    _must("mark", BigInteger),
    _flag("baselined"),
    Column("projected", Opaque),
    _flag("leave_confirmed"),
    Column("compared_at", Instant),
    Column("confirmed_retrieve_until", Instant),
    Column("confirmed_send_until", Instant),
    _must("due_no", BigInteger),
    _must("cleared", BigInteger),
    Column("next_poll_at", Instant),
    Column("last_sync_at", Instant),
    Column("last_run_at", Instant),
    Column("fresh_as_of", Instant),
    _must("created_at", Instant),
    Column("deleted_at", Instant),
    _of("users", "user_id"),
    _of("accounts", "account_id"),
    Index(None, "tenant_id", "user_id"),
    Index(None, "tenant_id", "account_id"),
    Index(
        "uq_integrations_calendar",
        "tenant_id",
        "user_id",
        "account_id",
        "calendar_hash",
        unique=True,
        sqlite_where=text("deleted_at IS NULL"),
        postgresql_where=text("deleted_at IS NULL"),
    ),
)

leases = Table(
    "leases",
    metadata,
    _key("tenant_id"),
    _key("integration_id"),
    Column("owner", Name),
    _must("expires_at", BigInteger),
    _must("fence", BigInteger),
    _must("serial", BigInteger),
    _of("integrations", "integration_id"),
)

items = Table(
    "items",
    metadata,
    _key("tenant_id"),
    _key("id"),
    _must("user_id", Name),
    _must("type", Name),
    _must("content", Text),
    Column("external_id", Opaque),
    Column("record_id", Opaque),
    Column("due", Json),
    Column("completed_at", Instant),
    _must("associations", Json),
    _flag("hidden"),
    Column("origin", Name),
    Column("ical_uid", Opaque),
    Column("ical_hash", _HASH),
    Column("match", String(64)),
    _must("locked", Json),
    Column("first_start", Instant),
    Column("last_end", Instant),
    Column("deleted_at", Instant),
    _must("version", BigInteger),
    _must("seq", BigInteger),
    Column("external_hash", _HASH),
    _must("created_at", Instant),
    _must("updated_at", Instant),
    _of("users", "user_id"),
    UniqueConstraint("tenant_id", "user_id", "external_hash"),
    Index(None, "tenant_id", "user_id", "seq"),
    Index(None, "tenant_id", "user_id", "ical_hash"),
    Index(None, "tenant_id", "user_id", "match"),
)

links = Table(
    "links",
    metadata,
    _key("tenant_id"),
    _key("integration_id"),
    _key("id"),
    _must("item_id", Name),
    Column("remote_id", Opaque),
    Column("remote_hash", _HASH),
    Column("uid", Opaque),
    Column("uid_hash", _HASH),
    Column("key", Name),
    _must("generation", Integer),
    _must("made_by", Name),
    _must("state", Name),
    Column("reason", Name),
    Column("since", Instant),
    _must("sent", Text),
    _must("shown", Text),
    Column("seen_version", Opaque),
    Column("native", Packed),
    _must("level", Name),
    _must("editable", Name),
    _flag("organised_here"),
    Column("web_link", Opaque),
    Column("owed", Json),
    Column("withheld", Json),
    Column("gone_at", Instant),
    _flag("gone_sure"),
    _flag("work"),
    _flag("ranged"),
    _flag("reread"),
    Column("parked", Opaque),
    _flag("consent"),
    _flag("guests"),
    Column("old_uids", Json),
    Column("undone", Json),
    Column("retry_at", Instant),
    _must("tries", Integer),
    _must("synced_version", BigInteger),
    _flag("live"),
    _must("born", BigInteger),
    _of("integrations", "integration_id"),
    _of("items", "item_id", late=True),
    Index(None, "tenant_id", "integration_id", "remote_hash"),
    Index(None, "tenant_id", "integration_id", "uid_hash"),
    Index(None, "tenant_id", "item_id"),
    Index(
        "ix_links_work",
        "tenant_id",
        "integration_id",
        "id",
        sqlite_where=text("work = 1"),
        postgresql_where=text("work"),
    ),
    Index(None, "tenant_id", "integration_id", "live"),
    Index(
        "ix_links_waiting",
        "tenant_id",
        "integration_id",
        "id",
        sqlite_where=text("reason = 'confirmation_needed'"),
        postgresql_where=text("reason = 'confirmation_needed'"),
    ),
    Index(
        "ix_links_gone",
        "tenant_id",
        "integration_id",
        "gone_at",
        sqlite_where=text("gone_at IS NOT NULL"),
        postgresql_where=text("gone_at IS NOT NULL"),
    ),
)

link_uids = Table(
    "link_uids",
    metadata,
    _key("tenant_id"),
    _key("integration_id"),
    Column("uid_hash", _HASH, primary_key=True),
    _key("link_id"),
    _of("links", "integration_id", "link_id", late=True),
    Index(None, "tenant_id", "integration_id", "link_id"),
)

known = Table(
    "known",
    metadata,
    _key("tenant_id"),
    _key("integration_id"),
    Column("remote_hash", _HASH, primary_key=True),
    _must("remote_id", Opaque),
    Column("version", Opaque),
    Column("uid", Opaque),
    Column("uid_hash", _HASH),
    Column("marker", Opaque),
    Column("marker_hash", _HASH),
    Column("match", String(64)),
    Column("first_start", Instant),
    Column("last_end", Instant),
    _must("state", Name),
    Column("code", Name),
    _flag("indexed"),
    _flag("recheck"),
    _of("integrations", "integration_id"),
    Index(None, "tenant_id", "integration_id", "uid_hash"),
    Index(None, "tenant_id", "integration_id", "match"),
    Index(None, "tenant_id", "integration_id", "marker_hash"),
    Index(
        "ix_known_recheck",
        "tenant_id",
        "integration_id",
        sqlite_where=text("recheck = 1"),
        postgresql_where=text("recheck"),
    ),
)

intents = Table(
    "intents",
    metadata,
    _key("tenant_id"),
    _key("integration_id"),
    _key("id"),
    _must("link_id", Name),
    _must("op", Name),
    Column("remote_id", Opaque),
    Column("uid", Opaque),
    Column("key", Name),
    _must("generation", Integer),
    Column("version", Opaque),
    _must("target", Text),
    _must("units", Text),
    _must("rekeyed", Json),
    _flag("redact"),
    Column("created_at", Instant),
    _must("purpose", Name),
    _must("born", BigInteger),
    _of("links", "integration_id", "link_id", late=True),
    Index(None, "tenant_id", "integration_id", "link_id"),
)

keys = Table(
    "keys",
    metadata,
    _key("tenant_id"),
    _key("key"),
    _must("integration_id", Name),
    _must("item_id", Name),
    _of("integrations", "integration_id"),
    Index(None, "key"),
    Index(None, "tenant_id", "integration_id"),
)

changes = Table(
    "changes",
    metadata,
    _key("tenant_id"),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _must("user_id", Name),
    _must("item_id", Name),
    _must("op", Name),
    _must("version", BigInteger),
    _must("changed_fields", Json),
    _must("source", Json),
    _must("at", Instant),
    _of("users", "user_id"),
    Index(None, "tenant_id", "user_id", "seq"),
    Index(None, "tenant_id", "at"),
)

runs = Table(
    "runs",
    metadata,
    _key("tenant_id"),
    _key("id"),
    _must("integration_id", Name),
    _must("kind", Name),
    _must("trigger", Name),
    _must("status", Name),
    Column("reason", Name),
    _must("counters", Json),
    _must("facts", Json),
    _must("created_at", Instant),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    _of("integrations", "integration_id"),
    Index(None, "tenant_id", "integration_id", "created_at"),
)

logs = Table(
    "logs",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    _must("tenant_id", Name),
    _must("integration_id", Name),
    Column("run_id", Name),
    _must("at", Instant),
    _must("action", Name),
    _must("direction", Name),
    Column("item_id", Name),
    Column("link_id", Name),
    Column("remote_id", Opaque),
    Column("code", Name),
    Column("title", Opaque),
    _must("changes", Json),
    _flag("stripped"),
    _of("integrations", "integration_id"),
    Index(None, "tenant_id", "integration_id", "id"),
    Index(None, "tenant_id", "item_id"),
    Index(
        "ix_logs_values", "tenant_id", "at", sqlite_where=text("stripped = 0"), postgresql_where=text("NOT stripped")
    ),
)

deletions = Table(
    "deletions",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    _must("tenant_id", Name),
    _must("integration_id", Name),
    _must("direction", Name),
    _must("at", Instant),
    _of("integrations", "integration_id"),
    Index(None, "tenant_id", "integration_id", "direction", "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    _must("tenant_id", Name),
    _must("at", Instant),
    _must("actor", Opaque),
    _must("action", Name),
    _must("facts", Json),
    _of("tenants"),
    Index(None, "tenant_id", "id"),
)

grants = Table(
    "grants",
    metadata,
    _key("tenant_id"),
    _key("host"),
    _must("created_at", Instant),
    _of("tenants"),
)

checks = Table(
    "checks",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    _must("tenant_id", Name),
    _must("subject", _HASH),
    _must("at", Instant),
    _of("tenants"),
    Index(None, "tenant_id", "subject", "at"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    _must("kind", Name),
    _must("erased_tenant", Name),
    Column("erased_user", Name),
    _must("at", Instant),
    _must("counts", Json),
)

TENANT_TABLES: tuple[Table, ...] = tuple(table for table in metadata.sorted_tables if "tenant_id" in table.columns)
"""Tables whose rows belong to a tenant, those that others point to first."""
