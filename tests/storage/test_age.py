"""What an age file asks for is read before anything is computed: no file can take the computer's memory."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyrage
import pytest

from gpt_sovits.crypto import age, vault
from gpt_sovits.errors import BusyError, InputError, VoiceError
from gpt_sovits.storage.registry import Registry

PASSPHRASE = "four words are good"


def asking(data: bytes, work: str) -> bytes:
    """The same age file with another work factor in its head."""
    return re.sub(rb"(?<=\n)(-> scrypt \S+) \d+\n", rb"\1 " + work.encode() + rb"\n", data, count=1)


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much scrypt was given to do; it is never done."""
    given: list[int] = []

    def decrypt(data: bytes, passphrase: str) -> bytes:
        given.append(len(data))
        raise pyrage.DecryptError("no")

    monkeypatch.setattr(pyrage.passphrase, "decrypt", decrypt)
    return given


@pytest.mark.parametrize("work", ["22", "23", "24", "64", "99", "0", "00", "020", "-1", "1e1", "", "9999999999999"])
def test_no_door_computes_what_a_file_asks_too_much_of(
    registry: Registry, tmp_path: Path, worked: list[int], create: Any, work: str
) -> None:
    data = asking(age.encrypt(b"x" * vault.KEY_BYTES, PASSPHRASE), work)
    voice = create()
    registry.lock("local", voice, PASSPHRASE)
    place = next(registry.root.rglob(vault.WRAPPED))
    place.write_bytes(data)
    kept = tmp_path / "backup"
    kept.write_bytes(b"gsbackup1\n" + len(data).to_bytes(4, "little") + data)
    for door in (
        lambda: registry.take_in("local", data, passphrase=PASSPHRASE),
        lambda: registry.unlock("local", voice, PASSPHRASE),
        lambda: registry.restore(kept, PASSPHRASE),
    ):
        with pytest.raises(InputError):
            door()
    assert worked == []


@pytest.mark.parametrize(
    "head", [b"-> X25519 abc\nabc\n-> scrypt {} 16\n", b"-> grease\n\n-> scrypt {} 23\n", b"-> scrypt {} 16 23\n"]
)
def test_the_stanza_that_is_read_is_the_one_that_counts(worked: list[int], head: bytes) -> None:
    data = age.HEAD + head.replace(b"{}", b"A" * 22) + b"abc\n--- abc\n"
    with pytest.raises(VoiceError):
        age.decrypt(data, PASSPHRASE)
    assert worked == []


def test_more_memory_than_there_is_free_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, worked: list[int]) -> None:
    data = asking(age.encrypt(b"content", PASSPHRASE), "20")
    monkeypatch.setattr(age, "free_bytes", lambda: 2.0**30 - 1)
    with pytest.raises(InputError, match="more memory"):
        age.decrypt(data, PASSPHRASE)
    assert worked == []


def test_nothing_is_written_that_would_not_be_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library chooses the work by what a second is here: a voice locked under more would be lost."""
    real, factors = pyrage.passphrase.encrypt, iter(("22", "23", "20"))
    monkeypatch.setattr(pyrage.passphrase, "encrypt", lambda data, word: asking(real(data, word), next(factors)))
    assert b" 20\n" in age.encrypt(b"key", PASSPHRASE)[:100]
    factors = iter(("22",) * 9)
    with pytest.raises(BusyError):
        age.encrypt(b"key", PASSPHRASE)


def test_what_is_written_here_is_read_here() -> None:
    data = age.encrypt(b"content", PASSPHRASE)
    assert age.decrypt(data, PASSPHRASE) == b"content" and age.is_locked(data)
    with pytest.raises(VoiceError, match="wrong, or the file is damaged"):
        age.decrypt(data[:-1], PASSPHRASE)


def test_a_busy_computer_is_not_a_wrong_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    data, real, tries = age.encrypt(b"secret", PASSPHRASE), pyrage.passphrase.decrypt, iter((True, True, False))

    def busy_at_first(given: bytes, passphrase: str) -> bytes:
        if next(tries):
            raise pyrage.DecryptError("Excessive work parameter for passphrase.")
        return bytes(real(given, passphrase))

    monkeypatch.setattr(age, "_WAITS", (0.0, 0.0))
    monkeypatch.setattr(pyrage.passphrase, "decrypt", busy_at_first)
    assert age.decrypt(data, PASSPHRASE) == b"secret"
    tries = iter((True,) * 9)
    with pytest.raises(BusyError, match="too busy"):
        age.decrypt(data, PASSPHRASE)
