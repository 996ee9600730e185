"""A locked voice: the disk alone yields nothing, the passphrase yields everything, and only in memory."""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch

from gpt_sovits.crypto import vault
from gpt_sovits.crypto.keyring import Keyring
from gpt_sovits.errors import InputError, RefusedError, VoiceError
from gpt_sovits.storage import erase, versions
from gpt_sovits.storage.registry import Registry

from .conftest import make_voice, stage

PASSPHRASE = "four words are good"


def pieces(contents: list[bytes]) -> set[bytes]:
    """Every 64-byte piece, at each 16th place, that is not mostly one value."""
    found = {data[at : at + 64] for data in contents for at in range(0, len(data) - 63, 16)}
    return {piece for piece in found if len(set(piece)) > 12}


def found_on_disk(folder: Path, wanted: set[bytes]) -> int:
    """How many of the pieces lie anywhere, at any offset, in any file below ``folder``."""
    blob = b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    return sum(piece in blob for piece in wanted)


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "minute.wav"
    path.write_bytes(os.urandom(20_000))
    return path


def test_a_copy_of_the_disk_yields_nothing_and_the_passphrase_everything(registry, tmp_path, noise):
    voice = make_voice(1, delta={"acoustic.a": torch.randn(60, 50).half(), "semantic.b": torch.randn(2000).half()})
    version = registry.admit("local", "Ana", stage(tmp_path / "data/jobs", voice, noise))
    names = list(version.files)
    plain = [registry.read_file("local", voice.id, version.id, name) for name in names]
    wanted = pieces(plain)
    assert len(wanted) > 1500
    assert found_on_disk(tmp_path, wanted) > 1000, "the scan must find the recording that lies beside the registry"
    noise.unlink()
    key = registry.data_key("local", voice.id)

    registry.lock("local", voice.id, PASSPHRASE)

    disk = tmp_path / "copy of the disk"
    shutil.copytree(tmp_path / "data", disk)
    assert found_on_disk(disk, wanted) == 0
    assert key is not None and key not in b"".join(p.read_bytes() for p in disk.rglob("*") if p.is_file())
    assert not list(disk.rglob("key"))
    thief = Registry(disk / "registry")
    for deed in (
        lambda: thief.load("local", voice.id),
        lambda: thief.read_file("local", voice.id, version.id, versions.SAMPLE),
        lambda: thief.export("local", voice.id, recipient=thief.identity("local").recipient),
    ):
        with pytest.raises(RefusedError, match="is locked"):
            deed()
    assert registry.card("local", voice.id).locked and registry.cards("local")[0].locked
    assert registry.verify("local") == []

    begun = time.perf_counter()
    with pytest.raises(RefusedError, match="passphrase is wrong") as wrong:
        registry.unlock("local", voice.id, "four words are bad.")
    for_wrong = time.perf_counter() - begun
    begun = time.perf_counter()
    registry.unlock("local", voice.id, PASSPHRASE)
    for_right = time.perf_counter() - begun
    assert str(wrong.value).count(".") == 2  # what is wrong, and what to do
    print(f"wrong {for_wrong:.2f} s, right {for_right:.2f} s")
    assert for_wrong > 0.05 and 0.2 < for_wrong / for_right < 5.0

    assert registry.load("local", voice.id).version_id == version.id
    assert found_on_disk(tmp_path / "data", wanted) == 0, "unlocking wrote something"
    assert registry.is_open("local", voice.id) and registry.card("local", voice.id).locked
    registry.relock("local", voice.id)
    with pytest.raises(RefusedError, match="is locked"):
        registry.load("local", voice.id)
    whats = [entry.what for entry in registry.journal("local").entries(voice.id)]
    assert whats == ["trained", "locked", "unlocked"]


def test_removing_the_lock_brings_it_back_for_good(registry, create, quick_passphrases, recording, tmp_path):
    voice_id = create()
    before = registry.load("local", voice_id)
    registry.lock("local", voice_id, PASSPHRASE)
    with pytest.raises(RefusedError, match="locked already"):
        registry.lock("local", voice_id, PASSPHRASE)
    with pytest.raises(RefusedError, match="Remove its lock"):
        registry.check_changeable("local", voice_id)
    with pytest.raises(RefusedError, match="Remove its lock"):
        registry.admit("local", "x", stage(tmp_path / "jobs", make_voice(2, id=voice_id), recording))
    with pytest.raises(RefusedError, match="wrong"):
        registry.remove_lock("local", voice_id, "wrong words are here")
    registry.remove_lock("local", voice_id, PASSPHRASE)
    after = Registry(registry.root).load("local", voice_id)
    assert all(torch.equal(before.delta[key], after.delta[key]) for key in before.delta)
    for deed in (registry.unlock, registry.remove_lock):
        with pytest.raises(InputError, match="not locked"):
            deed("local", voice_id, PASSPHRASE)
    with pytest.raises(InputError, match="fewer than 8"):
        registry.lock("local", voice_id, "short")


def test_it_locks_itself_after_some_idle_time():
    now, gone = [0.0], []
    ring = Keyring(60.0, lambda *name: gone.append(name), clock=lambda: now[0])
    ring.put("ana", "v1", b"k" * 32)
    now[0] = 59.0
    assert ring.get("ana", "v1") == b"k" * 32  # a use begins the time anew
    now[0] = 118.0
    assert ring.holds("ana", "v1")  # asking does not
    now[0] = 119.0
    assert ring.get("ana", "v1") is None and gone == [("ana", "v1")]
    assert ring.get("ben", "v1") is None


def test_an_idle_key_goes_although_nobody_asks():
    gone: list[tuple[str, str]] = []
    ring = Keyring(0.2, lambda *name: gone.append(name))
    ring.put("ana", "v1", b"k" * 32)
    end = time.monotonic() + 20
    while not gone and time.monotonic() < end:
        time.sleep(0.05)
    assert gone == [("ana", "v1")]


def test_a_key_that_a_crash_left_beside_the_lock_goes_with_the_next_writer(registry, create, quick_passphrases):
    voice_id = create()
    folder = registry.root / "users/local/voices" / voice_id
    key = (folder / "key").read_bytes()
    registry.lock("local", voice_id, PASSPHRASE)
    (folder / "key").write_bytes(key)
    with pytest.raises(RefusedError, match="is locked"):
        registry.load("local", voice_id)
    registry.rename("local", voice_id, "another name")
    assert not (folder / "key").exists()


def test_keys_are_overwritten_before_anything_else_goes(registry, create, monkeypatch):
    voice_id = create()
    deeds: list[str] = []
    real = os.unlink

    def unlink(path, *arguments, **options):
        name = os.path.basename(os.fspath(path))
        if name == "key":
            deeds.append(f"key of {os.stat(path, **options).st_size} bytes")
            assert open(path, "rb").read() != key  # overwritten, not only unlinked
        else:
            deeds.append(name)
        return real(path, *arguments, **options)

    key = registry.data_key("local", voice_id)
    monkeypatch.setattr(os, "unlink", unlink)
    registry.delete("local", voice_id)
    assert deeds[0] == "key of 32 bytes" and len(deeds) > 4


def test_without_the_key_what_a_disk_remembers_is_noise(registry, create):
    voice_id = create()
    folder = registry.root / "users/local/voices" / voice_id
    remembered = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    plain = [b"".join(content.read()) for content in registry.contents_of("local", voice_id)[1::2]]
    registry.delete("local", voice_id)
    stored = b"".join(data for name, data in remembered.items() if name not in ("key", "voice.json", "version.json"))
    assert pieces(plain) and not any(piece in stored for piece in pieces(plain))


@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20])
def test_files_of_any_size_come_back(tmp_path, size):
    data, key = os.urandom(size), vault.new_key()
    path = tmp_path / "a.bin"
    path.write_bytes(b"".join(vault.seal([data[:10], data[10:]], key, "a.bin")))
    assert b"".join(vault.open_file(path, key, "a.bin")) == data
    assert vault.size_of_content(path) == size
    for wrong in (vault.new_key(), key):
        with pytest.raises(InputError, match="changed"):
            b"".join(vault.open_file(path, wrong, "a.bin" if wrong != key else "b.bin"))


def test_pieces_cannot_be_swapped_or_cut_off(tmp_path):
    data, key = os.urandom(3 * 2**20), vault.new_key()
    stored = b"".join(vault.seal([data], key, "a"))
    piece = 2**20 + 16
    head, one, two, three = (
        stored[:24],
        stored[24 : 24 + piece],
        stored[24 + piece : 24 + 2 * piece],
        stored[24 + 2 * piece :],
    )
    for forged in (head + two + one + three, head + one + two, head + one, head + one + two + three[:-1], head):
        path = tmp_path / "a"
        path.write_bytes(forged)
        with pytest.raises(InputError, match="changed"):
            b"".join(vault.open_file(path, key, "a"))


def test_a_voice_of_an_older_program_is_encrypted_at_the_next_start(registry, create, tmp_path):
    voice_id = create()
    folder = registry.root / "users/local/voices" / voice_id
    before = registry.load("local", voice_id)
    key = registry.data_key("local", voice_id)
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".json" and path.name != "key":
            path.write_bytes(b"".join(vault.open_file(path, key, path.name)))
    (folder / "key").unlink()
    manifest = folder / "voice.json"
    manifest.write_text(manifest.read_text().replace('"schema": 2', '"schema": 1').replace(',\n "thaw": ""', ""))

    old = Registry(registry.root)
    assert torch.equal(old.load("local", voice_id).reference.style, before.reference.style)
    old.tidy()
    assert old.data_key("local", voice_id) and old.verify("local") == []
    assert all(vault.is_sealed(path) for path in folder.rglob("*.safetensors"))
    assert torch.equal(old.load("local", voice_id).reference.style, before.reference.style)


def test_a_locked_voice_can_be_destroyed_without_its_passphrase(registry, create, quick_passphrases):
    voice_id = create()
    registry.lock("local", voice_id, PASSPHRASE)
    receipt = erase.receipt(voice_id, "now", [voice_id], registry.contents_of("local", voice_id))
    assert not erase.scan([registry.root / "users/local/voices"], receipt).clean
    registry.delete("local", voice_id)
    assert erase.scan([registry.root / "users/local/voices"], receipt).clean


def test_who_reads_while_another_locks_is_never_told_of_damage(registry, create, quick_passphrases) -> None:
    """Some files are under the old key then and some under the new one."""
    voice, other = create(), Registry(registry.root)
    version = other.card("local", voice).default_version

    def lock_and_unlock() -> None:
        for _ in range(12):
            registry.lock("local", voice, PASSPHRASE)
            registry.remove_lock("local", voice, PASSPHRASE)

    def read() -> list[str]:
        said = list(other.verify("local"))
        heard = partial(other.read_file, "local", voice, version, "sample.wav")
        for deed in (partial(other.load, "local", voice), heard):
            try:
                deed()
            except VoiceError as error:
                said.append(str(error))
        return [each for each in said if "is locked" not in each]

    with ThreadPoolExecutor(1) as beside:
        writing = beside.submit(lock_and_unlock)
        while not writing.done():
            assert read() == []
        writing.result()
    assert read() == [] and other.load("local", voice)
