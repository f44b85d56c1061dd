"""What is measured: the same acts on both sides, calibrated by the sizes that are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers.calendar_server import CalendarServer
from tools.benchmark.events import copy_calendar, edit_on_server, fill_calendar
from tools.benchmark.measuring import Cost, measure, python
from tools.benchmark.proxy import Proxy
from tools.benchmark.vdirsyncer_side import VdirsyncerSide

CALBRIDGE, VDIRSYNCER = "calbridge", "vdirsyncer"
USER, PASSWORD = "alice", "secret"
FEW, MANY = 10, 40
ITEMS = 100
"""How many items the REST API lists."""
GET_CASE, LIST_CASE, WRITE_CASE = "GET of one item", f"list of {ITEMS} items", "write of an item"
FIRST_RUNS = 3
"""How often everything is retrieved for the first time on each side, in turns: the median counts, by its CPU."""
FAR_SECONDS = 0.1
"""What each request waits for on its way in the case of a far network."""


@dataclass(frozen=True)
class Sizes:
    """How many events the calendars hold, and how many items are sent."""

    small: int
    large: int
    sent: int


FULL = Sizes(1_000, 10_000, 1_000)
QUICK = Sizes(100, 1_000, 100)


@dataclass(frozen=True)
class Row:
    """One case on one side."""

    case: str
    side: str
    cost: Cost


@dataclass
class Warm:
    """What calbridge takes in a process that has done some, as a worker has.

    ``idle``: CPU seconds of a run without changes, by how many events there are; ``far``: wall seconds of the changes
    over a far network.
    """

    idle: dict[int, float] = field(default_factory=dict)
    far: float = 0.0


@dataclass(frozen=True)
class Stage:
    """The server that both sides use, each through the same proxy and with calendars of its own."""

    server: CalendarServer
    proxy: Proxy
    folder: Path
    say: Callable[[str], None]


def first_case(count: int) -> str:
    """The case of retrieving everything for the first time."""
    return f"first retrieval of {count:,}"


def idle_case(count: int) -> str:
    """The case of a run that finds nothing new."""
    return f"no change among {count:,}"


def changes_case(count: int) -> str:
    """The case of changes on both sides."""
    return f"{FEW} remote and {FEW} local changes among {count:,}"


def sending_case(count: int) -> str:
    """The case of an empty calendar that is filled from here."""
    return f"sending {count:,}"


FAR_CASE = f"{MANY} local changes, {FAR_SECONDS * 1000:.0f} ms more a request"


class CalbridgeAct:
    """calbridge with a folder and a calendar of its own; every act is a process."""

    def __init__(self, stage: Stage, calendar: str, number: int = 0) -> None:
        self._proxy = stage.proxy
        self._folder = stage.folder / f"calbridge-{calendar}-{number}"
        self._do("link", stage.proxy.url, USER, PASSWORD, f"/{USER}/{calendar}/")

    def run(self, *ranges: str) -> Cost:
        """Measure a run."""
        return self._do("run", *ranges)[0]

    def warm(self) -> float:
        """CPU seconds of a run without changes, in a process that has done some."""
        return float(json.loads(self._do("warm")[1].splitlines()[-1]))

    def warm_changes(self, count: int, title: str) -> float:
        """Wall seconds of sending so many changes, in a process that has done some."""
        return float(json.loads(self._do("changes", str(count), title)[1].splitlines()[-1]))

    def add(self, count: int) -> None:
        """New items."""
        self._do("add", str(count))

    def edit(self, count: int, title: str) -> None:
        """Changed items."""
        self._do("edit", str(count), title)

    def _do(self, *words: str) -> tuple[Cost, str]:
        return measure(python("tools.benchmark.act", str(self._folder), *words), self._proxy)


def retrieving(stage: Stage, sizes: Sizes, warm: Warm) -> Iterator[Row]:
    """First retrievals, runs without changes, changes of both sides, and changes over a far network."""
    for count in (sizes.small, sizes.large):
        name = f"events-{count}"
        stage.say(f"filling a calendar with {count:,} events")
        address = fill_calendar(stage.server, name, count)
        copied = copy_calendar(stage.server, name, f"{name}-copy")
        stage.say(f"measuring with {count:,} events")
        ours, theirs, first = _first(stage, name, f"{name}-copy")
        yield Row(first_case(count), CALBRIDGE, first[0])
        yield Row(first_case(count), VDIRSYNCER, first[1])
        yield Row(idle_case(count), CALBRIDGE, ours.run())
        yield Row(idle_case(count), VDIRSYNCER, theirs.sync(stage.proxy))
        warm.idle[count] = ours.warm()
        for calendar in (address, copied):
            edit_on_server(stage.server, calendar, range(FEW), "Moved")
        ours.edit(FEW, "Called")
        theirs.edit_files(FEW, "Called")
        yield Row(changes_case(count), CALBRIDGE, ours.run())
        yield Row(changes_case(count), VDIRSYNCER, theirs.sync(stage.proxy))
        if count == sizes.small:
            yield from _far(stage, ours, theirs, warm)


def _first(stage: Stage, name: str, copied: str) -> tuple[CalbridgeAct, VdirsyncerSide, tuple[Cost, Cost]]:
    """Both sides after their first retrievals, and what these cost.

    Every run has a folder of its own, which stays: a file system that has just removed ten thousand files takes seconds
    longer to make as many.
    """
    found: list[tuple[Cost, Cost]] = []
    for number in range(FIRST_RUNS):
        ours, theirs = CalbridgeAct(stage, name, number), _vdirsyncer(stage, copied, number)
        found.append((ours.run("retrieve"), theirs.sync(stage.proxy)))
    return ours, theirs, (_median([one for one, _ in found]), _median([other for _, other in found]))


def _median(costs: Sequence[Cost]) -> Cost:
    return sorted(costs, key=lambda cost: cost.cpu)[len(costs) // 2]


def _far(stage: Stage, ours: CalbridgeAct, theirs: VdirsyncerSide, warm: Warm) -> Iterator[Row]:
    ours.edit(MANY, "Again")
    theirs.edit_files(MANY, "Again")
    stage.proxy.delay = FAR_SECONDS
    try:
        yield Row(FAR_CASE, CALBRIDGE, ours.run())
        yield Row(FAR_CASE, VDIRSYNCER, theirs.sync(stage.proxy))
        warm.far = ours.warm_changes(MANY, "Once more")
    finally:
        stage.proxy.delay = 0.0


def sending(stage: Stage, sizes: Sizes) -> Iterator[Row]:
    """Filling empty calendars from here."""
    stage.say(f"measuring the sending of {sizes.sent:,} events")
    fill_calendar(stage.server, "sent", 0)
    fill_calendar(stage.server, "sent-copy", 0)
    ours, theirs = CalbridgeAct(stage, "sent"), _vdirsyncer(stage, "sent-copy")
    ours.run()
    theirs.sync(stage.proxy)
    ours.add(sizes.sent)
    theirs.add_files(range(sizes.sent))
    yield Row(sending_case(sizes.sent), CALBRIDGE, ours.run())
    yield Row(sending_case(sizes.sent), VDIRSYNCER, theirs.sync(stage.proxy))


def _vdirsyncer(stage: Stage, calendar: str, number: int = 0) -> VdirsyncerSide:
    folder = stage.folder / f"vdirsyncer-{calendar}-{number}"
    return VdirsyncerSide(folder, f"{stage.proxy.url}{USER}/", USER, PASSWORD, calendar)


def listing(stage: Stage, sizes: Sizes) -> dict[str, float]:
    """CPU seconds of listing a year, and of dateutil alone; without a server."""
    stage.say(f"measuring the listing of {sizes.large:,} items")
    command = python("tools.benchmark.act", str(stage.folder / "year"), "year", str(sizes.large))
    return dict(json.loads(measure(command, stage.proxy)[1].splitlines()[-1]))


def requesting(stage: Stage) -> dict[str, tuple[float, float]]:
    """CPU milliseconds of requests to the REST API and to a minimal application; without a server."""
    stage.say("measuring the REST API")
    command = python("tools.benchmark.act", str(stage.folder / "api"), "api")
    told = json.loads(measure(command, stage.proxy)[1].splitlines()[-1])
    return {case: (ours, minimal) for case, (ours, minimal) in told.items()}
