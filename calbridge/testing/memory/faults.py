"""What a test can let happen at the I/O points of the memory connector."""

from __future__ import annotations

from collections.abc import Callable

Hook = Callable[[str], None]
"""Called with the name of each I/O point; may raise, or act on the phone."""


class Crash(BaseException):
    """The process dies here. No ``except Exception`` may survive it."""


class Points:
    """The I/O points passed so far, and what is to happen at them.

    A point's name is ``<call>.before`` or ``<call>.after`` with ``<call>`` one of ``check``, ``calendars``,
    ``changes`` (once per page), ``fetch``, ``find``, ``create``, ``update``, ``delete``, ``answer``, ``watch``,
    ``unwatch``. ``before`` a write nothing is applied yet; ``after`` it everything is, and the reply has not arrived.
    """

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.hooks: list[Hook] = []

    def __call__(self, name: str) -> None:
        """Pass a point: count it, then run the hooks."""
        self.passed.append(name)
        for hook in tuple(self.hooks):
            hook(name)

    def crash_at(self, number: int) -> None:
        """Crash at the ``number``-th point from now (1 is the next one), once."""
        self.once(number, "", Crash())

    def fail(self, name: str, error: BaseException, number: int = 1) -> None:
        """Raise ``error`` the ``number``-th time from now that a point with this name is passed, once."""
        self.once(number, name, error)

    def once(self, number: int, name: str, act: BaseException | Callable[[], object]) -> None:
        """At the ``number``-th point from now (of this name, if any), raise or call ``act``, once."""
        left = number

        def hook(passed: str) -> None:
            nonlocal left
            if name and passed != name:
                return
            left -= 1
            if left:
                return
            self.hooks.remove(hook)
            if isinstance(act, BaseException):
                raise act
            act()

        self.hooks.append(hook)

    def clear(self) -> None:
        """Forget all hooks and the points passed."""
        self.hooks.clear()
        self.passed.clear()
