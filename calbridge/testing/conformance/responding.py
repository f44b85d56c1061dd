"""Optional, for connectors that claim ``RESPOND``: answering invitations."""

from __future__ import annotations

import pytest

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Answer, Done, Failed, Seen
from calbridge.domain.content import MASTER, Content, Field, People, Person, differing
from calbridge.errors import NotFound, Rejected, VersionConflict
from calbridge.testing.conformance.base import Suite
from calbridge.testing.conformance.driver import Driver
from calbridge.testing.conformance.harness import InvitedHarness
from calbridge.testing.conformance.samples import single

MINE = (MASTER, Field.MY_RESPONSE)
PLACE = (MASTER, Field.LOCATION)


class RespondTests(Suite):
    """C9: the harness is an :class:`InvitedHarness`."""

    @pytest.fixture
    def kit(self, harness: InvitedHarness) -> Driver:
        """Patience around a harness that says who is invited."""
        return Driver(harness)

    def test_an_answer_changes_nothing_else(self, kit: Driver) -> None:
        """C9.answer: the owner's own answer is another one, all else is as before, and no guest is mailed."""
        remote_id = kit.harness.phone.create(invitation(kit))
        before, mails = kit.event(remote_id).content, kit.harness.mails()
        for answer in ("accepted", "tentative", "declined"):
            result = kit.answer_until(lambda word=answer: answered(kit.show(remote_id), word))  # type: ignore[misc]
            assert isinstance(result, Done)
            assert result.event is None or result.event.content.get(MINE) == answer
            after = kit.event(remote_id).content
            assert after.get(MINE) == answer
            assert differing(before, after) == {MINE}
        assert kit.harness.mails() == mails

    def test_only_who_is_invited_can_answer(self, kit: Driver) -> None:
        """C9.not-invited: without an invitation an answer is ``Rejected``, without an event ``NotFound``."""
        own = kit.show(kit.harness.phone.create(single(kit.harness.today)))
        result = kit.answer_until(lambda: answered(own, "accepted"))
        assert isinstance(result, Failed)
        assert isinstance(result.error, Rejected)
        called_off = kit.show(kit.harness.phone.create(invitation(kit)))
        kit.harness.phone.delete(called_off.remote_id)
        result = kit.answer_until(lambda: answered(called_off, "accepted"))
        assert isinstance(result, Failed)
        assert isinstance(result.error, NotFound | VersionConflict)
        assert set(kit.harness.phone.events()) == {own.remote_id}

    def test_a_changed_meeting_is_not_answered(self, kit: Driver) -> None:
        """C9.changed: who saw another version than there is now gets ``VersionConflict``, and nothing is answered."""
        remote_id = kit.harness.phone.create(invitation(kit))
        stale = kit.show(remote_id)
        kit.harness.phone.edit(remote_id, {PLACE: "Moved meanwhile"})
        result = kit.answer_until(lambda: answered(stale, "accepted"))
        if kit.harness.connector().capabilities.has(Ability.CONDITIONAL_WRITE):
            assert isinstance(result, Failed)
            assert isinstance(result.error, VersionConflict)
            assert kit.event(remote_id).content.get(MINE) != "accepted"


def invitation(kit: Driver) -> Content:
    """A meeting of somebody else to which the account's owner and one more are invited."""
    assert kit.harness.connector().capabilities.offers(Ability.RESPOND)
    harness = kit.harness
    assert isinstance(harness, InvitedHarness)
    guests = (Person(harness.owner), Person("kit-guest@example.com"))
    return single(harness.today, people=People(Person("kit-chair@example.com"), guests))


def answered(seen: Seen, answer: str) -> Answer:
    """An answer to a meeting as it was shown."""
    return Answer(seen.remote_id, seen.version, seen.native, answer)
