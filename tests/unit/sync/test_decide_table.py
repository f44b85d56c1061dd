"""What is decided about one pair: total, and class by class as the rules say (SYNC A5, A8, A9, B3, B4, D2, D3, F3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from calbridge.domain.content import HIDDEN_FIELDS, MASTER, Content, Field, Unit, Value
from calbridge.domain.event import ALL_EDITABLE, Editable, Event
from calbridge.domain.item import Item, ItemType
from calbridge.domain.options import Level, OnLeave, Options, Privacy, Retrieve, Send, Winner
from calbridge.domain.series import rekey
from calbridge.sync.decide import decide
from calbridge.sync.decisions import (
    Decision,
    ItemAct,
    Present,
    Remote,
    Setting,
    Unchanged,
    Vanished,
    WriteCreate,
    WriteDelete,
    WriteUpdate,
)
from calbridge.sync.memory import Link, LinkState, MadeBy
from tests.unit.sync.world import event, guests, span

NOW = datetime(2027, 1, 5, 12, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(hours=1), NOW + timedelta(hours=1)
TITLE, PLACE, TIME = (MASTER, Field.TITLE), (MASTER, Field.LOCATION), (MASTER, Field.TIME)
BASE = event("Visit", "2027-02-01 09:00", location="Room 1")
PAST = event("Visit", "2026-11-02 09:00", location="Room 1")
SERIES = event("Round", "2027-02-01 09:00", rule="FREQ=DAILY")
KEY = "2027-02-03T09:00:00"
MEETING = BASE.with_units({(MASTER, Field.PEOPLE): guests("bob@example.com")})


def linked(base: Content = BASE, **facts: object) -> Link:
    """A pair that agrees about ``base``."""
    link = Link("l1", "i1", "r1", "u1", "k1", state=LinkState.SYNCED, sent=base, shown=base, seen_version="1")
    return replace(link, native=b"n", work=True, **facts)  # type: ignore[arg-type]


def item(shown: Content = BASE, **facts: object) -> Item:
    return Item("i1", "alice", content=shown, updated_at=NOW, **facts)  # type: ignore[arg-type]


def deleted(shown: Content = BASE, **facts: object) -> Item:
    return item(shown, deleted_at=NOW, **facts)


def there(shown: Content, modified: datetime | None = LATER, editable: Editable = ALL_EDITABLE) -> Present:
    return Present(Event("u1", shown, modified_at=modified, editable=editable), "2", b"n2")


def retitled(title: str, base: Content = BASE) -> Content:
    return base.with_units({TITLE: title})


def asked(options: Options | None = None, **facts: object) -> Setting:
    return Setting(options or Options(), "A", NOW, **facts)  # type: ignore[arg-type]


def untick(on_leave: OnLeave = OnLeave.REMOVE) -> Options:
    return Options(send=Send(types=frozenset(), on_leave=on_leave))


# --- total -------------------------------------------------------------------------------------------------------


REMOTES: tuple[Remote, ...] = (there(retitled("There")), there(BASE), Unchanged(), Vanished())


def places(remote: Remote) -> Iterator[Link]:
    """Links in every state; those that can be without an event also without one, unless an event was seen."""
    for state, base in product(LinkState, (BASE, PAST)):
        yield linked(base, state=state)
    if isinstance(remote, Present):
        return
    for state in (LinkState.PENDING, LinkState.WITHDRAWN, LinkState.PAST, LinkState.FAILED, LinkState.CLOSED):
        yield Link("l1", "i1", state=state, work=True)


def all_pairs(remote: Remote, made_by: MadeBy) -> Iterator[tuple[Link, Item, Setting]]:
    yes_no = (False, True)
    winners = Winner if made_by is not MadeBy.ADOPTED else (Winner.PSA,)
    for place, who, winner, update, delete, ticked, mail in product(
        places(remote), range(3), winners, yes_no, yes_no, yes_no, yes_no
    ):
        base = PAST if place.sent.span == PAST.span else BASE
        link = replace(place, made_by=made_by, guests=mail)
        mine = (item, deleted, item)[who](retitled("Here", base), hidden=who == 2, origin="A" if who == 2 else None)
        options = Options(
            retrieve=Retrieve(update=update, delete=delete),
            send=Send(types=frozenset(ItemType) if ticked else frozenset()),
            conflict=winner,
            existence_linked=frozenset(ItemType) if ticked else frozenset({ItemType.APPOINTMENT}),
        )
        yield link, mine, asked(options, silent_update=not mail)


def assert_allowed(link: Link, mine: Item, remote: Remote, setting: Setting, found: Decision) -> None:
    """What must hold whatever the circumstances are."""
    case = (link, mine, remote, setting.options, found)
    options = setting.options
    if link.state is LinkState.CLOSED:
        assert found == Decision(link), case
        return
    if not options.retrieve.update:
        assert found.act is not ItemAct.RESTORE, case
    if not (options.retrieve.delete and mine.type in options.existence_linked):
        assert found.act is not ItemAct.DELETE, case
    if mine.deleted:
        assert found.act in {None, ItemAct.RESTORE}, case
    if isinstance(remote, Vanished):
        assert found.link.remote_id is None or found.link.state is LinkState.CLOSED, case
        assert not isinstance(found.write, WriteUpdate | WriteDelete), case
    if mine.type not in options.send.types and found.write is not None:
        assert link.made_by is MadeBy.US, case
    if isinstance(found.write, WriteUpdate | WriteDelete):
        assert found.link.remote_id, case
        assert not link.guests or isinstance(remote, Present), case
        assert found.link.work, case
    if isinstance(found.write, WriteCreate):
        assert found.link.remote_id is None, case
    if found.link.state is LinkState.CLOSED:
        assert found.link.sent == found.link.shown == Content(), case
        assert found.link.native is None, case


@pytest.mark.parametrize("made_by", MadeBy)
@pytest.mark.parametrize("remote", REMOTES, ids=["edited", "as it was", "unchanged", "vanished"])
def test_every_combination_has_a_decision_that_breaks_no_rule(remote: Remote, made_by: MadeBy) -> None:
    for link, mine, setting in all_pairs(remote, made_by):
        assert_allowed(link, mine, remote, setting, decide(link, mine, remote, setting))


def test_a_decision_does_not_depend_on_being_made_twice() -> None:
    for link, mine, setting in all_pairs(Unchanged(), MadeBy.US):
        once = decide(link, mine, Unchanged(), setting)
        if once.write is None and once.act is None:
            again = decide(once.link, mine, Unchanged(), setting)
            assert (again.write, again.act) == (None, None), (link, mine, setting.options, once, again)


# --- delete against edit -----------------------------------------------------------------------------------------

ENDS = """
here     there    prefers                                             both ends
nothing  nothing  psa|linked|newer_here|newer_there|tie|unknown       plain
edits    nothing  psa|linked|newer_here|newer_there|tie|unknown       here
nothing  edits    psa|linked|newer_here|newer_there|tie|unknown       there
deletes  nothing  psa|linked|newer_here|newer_there|tie|unknown       gone
nothing  deletes  psa|linked|newer_here|newer_there|tie|unknown       gone
deletes  deletes  psa|linked|newer_here|newer_there|tie|unknown       gone
edits    edits    psa|newer_here|tie|unknown                          here
edits    edits    linked|newer_there                                  there
deletes  edits    psa|newer_here                                      gone
deletes  edits    linked|newer_there|tie|unknown                      there
edits    deletes  psa|newer_here|tie|unknown                          here
edits    deletes  linked|newer_there                                  gone
"""
"""D3: where only one side acted, its act holds; where both did, the named side's, deletion included. By ``newest`` ties
go to the PSA, and a deletion wins only if known to be later. The same for a whole event and for an occurrence."""

PREFERS: dict[str, tuple[Winner, datetime | None]] = {
    "psa": (Winner.PSA, LATER),
    "linked": (Winner.LINKED, EARLIER),
    "newer_here": (Winner.NEWEST, EARLIER),
    "newer_there": (Winner.NEWEST, LATER),
    "tie": (Winner.NEWEST, NOW),
    "unknown": (Winner.NEWEST, None),
}
ACTS = [
    (*line.split()[:2], prefers, line.split()[3])
    for line in ENDS.strip().splitlines()[1:]
    for prefers in line.split()[2].split("|")
]


def state_of(found: Content, key: str) -> str:
    return "gone" if found.excluded(key) else str(found.units.get((key, Field.TITLE)) or "plain")


@pytest.mark.parametrize(("here", "away", "prefers", "end"), ACTS)
def test_an_occurrence_edited_and_deleted_ends_the_same_on_both_sides(
    here: str, away: str, prefers: str, end: str
) -> None:
    acts: dict[str, dict[Unit, Value]] = {"nothing": {}, "deletes": {(KEY, Field.EXISTS): False}}
    mine = SERIES.with_units(acts.get(here, {(KEY, Field.TITLE): "here"}))
    theirs = SERIES.with_units(acts.get(away, {(KEY, Field.TITLE): "there"}))
    winner, modified = PREFERS[prefers]
    remote = Unchanged() if away == "nothing" else there(theirs, modified)
    found = decide(linked(SERIES), item(mine), remote, asked(Options(conflict=winner)))
    event_end = theirs.with_units(found.write.units) if isinstance(found.write, WriteUpdate) else theirs
    assert state_of((found.item or item(mine)).content, KEY) == end
    assert state_of(event_end, KEY) == end
    assert (found.write is not None) is (end != state_of(theirs, KEY))


@pytest.mark.parametrize(("here", "away", "prefers", "end"), ACTS)
def test_an_event_edited_and_deleted_ends_the_same_on_both_sides(here: str, away: str, prefers: str, end: str) -> None:
    winner, modified = PREFERS[prefers]
    if away == "deletes" and winner is Winner.NEWEST:
        end = "here" if here == "edits" else end
    mine = deleted() if here == "deletes" else item(retitled("here") if here == "edits" else BASE)
    remotes: dict[str, Remote] = {"nothing": Unchanged(), "deletes": Vanished()}
    remote = remotes.get(away, there(retitled("there"), modified))
    found = decide(linked(), mine, remote, asked(Options(conflict=winner)))
    after = found.item or mine
    item_gone = found.act is ItemAct.DELETE or after.deleted
    event_gone = isinstance(found.write, WriteDelete) or (away == "deletes" and found.write is None)
    assert item_gone is event_gone is (end == "gone")
    if end != "gone":
        title = {"plain": "Visit"}.get(end, end)
        assert after.content.title == title
        if isinstance(found.write, WriteUpdate):
            assert found.write.units == {TITLE: title}
        if isinstance(found.write, WriteCreate):
            assert found.write.target.title == title
    assert (found.act is ItemAct.RESTORE) is (here == "deletes" and end == "there")


# --- what options withhold ---------------------------------------------------------------------------------------


def test_a_withheld_edit_is_seen_and_listed_and_changes_nothing() -> None:
    found = decide(linked(), item(), there(retitled("There")), asked(Options(retrieve=Retrieve(update=False))))
    assert (found.act, found.write) == (None, None)
    assert found.link.seen_version == "2"
    assert found.link.shown.title == "There"
    assert found.link.withheld == {TITLE}
    assert found.link.state is LinkState.WITHHELD


def test_a_withheld_edit_neither_wins_nor_blocks_and_the_overwritten_value_is_logged() -> None:
    options = Options(retrieve=Retrieve(update=False), conflict=Winner.LINKED)
    found = decide(linked(), item(retitled("Here")), there(retitled("There")), asked(options))
    assert isinstance(found.write, WriteUpdate)
    assert found.write.units == {TITLE: "Here"}
    assert [(each.kept, each.lost) for each in found.conflicts] == [("Here", "There")]


def test_a_withheld_edit_does_not_bring_a_deleted_item_back() -> None:
    options = Options(retrieve=Retrieve(update=False), conflict=Winner.LINKED)
    found = decide(linked(), deleted(), there(retitled("There")), asked(options))
    assert (found.act, found.write) == (None, WriteDelete())


@pytest.mark.parametrize(
    "options", [Options(retrieve=Retrieve(delete=False)), Options(existence_linked=frozenset({ItemType.TASK}))]
)
@pytest.mark.parametrize("winner", Winner)
@pytest.mark.parametrize("mine", [item(), item(retitled("Here"))])
def test_a_withheld_deletion_closes_and_tells_even_against_an_edit(
    options: Options, winner: Winner, mine: Item
) -> None:
    found = decide(linked(), mine, Vanished(), asked(replace(options, conflict=winner)))
    assert (found.act, found.write) == (ItemAct.TELL, None)
    assert (found.link.state, found.link.reason) == (LinkState.CLOSED, "deletion_ignored")


def test_answers_are_taken_whatever_is_withheld() -> None:
    answered = BASE.with_units({(MASTER, Field.RESPONSES): (("bob@example.com", "accepted"),)})
    found = decide(linked(), item(), there(answered), asked(Options(retrieve=Retrieve(update=False))))
    assert found.act is ItemAct.UPDATE
    assert found.item is not None
    assert found.item.content.same(answered)


def test_an_answer_is_no_edit_that_beats_a_deletion() -> None:
    answered = BASE.with_units({(MASTER, Field.RESPONSES): (("bob@example.com", "accepted"),)})
    found = decide(linked(), deleted(), there(answered), asked(Options(conflict=Winner.LINKED)))
    assert found.write == WriteDelete()


# --- restoring and recreating ------------------------------------------------------------------------------------


def test_a_restored_item_keeps_its_last_state_and_takes_only_the_changed_units() -> None:
    last = deleted(BASE.with_units({PLACE: "Room 9"}), external_id="x1")
    found = decide(linked(), last, there(retitled("There")), asked(Options(conflict=Winner.LINKED)))
    assert found.act is ItemAct.RESTORE
    assert found.item is not None
    assert (found.item.id, found.item.external_id, found.item.deleted) == ("i1", "x1", False)
    assert found.item.content.same(BASE.with_units({TITLE: "There", PLACE: "Room 9"}))
    assert isinstance(found.write, WriteUpdate)
    assert found.write.units == {PLACE: "Room 9"}


def test_a_recreated_event_has_a_new_generation_and_nothing_of_the_former_one() -> None:
    found = decide(linked(generation=3), item(retitled("Here")), Vanished(), asked())
    assert isinstance(found.write, WriteCreate)
    link = found.link
    assert (link.generation, link.remote_id, link.key, link.uid) == (4, None, None, None)
    assert link.sent == link.shown == Content()
    assert (link.native, link.seen_version, link.gone_at) == (None, None, None)
    assert link.old_uids == {"u1"}


@pytest.mark.parametrize("winner", Winner)
def test_a_deletion_always_wins_over_an_item_whose_text_is_hidden(winner: Winner) -> None:
    moved = item(event("", "2027-02-02 09:00"), hidden=True, origin="A")
    link = linked(event("", "2027-02-01 09:00"), made_by=MadeBy.THEM, level=Level.BUSY_ONLY)
    found = decide(link, moved, Vanished(), asked(Options(conflict=winner)))
    assert (found.act, found.write) == (ItemAct.DELETE, None)


# --- what the service grants, and mail ---------------------------------------------------------------------------


def test_in_a_race_the_linked_side_wins_what_it_does_not_let_us_edit() -> None:
    fixed = Editable(time=False)
    moved = BASE.with_units({TIME: span("2027-02-01 15:00"), TITLE: "Here"})
    found = decide(linked(editable=fixed), item(moved), Unchanged(), asked())
    assert found.item is not None
    assert found.item.content.span == BASE.span
    assert isinstance(found.write, WriteUpdate)
    assert found.write.units == {TITLE: "Here"}


def test_an_event_that_may_not_be_removed_is_left_and_the_link_closed() -> None:
    found = decide(linked(editable=Editable(existence=False)), deleted(), Unchanged(), asked())
    assert (found.write, found.note) == (None, "organised_elsewhere")
    assert found.link.state is LinkState.CLOSED


MAIL = [(item(retitled("Here")), WriteUpdate), (deleted(), WriteDelete), (item(retitled("x"), due=None), WriteUpdate)]


@pytest.mark.parametrize(("mine", "write"), MAIL)
@pytest.mark.parametrize("silent", [True, False])
@pytest.mark.parametrize("consent", [True, False])
@pytest.mark.parametrize("invited", [True, False])
def test_an_event_with_guests_is_written_only_silently_or_with_consent(
    mine: Item, write: type, silent: bool, consent: bool, invited: bool
) -> None:
    options = Options(invitations_all=invited)
    found = decide(linked(guests=True, consent=consent), mine, Unchanged(), asked(options, silent_update=silent))
    if silent or consent or invited:
        assert isinstance(found.write, write)
    else:
        assert found.write is None
        assert (found.link.state, found.link.work) == (LinkState.WOULD_MAIL, False)


def test_guests_that_were_only_now_seen_hold_a_write_back() -> None:
    found = decide(linked(), item(retitled("Here")), there(MEETING), asked(silent_update=False))
    assert found.write is None
    assert found.link.guests


def test_a_withdrawal_mails_nobody_either() -> None:
    cancelled = item(BASE.with_units({(MASTER, Field.STATUS): "cancelled"}))
    found = decide(linked(guests=True), cancelled, Unchanged(), asked(silent_update=False))
    assert (found.write, found.link.state) == (None, LinkState.WOULD_MAIL)


# --- leaving the calendar ----------------------------------------------------------------------------------------

STOPS = {
    "cancelled": item(BASE.with_units({(MASTER, Field.STATUS): "cancelled"})),
    "unscheduled": item(BASE.without({Field.TIME})),
    "private": item(BASE.with_units({(MASTER, Field.VISIBILITY): "private"})),
}
NO_PRIVATE = Options(send=Send(privacy=Privacy(private=Level.SKIP)))


@pytest.mark.parametrize("reason", STOPS)
def test_a_copy_that_may_not_be_there_is_withdrawn_after_the_remote_edit_was_taken(reason: str) -> None:
    found = decide(linked(), STOPS[reason], there(BASE.with_units({PLACE: "Cellar"})), asked(NO_PRIVATE))
    assert found.write == WriteDelete(withdrawal=True)
    assert found.item is not None
    assert found.item.content.get(PLACE) == "Cellar"


@pytest.mark.parametrize("reason", STOPS)
def test_a_withdrawal_is_never_read_as_a_deletion(reason: str) -> None:
    found = decide(linked(state=LinkState.PENDING_DELETE, reason=reason), STOPS[reason], Vanished(), asked(NO_PRIVATE))
    assert (found.act, found.link.state, found.link.reason) == (None, LinkState.WITHDRAWN, reason)
    assert found.link.old_uids == {"u1"}


@pytest.mark.parametrize("reason", STOPS)
def test_what_is_first_seen_in_such_a_state_is_withdrawn_until_the_state_ends(reason: str) -> None:
    fresh = Link("l1", "i1", work=True)
    found = decide(fresh, STOPS[reason], Unchanged(), asked(NO_PRIVATE))
    assert (found.write, found.link.state, found.link.remote_id) == (None, LinkState.WITHDRAWN, None)
    again = decide(found.link, item(), Unchanged(), asked(NO_PRIVATE))
    assert again.write == WriteCreate(BASE)


def test_unticking_a_type_waits_for_a_confirmation_of_its_number() -> None:
    waiting = decide(linked(), item(), Unchanged(), asked(untick()))
    assert (waiting.write, waiting.link.reason) == (None, "confirmation_needed")
    confirmed = decide(waiting.link, item(), Unchanged(), asked(untick(), leave_confirmed=True))
    assert confirmed.write == WriteDelete(withdrawal=True)


def test_unticking_a_type_may_keep_the_copies_and_then_nothing_flows() -> None:
    found = decide(linked(), item(), Unchanged(), asked(untick(OnLeave.KEEP)))
    assert (found.write, found.link.state) == (None, LinkState.DETACHED)
    edited = decide(found.link, item(retitled("Here")), there(retitled("There")), asked(untick(OnLeave.KEEP)))
    assert (edited.act, edited.write, edited.link.state) == (None, None, LinkState.DETACHED)
    gone = decide(found.link, deleted(), Unchanged(), asked(untick(OnLeave.KEEP)))
    assert (gone.write, gone.link.state) == (None, LinkState.CLOSED)


def test_a_detached_copy_attaches_again_when_its_type_is_ticked() -> None:
    found = decide(linked(state=LinkState.DETACHED), item(retitled("Here")), there(BASE), asked())
    assert isinstance(found.write, WriteUpdate)
    assert found.link.state is LinkState.PENDING


@pytest.mark.parametrize("made_by", [MadeBy.THEM, MadeBy.ADOPTED])
def test_unticking_a_type_only_stops_sending_where_the_event_is_not_ours(made_by: MadeBy) -> None:
    link = linked(made_by=made_by)
    taken = decide(link, item(), there(retitled("There")), asked(untick()))
    assert taken.act is ItemAct.UPDATE
    kept = decide(link, item(retitled("Here")), Unchanged(), asked(untick()))
    assert (kept.write, kept.link.state, kept.link.reason) == (None, LinkState.WITHHELD, "not_sent")
    gone = decide(link, deleted(), Unchanged(), asked(untick()))
    assert (gone.write, gone.link.state) == (None, LinkState.CLOSED)


def test_a_forwarded_copy_that_is_deleted_closes_its_link_and_nothing_more() -> None:
    forwarded = Options(send=Send(forward=True))
    found = decide(linked(), item(origin="B"), Vanished(), asked(forwarded))
    assert (found.act, found.write) == (None, None)
    assert (found.link.state, found.link.reason) == (LinkState.CLOSED, "forwarded_copy_deleted")


def test_what_may_not_be_retrieved_is_removed_if_syncing_copied_it_and_left_if_not() -> None:
    private = BASE.with_units({(MASTER, Field.VISIBILITY): "private"})
    skip = Options(retrieve=Retrieve(privacy=Privacy(private=Level.SKIP)))
    copied = decide(linked(made_by=MadeBy.THEM), item(origin="A"), there(private), asked(skip))
    assert (copied.act, copied.link.state) == (ItemAct.DELETE, LinkState.CLOSED)
    own = decide(linked(made_by=MadeBy.ADOPTED), item(), there(private), asked(skip))
    assert (own.act, own.write) == (None, None)
    assert own.link.shown.same(private.without(HIDDEN_FIELDS))


# --- hidden text -------------------------------------------------------------------------------------------------


def test_a_redacted_copy_is_never_taken_back_and_its_placeholder_is_put_right() -> None:
    private = BASE.with_units({(MASTER, Field.VISIBILITY): "private"})
    sent = decide(linked(), item(private), Unchanged(), asked())
    assert isinstance(sent.write, WriteUpdate)
    assert sent.write.redact
    assert sent.write.units == {TITLE: "Busy", PLACE: None, (MASTER, Field.VISIBILITY): "private"}
    busy = event("Busy", "2027-02-01 09:00", visibility="private")
    meddled = decide(linked(busy), item(private), there(retitled("Guess", busy)), asked())
    assert meddled.act is None
    assert isinstance(meddled.write, WriteUpdate)
    assert meddled.write.units == {TITLE: "Busy"}


def test_text_that_a_level_now_hides_is_erased_from_what_syncing_stored() -> None:
    private = BASE.with_units({(MASTER, Field.VISIBILITY): "private"})
    found = decide(linked(made_by=MadeBy.THEM), item(origin="A"), there(private), asked())
    assert found.item is not None
    assert found.item.hidden
    assert found.link.native is None
    for kept in (found.item.content, found.link.sent, found.link.shown):
        assert kept.get(TITLE) is None
        assert kept.get(PLACE) is None
    assert found.write is None


# --- the past ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("remote", [there(retitled("There", PAST)), Unchanged()])
def test_a_change_of_what_is_past_on_every_side_is_noted_and_not_applied(remote: Remote) -> None:
    link = linked(PAST)
    found = decide(link, item(retitled("Here", PAST)), remote, asked())
    assert (found.act, found.write, found.link.state) == (None, None, LinkState.PAST)
    assert (found.link.shown, found.link.seen_version) == (link.shown, link.seen_version)


def test_a_deletion_there_of_what_is_past_closes_the_link() -> None:
    found = decide(linked(PAST), item(PAST), Vanished(), asked())
    assert (found.act, found.write) == (None, None)
    assert (found.link.state, found.link.reason) == (LinkState.CLOSED, "past")


@pytest.mark.parametrize("where", ["sent", "shown", "item", "event"])
def test_what_is_not_past_in_one_of_its_four_states_is_followed(where: str) -> None:
    sent, shown, mine, theirs = (BASE if where == name else PAST for name in ("sent", "shown", "item", "event"))
    link = replace(linked(), sent=sent, shown=shown)
    found = decide(link, item(mine), there(retitled("There", theirs)), asked())
    assert found.link.state is not LinkState.PAST
    assert found.link.seen_version == "2"


def test_an_occurrence_of_the_past_is_left_alone_and_its_master_followed() -> None:
    series = event("Round", "2026-11-02 09:00", rule="FREQ=DAILY")
    old, new = ("2026-11-03T09:00:00", Field.TITLE), ("2027-02-03T09:00:00", Field.TITLE)
    found = decide(linked(series), item(series), there(series.with_units({old: "a", new: "b", TITLE: "c"})), asked())
    assert found.item is not None
    assert found.item.content.same(series.with_units({new: "b", TITLE: "c"}))
    assert found.link.shown.get(old) is None


def test_live_past_days_says_how_long_ago_the_past_begins() -> None:
    recent = event("Visit", "2026-12-20 09:00")
    followed = decide(linked(recent), item(recent), there(retitled("There", recent)), asked())
    assert followed.act is ItemAct.UPDATE
    left = decide(linked(recent), item(recent), there(retitled("There", recent)), asked(Options(live_past_days=0)))
    assert left.act is None


# --- adoption and series -----------------------------------------------------------------------------------------


def test_an_adopted_pair_keeps_what_is_filled_on_either_side() -> None:
    mine = event("Visit", "2027-02-01 09:00", location="Room 1")
    theirs = event("Visit", "2027-02-01 09:00", description=None, categories=("red",))
    fresh = Link("l1", "i1", "r1", made_by=MadeBy.ADOPTED)
    found = decide(fresh, item(mine), replace(there(theirs), adopting=True), asked(Options(conflict=Winner.LINKED)))
    assert found.item is not None
    assert found.item.content.get((MASTER, Field.CATEGORIES)) == ("red",)
    assert isinstance(found.write, WriteUpdate)
    assert found.write.units == {PLACE: "Room 1"}


def test_a_value_the_service_makes_of_ours_is_no_difference_when_adopting() -> None:
    mine, theirs = retitled("A very long title"), retitled("A very")
    adopting = replace(there(theirs), adopting=True, normalised=theirs)
    found = decide(Link("l1", "i1", "r1", made_by=MadeBy.ADOPTED), item(mine), adopting, asked())
    assert (found.act, found.write) == (None, None)


def test_units_are_merged_one_by_one() -> None:
    mine = BASE.with_units({TITLE: "Here", PLACE: "Room 2"})
    theirs = BASE.with_units({TITLE: "There", TIME: span("2027-02-01 15:00")})
    found = decide(linked(), item(mine), there(theirs), asked())
    assert found.item is not None
    assert found.item.content.same(mine.with_units({TIME: span("2027-02-01 15:00")}))
    assert isinstance(found.write, WriteUpdate)
    assert found.write.units == {TITLE: "Here", PLACE: "Room 2"}


def test_a_slot_that_is_gone_from_a_moved_series_is_a_conflict_of_that_visit_alone() -> None:
    daily = SERIES.with_units({(KEY, Field.TITLE): "Own", ("2027-02-08T09:00:00", Field.TITLE): "Kept"})
    weekly = span("2027-02-01 09:00", rule="FREQ=WEEKLY")
    moved = rekey(daily, weekly).content.with_units({TIME: weekly})
    found = decide(linked(daily), item(daily), there(moved), asked())
    assert [each.unit for each in found.conflicts if each.why == "slot_gone"] != []
    assert {each.unit[0] for each in found.conflicts} == {KEY}
    assert found.item is not None
    assert found.item.content.keys == ("2027-02-08T09:00:00",)


# --- not kept yet ------------------------------------------------------------------------------------------------


def test_a_deletion_here_of_what_is_past_closes_the_link() -> None:
    found = decide(linked(PAST), deleted(PAST), Unchanged(), asked())
    assert (found.write, found.link.state) == (None, LinkState.CLOSED)


@pytest.mark.parametrize("reason", ["cancelled", "unscheduled"])
def test_a_detached_copy_stays_when_its_item_is_cancelled(reason: str) -> None:
    found = decide(linked(state=LinkState.DETACHED), STOPS[reason], Unchanged(), asked(untick(OnLeave.KEEP)))
    assert (found.write, found.link.state) == (None, LinkState.DETACHED)


def test_the_visibility_of_an_event_organised_elsewhere_is_sent() -> None:
    others = Editable(time=False, details=False, people=False)
    private = item(BASE.with_units({(MASTER, Field.VISIBILITY): "private"}))
    found = decide(linked(editable=others, made_by=MadeBy.THEM), private, Unchanged(), asked())
    assert isinstance(found.write, WriteUpdate)
    assert found.write.units == {(MASTER, Field.VISIBILITY): "private"}


def test_an_item_whose_text_is_hidden_is_never_made_into_an_event() -> None:
    hidden = item(event("", "2027-02-01 09:00"), hidden=True, origin="A")
    assert decide(Link("l1", "i1", work=True), hidden, Unchanged(), asked()).write is None
