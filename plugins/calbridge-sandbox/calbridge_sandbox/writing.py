"""What calbridge writes: each write with the document as the ones before it left it."""

from __future__ import annotations

from dataclasses import dataclass

from calbridge.connectors.contract import Answer, Create, Delete, Done, Failed, Result, Update, Write
from calbridge.connectors.ical import create, respond
from calbridge.errors import ConnectorError, NotFound, Rejected, VersionConflict
from calbridge_sandbox.document import Calendar, Document, Stored
from calbridge_sandbox.events import check_readable, edited, now, place_of, shown, text_of


@dataclass(frozen=True)
class Writing:
    """One calendar of a document that is being changed; ``own``: the owner's addresses."""

    document: Document
    calendar: Calendar
    own: frozenset[str]

    def apply(self, write: Write | Answer) -> Result:
        """One write; None where its reply is lost."""
        try:
            done = self._applied(write)
        except ConnectorError as error:
            return Failed(error)
        if self.document.faults.lost_replies:
            self.document.faults.lost_replies -= 1
            return None
        return done

    def _applied(self, write: Write | Answer) -> Done:
        match write:
            case Create():
                return self._create(write)
            case Update():
                stored = self._met(write)
                text = edited(stored, write.units, write.rekeyed, self.own, redact=write.redact)
                return self._put(write.remote_id, stored, text)
            case Answer():
                return self._answer(write)
            case Delete():
                self._met(write)
                self.calendar.remove(write.remote_id, self.document.next_number())
                return Done(write.remote_id)

    def _create(self, write: Create) -> Done:
        remote_id = write.remote_id or place_of(write.key).remote_id
        present = self.calendar.events.get(remote_id)
        if present is not None:
            if present.marker != write.key:
                raise VersionConflict()
            return self._done(remote_id, present, exact=False)
        if any(stored.uid == write.uid for stored in self.calendar.events.values()):
            raise Rejected(code="uid_conflict")
        text = text_of(create(write.target, uid=write.uid, marker=write.key, now=now()))
        return self._put(remote_id, Stored(write.uid, marker=write.key), text)

    def _answer(self, write: Answer) -> Done:
        stored = self._met(write)
        body = respond(
            stored.text.encode(),
            uid=stored.uid,
            recurrence_id=None,
            answer=write.answer,
            own_addresses=self.own,
            now=now(),
            comment=write.comment,
        )
        return self._put(write.remote_id, stored, text_of(body), edit=False)

    def _met(self, write: Update | Delete | Answer) -> Stored:
        stored = self.calendar.events.get(write.remote_id)
        if stored is None:
            raise NotFound()
        if write.version is not None and write.version != str(stored.number):
            raise VersionConflict()
        return stored

    def _put(self, remote_id: str, former: Stored, text: str, *, edit: bool = True) -> Done:
        check_readable(text)
        moment = now().isoformat() if edit else None
        return self._done(remote_id, self.document.put(self.calendar, remote_id, former, text, edit=moment))

    def _done(self, remote_id: str, stored: Stored, *, exact: bool = True) -> Done:
        seen = shown(remote_id, stored, self.own)
        return Done(remote_id, seen.version, seen.event, seen.native, exact=exact)
