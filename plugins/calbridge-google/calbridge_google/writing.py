"""Writes, all of a call in step: each phase is one batch for every write that needs it (contract C3).

1. what an update needs and was not handed; 2. the events and masters themselves; 3. series whose exceptions a write
of the master may have touched; 4. where the instances are that shall differ; 5. those instances.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from calbridge.connectors.contract import Create, Delete, Done, Failed, Partial, Result, Update, Write
from calbridge.domain.series import updated
from calbridge.errors import ConnectorError, NotFound, Rejected, Unavailable, VersionConflict
from calbridge_google.bundle import (
    Broken,
    Bundle,
    bundle_of,
    content_of,
    etag_of,
    event_of,
    is_cancelled,
    marker_of,
)
from calbridge_google.client import Call, Outcome
from calbridge_google.fields import normalise
from calbridge_google.instances import has_occurrences, read_again, write_instances
from calbridge_google.job import Job
from calbridge_google.naming import SPARE_IDS, event_id, is_event_id
from calbridge_google.planning import (
    insertion,
    master_patch,
    owed,
    touched_of,
)
from calbridge_google.series import Reader

Resource = Mapping[str, Any]
_SILENT = {"sendUpdates": "none"}


def write_all(reader: Reader, writes: Sequence[Write]) -> list[Result]:
    """One result for each write, in order; None where nobody knows whether it happened."""
    jobs = [Job(write) for write in writes]
    for job in jobs:
        _begin(reader, job)
    _read_bases(reader, _open(jobs, Update | Delete))
    _write_masters(reader, _open(jobs, Create | Update | Delete))
    rest = [job for job in _open(jobs, Create | Update) if has_occurrences(job)]
    read_again(reader, [job for job in rest if job.reread])
    write_instances(reader, [job for job in rest if not job.over])
    for job in _open(jobs, Create | Update):
        _settle(job)
    return [job.result for job in jobs]


def _open(jobs: Iterable[Job], kinds: Any) -> list[Job]:
    return [job for job in jobs if not job.over and isinstance(job.write, kinds)]


def _begin(reader: Reader, job: Job) -> None:
    write = job.write
    if isinstance(write, Create):
        job.target = normalise(write.target, reader.own)
        job.touched = frozenset(write.target.units)
        return
    if not is_event_id(write.remote_id):
        job.fail(NotFound("no id of an event"))
    elif write.native is not None:
        job.bundle = bundle_of(write.native)


def _read_bases(reader: Reader, jobs: Sequence[Job]) -> None:
    """Phase 1: what is edited in place, where the core keeps no copy of it."""
    wanted = [job for job in jobs if job.bundle is None and _needs_base(job.write)]
    try:
        found = reader.read([_address(job.write) for job in wanted]) if wanted else {}
    except ConnectorError as error:
        for job in wanted:
            # Nothing was written yet, so nothing is unknown.
            job.end(Failed(error))
        return
    for job in wanted:
        each = found[_address(job.write)]
        if each.gone or (each.bundle is not None and is_cancelled(each.bundle.master)):
            job.fail(NotFound("nothing at this address"))
        elif each.bundle is None:
            job.fail(Unavailable("no answer about the event", sent=False))
        elif isinstance(job.write, Update | Delete) and job.write.version not in (None, each.bundle.version):
            job.fail(VersionConflict("changed since it was read"))
        else:
            job.bundle = each.bundle


def _needs_base(write: Write) -> bool:
    """A deletion with a version needs nothing more; one without has to learn what it deletes."""
    return isinstance(write, Update) or (isinstance(write, Delete) and write.version is None)


def _address(write: Write) -> str:
    return write.remote_id or ""


def _write_masters(reader: Reader, jobs: Sequence[Job]) -> None:
    """Phase 2. An id that a deleted event has used up is never free again: then the key's next one is tried."""
    todo = [(job, call) for job in jobs if (call := _first_call(reader, job)) is not None]
    for _ in range(SPARE_IDS):
        outcomes = reader.client.all([call for _, call in todo])
        taken = []
        for (job, _), outcome in zip(todo, outcomes, strict=True):
            if isinstance(job.write, Create) and isinstance(outcome, Rejected) and outcome.code == "uid_conflict":
                taken.append(job)
            else:
                _take_first(job, outcome)
        _look_at_taken(reader, taken)
        todo = [(job, call) for job in taken if not job.over and (call := _first_call(reader, job)) is not None]
        if not todo:
            return
    for job, _ in todo:
        job.fail(Rejected("all ids of this key are used up", code="uid_conflict"))


def _first_call(reader: Reader, job: Job) -> Call | None:
    """The call of phase 2; None where there is nothing to send, or the write can't be expressed."""
    try:
        match job.write:
            case Create() as write:
                patch = insertion(write, job.target, event_id(write.key, job.spare))
                return Call("insert", {"calendarId": reader.calendar, **patch.parameters}, "insert", body=patch.body)
            case Update() as write:
                return _update_call(reader, job, write)
            case Delete() as write:
                return _delete_call(reader, job, write)
    except Rejected as error:
        job.fail(error)
    except Broken as error:
        job.fail(Rejected("the event can't be read", code=error.code))
    return None


def _update_call(reader: Reader, job: Job, write: Update) -> Call | None:
    assert job.bundle is not None
    job.base = content_of(job.bundle)
    job.target = normalise(updated(job.base, write.units, write.rekeyed), reader.own)
    job.touched = touched_of(job.bundle, job.base, job.target, write)
    patch = master_patch(job.bundle, job.base, job.target, write)
    if not patch.body:
        return None
    job.reread = bool(job.bundle.exceptions)
    parameters = {"calendarId": reader.calendar, "eventId": write.remote_id, **patch.parameters}
    etag = etag_of(write.version) if write.version else job.bundle.etag
    return Call("patch", parameters, "write", if_match=etag, body=patch.body)


def _delete_call(reader: Reader, job: Job, write: Delete) -> Call:
    etag = etag_of(write.version) if write.version else job.bundle.etag if job.bundle is not None else None
    parameters = {"calendarId": reader.calendar, "eventId": write.remote_id, **_SILENT}
    return Call("delete", parameters, "write", if_match=etag)


def _take_first(job: Job, outcome: Outcome) -> None:
    write = job.write
    if isinstance(outcome, ConnectorError):
        gone = isinstance(write, Delete) and isinstance(outcome, NotFound) and outcome.facts.get("status") == 410
        if gone:
            job.end(Done(_address(write)))  # it was deleted before: as asked
        else:
            job.fail(outcome)
        return
    if isinstance(write, Delete):
        job.end(Done(write.remote_id))
    elif not outcome.get("id"):
        job.end(None)
    elif is_cancelled(outcome):
        job.fail(NotFound("it was deleted meanwhile"))
    else:
        job.written = True
        job.bundle = Bundle(outcome) if job.bundle is None else job.bundle.with_answers([outcome])


def _look_at_taken(reader: Reader, jobs: Sequence[Job]) -> None:
    """Who has the id: an earlier try of ours, living or deleted meanwhile."""
    if not jobs:
        return
    names = {id(job): event_id(job.write.key, job.spare) for job in jobs if isinstance(job.write, Create)}
    try:
        found = reader.read(names.values())
    except ConnectorError as error:
        for job in jobs:
            job.end(Failed(error))
        return
    for job in jobs:
        each = found[names[id(job)]]
        if each.bundle is not None and not is_cancelled(each.bundle.master):
            _take_earlier(job, each.bundle)
        elif each.bundle is None and not each.gone:
            job.end(None)
        else:
            job.spare += 1


def _take_earlier(job: Job, bundle: Bundle) -> None:
    """What an earlier try made, as it is now."""
    assert isinstance(job.write, Create)
    if marker_of(bundle.master) not in (None, job.write.key):
        job.fail(Rejected("somebody else's event has this id", code="uid_conflict"))
        return
    try:
        job.end(Done(bundle.id, bundle.version, event_of(bundle), bundle.native, exact=False))
    except Broken as error:
        job.fail(Rejected("the event can't be read", code=error.code))


def _settle(job: Job) -> None:
    """The result, from what the answers left."""
    bundle = job.bundle
    assert bundle is not None
    try:
        event = event_of(bundle)
        missing = owed(bundle, job.target, job.touched)
    except Broken as error:
        job.end(Failed(Rejected("the event can't be read", code=error.code)))
        return
    if missing and job.refused is not None and not job.written:
        job.end(Failed(job.refused))
    elif missing:
        job.end(Partial(bundle.id, bundle.version, event, bundle.native, missing))
    else:
        conditional = job.written and not job.stepwise
        exact = job.written and not job.reread
        job.end(Done(bundle.id, bundle.version, event, bundle.native, conditional, exact))
