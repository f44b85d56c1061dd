"""What becomes of each resource of the corpus: file by file where it is not what its kind makes expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.e2e.corpus_files import Kind, Resource

FILES = 322

Outcomes = dict[tuple[str, int], str]
"""By file and number of the resource."""

EDITED = "edited"
ELSEWHERE = "organised elsewhere"
NO_EVENT = "quarantined: no_vevent"
REFUSED = "refused by the server (400)"
BROKEN = "quarantined: broken_calendar_data"
TOO_FINE = "quarantined: recurrence_too_fine"

USUAL: Mapping[Kind, str] = {
    Kind.EVENT: EDITED,
    Kind.NO_EVENT: NO_EVENT,
    Kind.NO_UID: REFUSED,
    Kind.SEVERAL_UIDS: REFUSED,
    Kind.BROKEN: REFUSED,
}

READ: Mapping[tuple[Kind, str], int] = {
    (Kind.BROKEN, "broken_calendar_data"): 4,
    (Kind.BROKEN, "no_vevent"): 8,
    (Kind.EVENT, "broken_calendar_data"): 64,
    (Kind.EVENT, "readable"): 2028,
    (Kind.EVENT, "recurrence_too_fine"): 6,
    (Kind.NO_EVENT, "no_vevent"): 46,
    (Kind.NO_UID, "no_uid"): 116,
    (Kind.SEVERAL_UIDS, "broken_calendar_data"): 11,
    (Kind.SEVERAL_UIDS, "no_uid"): 2,
    (Kind.SEVERAL_UIDS, "readable"): 34,
}
"""How many resources calbridge reads, or sets aside by code, when a server hands them out as they are."""

TOTALS: Mapping[tuple[Kind, str], int] = {
    (Kind.BROKEN, REFUSED): 12,
    (Kind.EVENT, EDITED): 1950,
    (Kind.EVENT, ELSEWHERE): 56,
    (Kind.EVENT, BROKEN): 2,
    (Kind.EVENT, TOO_FINE): 6,
    (Kind.EVENT, REFUSED): 84,
    (Kind.NO_EVENT, NO_EVENT): 31,
    (Kind.NO_EVENT, REFUSED): 15,
    (Kind.NO_UID, REFUSED): 116,
    (Kind.SEVERAL_UIDS, REFUSED): 42,
}

ODD: Mapping[str, Mapping[str, Sequence[int]]] = {
    ELSEWHERE: {
        "allenporter-4f0d490f-event_multi_day.ics": (0,),
        "allenporter-5b7556fc-event_attendee.ics": (0,),
        "allenporter-76e3ef3c-event_uri.ics": (0,),
        "biweekly-9a3ad743-rfc5545-example3.ics": (0,),
        "biweekly-edefb862-rfc5545-example2.ics": (0,),
        "ccs-2c6ebeaa-Test-02A.ics": (0,),
        "ccs-41d7c77b-Test-01A.ics": (0,),
        "ccs-bb62abf2-Test-03A.ics": (0,),
        "gromox-58520e45-gxl-475.ics": (0,),
        "gromox-81c74c3b-gxl-598.ics": (0,),
        "ical4j-4cbf0754-oracle-personal-notes-test.ics": (0,),
        "ical4j-5d238654-Standup.ics": (0,),
        "ical4j-67813edd-OZMovies.ics": (30, 31, 33, 34, 45, 54, 60, 105),
        "ical4j-b5d90425-THFC.ics": (37,),
        "ical4j-c26e9d5f-zidestoreical4jbomb.ics": (0,),
        "ical4j-c7ab42c7-php-flp.ics": (0,),
        "icalendar-0e4c8269-issue_101_icalendar_chokes_on_umlauts_in_organizer.ics": (0,),
        "icalendar-b56d7148-property_params.ics": (0,),
        "keeper-5da8be86-berkeley-ib-seminars.ics": range(17),
        "nextcloud-2cff3695-vcalendar-event-attendees.ics": (0,),
        "nextcloud-35cd0639-request.ics": (0,),
        "nextcloud-bece30a2-add.ics": (0,),
        "nylas-01dc3495-windows_event.ics": (0,),
        "nylas-29af0e6a-iphone_through_exchange.ics": (0,),
        "nylas-29d95d51-gcal_v1.ics": (0,),
        "nylas-4b82278e-google_cancelled2.ics": (0,),
        "nylas-a9e34957-invalid_rsvp2.ics": (0,),
        "radicale-5fc36244-event1_modified.ics": (0,),
        "radicale-89e65f21-event_issue1970_ok.ics": (0,),
        "recurring-22d29176-issue_148_exdate_and_rdate_unedited.ics": (0,),
        "recurring-63ef2fe5-issue_4.ics": (0,),
        "recurring-b5229966-issue_164_duplicated_event.ics": (0,),
        "recurring-f8ea8a92-issue_253_additional_recurrence_id.ics": (0,),
    },
    BROKEN: {
        "recurring-c45822a1-end_before_start_event.ics": (0,),
        "recurring-df5cb2c3-issue_163_deleted_modification.ics": (0,),
    },
    TOO_FINE: {
        "icalnet-4b6c5e71-MinutelyByHour1.ics": (0,),
        "icalnet-55d4f064-MinutelyCount4.ics": (0,),
        "icalnet-6ec4a287-DailyByHourMinute1.ics": (0,),
        "icalnet-c766a54c-YearlyComplex1.ics": (0,),
        "icalnet-cabaee64-HourlyUntil1.ics": (0,),
        "icalnet-e2a71e04-Minutely1.ics": (0,),
    },
    REFUSED: {
        "allenporter-28c279ac-invalid_quoted_param_extra_end.ics": (0,),
        "allenporter-96372488-invalid_quoted_params.ics": (0,),
        "allenporter-b9777a0d-invalid_param_eol_copy.ics": (0,),
        "allenporter-d0fd92ae-invalid_params_list.ics": (0,),
        "allenporter-d610c984-rrule-exdate.ics": (0,),
        "allenporter-e90e9c54-invalid_param_eol_quoted.ics": (0,),
        "ccs-0ee02afd-3.ics": (0,),
        "ccs-4ea81f69-1.ics": (0,),
        "ccs-68f685f2-1.ics": (0,),
        "ccs-8acf6913-b0d5785f275c064117ffd1fc20f4ed40.ics": (0,),
        "ccs-ca58792e-b495c5dd5aa53392078eb43b1f906a80.ics": (0,),
        "ccs-cc0e8e2b-1.ics": (0,),
        "ccs-d83699a7-acc1015b7dc300c1b5665f6833960994.ics": (0,),
        "ccs-f61d43bd-1.ics": (0,),
        "ccs-faa14659-Test-01B.ics": (0,),
        "ical4j-085bde8f-calconnect8.ics": (0,),
        "ical4j-0d28f26c-stacksize.ics": (0,),
        "ical4j-2a1fbfba-calconnect6.ics": (0,),
        "ical4j-5f1f0f1c-calconnect7.ics": (0,),
        "ical4j-6fd57723-categories.ics": (0,),
        "ical4j-b116b79e-boeing.ics": (0,),
        "ical4j-b2b1f186-schedule-unstable.ics": (13,),
        "ical4j-b82eef62-classify.ics": (0,),
        "ical4j-e5b7dcaf-rfc5545-sec3.6.4.ics": (0,),
        "ical4j-f59e88e4-lotr-updated.ics": (11,),
        "icalendar-02b0b044-rfc_7529.ics": range(4),
        "icalendar-0495d2e8-empty_RDATE.ics": (0,),
        "icalendar-069bfb12-issue_168_input.ics": (0,),
        "icalendar-1902c36f-issue_1633_rdate_with_dates_and_tzid.ics": (0,),
        "icalendar-41a36ae0-issue_156_RDATE_with_PERIOD.ics": (0,),
        "icalendar-5b2ce160-bom_calendar.ics": (0,),
        "icalendar-5b79ee35-multiple_timezones.ics": (0, 1, 2),
        "icalendar-8e0fe4ec-issue_218_bad_tzid.ics": (0,),
        "icalendar-93ec991e-issue_1050_multiple_calendars.ics": (0, 1),
        "icalendar-9e6ff1a9-rfc_5545_RDATE_example.ics": range(6),
        "icalendar-b466bb6a-issue_1081_invalid_start_valid_end.ics": (0,),
        "icaljs-f76d43c2-tzid_with_gmt.ics": (0,),
        "icalnet-fda2a773-XProperty2.ics": (0,),
        "khal-3d866a7f-event_dt_multi_recuid_no_master.ics": (0,),
        "khal-e6ac051f-event_dt_rrule_until_before_start.ics": (0,),
        "libical-4096de15-large.ics": range(33, 44),
        "libical-ae514ad2-stresstest.ics": (0,),
        "libical-d2dce612-2.ics": (0,),
        "libical-e1663c20-1.ics": (0,),
        "libical-e97a4c81-outgoing.ics": (0, 1, 2),
        "nextcloud-5fbe7880-vcalendar-journal.ics": (0,),
        "nextcloud-b4c876dc-reply.ics": (0,),
        "nextcloud-b8c8d2c3-freebusy-reply.ics": (0,),
        "nextcloud-baec036e-explicitFreeSlot.ics": (0,),
        "nextcloud-fe33859d-cancel.ics": (0,),
        "nodeical-10ed4ea3-bad_custom_ms_tz2.ics": (2,),
        "nodeical-4123ae79-multi-event-basic.ics": (0, 8),
        "nodeical-4a04bec5-duplicate-rrule-sequence.ics": (0,),
        "nodeical-57b2a222-utf8-french-calendar.ics": (0,),
        "nodeical-96eeab54-duplicate-uid-sequence.ics": (0, 1),
        "nodeical-ad95b453-large-file-with-late-error.ics": (59, 60, 122, 184, 277, 339, 400),
        "nodeical-ef001971-event-with-category.ics": range(5),
        "nylas-78b11ea9-multiple_summaries.ics": (0,),
        "nylas-95a938f4-multiple_events.ics": (0,),
        "radicale-99bbed75-event_rdate_period_start_stop.ics": (0,),
        "radicale-c9ab8dae-event_full_day_rrule_until_5000y.ics": (0,),
        "recurring-048a707f-alarm_absolute_edited.ics": (0,),
        "recurring-53a9b7c7-issue_61_time_zone_error.ics": (0,),
        "recurring-aaf6bdc6-bad_rrule_missing_until_event.ics": (0,),
    },
}
"""By outcome and file: the numbers of the resources that do not come to the usual end of their kind."""


def expected(share: Sequence[Resource]) -> Outcomes:
    """What must become of these resources."""
    return {(one.file, one.number): _end(one) for one in share}


def _end(one: Resource) -> str:
    odd = (end for end, files in ODD.items() if one.number in files.get(one.file, ()))
    return next(odd, USUAL[one.kind])
