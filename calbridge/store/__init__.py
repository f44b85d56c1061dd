"""Memory: tables, units of work, secrets. One database, SQLite or PostgreSQL.

Where to find what:

- :mod:`~calbridge.store.database`: ``Database(url, SecretBox(keys))``; ``read(tenant)`` and ``write(tenant)``
  give a :class:`~calbridge.store.work.Work`; ``system_read()``, ``system_write()`` give a ``System`` over all tenants
  (``tenants``, ``sweep.due()``, ``api_keys``, ``key_of(prefix)``); ``keys(tenant)`` makes stable keys.
- :class:`~calbridge.store.work.Work`: ``settings, users, accounts, integrations, items, memories, runs, logs, audit,
  api_keys, grants, checks``, ``changes_after(seq, limit)``, ``raise_due(*integration_ids)``.
- :mod:`~calbridge.store.migrate`: ``upgrade(database)``, ``check(database)``, ``current(database)``, ``head()``.
- :mod:`~calbridge.store.leases`: ``Leases(database).acquire/renew/release/held``; :mod:`~calbridge.store.run_store`:
  ``SqlRunStore(database, tenant, integration_id, lease, keys, run_id)``.
- :mod:`~calbridge.store.changes`: ``Source``, ``Change``; :mod:`~calbridge.store.items`: ``Items``, ``ItemFilter``;
  :mod:`~calbridge.store.api_keys`: ``ApiKey``.
- :mod:`~calbridge.store.accounts`: ``StoredAccount``; :mod:`~calbridge.store.integrations`: ``StoredIntegration``;
  :mod:`~calbridge.store.users`: ``User``; :mod:`~calbridge.store.tenants`: ``Tenant``;
  :mod:`~calbridge.store.runs`: ``Run``; :mod:`~calbridge.store.journal`: ``LogFilter``, ``LogLine``, ``AuditLine``;
  :mod:`~calbridge.store.memories`: ``Memories``, ``known_id``.
- :mod:`~calbridge.store.retention`: ``purge(database, now)``, ``erase_user``, ``erase_tenant``,
  ``forget_integration``; :mod:`~calbridge.store.rotation`: ``rotate(database)``, ``verify(database)``;
  :mod:`~calbridge.store.secrets`: ``SecretBox(keys)``.
"""
