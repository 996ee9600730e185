"""Many voices are listed at once, and any sequence of deeds by two people, with crashes, leaves the registry whole."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gpt_sovits.errors import MissingError, RefusedError
from gpt_sovits.registry.mix import mix
from gpt_sovits.registry.store import Registry

from .conftest import make_voice, stage


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
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    rebuilt = seconds(lambda: [registry.cards(user) for user in registry.users()])
    listed = min(seconds(lambda: registry.cards("user7")) for _ in range(5))
    assert sum(len(registry.cards(user)) for user in registry.users()) == 1000
    print(f"rebuild of the index {rebuilt:.2f} s, list of 50 voices {listed * 1000:.1f} ms")
    assert rebuilt < 10.0 and listed < 0.25  # on a quiet machine 0.05


USERS = st.sampled_from(["ana", "ben"])
PICK = st.integers(0, 10**6)


class Deeds(RuleBasedStateMachine):
    """The registry beside a plain dictionary of what should be in it."""

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.folder = Path(tempfile.mkdtemp())
        self.recording = self.folder / "r.wav"
        self.recording.write_bytes(bytes(range(200)) * 5)
        self.registry = Registry(self.folder / "registry")
        self.model: dict[str, dict[str, dict]] = {"ana": {}, "ben": {}}
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def pick(self, user: str, number: int) -> str | None:
        ids = sorted(self.model[user])
        return ids[number % len(ids)] if ids else None

    @rule(user=USERS)
    def create(self, user: str) -> None:
        self.count += 1
        voice = make_voice(self.count, id=f"v{self.count:020d}", owner=user)
        version = self.registry.admit(user, f"n{self.count}", stage(self.folder / "jobs", voice, self.recording))
        self.model[user][voice.id] = {"name": f"n{self.count}", "versions": [version.id], "frozen": False, "of": []}

    @rule(user=USERS, number=PICK)
    def retrain(self, user: str, number: int) -> None:
        if voice_id := self.pick(user, number):
            self.count += 1
            staged = stage(self.folder / "jobs", make_voice(self.count, id=voice_id), self.recording)
            if self.model[user][voice_id]["frozen"]:
                self.refused(lambda: self.registry.admit(user, "x", staged))
            else:
                self.model[user][voice_id]["versions"].append(self.registry.admit(user, "x", staged).id)

    @rule(user=USERS, number=PICK)
    def rename(self, user: str, number: int) -> None:
        if voice_id := self.pick(user, number):
            self.count += 1
            if self.model[user][voice_id]["frozen"]:
                self.refused(lambda: self.registry.rename(user, voice_id, "other"))
            else:
                self.registry.rename(user, voice_id, f"n{self.count}")
                self.model[user][voice_id]["name"] = f"n{self.count}"

    @rule(user=USERS, number=PICK, frozen=st.booleans())
    def freeze(self, user: str, number: int, frozen: bool) -> None:
        if voice_id := self.pick(user, number):
            (self.registry.freeze if frozen else self.registry.unfreeze)(user, voice_id)
            self.model[user][voice_id]["frozen"] = frozen

    @rule(user=USERS, one=PICK, other=PICK)
    def save_mix(self, user: str, one: int, other: int) -> None:
        a, b = self.pick(user, one), self.pick(user, other)
        if a and b:
            self.count += 1
            mixed = mix(self.registry.load(user, a), self.registry.load(user, b), 0.5)
            voice_id = self.registry.save(user, f"n{self.count}", mixed)
            version = self.registry.versions(user, voice_id)[0].id
            entry = {"name": f"n{self.count}", "versions": [version], "frozen": False, "of": [a, b]}
            self.model[user][voice_id] = entry

    @rule(user=USERS, number=PICK)
    def delete(self, user: str, number: int) -> None:
        if voice_id := self.pick(user, number):
            held = any(voice_id in entry["of"] for entry in self.model[user].values())
            if self.model[user][voice_id]["frozen"] or held:
                self.refused(lambda: self.registry.delete(user, voice_id))
            else:
                self.registry.delete(user, voice_id)
                del self.model[user][voice_id]

    @rule(user=USERS, number=PICK)
    def reach_for_the_others_voice(self, user: str, number: int) -> None:
        other = "ben" if user == "ana" else "ana"
        if voice_id := self.pick(other, number):
            for deed in (self.registry.load, self.registry.delete, self.registry.freeze, self.registry.versions):
                try:
                    deed(user, voice_id)
                    raise AssertionError("a user reached another's voice")
                except MissingError:
                    pass

    @rule()
    def lose_the_index(self) -> None:
        (self.registry.root / "index.sqlite3").unlink(missing_ok=True)

    @rule()
    def crash_and_restart(self) -> None:
        """What a dead process leaves: half a folder aside, an unfinished file, and nobody who holds the lock."""
        for user in ("ana", "ben"):
            half = self.registry.root / "users" / user / ".building" / "dead" / "v1"
            half.mkdir(parents=True, exist_ok=True)
            (half / "delta.safetensors").write_bytes(b"half")
        self.registry = Registry(self.registry.root)

    def refused(self, deed) -> None:
        try:
            deed()
        except RefusedError:
            return
        raise AssertionError("it was not refused")

    @precondition(lambda self: hasattr(self, "model"))
    @invariant()
    def the_disk_is_what_it_should_be(self) -> None:
        for user, voices in self.model.items():
            cards = {card.id: card for card in self.registry.cards(user)}
            assert {voice_id: card.name for voice_id, card in cards.items()} == {
                voice_id: entry["name"] for voice_id, entry in voices.items()
            }
            for voice_id, entry in voices.items():
                assert [version.id for version in cards[voice_id].versions] == entry["versions"]
                assert cards[voice_id].frozen == entry["frozen"]
            assert self.registry.verify(user) == []
            self.registry.journal(user).entries()


TestDeeds = Deeds.TestCase
TestDeeds.settings = settings(
    max_examples=12, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
