"""A process of its own that delivers to one webhook once: ``python -m tests.integration.notify.deliverer WEBHOOK``."""

from __future__ import annotations

import sys

from calbridge.service.deliveries import deliver
from calbridge.service.parts import open_parts
from calbridge.settings import load_settings
from tests.integration.service.world import TENANT, TestClock

if __name__ == "__main__":
    with open_parts(load_settings(), clock=TestClock()) as parts:
        print(deliver(parts, TENANT, sys.argv[1], 30))
