"""Connections that only wait are ended, and there are only so many of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.webui.serving import served
from webui import wire

HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


async def answers(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Reads all, then thinks for longer than a silent connection is borne."""
    if scope["type"] != "http":
        return
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await asyncio.sleep(1.0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[str, int]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "PATIENCE", 0.4)
        patch.setattr(wire, "MOST", 8)
        patch.setattr(wire, "LEAST", 1000)
        with served(answers) as address:
            named = urlsplit(address)
            yield named.hostname or "", named.port or 0


def ended(line: socket.socket, drip: bytes = b"", most: float = 8.0) -> bool:
    """Whether the server hangs up, though a byte comes now and then."""
    end = time.monotonic() + most
    line.settimeout(0.1)
    while time.monotonic() < end:
        try:
            if drip:
                line.sendall(drip)
            if line.recv(100) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"", b""),  # nothing
        (HEAD, b""),  # half a head
        (HEAD, b"X: y\r\n"),  # a head without an end
        (HEAD + b"Content-Length: 100000\r\n\r\n", b""),  # a body that never comes
        (HEAD + b"Content-Length: 100000\r\n\r\n", b"x"),  # or drop by drop
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
)
def test_who_sends_next_to_nothing_is_hung_up_on(place: tuple[str, int], first: bytes, drip: bytes) -> None:
    with socket.create_connection(place) as line:
        line.sendall(first)
        assert ended(line, drip)


def test_a_body_that_keeps_coming_and_an_answer_that_takes_long_are_waited_for(place: tuple[str, int]) -> None:
    with socket.create_connection(place) as line:
        line.sendall(HEAD + b"Content-Length: 20000\r\n\r\n")
        for _ in range(10):
            time.sleep(0.1)
            line.sendall(b"x" * 2000)
        said = b""
        line.settimeout(20)
        while more := line.recv(1000):
            said += more
    assert said.startswith(b"HTTP/1.1 200") and b"20000" in said


def test_of_too_many_connections_the_one_silent_for_longest_goes(
    place: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "PATIENCE", 60.0)
    with contextlib.ExitStack() as held:
        lines = [held.enter_context(socket.create_connection(place)) for _ in range(8)]
        time.sleep(0.2)
        lines[0].sendall(b"GET / HTTP/1.1\r\n")  # the second is now the one silent for longest
        time.sleep(0.2)
        late = held.enter_context(socket.create_connection(place))
        assert ended(lines[1])
        late.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        late.settimeout(20)
        assert late.recv(100).startswith(b"HTTP/1.1 200")
        lines[0].settimeout(0.2)
        with pytest.raises(TimeoutError):
            lines[0].recv(1)
