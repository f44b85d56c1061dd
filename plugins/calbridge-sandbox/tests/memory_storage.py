"""A storage in this process: strict about versions."""

from __future__ import annotations

import threading


class MemoryStorage:
    def __init__(self) -> None:
        self._content: bytes | None = None
        self._version = 0
        self._lock = threading.Lock()
        self.refused = 0

    def read(self) -> tuple[bytes | None, int]:
        with self._lock:
            return self._content, self._version

    def write(self, content: bytes, expected_version: int) -> bool:
        with self._lock:
            if expected_version != self._version:
                self.refused += 1
                return False
            self._content, self._version = content, self._version + 1
            return True
