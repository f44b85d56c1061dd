"""What is decided about push subscriptions, from what is stored alone."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calbridge.errors import CalendarGone, Throttled, Unavailable
from calbridge.service.watch_rules import CLAIM, Wanted, Wish, pause, plan, renewal
from calbridge.store.watches import ASKED, DOUBTED, LIVE, StoredWatch

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
WEEK = timedelta(days=7)
WANTED = Wanted("main", "a1", "https://calbridge.example.com")
LIVING = StoredWatch("w1", "i1", "a1", "memory", "main", WANTED.base, LIVE, NOW - timedelta(days=1), "s", NOW + WEEK)
ASKING = replace(LIVING, id="w2", status=ASKED, created_at=NOW, state=None, expires_at=None)


def test_a_sound_one_is_kept_until_it_ages() -> None:
    found = plan(Wish.PUSH, WANTED, [LIVING], NOW)
    assert (found.ask, found.drop, found.end) == (False, (), ())
    assert found.look_at is not None
    assert NOW < found.look_at < NOW + WEEK
    assert plan(Wish.PUSH, WANTED, [LIVING], found.look_at).ask


def test_it_is_renewed_in_the_last_fifth_of_its_life_and_not_all_at_once() -> None:
    first, last = renewal(LIVING, 1.0), renewal(LIVING, 0.0)
    assert LIVING.expires_at is not None
    life = LIVING.expires_at - LIVING.created_at
    assert (first, last) == (LIVING.expires_at - life / 5, LIVING.expires_at - life * 3 / 20)
    assert not plan(Wish.PUSH, WANTED, [LIVING], first - timedelta(seconds=1)).ask
    renewed = plan(Wish.PUSH, WANTED, [LIVING], first)
    assert (renewed.ask, renewed.former, renewed.end) == (True, LIVING, ())


@pytest.mark.parametrize(
    ("other", "former"),
    [
        (replace(LIVING, status=DOUBTED), True),
        (replace(LIVING, base="https://elsewhere.example.com"), True),
        (replace(LIVING, calendar_id="second"), False),
        (replace(LIVING, account_id="a2"), False),
    ],
)
def test_what_does_not_fit_is_replaced(other: StoredWatch, former: bool) -> None:
    found = plan(Wish.PUSH, WANTED, [other], NOW)
    assert found.ask
    assert (found.former, found.end) == ((other, ()) if former else (None, (other,)))


def test_what_ended_is_forgotten_and_asked_for_anew() -> None:
    ended = replace(LIVING, expires_at=NOW)
    found = plan(Wish.PUSH, WANTED, [ended], NOW)
    assert (found.drop, found.ask, found.former, found.end) == ((ended,), True, None, ())


@pytest.mark.parametrize("wish", Wish)
def test_whoever_asks_is_left_alone_for_a_while(wish: Wish) -> None:
    found = plan(wish, WANTED, [LIVING, ASKING], NOW + CLAIM / 2)
    assert (found.ask, found.drop, found.end, found.doubt) == (False, (), (), ())
    assert found.look_at is not None
    assert found.look_at > ASKING.created_at + CLAIM


def test_a_question_whose_answer_nobody_has_casts_doubt_on_what_there_was() -> None:
    found = plan(Wish.PUSH, WANTED, [LIVING, ASKING], NOW + 2 * CLAIM)
    assert (found.ask, found.former, found.drop) == (True, LIVING, (ASKING,))


def test_what_nobody_wants_is_ended_and_what_is_cut_off_doubted() -> None:
    assert plan(Wish.NONE, None, [LIVING], NOW).end == (LIVING,)
    cut_off = plan(Wish.WAIT, None, [LIVING], NOW)
    assert (cut_off.doubt, cut_off.end, cut_off.drop, cut_off.look_at) == ((LIVING,), (), (), None)
    assert not plan(Wish.WAIT, None, [], NOW).doubt


WATCHES = st.builds(
    replace,
    st.just(LIVING),
    status=st.sampled_from([ASKED, LIVE, DOUBTED]),
    calendar_id=st.sampled_from(["main", "second"]),
    account_id=st.sampled_from(["a1", "a2"]),
    base=st.sampled_from([WANTED.base, "https://elsewhere.example.com"]),
    created_at=st.sampled_from([NOW - timedelta(days=1), NOW - timedelta(seconds=1)]),
    expires_at=st.sampled_from([NOW - WEEK, NOW + timedelta(hours=1), NOW + WEEK]),
)


@given(st.sampled_from(Wish), st.lists(WATCHES, max_size=4))
def test_whatever_is_stored_a_plan_comes_to_rest(wish: Wish, given_watches: list[StoredWatch]) -> None:
    watches = [replace(each, id=f"w{number}") for number, each in enumerate(given_watches)]
    now = NOW
    fresh = itertools.count()
    for _ in range(6):
        found = plan(wish, WANTED, watches, now)
        assert found.former not in found.drop + found.end
        assert not set(found.drop) & set(found.end)
        if not (found.ask or found.drop or found.end or found.doubt) and found.look_at != now:
            break
        gone = {*found.drop, *found.end, found.former}
        watches = [
            replace(each, status=DOUBTED) if each in found.doubt else each for each in watches if each not in gone
        ]
        if found.ask:
            name = f"n{next(fresh)}"
            watches.append(replace(LIVING, id=name, created_at=now, expires_at=now + WEEK))
        elif found.look_at is not None and any(each.status == ASKED for each in watches):
            now = found.look_at
    else:
        raise AssertionError("it never comes to rest")
    left = [each for each in watches if each.status != ASKED]
    if any(each.status == ASKED for each in watches):
        return
    assert {Wish.PUSH: len(left) == 1, Wish.NONE: not left, Wish.WAIT: True}[wish]


def test_pauses_grow_and_lasting_refusals_wait_longer() -> None:
    pauses = [pause(Unavailable(), tries, 1.0).total_seconds() for tries in range(9)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (60, 3600)
    assert pause(Throttled(retry_after=9000), 0, 0.0).total_seconds() == 9000
    assert pause(CalendarGone(), 0, 0.0) > timedelta(hours=5)
