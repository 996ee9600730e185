"""Many voices are listed at once, and any sequence of deeds by two people, with crashes, leaves the registry whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gpt_sovits.errors import InputError, MissingError, RefusedError
from gpt_sovits.files import sha256_of
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.mixing import mix

from .conftest import make_voice, stage
from .test_crashes import CALLS

PASSPHRASE = "four words are good"


def survives(operation: Callable[[], object], crash_at: int) -> bool:
    """Run ``operation`` in a child that dies just before its ``crash_at``-th disk call."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    count = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            nonlocal count
            count += 1
            if count == crash_at:
                os._exit(9)
            return real(*arguments, **options)

        return call

    try:
        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        operation()
        os._exit(0)
    except BaseException as error:  # noqa: BLE001  # the child must never come back into pytest
        print(repr(error), file=sys.stderr)
        os._exit(1)


def test_a_thousand_voices_of_twenty_people(registry, recording, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    voice = make_voice(1)
    registry.admit("user0", "first", stage(tmp_path / "jobs", voice, recording))
    first = registry.root / "users/user0/voices" / voice.id
    for number in range(1, 1000):
        user, voice_id = f"user{number % 20}", f"v{number:020d}"
        folder = registry.root / "users" / user / "voices" / voice_id
        shutil.copytree(first, folder)
        for path in folder.rglob("*.json"):
            text = path.read_text().replace(voice.id, voice_id).replace('"user0"', f'"{user}"')
            path.write_text(text.replace('"first"', f'"voice {number}"'))

    def seconds(work) -> float:
        begin = time.process_time()  # a busy machine makes everything wait; what is promised is for a quiet one
        work()
        return time.process_time() - begin

    rebuilt = seconds(lambda: [registry.cards(user) for user in registry.users()])
    listed = min(seconds(lambda: registry.cards("user7")) for _ in range(5))
    assert sum(len(registry.cards(user)) for user in registry.users()) == 1000
    print(f"rebuild of the index {rebuilt:.2f} s, list of 50 voices {listed * 1000:.1f} ms")
    assert rebuilt < 10.0 and listed < 0.05


USERS = st.sampled_from(["ana", "ben"])
PICK = st.integers(0, 10**6)
DEEDS = st.sampled_from(["rename", "delete", "lock", "freeze"])


class Deeds(RuleBasedStateMachine):
    """The registry beside a plain dictionary of what should be in it, with the power failing now and then."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.registry = Registry(self.folder / "registry")
        self.model: dict[str, dict[str, dict]] = {"ana": {}, "ben": {}}
        self.gone: list[tuple[str, bytes]] = []
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def pick(self, user: str, number: int, *, locked: bool | None = False) -> str | None:
        """One of the user's voices; locked ones only where asked for (None: any)."""
        ids = sorted(key for key, entry in self.model[user].items() if locked in (None, entry["locked"]))
        return ids[number % len(ids)] if ids else None

    def staged(self, user: str, voice_id: str) -> Path:
        recording = self.folder / "r.wav"
        recording.write_bytes(hashlib.sha512(str(self.count).encode()).digest() * 3)
        return stage(self.folder / "jobs", make_voice(self.count, id=voice_id, owner=user), recording)

    @rule(user=USERS)
    def create(self, user: str) -> None:
        self.count += 1
        voice_id = f"v{self.count:020d}"
        version = self.registry.admit(user, f"n{self.count}", self.staged(user, voice_id))
        self.model[user][voice_id] = entry(f"n{self.count}", [version.id])

    @rule(user=USERS, number=PICK)
    def retrain(self, user: str, number: int) -> None:
        if voice_id := self.pick(user, number, locked=None):
            self.count += 1
            staged, known = self.staged(user, voice_id), self.model[user][voice_id]
            if known["frozen"] or known["locked"] or known["of"]:
                self.refused(lambda: self.registry.admit(user, "x", staged))
            else:
                known["versions"].append(self.registry.admit(user, "x", staged).id)

    @rule(user=USERS, number=PICK)
    def rename(self, user: str, number: int) -> None:
        if voice_id := self.pick(user, number, locked=None):
            self.count += 1
            if self.model[user][voice_id]["frozen"]:
                self.refused(lambda: self.registry.rename(user, voice_id, "other"))
            else:
                self.registry.rename(user, voice_id, f"n{self.count}")
                self.model[user][voice_id]["name"] = f"n{self.count}"

    @rule(user=USERS, number=PICK)
    def freeze(self, user: str, number: int) -> None:
        if voice_id := self.pick(user, number, locked=None):
            known = self.model[user][voice_id]
            if known["locked"]:
                self.refused(lambda: self.registry.freeze(user, voice_id, PASSPHRASE))
            else:
                self.registry.freeze(user, voice_id, PASSPHRASE)
                known["frozen"] = known["frozen"] or self.bytes_of(user, voice_id)

    @rule(user=USERS, number=PICK, right=st.booleans())
    def unfreeze(self, user: str, number: int, right: bool) -> None:
        voice_id = self.pick(user, number, locked=None)
        if voice_id and self.model[user][voice_id]["locked"]:
            self.refused(lambda: self.registry.unfreeze(user, voice_id, PASSPHRASE))
        elif voice_id and right:
            self.registry.unfreeze(user, voice_id, PASSPHRASE)
            self.model[user][voice_id]["frozen"] = None
        elif voice_id and self.model[user][voice_id]["frozen"]:
            self.refused(lambda: Registry(self.registry.root).unfreeze(user, voice_id, "a wrong passphrase"))

    @rule(user=USERS, number=PICK)
    def lock(self, user: str, number: int) -> None:
        if voice_id := self.pick(user, number):
            known = self.model[user][voice_id]
            known["clear"] = self.clear(user, voice_id)
            self.registry.lock(user, voice_id, PASSPHRASE)
            known["locked"] = True
            known["frozen"] = known["frozen"] and self.bytes_of(user, voice_id)  # the same voice under another key
            self.refused(lambda: self.registry.load(user, voice_id))

    @rule(user=USERS, number=PICK, for_good=st.booleans())
    def unlock(self, user: str, number: int, for_good: bool) -> None:
        if voice_id := self.pick(user, number, locked=True):
            self.refused(lambda: self.registry.unlock(user, voice_id, "a wrong passphrase"))
            if for_good:
                self.registry.remove_lock(user, voice_id, PASSPHRASE)
                self.model[user][voice_id]["locked"] = False
                assert self.clear(user, voice_id) == self.model[user][voice_id]["clear"]
            else:
                self.registry.unlock(user, voice_id, PASSPHRASE)
                assert self.registry.load(user, voice_id).id == voice_id
                assert self.clear(user, voice_id) == self.model[user][voice_id]["clear"]
                self.registry.relock(user, voice_id)

    @rule(user=USERS, one=PICK, other=PICK)
    def save_mix(self, user: str, one: int, other: int) -> None:
        a, b = self.pick(user, one), self.pick(user, other)
        if a and b:
            self.count += 1
            mixed = mix(self.registry.load(user, a), self.registry.load(user, b), 0.5)
            voice_id = self.registry.save(user, f"n{self.count}", mixed)
            version = self.registry.versions(user, voice_id)[0].id
            self.model[user][voice_id] = entry(f"n{self.count}", [version], [a, b])

    @rule(user=USERS, number=PICK)
    def delete(self, user: str, number: int) -> None:
        if voice_id := self.pick(user, number, locked=None):
            if self.held(user, voice_id):
                self.refused(lambda: self.registry.delete(user, voice_id))
            else:
                traces = self.traces(user, voice_id)
                self.registry.delete(user, voice_id)
                self.forget(user, voice_id, traces)

    @rule(user=USERS, number=PICK, at=st.integers(1, 45), deed=DEEDS)
    def the_power_fails_during(self, user: str, number: int, at: int, deed: str) -> None:
        """Just before the ``at``-th change to the disk; what is then there is the state before or the one after."""
        voice_id = self.pick(user, number)
        if not voice_id or self.held(user, voice_id) or sys.platform == "win32":
            return
        self.count += 1
        more = {"rename": [f"n{self.count}"], "delete": [], "lock": [PASSPHRASE], "freeze": [PASSPHRASE]}[deed]
        traces = self.traces(user, voice_id)
        survives(lambda: getattr(self.registry, deed)(user, voice_id, *more), at)
        self.registry = Registry(self.registry.root)
        self.registry.tidy()
        cards = {card.id: card for card in self.registry.cards(user)}
        known = self.model[user][voice_id]
        if voice_id not in cards:
            assert deed == "delete"
            self.forget(user, voice_id, traces)
            return
        assert cards[voice_id].name in (known["name"], f"n{self.count}" if deed == "rename" else known["name"])
        assert not cards[voice_id].locked or deed == "lock"
        assert not cards[voice_id].frozen or deed == "freeze"
        frozen = self.bytes_of(user, voice_id) if cards[voice_id].frozen else None
        known.update(name=cards[voice_id].name, locked=cards[voice_id].locked, frozen=frozen)

    @rule(user=USERS, number=PICK)
    def reach_for_the_others_voice(self, user: str, number: int) -> None:
        other = "ben" if user == "ana" else "ana"
        if voice_id := self.pick(other, number, locked=None):
            registry = self.registry
            with_a_secret = (registry.freeze, registry.unfreeze, registry.lock, registry.unlock, registry.remove_lock)
            deeds = [registry.load, registry.delete, registry.versions, registry.card, registry.contents_of]
            deeds += [partial(self.with_secret, deed) for deed in with_a_secret]
            for deed in deeds:
                try:
                    deed(user, voice_id)
                except MissingError:
                    continue
                raise AssertionError("a user reached another's voice")

    def with_secret(self, deed, user: str, voice_id: str) -> None:
        deed(user, voice_id, PASSPHRASE)

    def clear(self, user: str, voice_id: str) -> list[bytes]:
        """What a voice's files hold once they are read with its key."""
        kept = [version.id for version in self.registry.versions(user, voice_id)]
        return [self.registry.read_file(user, voice_id, version, "sample.wav") for version in kept]

    @rule()
    def lose_the_index(self) -> None:
        (self.registry.root / "index.sqlite3").unlink(missing_ok=True)

    @rule()
    def restart(self) -> None:
        self.registry = Registry(self.registry.root)

    def held(self, user: str, voice_id: str) -> bool:
        in_a_mix = any(voice_id in known["of"] for known in self.model[user].values())
        return in_a_mix or bool(self.model[user][voice_id]["frozen"])

    def traces(self, user: str, voice_id: str) -> list[bytes]:
        """A piece of everything that is stored of a voice, as it lies there and as it was before."""
        data = [b"".join(content.read()) for content in self.registry.contents_of(user, voice_id)]
        return [each[-64:] for each in data if each != b"RIFFsample"]

    def forget(self, user: str, voice_id: str, traces: list[bytes]) -> None:
        del self.model[user][voice_id]
        self.gone += [(voice_id, trace) for trace in traces]

    def bytes_of(self, user: str, voice_id: str) -> dict[str, str]:
        folder = self.registry.root / "users" / user / "voices" / voice_id / "versions"
        return {str(path): sha256_of(path) for path in folder.rglob("*") if path.is_file()}

    def refused(self, deed) -> None:
        try:
            deed()
        except (RefusedError, InputError):
            return
        raise AssertionError("it was not refused")

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def the_disk_is_what_it_should_be(self) -> None:
        for user, voices in self.model.items():
            cards = {card.id: card for card in self.registry.cards(user)}
            assert {voice_id: card.name for voice_id, card in cards.items()} == {
                voice_id: known["name"] for voice_id, known in voices.items()
            }
            for voice_id, known in voices.items():
                assert [version.id for version in cards[voice_id].versions] == known["versions"]
                assert (cards[voice_id].frozen, cards[voice_id].locked) == (bool(known["frozen"]), known["locked"])
                assert known["frozen"] in (None, self.bytes_of(user, voice_id)), "frozen bytes changed"
            assert self.registry.verify(user) == []
            self.registry.journal(user).entries()
        files = [path for path in (self.registry.root / "users").rglob("*") if path.is_file()]
        everything = b"\0".join(path.read_bytes() for path in files)
        for voice_id, trace in self.gone:
            assert trace not in everything and not any(voice_id in str(path) for path in files)


def entry(name: str, versions: list[str], of: list[str] | None = None) -> dict:
    """What the model knows of a voice; ``frozen``: the hashes of its files when it was frozen."""
    return {"name": name, "versions": versions, "frozen": None, "locked": False, "of": of or []}


@pytest.mark.usefixtures("quick_passphrases")
def test_any_sequence_of_deeds_by_two_people_leaves_the_registry_whole() -> None:
    steps = settings(
        max_examples=10,
        stateful_step_count=18,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    run_state_machine_as_test(Deeds, settings=steps)
