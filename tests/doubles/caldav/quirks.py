"""One switch per oddity of real CalDAV servers.

Each switch names where the CalDAV dossier describes it ("4.1" is its section, the words after it the row). Fields
named ``*_times`` count down: the oddity happens that often, then the server behaves. All switches may be changed while
the double runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

WellKnown = Literal["relative", "absolute", "chain", "loop", "cross_host", "login_page", "here", "missing"]
Breakage = Literal[
    "content_type", "html", "entity_bomb", "external_entity", "huge", "deep", "gzip_bomb", "empty", "not_xml"
]


@dataclass
class TransportQuirks:
    """Connection, redirects, login, throttling, speed and broken answers."""

    tls: bool = False
    """Serve https with a certificate signed by ``double.ca_file`` (2, discovery)."""
    well_known: WellKnown = "relative"
    """Where /.well-known/caldav leads (2, redirect; 1, redirects)."""
    redirect_status: int = 301
    """301, 302, 303, 307 or 308 for all redirects (1, redirects; 2, redirect)."""
    principal_redirects: bool = False
    """PROPFIND of the root answers a redirect to the principal's address (2, redirect)."""
    put_redirects_to_login: bool = False
    """PUT answers 302 to a login page that answers 200 (1, redirects)."""
    split_dav_header: bool = False
    """The DAV header comes in several lines (3, DAV headers)."""
    login_required: bool = True
    """False: nobody is asked for a password (2, test login: Xandikos)."""
    false_401_times: int = 0
    """Good credentials are refused that often (2, failed login)."""
    rejects_login: bool = False
    """Every request is answered 401 (2, failed login)."""
    icloud_challenge: bool = False
    """401 offers X-MobileMe-AuthToken before Basic (1, auth_type; 2, failed login)."""
    forbids_everything: bool = False
    """Every request is answered 403 (2, 403 vs 401)."""
    forbidden_paths: frozenset[str] = frozenset()
    """These addresses are answered 403 by whatever stands before the server (2, 403 vs 401)."""
    throttle_times: int = 0
    """That many requests are answered ``throttle_status`` (8, throttling)."""
    throttle_status: int = 429
    """429, or 503 (1, client.request; 8)."""
    retry_after: str | None = "7"
    """Retry-After as sent: seconds, an HTTP date or absent (1, rate_limit_handle; 8)."""
    latency_seconds: float = 0.0
    """Waited before every answer (8; 1, timeout)."""
    drip_seconds: float = 0.0
    """Waited before each sixteenth of a body (1, timeout)."""
    cut_times: int = 0
    """That many bodies end in their middle (8, retries)."""
    lose_reply_times: int = 0
    """That many requests are carried out and the connection closed without an answer (8, idempotent retries)."""
    drop_times: int = 0
    """That many requests are not carried out and the connection closed (8, idempotent retries)."""
    faulty_operations: frozenset[str] = frozenset()
    """The operations the four counters above and ``breakage`` concern, as in the log; empty = all (8)."""
    server_error_times: int = 0
    """That many requests are answered 500 (3, a calendar that disappears; 8)."""
    breakage: Breakage | None = None
    """Answers are replaced by nonsense (1, XML parsing and body size; 3, empty 207)."""
    gzip: bool = False
    """Answers are compressed where the client allows it (1, body size)."""
    gzip_etag: Literal["", "weak", "suffix"] = ""
    """What compressing does to the ETag header: W/ of nginx, -gzip of Apache (5, update)."""


@dataclass
class DiscoveryQuirks:
    """Principal, homes and the listing of calendars."""

    partition: bool = False
    """The home-set is absolute on a second host and port; only that one serves calendars (2, iCloud)."""
    hrefs_name_first_host: bool = False
    """With ``partition``: hrefs are absolute and name the first host (2, iCloud)."""
    unauthenticated_principal: bool = False
    """current-user-principal holds ``unauthenticated`` in a 207 (2, principal)."""
    principal_without_resourcetype: bool = False
    """The principal's resourcetype is a 404 propstat (2, principal)."""
    principal_refuses_depth_one: bool = False
    """PROPFIND depth 1 on the principal answers 400 (2, iCloud)."""
    more_addresses: tuple[str, ...] = ()
    """In calendar-user-address-set beside mail address and principal, e.g. urn:uuid (2, from principal)."""
    second_home: bool = False
    """The home-set has two hrefs; the second home holds the calendar ``shared`` (2, from principal)."""
    late_404_propstats: bool = False
    """After each 200 propstat a 404 one repeats its properties empty (3, propstats)."""
    scheduling_boxes: bool = False
    """The home lists inbox and outbox (3, keep resources)."""
    default_calendar_is_outbox: bool = False
    """The first calendar is marked as schedule-outbox as well (3, SOGo's ``personal``)."""
    subscribed_calendar: bool = False
    """The home lists a subscription (3, keep resources)."""
    notification_collection: bool = False
    """The home lists a notification collection (3, keep resources)."""
    todo_calendar: bool = False
    """The home lists a calendar for VTODO only (3, components)."""
    read_only_calendar: bool = False
    """The home lists the calendar ``holidays``: no write privilege, PUT answers 403 (3, writable)."""
    twin_collections: bool = False
    """Each calendar has a ``<name>.ics`` twin that answers PUT with 501 (9, measured later)."""
    privileges: Literal["write", "parts", "all", "missing"] = "write"
    """How the right to write is told (3, writable)."""
    component_set: bool = True
    """False: supported-calendar-component-set is missing (3, components)."""
    color: str = "#FF2968FF"
    """calendar-color as stored (3, colour)."""


@dataclass
class ReadQuirks:
    """sync-collection, ctags, hrefs and fetching."""

    sync_collection: bool = True
    """False: neither the report nor sync-token (4.2)."""
    sync_report_listed: bool = True
    """False: sync-collection works, but only the sync-token property tells (4.1, offer)."""
    sync_page: int | None = None
    """So many rows a page, then a 507 row on the collection (4.1, truncation)."""
    truncated_token_skips_rest: bool = False
    """With ``sync_page``: no 507 row, and the token is the newest (4.1, DAV:limit and Stalwart)."""
    repeats_same_second: bool = False
    """Changes of the second of the token's last change come again (4.1, duplicates)."""
    lists_collection_row: bool = False
    """A row for the collection itself (4.1, response)."""
    lists_foreign_rows: bool = False
    """A row for a child that is no .ics (4.1, response)."""
    error_rows: frozenset[str] = frozenset()
    """Objects whose row in a listing or a sync-collection has status 500 (4.1, response)."""
    listing_page: int | None = None
    """A listing shows so many members, then a 507 row on the collection (4.1, truncation; RFC 4918 section 11.5)."""
    row_status: int = 200
    """Status of changed rows' propstats: 200 or 201 (4.1, response)."""
    never_seen_gone_rows: bool = False
    """Each delta names an object as gone that nobody has seen (4.1, created and deleted)."""
    removals_share_a_row: bool = False
    """What is gone is named in one row with many hrefs and a status (4.1, response; RFC 4918 section 14.24)."""
    token_refusal_status: int = 403
    """Answer to an invalid token: 403, 412, 400, 409, 410, 404, 418 or 500 (4.1, token invalid)."""
    token_refusal_named: bool = True
    """False: without DAV:valid-sync-token (4.1, token invalid)."""
    bad_tokens_pass: bool = False
    """An invalid token answers 207, all present members, no removals (4.1, a bad token can look fine)."""
    omit_change_times: int = 0
    """So many changes never appear in any delta (4.1, pruned change logs)."""
    refuses_empty_token: bool = False
    """An empty token is refused like an invalid one (4.1, empty token)."""
    ctag: Literal["plain", "quoted", "missing"] = "plain"
    """Spelling of getctag (4.2)."""
    ctag_ignores_deletes: bool = False
    """Deletions leave getctag as it was (4.2)."""
    encodes_at: bool = False
    """``@`` comes back as ``%40`` in hrefs (4.3, spelling)."""
    encodes_plus: bool = False
    """``+`` comes back as ``%2B`` in hrefs (4.3, spelling)."""
    absolute_hrefs: bool = False
    """Hrefs are whole URLs (4.3, spelling)."""
    multiget_omits_missing: bool = False
    """Missing objects have no row (4.3, DAViCal)."""
    empty_data: frozenset[str] = frozenset()
    """Objects whose calendar-data is empty in reports (4.3, broken object)."""
    object_errors: frozenset[str] = frozenset()
    """Objects that answer 500 in reports and GET (4.3, broken object)."""
    fatal_objects: frozenset[str] = frozenset()
    """Objects at which each multiget or GET that names them fails as a whole (4.3, broken object)."""
    fatal_answer: int | Literal["html", "late", "lost"] = 500
    """How: a status, a page with 200, no answer for seconds, or a lost connection (4.3, broken object; 8)."""
    fatal_queries: bool = False
    """A calendar-query of a calendar that holds a fatal object fails like that, too (4.3, broken object)."""
    control_characters_in_xml: bool = False
    """Reports show characters that XML has no place for (4.3, broken object)."""
    multiget_max: int | None = None
    """More hrefs than that are refused (4.3, batches)."""
    multiget_max_status: int = 413
    """413, 500 or 507 (4.3, batches)."""
    multiget_newer_times: int = 0
    """Before so many multigets somebody touches each asked object (4.3, newer etag)."""
    multiget_lags_times: int = 0
    """So many multigets do not find the object that changed last (8, vdirsyncer #225)."""
    adds_recurrence_exception: bool = False
    """X-RECURRENCE-EXCEPTION appears depending on the asked range (4.2)."""
    knows_queries: bool = True
    """False: 403 supported-report for each calendar-query (8; RFC 3253 section 3.6)."""
    calendar_closed: bool = False
    """Calendars answer 403 to everything; the home goes on listing them (8, 403 on one calendar)."""
    calendar_vanished: int | None = None
    """404 or 410 for each calendar and what it holds; the home lists none (3, disappears)."""
    lists_empty: bool = False
    """Listings and deltas show no member, without an error (3, disappears; 8, mass deletion)."""


@dataclass
class WriteQuirks:
    """PUT, DELETE and what becomes of a body."""

    ignores_if_none_match: bool = False
    """PUT with If-None-Match:* overwrites (5, SOGo)."""
    ignores_if_match: bool = False
    """PUT with a stale If-Match overwrites (9, DAViCal's race)."""
    if_match_creates_missing: bool = False
    """PUT with If-Match on nothing creates (5, missing resource: SOGo)."""
    if_match_missing_status: int = 412
    """Else it answers 412, or 404 (5, missing resource: GMX)."""
    if_match_star_reversed: bool = False
    """If-Match:* answers 412 on what exists and creates what does not (5, update)."""
    delete_ignores_if_match: bool = False
    """DELETE with a stale If-Match deletes (5, DELETE: SOGo)."""
    weak_etags: bool = False
    """ETags are weak, never match, and conditions are not demanded (5, update)."""
    put_without_etag: bool = False
    """PUT's answer has no ETag (5, ETag from PUT)."""
    empty_answers_are_html: bool = False
    """Answers to PUT and DELETE say text/html without a body, as PHP does by default (5, Content-Type)."""
    no_etag_after_scheduling: bool = False
    """PUT's answer has no ETag when mail was sent (5, ETag from PUT)."""
    counter_etags: bool = False
    """ETags count writes of a name and restart after a delete (5, ETag semantics: SOGo)."""
    sorts_properties: bool = False
    """Stored bodies have their properties sorted (5, ETag from PUT)."""
    refolds: bool = False
    """Stored bodies are folded at 40 octets (5, ETag from PUT)."""
    adds_class: bool = False
    """CLASS:PUBLIC is added (5, Content-Type row)."""
    swaps_duration: bool = False
    """DTEND becomes DURATION and the other way round (5, ETag from PUT)."""
    replaces_vtimezone: bool = False
    """VTIMEZONE bodies are exchanged for other spellings of the same zone (5, ETag from PUT)."""
    floating_to_utc_zone: bool = False
    """Floating times get TZID=Etc/UTC (6, floating)."""
    adds_missing_end: bool = False
    """A timed VEVENT without an end gets DURATION:PT1H (5, VEVENT without DTEND: SOGo)."""
    mixed_end_types: bool = False
    """An all-day event with DTEND = DTSTART gets a UTC DTEND (5, VEVENT without DTEND: SOGo)."""
    title_limit: int | None = None
    """SUMMARY is cut to so many characters (5, rewritten bodies)."""
    adds_default_alarm: bool = False
    """An alarm is added where there is none (6, VALARM)."""
    uid_conflict: Literal[409, 412, 403, 201] = 409
    """A UID stored under another name: refused so, or 201 = stored twice (5, UID conflict)."""
    uid_conflict_named: bool = True
    """False: without no-uid-conflict (5, UID conflict: SOGo)."""
    uid_conflict_everywhere: bool = False
    """UIDs conflict over all calendars of the account (5, UID conflict: iCloud)."""
    refuses_zero_duration: bool = False
    """DTEND = DTSTART and PT0S answer 403 (5, VEVENT without DTEND: Cyrus)."""
    missing_end_refusal: int | None = None
    """A VEVENT without an end is a breach, answered 403 or 404 (5, VEVENT without DTEND: iCloud, Cyrus)."""
    read_only: bool = False
    """Writes answer 403 need-privileges though the listing promised more (3, writable; 8)."""
    locked: bool = False
    """Writes answer 423 (8)."""
    quota_exceeded: bool = False
    """PUT answers 507 quota-not-exceeded (8)."""
    max_resource_size: int | None = None
    """Larger bodies are refused with 413 (5, sizes)."""
    put_412_times: int = 0
    """So many PUTs answer 412 although nothing changed (5, 412 handling)."""
    put_refusal: tuple[int, str] | None = None
    """PUT always answers this status and CALDAV precondition, e.g. 403, valid-calendar-data (5, refusals)."""
    put_fails_after_storing: bool = False
    """PUT stores the body and answers 500 nevertheless, as where a hook behind it fails (8, idempotent retries)."""
    auto_schedule: bool = False
    """Invitations are mailed on behalf of the organizer: see ``double.mails`` (7)."""
    refuses_guest_changes: bool = False
    """A guest may change nothing but the own answer, else 403 (7, attendee reply; RFC 6638 section 3.2.2.1)."""
    allows_unconditional_writes: bool = False
    """PUT without a condition and DELETE without If-Match are no breaches (5, update, DELETE)."""
    allows_if_match_star: bool = False
    """If-Match:* is no breach (5, update)."""
    allows_several_uids: bool = False
    """PUT of several UIDs is no breach (5, one resource = one UID: Xandikos, DAViCal, SOGo)."""


@dataclass
class Quirks(TransportQuirks, DiscoveryQuirks, ReadQuirks, WriteQuirks):
    """All switches; the default is a correct, strict server."""

    extra_calendars: tuple[str, ...] = field(default=())
    """More calendars in the first home."""
