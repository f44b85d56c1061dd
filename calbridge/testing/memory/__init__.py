"""The lossy memory connector (C8): a whole calendar service in memory for tests of the engine and of connectors.

``MemoryService(switches=Switches(...), random=Random(seed), calendars=("main",))``
    The fake service. State outlives every client: ``snapshot()``, ``load(state)``. What happens there:
    ``expire_cursors()``, ``lie_once()``, ``list_empty_once()``, ``drop_calendar()``, ``refuse_sign_in(confirmed=)``,
    ``accept_sign_in()``, ``set_read_only()``, ``advance(timedelta)``, ``delay_seen_of_moves = True``; what it shows
    to a test: ``mails``, ``now``, ``calendar(id)``, ``take_pushed()``. ``switches`` may be replaced at any time.
``service.phone``, ``service.phone_at(calendar)``
    The person's door: ``create(content, uid=None) -> id``, ``edit(id, units) -> id``, ``replace(id, content)``,
    ``delete(id)``, ``move_address(id) -> id``, ``restore(id, new_id=False) -> id``, ``copy(id) -> id``,
    ``annotate(id, extra)``, ``extra(id)``, ``spoil(id, readable=False)``,
    ``events() -> {id: Event}``, ``deleted() -> ids``.
``service.io``
    The I/O points: ``passed``, ``hooks``, ``crash_at(n)``, ``fail(name, error, number=1)``,
    ``once(n, name, act)``, ``clear()``. Names are ``check|calendars|changes|fetch|find|create|update|delete|
    answer|watch|unwatch`` + ``.before|.after``; an error raised at a write's point is that write's ``Failed``, a
    :class:`Crash` passes through.
``MemoryConnector(service)``, ``MemoryFactory(service)``
    The contract over it. ``Switches`` is one switch per loss, ``LOSSES`` each of them turned on by itself.
"""

from calbridge.testing.memory.connector import MemoryConnector, MemoryFactory
from calbridge.testing.memory.faults import Crash, Hook, Points
from calbridge.testing.memory.phone import Phone
from calbridge.testing.memory.service import MAIN, OWNER_ADDRESS, OWNER_ID, MemoryService
from calbridge.testing.memory.state import Mail, State
from calbridge.testing.memory.switches import LOSSES, Switches, capabilities

__all__ = [
    "LOSSES",
    "MAIN",
    "OWNER_ADDRESS",
    "OWNER_ID",
    "Crash",
    "Hook",
    "Mail",
    "MemoryConnector",
    "MemoryFactory",
    "MemoryService",
    "Phone",
    "Points",
    "State",
    "Switches",
    "capabilities",
]
