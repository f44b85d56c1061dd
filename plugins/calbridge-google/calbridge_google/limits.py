"""Numbers and names of Google's, as data (sources: the Calendar API's discovery document and its guides)."""

from __future__ import annotations

from collections.abc import Mapping

PAGE_SIZE = 2500
"""The most that one page of a listing holds (events.list, maxResults)."""
BATCH_PARTS = 50
"""Calls in one batch: the guides advise 50, the library would take 1000."""
USER_CALLS, PROJECT_CALLS, QUOTA_SECONDS = 600, 10_000, 60.0
"""Calls in a sliding minute, for a user and for the operator's project (page on quotas); each in a batch counts."""
QUOTA_PAUSE = 3 * 3600.0
"""Seconds to wait after ``quotaExceeded``: general limits are counted over hours (guide on handling errors)."""
REMINDERS = 5
"""Overrides of the calendar's own reminders that an event may have."""
REMINDER_MINUTES = 40_320
STALE_SECONDS = 225.0
"""So long before its end an access token is not used any more (as google-auth does)."""
LISTING_BYTES = 64 * 2**20
EXCEPTIONS = 2000
"""Exceptions of one series that are read (DESIGN 8)."""
ATTENDEES = 1000
"""Guests of one event that are read: as many as an item may have (DESIGN 8)."""

MARKER = "calbridge"
"""Private extended property that holds the stable key; at most 44 characters (guide on extended properties)."""

READABLE_TYPES = frozenset({"default", "focusTime", "outOfOffice", "fromGmail"})
"""Event types that are appointments to somebody; working locations and birthdays are not retrieved."""
WRITABLE_TYPE = "default"

EVENTS_SCOPE = "https://www.googleapis.com/auth/calendar.events"
LIST_SCOPE = "https://www.googleapis.com/auth/calendar.calendarlist.readonly"
SCOPES = (EVENTS_SCOPE, LIST_SCOPE, "openid", "email")
"""The least that two-way sync needs; every listing of events tells the calendar's zone."""
NEEDED_SCOPES = frozenset({EVENTS_SCOPE, LIST_SCOPE, "openid"})
SCOPE_WORDS: Mapping[str, str] = {
    EVENTS_SCOPE: "View and edit events on all your calendars",
    LIST_SCOPE: "See the list of calendars you're subscribed to",
    "openid": "Associate you with your personal info on Google",
}
"""What stands beside the boxes on the consent page, in English."""
WIDER_SCOPES = frozenset({"https://www.googleapis.com/auth/calendar"})
"""A scope that holds both of ours."""
