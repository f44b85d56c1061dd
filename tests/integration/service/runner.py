"""A process of its own that runs one integration once and prints how it ended.

``python -m tests.integration.service.runner TENANT INTEGRATION [STOP_AT]``, settings from the environment. Before its
request number STOP_AT, after the lease was looked at, it stops itself (SIGSTOP) until somebody lets it go on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable

from calbridge.connectors.transport import Request, Transport
from calbridge.errors import CalbridgeError
from calbridge.service.parts import Parts, open_parts
from calbridge.service.sync import sync_integration
from calbridge.service.transports import Transports
from calbridge.settings import load_settings


class StoppingTransports:
    """Transports that stop the process before one request."""

    def __init__(self, real: Transports, stop_at: int) -> None:
        self._real = real
        self._left = stop_at

    def __call__(
        self, tenant: str, before_request: Callable[[Request], None] | None = None, budget: float | None = None
    ) -> Transport:
        def before(request: Request) -> None:
            if before_request is not None:
                before_request(request)
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGSTOP)

        return self._real(tenant, before, budget)


def run(parts: Parts) -> dict[str, str | None]:
    try:
        view = sync_integration(parts, sys.argv[1], sys.argv[2])
    except CalbridgeError as error:
        return {"status": "refused", "reason": error.code}
    return {"status": view.status, "reason": view.reason}


def main() -> None:
    settings = load_settings()
    with open_parts(settings) as parts:
        factory = StoppingTransports(Transports(settings, parts.database), int(sys.argv[3]) if sys.argv[3:] else 0)
        with open_parts(settings, transport_factory=factory) as stopping:
            print(json.dumps(run(stopping)))


if __name__ == "__main__":
    main()
