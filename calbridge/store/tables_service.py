"""Tables of the service around the sync: keys, sign-ins, webhooks and what they still have to tell, mail, and who is at
work."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table, Text

from calbridge.store.columns import Instant, Json, Name, Opaque, Packed
from calbridge.store.table_parts import flag, key, metadata, must, of

_DIGEST = String(64)

keys_of_platform = Table(
    "keys_of_platform",
    metadata,
    key("id"),
    must("name", Opaque),
    must("prefix", Name),
    must("digest", _DIGEST),
    must("created_at", Instant),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
)

keys_of_tenants = Table(
    "keys_of_tenants",
    metadata,
    key("tenant_id"),
    key("id"),
    must("role", Name),
    must("name", Opaque),
    must("prefix", Name),
    must("digest", _DIGEST),
    must("created_at", Instant),
    Column("expires_at", Instant),
    Column("last_used_at", Instant),
    of("tenants"),
)

webhooks = Table(
    "webhooks",
    metadata,
    key("tenant_id"),
    key("id"),
    must("url", Opaque),
    Column("secret", Text),
    Column("former_secret", Text),
    Column("former_until", Instant),
    must("events", Json),
    Column("user_id", Name),
    Column("key_id", Name),
    flag("own"),
    flag("active"),
    Column("reason", Name),
    Column("failing_since", Instant),
    must("tries", Integer),
    Column("not_before", Instant),
    Column("owner", Name),
    Column("owned_until", BigInteger),
    must("version", BigInteger),
    must("created_at", Instant),
    must("updated_at", Instant),
    of("tenants"),
)

deliveries = Table(
    "deliveries",
    metadata,
    key("tenant_id"),
    key("id"),
    must("webhook_id", Name),
    must("type", Name),
    must("place", BigInteger),
    Column("seq", BigInteger),
    Column("user_id", Name),
    must("subject", Name),
    must("facts", Json),
    must("status", Name),
    must("attempts", Integer),
    Column("next_at", Instant),
    Column("answered", Integer),
    Column("code", Name),
    must("created_at", Instant),
    Column("finished_at", Instant),
    of("webhooks", "webhook_id"),
)

notices = Table(
    "notices",
    metadata,
    key("tenant_id"),
    key("id"),
    Column("integration_id", Name),
    must("kind", Name),
    must("code", Name),
    must("since", Instant),
    must("facts", Json),
    must("status", Name),
    must("attempts", Integer),
    Column("next_at", Instant),
    must("created_at", Instant),
    Column("finished_at", Instant),
    of("integrations", "integration_id"),
)

connector_states = Table(
    "connector_states",
    metadata,
    key("tenant_id"),
    key("account_id"),
    must("content", Packed),
    must("version", BigInteger),
    of("accounts", "account_id"),
)

authorizations = Table(
    "authorizations",
    metadata,
    key("tenant_id"),
    key("id"),
    must("integration_id", Name),
    must("user_id", Name),
    must("service", Name),
    must("digest", _DIGEST),
    Column("browser", _DIGEST),
    Column("confirmation", _DIGEST),
    must("verifier", Text),
    Column("secret", Text),
    Column("return_to", Opaque),
    flag("relink"),
    must("stage", Name),
    must("begun_by", Opaque),
    Column("owner_id", Opaque),
    Column("owner_address", Opaque),
    must("own_addresses", Json),
    must("facts", Json),
    must("created_at", Instant),
    must("expires_at", Instant),
    of("integrations", "integration_id"),
)

revocations = Table(
    "revocations",
    metadata,
    key("tenant_id"),
    key("id"),
    must("service", Name),
    must("username", Opaque),
    Column("owner_id", Opaque),
    must("facts", Json),
    must("secret", Text),
    must("attempts", Integer),
    must("next_at", Instant),
    must("created_at", Instant),
)
"""Rows of a tenant that outlive it, for a day at most: what is promised to be ended is ended."""

watches = Table(
    "watches",
    metadata,
    key("tenant_id"),
    key("id"),
    must("integration_id", Name),
    must("account_id", Name),
    must("connector", Name),
    must("digest", _DIGEST),
    must("token", Text),
    must("calendar_id", Opaque),
    must("base", Opaque),
    must("status", Name),
    Column("state", Opaque),
    Column("expires_at", Instant),
    must("created_at", Instant),
    of("integrations", "integration_id"),
)

slots = Table("slots", metadata, key("name"), must("claimed", BigInteger), must("owner", Name))

heartbeats = Table(
    "heartbeats",
    metadata,
    key("id"),
    must("kind", Name),
    must("host", Opaque),
    must("started_at", Instant),
    must("seen_at", Instant),
    must("facts", Json),
)
