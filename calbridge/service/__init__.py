"""The use cases: one module each, plain functions whose first argument is :class:`~.parts.Parts`.

A function opens the units of work it needs, never holds one during a network call, and answers with frozen values of
:mod:`.views` that :func:`~.views.to_json` turns into JSON. It raises :class:`~calbridge.errors.Refused` for what
can't be done as asked, :class:`~calbridge.errors.ConnectorError` for what a calendar service refused while somebody
waits for the answer, :class:`~calbridge.errors.StoreError` where the database fails. ``tenant`` is the tenant's id.

``parts``
    ``open_parts(settings, *, registry=None, clock=None, dispatcher=None, transport_factory=None)`` context manager ->
    ``Parts``
``tenants``
    ``create_tenant(parts, tenant_id, name) -> TenantView``, ``put_tenant(parts, tenant_id, name, *, private_hosts=None,
    if_version=None, create_only=False)``, ``get_tenant(parts, tenant)``, ``list_tenants(parts, *, after, limit)``,
    ``delete_tenant(parts, tenant) -> Receipt``. ``if_version`` is the version that was read, of anything that has one:
    Refused ``precondition_failed`` where it moved on
``tenant_settings``
    ``get_settings(parts, tenant) -> SettingsView``, ``change_settings(parts, tenant, patch, *, if_version=None)`` (RFC
    7396), ``failure_recipients(work, integration) -> Sequence[str]``
``keys``
    ``create_key(parts, tenant | None, role, name, expires_at=None) -> NewKeyView`` (with ``key``, the secret, this
    once; None is the platform), ``list_keys(parts, tenant | None, *, limit=200, after=None) -> list[KeyView]``,
    ``revoke_key(parts, tenant | None, key_id) -> KeyView``
``authentication``
    ``authenticate(parts, presented) -> Caller``; ``parts.acting(caller.actor)`` then acts on its behalf
``tokens``
    ``issue_token(parts, tenant, user_id, *, scopes=(), seconds=900) -> TokenView`` (``token, expires_at, scopes``)
``users``
    ``put_user(parts, tenant, user_id, *, email=, name=, time_zone=, calendar_sync=, if_version=None,
    create_only=False) -> UserView`` (what is not given is kept), ``get_user(parts, tenant, user_id)``,
    ``list_users(parts, tenant)``, ``delete_user(parts, tenant, user_id) -> Receipt``
``exports``
    ``export_user(parts, tenant, user_id) -> dict``: all that is kept about a user
``user_imports``
    ``import_users(parts, tenant, rows: Iterable[str], progress=None) -> ImportReport``
``connectors``
    ``list_connectors(parts) -> list[ServiceView]``
``accounts``
    ``put_account(parts, tenant, integration_id, account) -> AccountView``,
    ``check_account(parts, tenant, integration_id) -> AccountView``
``authorizing``
    ``authorize(parts, tenant, integration_id, *, return_to=None, relink=False) -> AuthorizationView``; for the browser
    that opens it ``open_page(parts, state, cookies) -> SignInPage``
``consenting``
    ``come_back(parts, state, cookies, *, code, error)``, ``question(parts, state, cookies) -> Question``,
    ``answer(parts, state, cookies, confirmation, *, connects) -> Connected``
``revoking``
    ``revocations_due(parts) -> list[(tenant, id)]``, ``revoke(parts, tenant, revocation_id) -> bool``,
    ``lapse(parts) -> int``; within a unit of work ``let_go``, ``end_account``, ``end_grant``
``integrations``
    ``add_integration(parts, tenant, *, user_id, service, account, calendar_id=None, settings=None, active=False) ->
    IntegrationView``, ``get_integration(parts, tenant, id)``,
    ``list_integrations(parts, tenant, *, user_id=None, status=None, active=None, service=None)``,
    ``list_calendars(parts, tenant, id) -> list[CalendarView]``,
    ``change_integration(parts, tenant, id, *, active=None, calendar_id=None, old_calendar="keep", settings=None,
    confirm_leaving=None, if_version=None) -> IntegrationView`` (``settings`` is merged, RFC 7396; where copies would
    leave it raises Refused ``confirmation_needed`` with the fact ``leaving``, and goes on with
    ``confirm_leaving=<that number>``),
    ``delete_integration(parts, tenant, id, remove=frozenset()) -> RemovalView`` (``remove`` of ``linked``, ``psa``)
``sync``
    ``sync_integration(parts, tenant, id, *, retrieve=None, send=None, compare=False, trigger="manual",
    budget_seconds=None) -> RunView`` (a range is ``(past_days | None, future_days | None)``),
    ``confirm(parts, tenant, id) -> IntegrationView`` (``id`` of a run or an integration; 24 hours, both directions)
``requests`` (queued, and carried out by a job)
    ``request_sync(parts, tenant, id, *, retrieve=None, send=None, trigger="manual") -> RunView``,
    ``request_preview(parts, tenant, id, *, retrieve=None, send=None)``, ``request_apply(parts, tenant, run_id)``,
    ``request_removal(parts, tenant, id, remove)``: runs of status ``queued``; ``carry_out(parts, tenant, id, *,
    budget_seconds, stop=None) -> list[RunView]``
``recoveries``
    ``cut_off_now(parts) -> list[(tenant, id)]``, ``probe(parts, tenant, id)``, ``resume_lost(parts) -> int``
``previews``
    ``preview(parts, tenant, id, *, retrieve=None, send=None) -> RunView`` (with ``plan``),
    ``apply(parts, tenant, run_id, *, stop=None) -> RunView``
``runs``
    ``list_runs(parts, tenant, integration_id, *, status=None, kind=None, trigger=None, limit=50, before=None)``,
    ``get_run(parts, tenant, run_id)``,
    ``list_logs(parts, tenant, integration_id, *, item_id=None, run_id=None, action=None, limit=100, before=None)``
``links``
    ``list_links(parts, tenant, integration_id, *, state=None, limit=200, after=None) -> list[LinkView]``,
    ``act_on_link(parts, tenant, integration_id, item_id, action) -> LinkView`` (``reopen``, ``apply_withheld``,
    ``consent``, ``thaw``, ``retry``)
``known``
    ``list_known(parts, tenant, integration_id, *, state=None, limit=200, after=None) -> list[KnownView]``,
    ``act_on_known(parts, tenant, integration_id, known_id, action, *, item_id=None) -> KnownView`` (``link``,
    ``retrieve``, ``ignore``)
``items``
    ``put_item(parts, tenant, user_id, item_id, body, *, if_version=None, create_only=False) -> dict`` (``item_id`` is
    ours or ``ext:...``; ``store_item`` also tells whether it was created), ``add_item(parts, tenant, user_id, body)``,
    ``patch_item(parts, tenant, user_id, item_id, patch, *, if_version=None)``, ``get_item(parts, tenant, user_id,
    item_id)``, ``list_items(parts, tenant, user_id, *, start=None, end=None, type=None, external_id=None, expand=False,
    limit=1000, after=None) -> list[dict]`` (``start``, ``end``: aware), ``delete_item(parts, tenant, user_id, item_id,
    *, if_version=None) -> dict``, ``item_history(parts, tenant, user_id, item_id, *, limit=1000, before=None) ->
    list[LogView]``, ``confirm_deletes(parts, tenant)``. Items are the JSON shape of the API.
``item_expansion``
    ``list_occurrences(parts, tenant, user_id, chosen, *, after=None, limit=None) -> list[OccurrenceRow]``
``item_batches``
    ``write_items(parts, tenant, entries, *, only_user=None) -> list[BatchResult]`` (each entry has its own outcome)
``responses``
    ``respond(parts, tenant, user_id, item_id, answer, comment=None) -> dict`` (the item; ``accepted``, ``declined``,
    ``tentative``; one act at the service, so it may raise ConnectorError)
``changes``
    ``list_changes(parts, tenant, *, cursor=None, limit=200, user_id=None, own=False) -> ChangePage`` (``data`` of
    :class:`~.change_views.ChangeView`, ``next_cursor``; ``cursor="latest"`` tells where the feed stands; without
    ``own`` what the caller's key wrote is left out)
``sandbox``
    Only with SANDBOX=1 and for integrations of the service ``sandbox``; ``calendar_id`` is the linked one by default:
    ``list_events(parts, tenant, integration_id, *, calendar_id=None, limit=200, after=None) -> list[dict]``,
    ``get_event(..., event_id)``, ``create_event(..., body)``, ``change_event(..., event_id, patch)`` (RFC 7396),
    ``delete_event(..., event_id)``, ``answer_event(..., event_id, attendee, response="declined")``,
    ``list_faults(parts, tenant, integration_id) -> dict``, ``set_fault(parts, tenant, integration_id, body) -> dict``
``webhooks``
    ``add_webhook(parts, tenant, body) -> NewWebhookView`` (``url, events?, user_id?, own?, key_id?, active?``),
    ``get_webhook(parts, tenant, id) -> WebhookView``, ``list_webhooks(parts, tenant, *, limit=200, after=None)``,
    ``change_webhook(parts, tenant, id, patch, *, if_version=None)``, ``delete_webhook(parts, tenant, id)``,
    ``rotate_secret(parts, tenant, id, *, keep_hours=24) -> NewWebhookView``,
    ``send_test(parts, tenant, id) -> DeliveryView``
``deliveries``
    ``list_deliveries(parts, tenant, webhook_id, *, status=None, limit=50, before=None) -> list[DeliveryView]``,
    ``redeliver(parts, tenant, delivery_id) -> DeliveryView``,
    ``webhooks_due(parts, tenant=None) -> list[(tenant, webhook_id)]``,
    ``deliver(parts, tenant, webhook_id, budget_seconds) -> DeliveryReport``
``watching``
    ``watches_due(parts, limit=200) -> list[(tenant, id)]``, ``keep_watch(parts, tenant, id)`` (one look after the push
    subscriptions of an integration), ``end_watches(parts, tenant, id)``,
    ``end_all_watches(parts, tenant, user_id=None)``
``notifications``
    ``address_of(parts, connector, watch_id) -> Address``, ``hear(parts, address, incoming) -> NoticeAnswer``
``notices``
    ``notices_due(parts) -> int``, ``send_notices(parts, budget_seconds) -> NoticeReport`` (``sent, failed, skipped,
    left``)
``hosts``
    ``grant_host(parts, tenant, grant) -> HostView``, ``list_hosts(parts, tenant)``,
    ``revoke_host(parts, tenant, host)``
``audit``
    ``list_audit(parts, tenant, *, after=None, limit=200) -> list[AuditView]``, the oldest first
``tick``
    ``tick(parts) -> TickReport``, ``forget(parts) -> dict[str, int]``
``doctor``
    ``examine(parts) -> list[Finding]`` (``ok, what, remedy, code``; ``ok`` with a code is a note)
``restoring``
    ``restored(parts) -> int`` (after a backup was put back)
``secrets``
    ``rotate(parts) -> SecretsReport``, ``verify(parts) -> SecretsReport`` (``total, current, changed, unreadable``)
``settings``
    ``show_settings(parts) -> dict[str, str]``

JSON shapes (``to_json`` of a view gives exactly its fields, times as RFC 3339)::

    tenant       id, name, private_hosts[], created_at, version
    user         id, email, name, time_zone, calendar_sync, created_at, updated_at, version
    settings     version, sync_enabled, services_allowed[] | null, mechanism, poll_minutes, retry_minutes,
                 notify_failure_to[], initial_range{past_days, future_days} | null, live_past_days, default_settings{},
                 locked_settings[], allowed_origins[], private_hosts[], title_templates{type: text},
                 exchange{url, version, batch_size, notification_url}
    audit line   id, at, actor, action, facts{}
    key          id, role, name, prefix, created_at, expires_at, last_used_at; a new one also key
    service      service, title, connector, authentication, needs_url, help, account_schema,
                 capabilities{ability: level}, notes{ability: text}, horizon, problem
    account      service, url, username, owner_address, has_secret
    authorization  authorize_url, expires_at
    calendar     id, name, time_zone, color, primary, writable
    integration  id, user_id, service, account{url, username, owner_address}, active, status, reason,
                 calendar{id, name, time_zone} | null, settings, last_sync_at, last_run_at, fresh_as_of, next_run_at
    run          id, integration_id, kind, trigger, status, reason, counters{}, created_at, started_at, finished_at,
                 plan[]
    step         action, direction, item_id, remote_id, title, start | null, reason, changes[]   (of a plan)
    log          id, run_id, integration_id, at, action, direction, item_id, remote_id, code, title, changes[]
    change       field, before, after                                      (before, after are text or null)
    sandbox event  id, ical_uid, made_by_calbridge, modified_at, version, and of an item: title, description, location,
                 status, show_as, visibility, reminders, conference_url, categories, start, end, recurrence[],
                 overrides[], organizer, attendees[], my_response
    faults       revoked, confirmed, throttled, retry_after, lost_replies, gone_calendars[]
    link         integration_id, item_id, state, reason, since, remote_id, web_link, synced_version, made_by, title,
                 withheld[]
    known        id, integration_id, remote_id, state, code, starts_at, ends_at
    feed entry   seq, op, user_id, item_id, version, item | null, tombstone{id, user_id, external_id, record_id,
                 version, deleted_at} | null, changed_fields[], source{door, key?, integration?, run?}, at
    webhook      id, url, events[], user_id, own, key_id, active, reason, failing_since, rotating_until, version,
                 created_at, updated_at; when made or rotated also secret
    delivery     id, webhook_id, type, seq, user_id, item_id, integration_id, status (pending, delivered, failed),
                 attempts, next_at, answered, code, created_at, finished_at
    host         host
    import row   line, user_id, status (created, updated, unchanged, failed), code, detail
    import       rows[], created, updated, unchanged, failed
    receipt      kind, tenant, user_id, at, counts{}
    removal      integration_id, linked, psa, kept
    tick         ran[], succeeded, failed, waiting, purged{}, delivered, mailed
"""
