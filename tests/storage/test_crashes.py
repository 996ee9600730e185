"""The power fails at every single change that an operation makes to the disk; what is seen afterwards is whole.

Each operation runs once, and before each of its disk calls the disk is looked at: so it would lie there if the process
had died just then, with nothing of what was not yet handed to the system. Each such state that differs from the one
before is put into a folder of its own, where the next program starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpt_sovits import files
from gpt_sovits.crypto import vault
from gpt_sovits.errors import VoiceError
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.mixing import mix

from .conftest import make_voice, stage
from .older import make_older

PASSPHRASE = "four words are good"
NEW, NEXT = "r" + "5" * 20, "r" + "6" * 20
CALLS = ("open", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir", "chmod")


def look(data: Path) -> dict[str, bytes | None]:
    """All that lies in a folder: a file's content, None for a folder."""
    return {
        path.relative_to(data).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(data.rglob("*"))
    }


def crashes(operation: Callable[[Path], object], folder: Path) -> Iterator[Path]:
    """Folders with ``data`` in them: one for each state in which the operation could leave that of ``folder``."""
    original, found = folder / "original", []
    shutil.copytree(folder / "data", original / "data")

    def looked_at(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            now = look(original / "data")
            if not found or now != found[-1]:
                found.append(now)
            return real(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, looked_at(getattr(os, name)))
        operation(original)
    for number, content in enumerate([*found, look(original / "data")]):
        copy = folder / f"copy{number}"
        for name, held in content.items():
            place = copy / "data" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.mkdir(exist_ok=True) if held is None else place.write_bytes(held)
        yield copy
        shutil.rmtree(copy)


def state(registry: Registry) -> dict[str, object]:
    """Everything that a person can see, all of it verified."""
    assert registry.verify("local") == []
    seen: dict[str, object] = {}
    for card in registry.cards("local"):
        for version in card.versions if registry.is_open("local", card.id) else ():
            registry.load("local", card.id, version.id)
        versions = tuple(version.id for version in card.versions)
        seen[card.id] = (card.name, versions, card.default_version, card.locked)
    return seen


def admit_new(registry: Registry, folder: Path, known: str) -> None:
    registry.admit("local", "new", folder / "data/jobs" / NEW)


def admit_next(registry: Registry, folder: Path, known: str) -> None:
    registry.admit("local", "new", folder / "data/jobs" / NEXT)


def delete_version(registry: Registry, folder: Path, known: str) -> None:
    registry.delete_version("local", known, registry.versions("local", known)[0].id)


def take_in(registry: Registry, folder: Path, known: str) -> None:
    registry.take_in("local", (folder / "data/shared.gsvoice").read_bytes())


def rename(registry: Registry, folder: Path, known: str) -> None:
    registry.rename("local", known, "other name")


def delete(registry: Registry, folder: Path, known: str) -> None:
    registry.delete("local", known)


def save_mix(registry: Registry, folder: Path, known: str) -> None:
    a, b = registry.load("local", known), registry.load("local", sorted(set(state(registry)) - {known})[0])
    registry.save("local", "mixed", mix(a, b, 0.5), sample=b"RIFF")


def lock(registry: Registry, folder: Path, known: str) -> None:
    registry.lock("local", known, PASSPHRASE)


def remove_lock(registry: Registry, folder: Path, known: str) -> None:
    registry.remove_lock("local", known, PASSPHRASE)


def restore(registry: Registry, folder: Path, known: str) -> None:
    registry.restore(folder / "data/all.gsbackup", PASSPHRASE)


OPERATIONS = [admit_new, admit_next, rename, delete, delete_version, save_mix, take_in, lock, remove_lock, restore]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.__name__)
def test_a_crash_at_any_write_leaves_the_old_or_the_new_state(
    operation, create, registry, tmp_path, recording, quick_passphrases
):
    known, second = create("known", 1), create("second", 2)
    stage(tmp_path / "data/jobs", make_voice(5), recording, NEW)
    stage(tmp_path / "data/jobs", make_voice(6, id=known), recording, NEXT)
    if operation is delete_version:
        registry.admit("local", "x", stage(tmp_path / "more", make_voice(7, id=known), recording))
    shared = registry.export("local", known, recipient=registry.identity("local").recipient)
    (tmp_path / "data/shared.gsvoice").write_bytes(shared)
    if operation is restore:
        registry.backup(tmp_path / "data/all.gsbackup", PASSPHRASE)
        registry.delete("local", second)
    elif operation is remove_lock:
        registry.lock("local", known, PASSPHRASE)
    before = state(registry)
    seen = []
    for copy in crashes(lambda at: operation(Registry(at / "data" / "registry"), at, known), tmp_path):
        crashed = Registry(copy / "data" / "registry")
        after = state(crashed)
        seen.append(after == before)
        if known in after:
            crashed.rename("local", known, "the next writer works")
        else:
            with pytest.raises(VoiceError):
                crashed.rename("local", known, "gone")
        crashed.tidy()
        user = copy / "data/registry/users/local"
        known_names = {"voices", ".building", ".removed", "journal.jsonl", ".journal.jsonl.lock"}
        known_names |= {"identity.json", ".identity.json.lock"}
        assert {path.name for path in user.iterdir()} <= known_names
        crashed.journal("local").entries()
        assert not any(path for aside in (".building", ".removed") for path in (user / aside).rglob("*"))
        for aside in (".restoring", ".restored", ".removed"):
            assert not any((copy / "data/registry" / aside).rglob("*"))
        if known in after and after[known][3]:
            crashed.unlock("local", known, PASSPHRASE)
            assert crashed.load("local", known)
            assert not (user / "voices" / known / "key").exists()
        hidden = [path for path in user.rglob(".part-*")]
        assert hidden == [], hidden
    assert not seen[-1], "the operation changed nothing"
    assert seen == sorted(seen, reverse=True), "the new state went away again"
    assert len(seen) > 3


def unlock(registry: Registry, folder: Path, known: str) -> None:
    registry.unlock("local", known, PASSPHRASE)


def tidy(registry: Registry, folder: Path, known: str) -> None:
    registry.tidy()


@pytest.mark.parametrize("operation", [tidy, unlock], ids=lambda each: each.__name__)
def test_a_crash_while_an_older_voice_gets_a_key_of_today_loses_nothing(
    operation, create, registry, tmp_path, quick_passphrases
):
    known = create("known", 1)
    place = registry.root / "users/local/voices" / known
    make_older(place, PASSPHRASE if operation is unlock else "")
    before = state(registry)
    states = 0
    for copy in crashes(lambda at: operation(Registry(at / "data" / "registry"), at, known), tmp_path):
        states += 1
        crashed = Registry(copy / "data" / "registry")
        assert state(crashed) == before
        operation(crashed, copy, known)
        assert crashed.load("local", known).name == "known" and crashed.verify("local") == []
        here = copy / "data/registry/users/local/voices" / known
        key = crashed.data_key("local", known)
        assert key is not None and vault.is_of_today(key) and (here / "key").exists() == (operation is tidy)
        assert not (here / vault.NEXT).exists() and not list(here.rglob(".part-*"))
    assert states > 20


def test_what_a_kill_left_beside_a_file_goes_with_the_next_writing_of_it(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    out, other = tmp_path / "said.wav", tmp_path / f".part-{gone.pid}-abc-other.wav"
    left, mine = tmp_path / f".part-{gone.pid}-abc-said.wav", tmp_path / f".part-{os.getpid()}-abc-said.wav"
    for path in (left, mine, other):
        path.write_bytes(b"RIFF")
    assert files.unfinished(out).suffix == ".wav"
    assert not left.exists() and mine.exists() and other.exists()
    assert len(os.fsencode(files.unfinished(tmp_path / ("声" * 80 + ".wav")).name)) < 255
