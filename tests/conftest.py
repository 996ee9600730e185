"""Fixtures shared by all tests: a throw-away data folder, the read-only material beside the checkout, a browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gpt_sovits.settings import Settings
from tests.random_base import write_random_base

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose data folder is empty and vanishes with the test; CPU, one thread."""
    return Settings(data_dir=tmp_path / "data", device="cpu", threads=1)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ../shared (fixtures, manifests, corpus); tests that need it skip where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the project's shared material at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of an installed Chromium. On CI its absence is a failure, elsewhere a skip."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail("Chromium is not installed; .ci/run installs it")
    pytest.skip("needs Chromium (Debian: apt-get install chromium)")


@pytest.fixture(scope="session")
def models_with_random_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose only installed base, ``tiny``, is small and random: for what needs networks, not quality."""
    data = tmp_path_factory.mktemp("data")
    write_random_base(data / "models" / "tiny")
    return data
