"""The instances of series that a write is about: phases 3 to 5 of :mod:`.writing`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from calbridge.connectors.contract import Update
from calbridge.domain.content import MASTER
from calbridge.errors import ConnectorError, Rejected
from calbridge_google.bundle import Broken, content_of, is_cancelled, key_of, span_of
from calbridge_google.client import Call, is_unknown
from calbridge_google.job import Job
from calbridge_google.planning import instance_patch, keys_owed
from calbridge_google.series import Reader, items_of
from calbridge_google.times import BadValue, original_start


def has_occurrences(job: Job) -> bool:
    """Whether instances may have to be written. A series that became a single event has none."""
    if job.bundle is None or not job.bundle.recurring:
        return False
    return any(key != MASTER for key, _ in job.touched) or job.reread


def read_again(reader: Reader, jobs: Sequence[Job]) -> None:
    """Phase 3: exceptions may have been dropped, moved or rewritten with their master."""
    try:
        found = reader.read_series([job.bundle.id for job in jobs if job.bundle is not None]) if jobs else {}
    except ConnectorError as error:
        for job in jobs:
            job.lose(error)
        return
    for job in jobs:
        each = found[job.bundle.id if job.bundle is not None else ""]
        job.bundle = each.bundle
        job.stepwise = True
        if job.bundle is None or is_cancelled(job.bundle.master):
            job.end(None)


def write_instances(reader: Reader, jobs: Sequence[Job]) -> None:
    """Phases 4 and 5."""
    keys = {id(job): _keys(job) for job in jobs}
    _find_instances(reader, [(job, key) for job in jobs for key in keys[id(job)] if key not in job.instances])
    todo: list[tuple[Job, Call]] = []
    for job in jobs:
        if not job.over:
            todo += [(job, call) for key in keys[id(job)] if (call := _instance_call(reader, job, key)) is not None]
    outcomes = reader.client.all([call for _, call in todo])
    for (job, _), outcome in zip(todo, outcomes, strict=True):
        job.stepwise = True
        if not isinstance(outcome, ConnectorError) and job.bundle is not None:
            job.bundle = job.bundle.with_answers([outcome])
            job.written = True
        elif isinstance(outcome, ConnectorError) and is_unknown(outcome):
            job.end(None)
        elif isinstance(outcome, ConnectorError):
            job.refused = job.refused or outcome


def _keys(job: Job) -> tuple[str, ...]:
    """Occurrences to write, with the exceptions that stand for them already."""
    assert job.bundle is not None
    try:
        span = span_of(job.bundle.master)
        job.instances = {key_of(each, span): each for each in job.bundle.exceptions}
        keys = keys_owed(job.bundle, job.target, job.touched)
    except (Broken, BadValue, ValueError, Rejected):
        return ()
    redacted = isinstance(job.write, Update) and job.write.redact
    hidden = {key for key, each in job.instances.items() if redacted and not is_cancelled(each)}
    return tuple(sorted({*keys, *hidden}))


def _find_instances(reader: Reader, wanted: Sequence[tuple[Job, str]]) -> None:
    """Ids of instances are asked for, never built (recurring events guide). What is not found stays owed."""
    if not wanted:
        return
    try:
        outcomes = reader.client.all([_instance_query(reader, job, key) for job, key in wanted])
        found = [[] if isinstance(outcome, ConnectorError) else items_of(outcome) for outcome in outcomes]
    except ConnectorError as error:
        for job, _ in wanted:
            job.lose(error)
        return
    for (job, key), outcome, items in zip(wanted, outcomes, found, strict=True):
        if items:
            job.instances[key] = items[0]
        elif isinstance(outcome, ConnectorError):
            job.refused = job.refused or outcome


def _instance_query(reader: Reader, job: Job, key: str) -> Call:
    assert job.bundle is not None
    start = span_of(job.bundle.master).start
    moment = original_start(start.at(datetime.fromisoformat(key)))
    return reader.call("instances", eventId=job.bundle.id, originalStart=moment, showDeleted=True)


def _instance_call(reader: Reader, job: Job, key: str) -> Call | None:
    present = job.instances.get(key)
    if present is None or job.bundle is None:
        return None
    redact = isinstance(job.write, Update) and job.write.redact
    try:
        patch = instance_patch(key, present, content_of(job.bundle), job.target, redact=redact)
    except Rejected as error:
        job.refused = job.refused or error
        return None
    if not patch.body:
        return None
    parameters = {"calendarId": reader.calendar, "eventId": present["id"], **patch.parameters}
    return Call("patch", parameters, "write", if_match=str(present.get("etag") or "") or None, body=patch.body)
