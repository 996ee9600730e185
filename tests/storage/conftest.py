"""Small voices with random numbers: the registry never looks at what the tensors mean."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import argon2
import pytest
import torch

from gpt_sovits.crypto import vault
from gpt_sovits.errors import RefusedError
from gpt_sovits.features.reference import Reference
from gpt_sovits.files import make_private, sha256_of
from gpt_sovits.storage import accounts, versions
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.consent import Consent, now
from gpt_sovits.voices.ids import new_id
from gpt_sovits.voices.voice import Voice

Create = Callable[..., str]


def consent(**changes: str) -> Consent:
    words = {"who": "Ana", "purpose": "reading to my children", "statement": "This is my voice and I agree."}
    return Consent(**{**words, **changes})


def make_voice(seed: int = 0, base: str = "mini", **changes: object) -> Voice:
    generator = torch.Generator().manual_seed(seed)
    reference = Reference(
        style=torch.randn(1, 8, 1, generator=generator),
        codes=torch.randint(0, 32, (20,), generator=generator),
        phones=(1, 2, 3, seed),
        text=f"text {seed}",
        language="en",
    )
    delta = {
        "acoustic.a": torch.randn(4, 3, generator=generator).half(),
        "semantic.b": torch.randn(5, generator=generator).half(),
        f"acoustic.only{seed}": torch.randn(2, generator=generator).half(),
    }
    values: dict = dict(
        id=new_id("v"),
        name=f"voice {seed}",
        owner="local",
        base=base,
        version_id=None,
        reference=reference,
        delta=delta,
        consent=None,
        created=now(),
        made_by={"kind": "trained", "seconds_of_speech": 61.5},
    )
    return Voice(**{**values, **changes})


def stage(folder: Path, voice: Voice, recording: Path, version: str | None = None) -> Path:
    """A finished version in a folder that the registry has not seen yet."""
    voice = replace(voice, consent=consent().bind(sha256_of(recording)))
    staged = make_private(folder) / (version or new_id("r"))
    versions.write(staged, voice, recording=recording)
    versions.add_sample(staged, b"RIFFsample")
    return staged


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies loses nothing that it wrote; only a power cut needs the disk to have it."""
    monkeypatch.setattr("os.fsync", lambda handle: None)


@pytest.fixture
def quick_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passphrases without the seconds of work; ``test_lock`` and the voice files go through the real ones."""

    def mask(key: bytes, passphrase: str) -> bytes:
        pad = hashlib.sha256(passphrase.encode()).digest()
        return bytes(one ^ other for one, other in zip(key, pad, strict=True))

    def unwrap(data: bytes, passphrase: str, costly: bool = True) -> bytes:
        key = mask(data[:32], passphrase)
        if hashlib.sha256(key).digest() != data[32:]:
            raise RefusedError("The passphrase is wrong.", "Type it again.")
        return key

    monkeypatch.setattr(vault, "wrap", lambda key, passphrase: mask(key, passphrase) + hashlib.sha256(key).digest())
    monkeypatch.setattr(vault, "unwrap", unwrap)
    monkeypatch.setattr(accounts, "HASHER", argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "data" / "registry")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "My minute.WAV"
    path.write_bytes(bytes(range(256)) * 64)
    return path


@pytest.fixture
def create(registry: Registry, recording: Path, tmp_path: Path) -> Create:
    """Store a trained voice and return its id."""

    def make(name: str = "Ana", seed: int = 0, user: str = "local", base: str = "mini", **changes: object) -> str:
        voice = make_voice(seed, base, owner=user, **changes)
        registry.admit(user, name, stage(tmp_path / "jobs", voice, recording))
        return voice.id

    return make
