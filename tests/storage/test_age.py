"""What an age file asks for is read before anything is computed: no file can take the computer's memory."""

from __future__ import annotations

import os
import pty
import re
import shutil
from pathlib import Path
from typing import Any

import pyrage
import pytest

from gpt_sovits.crypto import age, vault
from gpt_sovits.errors import BusyError, CostlyError, InputError, RefusedError, VoiceError
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


@pytest.fixture(scope="module")
def written() -> bytes:
    """A data key for the passphrase: the work is done once."""
    return age.encrypt(b"k" * vault.KEY_BYTES, PASSPHRASE)


def test_no_door_computes_what_a_file_asks_too_much_of(
    registry: Registry,
    tmp_path: Path,
    worked: list[int],
    create: Any,
    written: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    voice, kept = create(), tmp_path / "backup"
    monkeypatch.setattr(vault, "wrap", lambda key, passphrase: written)
    registry.lock("local", voice, PASSPHRASE)
    place = next(registry.root.rglob(vault.WRAPPED))
    for work in ("22", "23", "24", "64", "99", "0", "00", "020", "-1", "1e1", "", "9999999999999"):
        data = asking(written, work)
        place.write_bytes(data)
        kept.write_bytes(b"gsbackup1\n" + len(data).to_bytes(4, "little") + data)
        for door in (
            lambda: registry.take_in("local", data, passphrase=PASSPHRASE),  # noqa: B023  # runs at once
            lambda: registry.unlock("local", voice, PASSPHRASE),
            lambda: registry.restore(kept, PASSPHRASE),
        ):
            with pytest.raises(InputError):
                door()
        assert worked == [], work


@pytest.mark.parametrize(
    "head", [b"-> X25519 abc\nabc\n-> scrypt {} 16\n", b"-> grease\n\n-> scrypt {} 23\n", b"-> scrypt {} 16 23\n"]
)
def test_the_stanza_that_is_read_is_the_one_that_counts(worked: list[int], head: bytes) -> None:
    data = age.HEAD + head.replace(b"{}", b"A" * 22) + b"abc\n--- abc\n"
    with pytest.raises(VoiceError):
        age.decrypt(data, PASSPHRASE)
    assert worked == []


def test_more_memory_than_there_is_free_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch, worked: list[int], written: bytes
) -> None:
    data = asking(written, "20")
    monkeypatch.setattr(age, "free_bytes", lambda: 2.0**30 - 1)
    with pytest.raises(InputError, match="more memory"):
        age.decrypt(data, PASSPHRASE)
    assert worked == []


def test_a_file_from_elsewhere_takes_much_only_when_it_is_allowed(
    registry: Registry, tmp_path: Path, worked: list[int], written: bytes
) -> None:
    """Earlier versions wrote what took a second where they ran, up to 2 GiB."""
    kept = tmp_path / "backup"
    for work in ("18", "21"):
        data = asking(written, work)
        kept.write_bytes(b"gsbackup1\n" + len(data).to_bytes(4, "little") + data)
        for door in (
            lambda costly: registry.take_in("local", data, passphrase=PASSPHRASE, costly=costly),  # noqa: B023
            lambda costly: registry.restore(kept, PASSPHRASE, costly=costly),
        ):
            before = len(worked)
            with pytest.raises(CostlyError, match=f"takes {2 ** (int(work) - 10)} MB"):
                door(False)
            assert len(worked) == before
            with pytest.raises(RefusedError):  # the work was done: the fixture says that the passphrase is wrong
                door(True)
            assert len(worked) == before + 1


@pytest.mark.parametrize("size", [0, 1, 2**16 - 1, 2**16, 2**16 + 1, 2**17])
def test_the_library_opens_what_is_written_here(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    assert pyrage.passphrase.decrypt(age.encrypt(data, "pass 词"), "pass 词") == data


@pytest.mark.skipif(shutil.which("age") is None, reason="needs the age tool (Debian: apt-get install age)")
def test_the_plain_tool_opens_what_is_written_here(tmp_path: Path, written: bytes) -> None:
    source, opened = tmp_path / "key.age", tmp_path / "key"
    source.write_bytes(written)
    process, terminal = pty.fork()
    if process == 0:
        os.execvp("age", ["age", "-d", "-o", str(opened), str(source)])
    while b"passphrase" not in os.read(terminal, 1000):
        pass
    os.write(terminal, PASSPHRASE.encode() + b"\n")
    assert os.waitpid(process, 0)[1] == 0 and opened.read_bytes() == b"k" * vault.KEY_BYTES
    os.close(terminal)


def test_what_is_written_here_is_read_here(written: bytes) -> None:
    assert age.decrypt(written, PASSPHRASE) == b"k" * vault.KEY_BYTES and age.is_locked(written)
    with pytest.raises(VoiceError, match="wrong, or the file is damaged"):
        age.decrypt(written[:-1], PASSPHRASE)


def test_a_busy_computer_is_not_a_wrong_passphrase(monkeypatch: pytest.MonkeyPatch, written: bytes) -> None:
    data, tries = written, iter((True, True, False))

    def busy_at_first(given: bytes, passphrase: str) -> bytes:
        if next(tries):
            raise pyrage.DecryptError("Excessive work parameter for passphrase.")
        return b"secret"

    monkeypatch.setattr(age, "_WAITS", (0.0, 0.0))
    monkeypatch.setattr(pyrage.passphrase, "decrypt", busy_at_first)
    assert age.decrypt(data, PASSPHRASE) == b"secret"
    tries = iter((True,) * 9)
    with pytest.raises(BusyError, match="too busy"):
        age.decrypt(data, PASSPHRASE)
