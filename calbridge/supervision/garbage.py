"""How often a process looks for garbage that refers to itself (the standard library's ``gc``)."""

from __future__ import annotations

import atexit
import gc

THRESHOLDS = (10_000, 10, 10)
"""New objects until the first generation is looked at, and how often until the next one is, too.

A page of a run makes thousands of objects that the end of the page frees by their counts alone. With Python's own
thresholds (700, 10, 10) they were looked at again and again, and with them everything that was ever loaded: a fifteenth
of what a first run costs.
"""


def collect_seldom() -> None:
    """Set this process up, and so all that it forks; as early as possible, because loading makes the most objects.

    At its end it does not look for garbage at all: it would go through everything that it ever loaded, which takes a
    tenth of what a short command costs, to free what the system frees anyway.
    """
    gc.set_threshold(*THRESHOLDS)
    atexit.register(gc.freeze)
