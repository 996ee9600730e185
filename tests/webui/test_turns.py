"""Turns: however much one person wants, another's first piece comes after at most one of theirs."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gpt_sovits.services.speech import SpeechService
from tests.webui.hum import humming
from tests.webui.humming import own_routes
from webui.api import create_api
from webui.turns import Turns


def spoken(wants: list[tuple[str, int]], at_once: int, late: tuple[str, int] | None = None) -> list[str]:
    """Who began pieces, in order. Each (owner, pieces) speaks its pieces one after the other; ``late`` comes later."""
    began: list[str] = []

    async def speak(turns: Turns, owner: str, pieces: int) -> None:
        for _ in range(pieces):
            async with turns.of(owner):
                began.append(owner)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    async def all_of_them() -> None:
        turns = Turns(at_once)
        tasks = [asyncio.create_task(speak(turns, *want)) for want in wants]
        if late:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            began.append("asks")
            tasks.append(asyncio.create_task(speak(turns, *late)))
        await asyncio.wait_for(asyncio.gather(*tasks), 20)
        assert not turns._waiting and not turns._running and not turns._last and turns._free == at_once

    asyncio.run(all_of_them())
    return began


def test_a_person_comes_before_the_two_hundred_of_another() -> None:
    for at_once in (1, 2):
        began = spoken([("ana", 5)] * 200, at_once, late=("ben", 3))
        asked = began.index("asks")
        assert "ben" in began[asked : asked + at_once + 2], began[asked : asked + 6]
        bens = [place for place, owner in enumerate(began) if owner == "ben"]
        assert len(bens) == 3 and bens[-1] < asked + 12  # and stays in front while it speaks
        assert began.count("ana") == 1000


def test_people_who_want_the_same_get_the_same() -> None:
    began = spoken([("ana", 1)] * 30 + [("ben", 1)] * 30 + [("cleo", 1)] * 30, 2)
    for owner in ("ana", "ben", "cleo"):
        assert 8 <= began[:30].count(owner) <= 12


def test_nobody_is_forgotten_and_who_leaves_leaves_no_gap() -> None:
    rng = random.Random(3)
    held: list[int] = []

    async def one(turns: Turns, owner: str) -> None:
        async with turns.of(owner):
            held.append(1)
            assert len(held) <= 2
            try:
                await asyncio.sleep(0.001 * rng.random())
            finally:
                held.pop()

    async def many() -> None:
        turns = Turns(2)
        tasks = [asyncio.create_task(one(turns, f"p{number % 7}")) for number in range(300)]
        for task in rng.sample(tasks, 150):
            await asyncio.sleep(0)
            task.cancel()
        done = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        assert all(each is None or isinstance(each, asyncio.CancelledError) for each in done)
        assert not turns._waiting and not turns._running and turns._free == 2

    asyncio.run(many())


def test_texts_that_are_only_read_take_their_turn_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty long ones of one person held all threads, and another waited more than a minute."""
    reading, most, lock = [0], [0], threading.Lock()

    def explain(self: SpeechService, text: str, **more: object) -> tuple[()]:
        with lock:
            reading[0] += 1
            most[0] = max(most[0], reading[0])
        time.sleep(0.02)
        with lock:
            reading[0] -= 1
        return ()

    monkeypatch.setattr(SpeechService, "explain", explain)
    studio = humming(tmp_path, "local")[0]
    for app, place, key in (
        (own_routes(studio), "/en/own/reading", "text"),
        (create_api(studio, tmp_path), "/api/read-as", "input"),
    ):
        with (
            TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client,
            ThreadPoolExecutor(8) as pool,
        ):
            answers = list(pool.map(lambda _: client.post(place, json={key: "Hello."}).status_code, range(8)))  # noqa: B023
        assert answers == [200] * 8 and most[0] <= 2, (place, answers, most)
