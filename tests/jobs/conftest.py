"""A real Redis server for the tests of the shared queue."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server of our own on this computer; skips where Redis is not installed."""
    redis = pytest.importorskip("redis", reason="needs redis (pip install -r requirements-dev.txt)")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("needs a Redis server (Debian: apt-get install redis-server)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    client = redis.Redis.from_url(url)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            client.ping()
            break
        except redis.RedisError:
            time.sleep(0.05)
    yield url
    server.terminate()
    server.wait(timeout=30)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The same server, empty."""
    import redis

    redis.Redis.from_url(redis_server).flushall()
    return redis_server
