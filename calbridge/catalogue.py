"""Every code an error or a state can carry, with the sentence for people and who must act.

Errors carry codes and facts; doors (command line, API, page, mail) show the sentence that stands here, so that the
same trouble is told in the same words everywhere. ``docs/errors.md`` is written from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Who(Enum):
    """Who can do something about it."""

    USER = "user"
    """The person whose calendar it is."""
    ADMIN = "admin"
    """Whoever runs the tenant, the installation or the remote service."""
    RETRY = "retry"
    """Nobody: it is tried again by itself."""
    DEVELOPER = "developer"
    """Whoever wrote the connector, the calling program or calbridge."""


@dataclass(frozen=True)
class Entry:
    """One code. ``summary`` says in one sentence what is wrong, ``remedy`` what to do about it."""

    code: str
    who: Who
    summary: str
    remedy: str


USER, ADMIN, RETRY, DEVELOPER = Who.USER, Who.ADMIN, Who.RETRY, Who.DEVELOPER

_SIGN_IN_AND_REACH = (
    Entry(
        "sign_in_required",
        USER,
        "The calendar service refused the user name or the password.",
        "Sign in again with the current password; the refused one is not tried any more.",
    ),
    Entry(
        "app_password_required",
        USER,
        "iCloud does not accept the normal Apple Account password here.",
        "Create an app-specific password in the settings of the Apple Account and enter that one.",
    ),
    Entry(
        "permission_missing",
        USER,
        "The account is signed in but may not do this.",
        "Ask the owner of the calendar for the right to change it, or link another calendar.",
    ),
    Entry(
        "consent_incomplete",
        USER,
        "Not everything that calbridge needs was allowed when signing in at the calendar service.",
        "Sign in again and leave every permission ticked.",
    ),
    Entry(
        "app_not_registered",
        ADMIN,
        "The calendar service does not accept this installation's registration as an app.",
        "Set the client id and secret of the connector, and switch its API on, as the connector's manual says.",
    ),
    Entry(
        "grant_ended",
        USER,
        "The access that was given to calbridge at the calendar service has ended.",
        "Sign in again; what is linked stays linked.",
    ),
    Entry(
        "sign_in_expired",
        USER,
        "This sign-in was used already or took too long.",
        "Connect the calendar once more, beginning where you began before.",
    ),
    Entry(
        "sign_in_elsewhere",
        USER,
        "This sign-in belongs to another browser.",
        "Go on in the browser in which you began, and let it keep cookies, or connect the calendar once more.",
    ),
    Entry(
        "sign_in_denied",
        USER,
        "Access to the calendar was not given.",
        "Connect the calendar once more and allow it, if it was not meant so.",
    ),
    Entry(
        "sign_in_page_needed",
        DEVELOPER,
        "One signs in to this service on its own page, not with a password.",
        "Ask for the address of the sign-in page and send the user there.",
    ),
    Entry(
        "password_needed",
        DEVELOPER,
        "One signs in to this service with a user name and a password.",
        "Send them as the account of the integration.",
    ),
    Entry(
        "return_not_allowed",
        ADMIN,
        "Nobody is sent back to this address.",
        "Add its origin to allowed_origins of the tenant or to ALLOWED_ORIGINS, or leave the address out.",
    ),
    Entry(
        "too_many_checks",
        USER,
        "Signing in to this account was tried too often in a short time.",
        "Wait a quarter of an hour, then try again; each try counts, also one that does not reach the service.",
    ),
    Entry("not_connected", USER, "This integration has no working sign-in.", "Sign in to the account again."),
    Entry(
        "login_page",
        USER,
        "The address answers with a web page for signing in instead of a calendar.",
        "Enter the calendar address of the service, not the address of its web site.",
    ),
    Entry(
        "not_a_calendar_server",
        USER,
        "There is no calendar service at this address.",
        "Check the address; the manual of the service calls it CalDAV address or server.",
    ),
    Entry(
        "host_unreachable",
        USER,
        "No server can be reached at this address.",
        "Check the spelling of the address; if it is right, the server or the way to it is down.",
    ),
    Entry(
        "tls_failed",
        ADMIN,
        "The server's certificate can't be trusted.",
        "Let the server present a valid certificate for its name; calbridge does not connect without.",
    ),
    Entry(
        "address_refused",
        ADMIN,
        "calbridge refuses to connect to this address.",
        "Use a public https address; a private one must be granted to the tenant first.",
    ),
    Entry(
        "private_network_needed",
        ADMIN,
        "The server stands in a private network that this tenant may not reach.",
        "Allow the network in PRIVATE_NETWORKS and grant the host to the tenant with hosts grant.",
    ),
    Entry(
        "port_refused",
        ADMIN,
        "Only ports 443 and 8443 are allowed.",
        "Use one of them, or grant the host with its port to the tenant.",
    ),
    Entry(
        "redirect_refused",
        ADMIN,
        "The server points to an address that calbridge refuses to follow.",
        "Enter the final address of the calendar service directly, if it is to be trusted.",
    ),
)

_SERVICE = (
    Entry("connector_failed", RETRY, "The calendar service could not be used.", "Nothing; it is tried again."),
    Entry(
        "unavailable",
        RETRY,
        "The calendar service gives no usable answer at the moment.",
        "Nothing; it is tried again. If it lasts, look at the status page of the service.",
    ),
    Entry(
        "not_watched",
        RETRY,
        "The calendar service does not tell calbridge of changes, so the calendar is polled.",
        "Nothing; it is asked again. The line push_failed in the integration's log has the cause; see that the service "
        "reaches PUBLIC_URL.",
    ),
    Entry("timed_out", RETRY, "The calendar service took too long to answer.", "Nothing; it is tried again."),
    Entry(
        "budget_spent",
        RETRY,
        "What the calendar service allows in a while is used up for the moment.",
        "Nothing; calbridge goes on by itself, mostly within a minute.",
    ),
    Entry("throttled", RETRY, "The calendar service asks for fewer requests.", "Nothing; calbridge waits and goes on."),
    Entry(
        "response_too_large",
        ADMIN,
        "The answer of the calendar service is larger than calbridge accepts.",
        "Look for an unusually large entry or attachment in the calendar and make it smaller.",
    ),
    Entry(
        "malformed_answer",
        RETRY,
        "The calendar service sent an answer that can't be understood.",
        "Nothing; it is tried again. If it lasts, tell the operator of the service.",
    ),
    Entry(
        "cursor_expired",
        RETRY,
        "It is no longer known what changed since this cursor.",
        "Nothing for a calendar: it is listed as a whole and compared. A reader of the change feed asks for "
        "cursor=latest, lists all items, and goes on from the cursor that it got.",
    ),
    Entry(
        "version_conflict",
        RETRY,
        "Somebody else changed the event in the meantime.",
        "Nothing; it is read again and decided anew.",
    ),
    Entry(
        "not_found",
        RETRY,
        "The service has nothing at this address.",
        "Nothing; calbridge first finds out whether it was moved or deleted.",
    ),
    Entry(
        "event_failed",
        RETRY,
        "The calendar service fails at this one event; the rest of its calendar works.",
        "Nothing; it is tried again with growing pauses. If it lasts, tell the operator of the service.",
    ),
    Entry("locked_by_server", RETRY, "The calendar service has locked this event.", "Nothing; it is tried again."),
    Entry(
        "no_write_confirmed",
        RETRY,
        "The service did not say whether a change was made.",
        "Nothing; calbridge looks what happened before it goes on.",
    ),
    Entry(
        "quota_exceeded",
        USER,
        "The account has no space left at the calendar service.",
        "Delete what is not needed there or get more space; calbridge tries again.",
    ),
    Entry(
        "read_only_calendar",
        USER,
        "The linked calendar can't be written by this account.",
        "Link a calendar that may be written, or switch sending off.",
    ),
    Entry(
        "calendar_gone",
        USER,
        "The linked calendar does not exist any more, or is not shared with this account any more.",
        "Link another calendar; nothing was deleted in My Calendar.",
    ),
    Entry(
        "calendar_listed_empty",
        USER,
        "The linked calendar is suddenly empty.",
        "Confirm if it was emptied on purpose; until then nothing is deleted in My Calendar.",
    ),
    Entry(
        "service_unknown",
        USER,
        "There is no connector for this service.",
        "Choose one of the services that the list of connectors shows, or install its connector.",
    ),
    Entry(
        "connector_broken",
        ADMIN,
        "A connector is installed but can't be loaded.",
        "Look at its problem in the list of connectors; reinstall it in a version that fits.",
    ),
)

_CONTENT = (
    Entry(
        "rejected",
        USER,
        "The calendar service does not accept this entry as it is.",
        "Change the entry; it is sent again then.",
    ),
    Entry(
        "several_uids",
        USER,
        "One calendar file on the server holds several events that do not belong together.",
        "Store each event in a file of its own.",
    ),
    Entry("no_uid", USER, "The event has no identifier.", "Save it again with a calendar program."),
    Entry(
        "no_vevent",
        USER,
        "The calendar file holds no event.",
        "Nothing, if it is a task or a note; calbridge leaves it alone.",
    ),
    Entry(
        "no_appointment",
        USER,
        "This entry is no appointment but something like a working place or a birthday.",
        "Nothing; calbridge leaves it alone.",
    ),
    Entry(
        "broken_calendar_data",
        USER,
        "The event on the server can't be read.",
        "Open and save it with a calendar program, or delete it there.",
    ),
    Entry(
        "unknown_time_zone",
        USER,
        "Nobody knows this time zone.",
        "Choose one such as Europe/Vienna; times in a zone that nobody knows are not guessed.",
    ),
    Entry(
        "recurrence_too_fine",
        USER,
        "The event repeats more often than daily.",
        "Use a rule of days or longer; calbridge does not expand this one.",
    ),
    Entry(
        "recurrence_too_large",
        USER,
        "The series has more occurrences than calbridge expands.",
        "Give the series an end, or ask for a shorter range.",
    ),
    Entry(
        "unsupported_recurrence",
        USER,
        "The series uses a kind of recurrence that calbridge does not know.",
        "Save the series again with a newer calendar program; it is left as it is until then.",
    ),
    Entry(
        "too_many_overrides",
        USER,
        "The series has too many changed or excluded occurrences.",
        "End the series and start a new one.",
    ),
    Entry(
        "too_large",
        USER,
        "This is larger than calbridge or the calendar service accepts.",
        "Make what is named smaller; of an entry, shorten its text or remove attachments.",
    ),
    Entry(
        "not_expressible",
        USER,
        "The linked calendar can't hold an entry of this kind.",
        "Simplify its recurrence or times, or leave it in My Calendar only.",
    ),
    Entry(
        "uid_conflict",
        USER,
        "The calendar already holds another event with the same identifier.",
        "Delete one of the two on the server; it is often left over from an import.",
    ),
    Entry("invalid_value", USER, "A value can't be used.", "Correct the value that is named and try again."),
    Entry(
        "invalid_csv",
        USER,
        "The CSV file can't be read.",
        "Save it as UTF-8 with a header line and one line per user, then import it again.",
    ),
)

_PAIRS = (
    Entry(
        "confirmation_needed",
        USER,
        "Unusually many entries would be deleted.",
        "Look at the list and confirm it once; everything else goes on.",
    ),
    Entry(
        "organised_elsewhere",
        USER,
        "Only the organiser can change this meeting.",
        "Ask the organiser, or answer the invitation.",
    ),
    Entry(
        "not_invited",
        USER,
        "There is no invitation to answer.",
        "Answer only meetings that somebody else organises and to which you are invited.",
    ),
    Entry(
        "answer_not_possible",
        USER,
        "The calendar service lets no other program answer invitations.",
        "Answer the invitation in the linked calendar; the answer is taken over from there.",
    ),
    Entry(
        "would_mail",
        USER,
        "The service would mail the guests if this event were written.",
        "Consent to the mail for this event, or change it in the linked calendar.",
    ),
    Entry("ambiguous", USER, "Several entries could be the same appointment.", "Choose which two belong together."),
    Entry("already_here", USER, "This event is in My Calendar already.", "Nothing; it is not taken a second time."),
    Entry(
        "managed_elsewhere",
        USER,
        "Another integration looks after this event.",
        "Nothing; it is left to the integration that made it.",
    ),
    Entry(
        "deletion_ignored",
        USER,
        "The entry was deleted on one side and is kept on the other.",
        "Re-open the link if it shall be on both sides again.",
    ),
    Entry(
        "oscillation",
        ADMIN,
        "Something keeps undoing the same change.",
        "Find the other program that writes to this calendar; the entry stays as it is until it really changes.",
    ),
    Entry("plan_stale", USER, "Something changed after this plan was made.", "Make a new preview and apply that."),
)

_ACCESS = (
    Entry(
        "unauthenticated",
        DEVELOPER,
        "The key or token is missing, or it is not valid.",
        "Send Authorization: Bearer with a key that was neither revoked nor has expired; user tokens last minutes.",
    ),
    Entry(
        "too_many_keys",
        ADMIN,
        "Two keys of this role and name are in use already.",
        "Revoke the one that nobody uses any more, or choose another name.",
    ),
    Entry(
        "calendar_sync_off",
        ADMIN,
        "Calendar sync is switched off for this user.",
        "Switch calendar_sync on for the user first.",
    ),
    Entry(
        "sync_disabled",
        ADMIN,
        "Calendar sync is switched off for all users of this tenant.",
        "Switch sync_enabled on in the tenant's settings; what changed meanwhile is caught up with.",
    ),
    Entry(
        "service_not_allowed",
        ADMIN,
        "This calendar service is not allowed here.",
        "Choose one of services_allowed, or add it to them in the tenant's settings.",
    ),
    Entry(
        "setting_locked",
        ADMIN,
        "This setting is locked for all integrations.",
        "Leave it as it is, or take it out of locked_settings in the tenant's settings.",
    ),
    Entry("key_not_found", ADMIN, "There is no such key.", "Look at the list of keys; it may have been revoked."),
)

_REQUESTS = (
    Entry(
        "text_hidden",
        USER,
        "The text of this entry is hidden here, so it can't be changed here.",
        "Change it in the linked calendar, or let private entries be retrieved in full.",
    ),
    Entry(
        "ignored",
        USER,
        "Somebody decided to leave this event alone.",
        "Link or retrieve it from the list of known events if that was wrong.",
    ),
    Entry("host_not_found", ADMIN, "There is no such grant.", "Look at the list of granted hosts."),
    Entry(
        "beyond_private_networks",
        ADMIN,
        "The host lies outside the networks that may be granted.",
        "Add its network to PRIVATE_NETWORKS first, then grant it.",
    ),
    Entry("run_not_found", USER, "There is no such run.", "Check its id in the list of runs."),
    Entry("event_not_found", USER, "There is no such event in the linked calendar.", "Look at the list again."),
    Entry(
        "calendar_not_found",
        USER,
        "The account has no such calendar.",
        "Choose one of the calendars that the account lists.",
    ),
    Entry(
        "another_account",
        USER,
        "This sign-in belongs to somebody else than before.",
        "Sign in as the same person, or add a new integration for this account.",
    ),
    Entry(
        "link_not_in_that_state",
        USER,
        "This can't be done with the entry as it stands now.",
        "Look at its state in the list of links first.",
    ),
    Entry(
        "old_calendar_unread",
        USER,
        "The calendar that was linked before could not be read a last time.",
        "Look there for changes of the last hours; nothing was deleted.",
    ),
    Entry("refused", USER, "This can't be done as asked.", "Read the detail and change the request."),
    Entry("item_not_found", USER, "There is no such item.", "Check its id; it may have been deleted."),
    Entry("user_not_found", USER, "There is no such user.", "Check the id, or create the user first."),
    Entry("tenant_not_found", ADMIN, "There is no such tenant.", "Check the id, or create the tenant first."),
    Entry("integration_not_found", USER, "There is no such integration.", "Check the id in the list of integrations."),
    Entry(
        "sandbox_off",
        ADMIN,
        "This installation has no sandbox.",
        "Set SANDBOX to 1 where PSA developers try things out; leave it off in production.",
    ),
    Entry("integration_inactive", USER, "This integration is switched off.", "Activate it first."),
    Entry(
        "integration_running",
        RETRY,
        "Another run of this integration is at work.",
        "Wait until it has finished; what is due is done by itself.",
    ),
    Entry("already_exists", USER, "It exists already.", "Use the existing one or choose another id."),
    Entry(
        "item_changed",
        RETRY,
        "The item was changed by somebody else in the meantime.",
        "Read it again and repeat the change.",
    ),
)

_INSTALLATION = (
    Entry(
        "settings_invalid",
        ADMIN,
        "A setting is missing or can't be used.",
        "Correct the setting that is named; the manual page on settings lists them all.",
    ),
    Entry(
        "key_file_unusable",
        ADMIN,
        "The file with the secret key can't be used.",
        "Give the folder and the file to the user who runs calbridge, readable by nobody else.",
    ),
    Entry(
        "secret_unreadable",
        ADMIN,
        "A stored secret can't be opened with the configured keys.",
        "Put the former key back into SECRET_KEYS, or sign in to the account again.",
    ),
    Entry("store_failed", RETRY, "The database did not take a change.", "Nothing; it is tried again."),
    Entry(
        "database_unusable",
        ADMIN,
        "The database can't be used.",
        "See that it runs, that it can be reached and written, and that DATABASE_URL is right.",
    ),
    Entry(
        "database_locked",
        RETRY,
        "Another process holds the database for too long.",
        "Nothing; it is tried again. If it lasts, look for a program that keeps the file open.",
    ),
    Entry(
        "database_not_migrated",
        ADMIN,
        "The database does not have the tables of this version.",
        "Run calbridge db upgrade.",
    ),
    Entry(
        "disk_full",
        ADMIN,
        "There is no space left on the disk of the database.",
        "Make space; the run goes on where it stopped.",
    ),
    Entry(
        "clock_skewed",
        ADMIN,
        "The clock of this machine differs from that of the calendar service.",
        "Let the clock be set by NTP; sync itself does not depend on it.",
    ),
    Entry(
        "already_running",
        ADMIN,
        "The service is at work in this data folder already.",
        "Use the one that runs, stop it first, or give this one another DATA_DIR.",
    ),
    Entry(
        "part_failed",
        ADMIN,
        "A part of the service did not start.",
        "Read what it logged before this line; calbridge doctor names common causes.",
    ),
    Entry(
        "port_taken",
        ADMIN,
        "The address and port of the API can't be used.",
        "Stop the other program that listens there, or set HOST and PORT to an address of this machine that is free.",
    ),
    Entry(
        "redis_missing",
        ADMIN,
        "There is no Redis to carry the jobs.",
        "Install redis-server, or set REDIS_URL to one that runs.",
    ),
    Entry(
        "redis_not_configured",
        ADMIN,
        "No Redis is configured and none runs here, so no job runs by itself.",
        "Start calbridge run, which brings one along, or set REDIS_URL; without either, call calbridge tick from cron.",
    ),
    Entry(
        "redis_unreachable",
        ADMIN,
        "The Redis that carries the jobs does not answer.",
        "See that it runs and that REDIS_URL is right; until then changes are sent late, and nothing is lost.",
    ),
    Entry(
        "no_worker",
        ADMIN,
        "No worker is at work, so nothing is synced.",
        "Start calbridge worker, or look in its log why it stopped.",
    ),
    Entry(
        "no_bulk_worker",
        ADMIN,
        "No worker takes long work, so first copies and ranges wait.",
        "Start a calbridge worker that serves all queues beside those that leave out bulk.",
    ),
    Entry(
        "no_short_worker",
        ADMIN,
        "Every worker takes long work, so a change may wait until a first copy is done.",
        "Start a calbridge worker that leaves out bulk beside the others.",
    ),
    Entry(
        "no_scheduler",
        ADMIN,
        "No scheduler is at work, so nothing is polled and what was lost is not found.",
        "Start calbridge scheduler, or look in its log why it stopped.",
    ),
    Entry(
        "public_url_missing",
        ADMIN,
        "It is not known where the API is reached from outside.",
        "Set PUBLIC_URL; until then nobody can sign in on a service's own page, and calendars are polled, not pushed.",
    ),
    Entry(
        "public_url_insecure",
        ADMIN,
        "The address of the API is not https.",
        "Put a proxy with TLS in front of the API, and set PUBLIC_URL to its https address.",
    ),
    Entry(
        "mail_not_configured",
        ADMIN,
        "No mail server is configured, so nobody is mailed when a calendar fails.",
        "Set SMTP_URL and MAIL_FROM, or watch GET /v1/status.",
    ),
    Entry(
        "mail_unreachable",
        ADMIN,
        "The mail server can't be used.",
        "See that SMTP_URL is right, that the server answers from here, and that its certificate is valid.",
    ),
    Entry(
        "mail_login_refused",
        ADMIN,
        "The mail server refuses our user name or password.",
        "Correct user and password in SMTP_URL; write special characters as %40 and the like.",
    ),
    Entry(
        "data_dir_open",
        ADMIN,
        "Other users of this machine can look into the data folder.",
        "Take their rights away: chmod 700 on DATA_DIR.",
    ),
    Entry(
        "path_too_long",
        ADMIN,
        "The path of the data folder is too long for the sockets in it.",
        "Choose a DATA_DIR with a shorter path.",
    ),
    Entry(
        "redis_unusable",
        ADMIN,
        "The Redis that carries the jobs can't be reached.",
        "See that it runs and that REDIS_URL is right; nothing is lost meanwhile.",
    ),
    Entry("interrupted", RETRY, "The sync was stopped before its end.", "Nothing; the next one goes on where it was."),
    Entry("lease_lost", RETRY, "Another run took this integration over.", "Nothing; the other run goes on."),
    Entry(
        "internal_error",
        DEVELOPER,
        "Something went wrong inside calbridge.",
        "Report it with the run id and the log lines of that run.",
    ),
)

_API = (
    Entry(
        "scope_missing",
        DEVELOPER,
        "This key or token may not do this.",
        "Use one that has the `scope` which is named; docs/access.md tells which key may do what.",
    ),
    Entry(
        "too_many_requests",
        DEVELOPER,
        "This key or this address calls too often.",
        "Wait as long as Retry-After says; send many items with item-batches.",
    ),
    Entry(
        "malformed_json",
        DEVELOPER,
        "The body is not JSON in UTF-8.",
        "Send valid JSON; NaN and Infinity are none.",
    ),
    Entry(
        "malformed_request",
        DEVELOPER,
        "The request can't be read.",
        "Check its first line, headers and length against HTTP.",
    ),
    Entry(
        "unsupported_media_type",
        DEVELOPER,
        "The content type of the body can't be read here.",
        "Send the content type that the operation names.",
    ),
    Entry("path_not_found", DEVELOPER, "There is nothing at this path.", "Look the path up in /docs."),
    Entry("method_not_allowed", DEVELOPER, "This path has no such method.", "Use one of those that Allow names."),
    Entry(
        "precondition_failed",
        DEVELOPER,
        "It changed since it was read, or is there already.",
        "Read it again, and send its new ETag in If-Match.",
    ),
)

_NOTIFY = (
    Entry("webhook_not_found", DEVELOPER, "There is no such webhook.", "Check its id in the list of webhooks."),
    Entry("delivery_not_found", DEVELOPER, "There is no such delivery.", "It may be older than deliveries are kept."),
    Entry(
        "webhook_inactive",
        DEVELOPER,
        "This webhook is switched off.",
        "Switch it on again with PATCH active: true; what waits for it is delivered then.",
    ),
    Entry(
        "too_many_webhooks",
        DEVELOPER,
        "The tenant has as many webhooks as it may have.",
        "Delete one that is not used, or let one of them hear more events.",
    ),
    Entry(
        "webhook_refused",
        DEVELOPER,
        "The webhook's endpoint did not answer with a status from 200 to 299.",
        "Look at the endpoint's own log; the delivery is tried again for a day.",
    ),
    Entry(
        "webhook_failing",
        ADMIN,
        "A webhook took nothing for a day and was switched off.",
        "Repair its endpoint, try it with a test delivery, switch the webhook on again, and read the change feed "
        "for what came meanwhile.",
    ),
    Entry(
        "mail_unencrypted",
        ADMIN,
        "The mail server offers no encryption, so nothing was sent.",
        "Let it offer STARTTLS, or use smtps://; without a password and without starttls=required calbridge goes on "
        "unencrypted.",
    ),
    Entry(
        "mail_refused",
        ADMIN,
        "The mail server refused a mail, its sender or all of its recipients.",
        "Check MAIL_FROM, notify_failure_to, and what the mail server lets calbridge send.",
    ),
    Entry(
        "webhook_gone",
        ADMIN,
        "A webhook's endpoint answered that it is gone (410), so the webhook was switched off.",
        "Delete the webhook, or give it the new address and switch it on again.",
    ),
)

CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {
        entry.code: entry
        for group in (_SIGN_IN_AND_REACH, _SERVICE, _CONTENT, _PAIRS, _ACCESS, _REQUESTS, _INSTALLATION, _API, _NOTIFY)
        for entry in group
    }
)
"""Code to entry, in the order of the manual page."""


def describe(code: str) -> Entry:
    """The entry of ``code``; for a code that nobody knows, that of ``internal_error``."""
    return CATALOGUE.get(code, CATALOGUE["internal_error"])
