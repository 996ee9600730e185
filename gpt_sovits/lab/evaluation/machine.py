"""What this machine can do at best: bytes read and multiplications per second. The bench divides by these."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

READ_BYTES = 256 << 20  # far more than any cache
MATRIX = 1024


@dataclass(frozen=True)
class Limits:
    """Measured with ``threads`` threads: ``bandwidth`` in GB/s read from memory, ``gflops`` of fp32 matrix products."""

    threads: int
    bandwidth: float
    gflops: float


def best_time(work: Callable[[], object], *, rounds: int = 5) -> float:
    """Seconds of the fastest of some rounds, after one to warm up: the least disturbed by other programs."""
    work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(threads: int) -> Limits:
    """Measure with ``threads`` threads; restores torch's setting."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            many = torch.ones(READ_BYTES // 4)
            bandwidth = READ_BYTES / best_time(many.sum) / 1e9
            a, b = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
            gflops = 2 * MATRIX**3 / best_time(lambda: a @ b) / 1e9
    finally:
        torch.set_num_threads(before)
    return Limits(threads, bandwidth, gflops)


def describe() -> str:
    """The processor's name and torch's version."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux: the short name will do
    return f"{name}, torch {torch.__version__}"
