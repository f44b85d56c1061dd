"""The truth table of one merge unit, as the rules say it (SYNC D3, with A5, A6, A8, A9, B1, D2, D9).

Every row names circumstances and the verdict; ``*`` is any, ``a|b`` either. The table is total and has no overlaps:
each combination of circumstances must be matched by exactly one row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

import pytest

from calbridge.domain.content import HIDDEN_FIELDS, MASTER, Field, People, Person, Span, Text, Value
from calbridge.domain.event import Editable
from calbridge.domain.options import Winner
from calbridge.sync.settle import Four, Rules, Verdict, settle
from tests.unit.sync.world import span

COLUMNS = ("field", "text", "values", "changed", "takes", "sends", "rights", "prefers")

TABLE = """
field      text     values           changed       takes sends rights prefers                        verdict   clause
reminders  *        *                *             *     *     *      *                              nothing   A6

plain      from_us  *                *             *     *     *      *                              nothing   A9
kept       from_us  *                *             *     *     *      *                              nothing   A9
answers    from_us  *                *             *     *     *      *                              nothing   A9
plain      by_us    equal            *             *     yes   *      *                              agreed    A9
plain      by_us    differ|here|away *             *     yes   *      *                              keep      A9
plain      by_us    *                *             *     no    *      *                              nothing   A9
kept       by_us    *                *             *     *     *      *                              nothing   A9
answers    by_us    *                *             *     *     *      *                              nothing   A9

answers    open     *                neither       *     *     *      *                              nothing   B1
answers    open     *                there|adopted *     *     *      *                              take      A8
kept       open     *                neither       *     *     *      *                              nothing   B1
kept       open     *                there|adopted yes   *     *      *                              take      A8
kept       open     *                there|adopted no    *     *      *                              withhold  D2

plain      open     *                neither       *     *     *      *                              nothing   B1
plain      open     equal            here|there|both|adopted * * *    *                              agreed    D3
plain      open     differ|here|away there         yes   *     *      *                              take      D3
plain      open     differ|here|away there         no    *     *      *                              withhold  D2
plain      open     differ|here|away here          *     yes   yes    *                              keep      D3
plain      open     differ|here|away here          *     no    *      *                              keep      D2
plain      open     differ|here|away here          yes   yes   no     *                              take      A5
plain      open     differ|here|away here          no    yes   no     *                              keep      D2
plain      open     differ|here|away both          no    yes   yes    *                              keep      D3
plain      open     differ|here|away both          no    yes   no     *                              withhold  D2
plain      open     differ|here|away both          no    no    *      *                              withhold  D2
plain      open     differ|here|away both          yes   no    *      *                              take      D3
plain      open     differ|here|away both          yes   yes   no     *                              take      A5
plain      open     differ|here|away both          yes   yes   yes    psa|newer_here|tie|unknown     keep      D3
plain      open     differ|here|away both          yes   yes   yes    linked|newer_there             take      D3

plain      open     away             adopted       yes   *     *      *                              take      D9
plain      open     away             adopted       no    *     *      *                              withhold  D9
plain      open     here             adopted       *     yes   yes    *                              keep      D9
plain      open     here             adopted       *     yes   no     *                              nothing   D9,A5
plain      open     here             adopted       *     no    *      *                              nothing   D9
plain      open     differ           adopted       no    yes   yes    *                              keep      D9
plain      open     differ           adopted       no    yes   no     *                              withhold  D9,A5
plain      open     differ           adopted       no    no    *      *                              withhold  D9
plain      open     differ           adopted       yes   no    *      *                              take      D9
plain      open     differ           adopted       yes   yes   no     *                              take      D9,A5
plain      open     differ           adopted       yes   yes   yes    psa|newer_here|tie|unknown     keep      D9
plain      open     differ           adopted       yes   yes   yes    linked|newer_there             take      D9
"""
"""``field``: plain ones go both ways, ``kept`` ones are shown but never sent (conference links; people without
invitations). ``text``: hidden from us, hidden by us, or open. ``values``: here and there are equal, differ, or only
one of them is filled (``here``, ``away``). ``changed``: on which side since the memories, or the pair is being adopted.
``takes``, ``sends``: what the options allow. ``rights``: the service lets us edit this field. ``prefers``: the option
``conflict`` with the times of both acts."""


@dataclass(frozen=True)
class Row:
    wanted: tuple[frozenset[str], ...]
    verdict: Verdict
    clause: str

    def matches(self, case: tuple[str, ...]) -> bool:
        return all("*" in want or have in want for want, have in zip(self.wanted, case, strict=True))


def rows() -> list[Row]:
    found = []
    for line in TABLE.strip().splitlines()[1:]:
        cells = line.split()
        if cells:
            *wanted, verdict, clause = cells
            found.append(Row(tuple(frozenset(cell.split("|")) for cell in wanted), Verdict(verdict), clause))
    return found


ROWS = rows()


@cache
def expected(case: tuple[str, ...]) -> Row:
    found = [row for row in ROWS if row.matches(case)]
    assert len(found) == 1, (case, found)
    return found[0]


NOON = datetime(2027, 2, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
PREFERS: dict[str, list[tuple[Winner, datetime | None, datetime | None]]] = {
    "psa": [(Winner.PSA, NOON, LATER), (Winner.PSA, None, None)],
    "linked": [(Winner.LINKED, LATER, NOON), (Winner.LINKED, None, None)],
    "newer_here": [(Winner.NEWEST, LATER, NOON)],
    "newer_there": [(Winner.NEWEST, NOON, LATER)],
    "tie": [(Winner.NEWEST, NOON, NOON)],
    "unknown": [(Winner.NEWEST, NOON, None), (Winner.NEWEST, None, NOON), (Winner.NEWEST, None, None)],
}
FOUR_VALUES: dict[Field, tuple[Value, Value, Value, Value]] = {
    Field.TIME: tuple(span(f"2027-02-0{day} 09:00") for day in (1, 2, 3, 4)),  # type: ignore[dict-item]
    Field.TEXT: tuple(Text(word) for word in ("a", "b", "c", "d")),  # type: ignore[dict-item]
    Field.PEOPLE: tuple(People(Person(f"{word}@example.com")) for word in ("a", "b", "c", "d")),  # type: ignore[dict-item]
    Field.CATEGORIES: (("a",), ("b",), ("c",), ("d",)),
    Field.REMINDERS: ((1,), (2,), (3,), (4,)),
    Field.RESPONSES: tuple((("bob@example.com", word),) for word in ("accepted", "declined", "tentative", "x")),  # type: ignore[dict-item]
}
WORDS: tuple[Value, Value, Value, Value] = ("one", "two", "three", "four")
CLASSES = {
    **dict.fromkeys(Field, "plain"),
    Field.CONFERENCE: "kept",
    Field.RESPONSES: "answers",
    Field.MY_RESPONSE: "answers",
    Field.REMINDERS: "reminders",
}
SUBJECTS = [(name, CLASSES[name]) for name in Field if name is not Field.EXISTS] + [(Field.PEOPLE, "kept")]


def values(name: Field, kind: str, shape: str, changed: str) -> Iterator[tuple[Four, bool]]:
    """Memories and states in that shape; the flag says that the unit is owed rather than edited."""
    mine, theirs, old_sent, old_shown = FOUR_VALUES.get(name, WORDS)
    projected = None if shape == "away" else mine
    seen = None if shape == "here" else mine if shape == "equal" else theirs
    if changed == "adopted":
        yield Four(None, None, projected, seen), False
        return
    here, there = changed in {"here", "both"}, changed in {"there", "both"}
    shown = old_shown if there else seen
    yield Four(old_sent if here else projected, shown, projected, seen), False
    if here and kind == "plain":
        yield Four(projected, shown, projected, seen), True


def rules(name: Field, kind: str, case: dict[str, str], owed: bool) -> Iterator[Rules]:
    allowed = case["rights"] == "yes"
    own = {Field.TIME: "time", Field.PEOPLE: "people"}.get(name, "details")
    others = dict.fromkeys({"time", "people", "details"}, not allowed)
    for winner, local_time, remote_time in PREFERS[case["prefers"]]:
        yield Rules(
            takes=case["takes"] == "yes",
            sends=case["sends"] == "yes",
            winner=winner,
            editable=Editable(**{**others, own: allowed}),
            mute=frozenset({name}) if case["text"] != "open" else frozenset(),
            redacting=case["text"] == "by_us",
            people_sent=kind == "plain",
            adopting=case["changed"] == "adopted",
            local_time=local_time,
            remote_time=remote_time,
            owed=frozenset({(MASTER, name)}) if owed else frozenset(),
        )


def cases(name: Field, kind: str) -> Iterator[dict[str, str]]:
    texts = ("open", "from_us", "by_us") if name in HIDDEN_FIELDS else ("open",)
    one_way = kind in {"kept", "answers"}
    shapes = ("away",) if one_way else ("equal", "differ", "here", "away")
    changes = ("neither", "there", "adopted") if one_way else ("neither", "here", "there", "both", "adopted")
    flags = ("yes", "no")
    for cells in product((kind,), texts, shapes, changes, flags, flags, flags, PREFERS):
        yield dict(zip(COLUMNS, cells, strict=True))


def contradictions(name: Field, kind: str, among: list[Row]) -> list[tuple[str, ...]]:
    """Circumstances in which the verdict is not the table's."""
    wrong = []
    for case in cases(name, kind):
        own = {"rights": "yes"} if name is Field.VISIBILITY else {}  # A9: it is sent to events of others too
        row = expected(tuple({**case, **own}.values()))
        for four, owed in values(name, kind, case["values"], case["changed"]):
            for each in rules(name, kind, case, owed):
                verdict = settle((MASTER, name), four, each)
                if row in among and verdict is not row.verdict:
                    wrong.append((row.clause, row.verdict.value, "but was", verdict.value, *case.values()))
    return wrong


@pytest.mark.parametrize(("name", "kind"), SUBJECTS, ids=lambda each: str(each))
def test_every_combination_is_settled_as_the_table_says(name: Field, kind: str) -> None:
    wrong = contradictions(name, kind, ROWS)
    assert not wrong, (len(wrong), wrong[:3])


def test_every_row_of_the_table_is_met_by_some_combination() -> None:
    met = {expected(tuple(case.values())) for name, kind in SUBJECTS for case in cases(name, kind)}
    assert [row for row in ROWS if row not in met] == []


@pytest.mark.parametrize("prefers", PREFERS)
def test_a_deletion_wins_by_newest_only_when_known_to_be_later(prefers: str) -> None:
    for winner, local_time, remote_time in PREFERS[prefers]:
        each = Rules(winner=winner, local_time=local_time, remote_time=remote_time)
        assert each.local_wins(deletion=True) is (prefers in {"psa", "newer_here"})
        assert each.remote_deletion_wins() is (prefers in {"linked", "newer_there"})
        assert each.local_wins() is (prefers not in {"linked", "newer_there"})


def test_an_occurrence_that_inherits_differs_from_one_with_a_value_of_its_own() -> None:
    unit = ("2027-02-02T09:00:00", Field.TITLE)
    inherits_again = Four("Own", "Own", None, "Own")
    assert settle(unit, inherits_again, Rules()) is Verdict.KEEP
    assert settle(unit, replace(inherits_again, projected="Own", seen=None), Rules()) is Verdict.TAKE


def test_a_status_that_is_absent_is_a_confirmed_one() -> None:
    assert settle((MASTER, Field.STATUS), Four(None, None, "confirmed", "confirmed"), Rules()) is Verdict.NOTHING


def test_a_time_with_the_same_offsets_under_another_name_is_no_edit() -> None:
    here = span("2027-02-01 09:00")
    there = Span(replace(here.start, zone="Europe/Berlin"), replace(here.end, zone="Europe/Berlin"))
    assert settle((MASTER, Field.TIME), Four(here, here, here, there), Rules()) is Verdict.NOTHING
