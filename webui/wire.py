"""Connections to this server: so many, and none that only waits. HTTP itself is uvicorn's."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST = 512  # connections; a system's usual bound of 1024 open files stays far
PATIENCE = 20.0  # seconds in which a request's head has to come, and LEAST of its body
LEAST = 20 * 2**10  # bytes


class Wire(H11Protocol):
    """For ``uvicorn.Config(http=Wire)``. Where there are too many, the one that has been silent for longest goes."""

    _look_again: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._heard, self._last = 0, self.loop.time()
        self._before = self._stage()
        self._look_again = self.loop.call_later(PATIENCE, self._look)
        if len(self.connections) > MOST:
            waiting = [each for each in self.connections if isinstance(each, Wire) and each._waits()]
            min(waiting, key=lambda each: each._last).transport.close()

    def data_received(self, data: bytes) -> None:
        self._heard, self._last = self._heard + len(data), self.loop.time()
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._look_again is not None:
            self._look_again.cancel()
        super().connection_lost(exc)

    def _stage(self) -> tuple[object, object]:
        return self.conn.their_state, self.cycle

    def _waits(self) -> bool:
        """Whether it is the other side that has to say something. We may be the ones who do not listen now."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.flow.read_paused

    def _look(self) -> None:
        """Hang up where nothing, or next to nothing, came since it was looked at before."""
        said = self.conn.their_state is h11.SEND_BODY and self._heard >= LEAST
        if self._waits() and self._stage() == self._before and not said:
            self.transport.close()
            return
        self._heard, self._before = 0, self._stage()
        self._look_again = self.loop.call_later(PATIENCE, self._look)
