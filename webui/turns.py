"""Whose turn it is to compute: a few at a time, and next whoever has least, so that one's many hold up nobody."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """At most ``at_once`` turns at the same time. One turn should be short: a piece of a speech, not the speech.

    Of those who wait, the one goes next who has the fewest turns now, of several the one whose last turn was longest
    ago; who waits for nothing is forgotten. For one event loop.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._running: Counter[str] = Counter()
        self._last: dict[str, int] = {}
        self._count = 0

    @asynccontextmanager
    async def of(self, owner: str) -> AsyncIterator[None]:
        """A turn of ``owner``, once it has come."""
        if self._free:
            self._begin(owner)
        else:
            await self._wait(owner)
        try:
            yield
        finally:
            self._end(owner)

    async def _wait(self, owner: str) -> None:
        mine = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.cancelled():
                self._leave(owner, mine)
            else:  # it had just come
                self._end(owner)
            raise

    def _begin(self, owner: str) -> None:
        self._free -= 1
        self._count += 1
        self._running[owner] += 1
        self._last[owner] = self._count

    def _end(self, owner: str) -> None:
        self._free += 1
        self._running[owner] -= 1
        while self._waiting:
            following = min(self._waiting, key=lambda each: (self._running[each], self._last.get(each, 0)))
            mine = self._waiting[following][0]
            self._leave(following, mine)
            if not mine.cancelled():  # who was told to leave may not have left yet
                self._begin(following)
                mine.set_result(None)
                break
        if not self._running[owner] and owner not in self._waiting:
            del self._running[owner]
            self._last.pop(owner, None)

    def _leave(self, owner: str, future: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(owner, deque())
        if future in waiting:
            waiting.remove(future)
            if not waiting:
                del self._waiting[owner]
