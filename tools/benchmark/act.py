"""One act of calbridge in a process of its own: `python -m tools.benchmark.act FOLDER ACT ...`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calbridge.supervision.garbage import collect_seldom

if TYPE_CHECKING:
    from tools.benchmark.calbridge_side import CalbridgeSide

WARM_UP, REPEATS = 5, 30


def act(folder: Path, what: str, words: Sequence[str]) -> object:
    """Do it; the answer is printed as JSON. :raises ValueError: no such act."""
    # Loaded by use, as the command loads its verbs: a run needs neither the API nor what lists a year.
    from tools.benchmark.calbridge_side import new_side, open_side

    if what == "link":
        url, username, password, calendar = words
        with new_side(folder) as side:
            side.link(url, username, password, calendar)
        return None
    if what == "year":
        from tools.benchmark.year import list_a_year

        return list_a_year(folder, int(words[0]))
    if what == "api":
        from tools.benchmark.api import measure_api

        return measure_api(folder)
    with open_side(folder) as side:
        match what:
            case "run":
                return dict(side.run(retrieve="retrieve" in words, send="send" in words).counters)
            case "warm":
                return _warm(side.run)
            case "changes":
                return _warm_changes(side, int(words[0]), words[1])
            case "add":
                side.add_items(range(int(words[0])))
            case "edit":
                side.edit_items(int(words[0]), words[1])
            case _:
                raise ValueError(what)
    return None


def _warm(run: Callable[[], object]) -> float:
    """CPU seconds of a run in a process that has done some: the median of many."""
    from statistics import median

    spent = []
    for number in range(WARM_UP + REPEATS):
        before = time.process_time()
        run()
        if number >= WARM_UP:
            spent.append(time.process_time() - before)
    return median(spent)


def _warm_changes(side: CalbridgeSide, count: int, title: str) -> float:
    """Wall seconds of a run that sends so many changes, in a process that has sent some, as a worker has."""
    side.edit_items(WARM_UP, title)
    side.run()
    side.run()
    side.edit_items(count, title)
    before = time.perf_counter()
    side.run()
    return time.perf_counter() - before


if __name__ == "__main__":
    collect_seldom()
    print(json.dumps(act(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])))
