"""When a message is tried again, when it is given up, and when its webhook is switched off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calbridge.service.delivery_rules import (
    BROKEN_AFTER,
    LEAST_TRIES,
    LIFE,
    LONGEST_ASKED,
    LONGEST_PAUSE,
    LONGEST_REST,
    Answer,
    Health,
    Outcome,
    after_failure,
)

NOW = datetime(2027, 1, 5, 9, tzinfo=UTC)
BROKEN, UNREACHED = Answer(500), Answer(code="host_unreachable")


def failed(
    answer: Answer = BROKEN, health: Health | None = None, attempts: int = 0, age: timedelta = timedelta(0)
) -> Outcome:
    return after_failure(health or Health(), answer, attempts, NOW - age, NOW, lambda: 1.0)


@pytest.mark.parametrize(
    ("answer", "good", "failure"),
    [
        (Answer(200), True, None),
        (Answer(299), True, None),
        (Answer(199), False, "webhook_refused"),
        (Answer(300), False, "redirect_refused"),
        (Answer(399), False, "redirect_refused"),
        (Answer(400), False, "webhook_refused"),
        (UNREACHED, False, "host_unreachable"),
        (Answer(), False, "unavailable"),
    ],
)
def test_only_a_status_from_200_to_299_is_success(answer: Answer, good: bool, failure: str | None) -> None:
    assert (answer.good, answer.failure) == (good, failure)


def test_pauses_grow_to_a_bound_and_fill_a_day_with_few_tries() -> None:
    pauses = []
    while sum(pauses) < LIFE.total_seconds():
        outcome = failed(attempts=len(pauses))
        assert outcome.next_at is not None
        pauses.append((outcome.next_at - NOW).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[0] == 5
    assert pauses[-1] == LONGEST_PAUSE
    assert 15 < len(pauses) < 30


def test_one_bad_message_does_not_rest_the_endpoint_but_five_failures_in_a_row_do() -> None:
    health = Health()
    for number in range(1, BROKEN_AFTER):
        health = failed(health=health).health
        assert (health.tries, health.not_before, health.failing_since) == (number, None, NOW)
    rested = failed(health=health).health.not_before
    assert rested is not None
    assert timedelta(0) < rested - NOW <= timedelta(seconds=LONGEST_REST)


def test_an_endpoint_that_is_not_reached_rests_at_once_and_never_for_long() -> None:
    first, last = failed(UNREACHED).health, failed(UNREACHED, Health(NOW, 50)).health
    assert first.not_before == NOW + timedelta(seconds=5)
    assert last.not_before == NOW + timedelta(seconds=LONGEST_REST)


@pytest.mark.parametrize(("asked", "granted"), [(60.0, 60.0), (86_400.0, LONGEST_ASKED)])
def test_what_is_asked_for_is_granted_within_bounds(asked: float, granted: float) -> None:
    assert failed(Answer(503, retry_after=asked)).health.not_before == NOW + timedelta(seconds=granted)


def test_a_message_is_given_up_after_a_day_and_eight_tries() -> None:
    assert failed(attempts=LEAST_TRIES - 1, age=LIFE).next_at is None
    assert failed(attempts=LEAST_TRIES - 2, age=LIFE).next_at is not None
    assert failed(attempts=LEAST_TRIES - 1, age=LIFE - timedelta(seconds=1)).next_at is not None


def test_an_endpoint_that_took_nothing_for_a_day_is_switched_off_and_its_messages_stay() -> None:
    assert failed(health=Health(NOW - LIFE + timedelta(seconds=1), 30)).off is None
    gone = failed(health=Health(NOW - LIFE, 30), attempts=30, age=LIFE)
    assert (gone.off, gone.next_at is None) == ("webhook_failing", False)
    assert failed(Answer(410)).off == "webhook_gone"
