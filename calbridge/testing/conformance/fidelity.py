"""Must pass: what survives. Optional: nobody is mailed."""

from __future__ import annotations

from calbridge.connectors.capabilities import Ability
from calbridge.domain.content import MASTER, Field, same_value
from calbridge.testing.conformance.base import Suite
from calbridge.testing.conformance.driver import Driver
from calbridge.testing.conformance.samples import kinds, meeting, rich, single

TIME, TITLE, PLACE = (MASTER, Field.TIME), (MASTER, Field.TITLE), (MASTER, Field.LOCATION)


class FidelityTests(Suite):
    """What must survive."""

    def test_each_kind_of_time_comes_back_as_it_was(self, kit: Driver) -> None:
        """A1: dates, zoned, UTC and floating times are never turned into one another, in both directions.

        A service may have no floating times: then they are refused, and nothing is written in their place.
        """
        for number, (name, value) in enumerate(kinds(kit.harness.today).items()):
            target = single(kit.harness.today, name, time=value)
            if name == "floating" and kit.refuses_time(f"kit-time-{number}", target):
                continue
            theirs = kit.event(kit.harness.phone.create(target)).content.span
            remote_id = kit.create(f"kit-time-{number}", target).remote_id
            ours = kit.harness.phone.events()[remote_id].content.span
            assert same_value(theirs, value), name
            assert same_value(ours, value), name

    def test_what_calbridge_does_not_know_survives(self, kit: Driver) -> None:
        """A6: foreign properties outlive updates of anything else."""
        remote_id = kit.harness.phone.create(single(kit.harness.today))
        before = dict(kit.harness.phone.extra(remote_id))
        assert before
        seen = kit.update(remote_id, {TITLE: "New title"})
        assert kit.harness.phone.extra(seen.remote_id) == before

    def test_redacting_takes_what_calbridge_does_not_know(self, kit: Driver) -> None:
        """A9: an update that hides an event removes its foreign properties too."""
        remote_id = kit.harness.phone.create(single(kit.harness.today))
        seen = kit.update(remote_id, {TITLE: "Busy"}, redact=True)
        assert not kit.harness.phone.extra(seen.remote_id)

    def test_normalise_tells_what_the_service_makes_of_it(self, kit: Driver) -> None:
        """C.normalise: pure, the same when applied twice, and what is read back of a create."""
        target = rich(kit.harness.today)
        normalise = kit.harness.connector().normalise
        normal = normalise(target)
        assert normalise(target).units == normal.units
        assert normalise(normal).same(normal)
        seen = kit.create("kit-normal", target)
        assert kit.event(seen.remote_id).content.same(normal)


class SilentTests(Suite):
    """Optional, for connectors that claim ``SILENT_UPDATE``."""

    def test_nobody_is_mailed(self, kit: Driver) -> None:
        """A8: neither an update nor a deletion of an event with guests makes the service mail them."""
        assert kit.harness.connector().capabilities.has(Ability.SILENT_UPDATE)
        remote_id = kit.harness.phone.create(meeting(kit.harness.today))
        before = kit.harness.mails()
        seen = kit.update(remote_id, {TITLE: "New title"})
        kit.delete(seen.remote_id)
        assert kit.harness.mails() == before
