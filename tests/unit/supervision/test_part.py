"""When a part that ended is started again."""

from __future__ import annotations

from calbridge.supervision.part import GOOD_LIFE, LONGEST_DELAY, delay_before_restart, failures_after


def test_the_delay_doubles_up_to_half_a_minute() -> None:
    assert [delay_before_restart(failures) for failures in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert delay_before_restart(10_000) == LONGEST_DELAY


def test_a_good_life_forgets_earlier_failures() -> None:
    assert failures_after(6, lived=GOOD_LIFE) == 1
    assert failures_after(6, lived=GOOD_LIFE - 1) == 7
