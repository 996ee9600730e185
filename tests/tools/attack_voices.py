"""Attacks on voices as they lie on the disk: edited words, swapped keys, links, crafted backups and files, races.

    python -m tests.tools.attack_voices [--only WORD]

Each works on a copy of one small data folder. Held means: what is refused is refused in a sentence (a ``VoiceError``,
or an ``OSError`` that the command line makes one of), no voice does what its terms forbid, the other voice stays as it
is, and nothing is left beside. Prints a line for each kind and each failure; exit code 1 with failures.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gpt_sovits.crypto import vault
from gpt_sovits.errors import VoiceError
from gpt_sovits.storage import voicefile
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.mixing import blend, mix
from gpt_sovits.voices.terms import Terms
from tests.storage.conftest import make_voice, quick_passphrases, stage

PASSPHRASE, OTHER = "four words are good", "four other words here"
NASTY: list[object] = [
    None, 0, -1, 1e308, True, False, "", "x" * 5000, "../../x", "\ud800", [], [[]], {}, {"a": {}}, ["r1"], 2**70,
]  # fmt: skip
LENT = Terms(mix=False, retrain=False, export=False, until="2999-12-31")
Attack = tuple[str, str, Callable[[Path], None]]


class Failed(AssertionError):
    """An attack that got through."""


class Place:
    """A data folder with Lent (shared under terms, frozen), Own, Mix of Own and Third, and Locked."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "registry"
        self.registry = Registry(self.root)
        names = json.loads((folder / "names.json").read_text())
        self.lent, self.own, self.third, self.mix, self.locked = names
        self.folder = folder

    def of(self, voice_id: str) -> Path:
        return self.root / "users/local/voices" / voice_id

    def version(self, voice_id: str) -> Path:
        return next((self.of(voice_id) / "versions").iterdir())


def prepare(folder: Path) -> None:
    registry, recording = Registry(folder / "registry"), folder / "r.wav"
    folder.mkdir(parents=True, exist_ok=True)
    recording.write_bytes(bytes(range(256)) * 16)

    def put(name: str, seed: int) -> str:
        voice = make_voice(seed)
        registry.admit("local", name, stage(folder / "jobs", voice, recording))
        return voice.id

    source = put("Lent", 1)
    mine = registry.identity("local").recipient
    lent = registry.take_in("local", registry.export("local", source, recipient=mine, terms=LENT))
    registry.delete("local", source)
    own, third, locked = put("Own", 2), put("Third", 3), put("Locked", 4)
    saved = registry.save("local", "Mix", mix(registry.load("local", own), registry.load("local", third), 0.5))
    registry.freeze("local", lent, PASSPHRASE)
    registry.lock("local", locked, PASSPHRASE)
    recording.unlink()
    shutil.rmtree(folder / "jobs")
    (folder / "names.json").write_text(json.dumps([lent, own, third, saved, locked]))


def edit(path: Path, **changes: object) -> None:
    value = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**value, **changes}), encoding="utf-8")


def refused(work: Callable[[], object], what: str) -> None:
    try:
        work()
    except (VoiceError, OSError):
        return
    raise Failed(f"{what} was not refused")


def sentence(work: Callable[[], object]) -> object:
    """Whatever happens is a value or a sentence."""
    try:
        return work()
    except (VoiceError, OSError) as error:
        return error


def keeps_its_terms(place: Place) -> None:
    """The lent voice does nothing that it may not, whoever edited what; the own one is as it was."""
    registry = Registry(place.root)
    refused(lambda: registry.export("local", place.lent, recipient=registry.identity("local").recipient), "export")
    refused(lambda: registry.check_changeable("local", place.lent), "training")
    refused(lambda: registry.rename("local", place.lent, "Free"), "renaming a frozen voice")
    damaged = [each for each in registry.verify("local") if "is damaged" in each or "belongs to" in each]
    if not damaged:  # such a one nobody can use; it may go
        refused(lambda: registry.delete("local", place.lent), "deleting a frozen voice")
    loaded = sentence(lambda: registry.load("local", place.lent))
    if not isinstance(loaded, Exception):
        refused(lambda: blend([loaded, registry.load("local", place.own)], [1, 1]), "mixing")  # type: ignore[list-item]
    others_stand(place, registry)


def others_stand(place: Place, registry: Registry | None = None) -> None:
    registry = registry or Registry(place.root)
    registry.tidy()
    if registry.load("local", place.own).name != "Own" or "Own" not in [c.name for c in registry.cards("local")]:
        raise Failed("another voice was harmed")
    sentence(lambda: registry.verify("local"))
    left = [path for path in place.root.rglob(".part-*")]
    if left:
        raise Failed(f"left beside: {left}")


# -------------------------------------------------------------------------------------------------------------- words


def words() -> Iterator[Attack]:
    fields = {"id", "owner", "created", "kind", "parents", "default_version", "frozen", "terms", "signer", "thaw"}
    for field in sorted(fields | {"schema", "seal", "digest", "more"}):
        for number, nasty in enumerate(NASTY):

            def attack(folder: Path, field: str = field, nasty: object = nasty) -> None:
                place = Place(folder)
                edit(place.of(place.lent) / "voice.json", **{field: nasty})
                others_stand(place)
                keeps_its_terms(place)

            yield "words of a voice", f"{field}={number}", attack
    for field in ("id", "voice", "number", "created", "base", "consent", "files", "recording", "seconds", "label"):
        for number, nasty in enumerate(NASTY):

            def version_attack(folder: Path, field: str = field, nasty: object = nasty) -> None:
                place = Place(folder)
                manifest = place.version(place.lent) / "version.json"
                if json.loads(manifest.read_text()).get(field) == nasty:
                    return
                edit(manifest, **{field: nasty})
                refused(lambda: Registry(place.root).load("local", place.lent), "an edited version")
                others_stand(place)

            yield "words of a version", f"{field}={number}", version_attack


# --------------------------------------------------------------------------------------------------------------- keys


def keys() -> Iterator[Attack]:
    def another_key(place: Place) -> None:
        shutil.copy(place.of(place.own) / "key", place.of(place.lent) / "key")
        refused(lambda: place.registry.load("local", place.lent), "another's key")

    def anothers_lock(place: Place) -> None:
        registry = place.registry
        registry.lock("local", place.third, OTHER)
        shutil.copy(place.of(place.third) / "key.age", place.of(place.locked) / "key.age")
        refused(lambda: registry.unlock("local", place.locked, OTHER), "another's lock")

    def an_own_lock(place: Place) -> None:
        (place.of(place.locked) / "key.age").write_bytes(vault.wrap(vault.new_key(), OTHER))
        refused(lambda: place.registry.unlock("local", place.locked, OTHER), "a new lock")

    def an_older_lock(place: Place) -> None:
        (place.of(place.locked) / "key.age").write_bytes(vault.wrap(os.urandom(32), OTHER))
        refused(lambda: place.registry.unlock("local", place.locked, OTHER), "an older lock")
        refused(lambda: place.registry.remove_lock("local", place.locked, OTHER), "an older lock")

    def a_key_beside_the_lock(place: Place) -> None:
        (place.of(place.locked) / "key").write_bytes(vault.new_key())
        refused(lambda: place.registry.load("local", place.locked), "a key beside the lock")

    def the_lock_taken_away(place: Place) -> None:
        (place.of(place.locked) / "key.age").unlink()
        refused(lambda: place.registry.load("local", place.locked), "no lock")
        refused(lambda: place.registry.lock("local", place.locked, OTHER), "locking anew")

    def the_lock_replaced_by_a_key(place: Place) -> None:
        (place.of(place.locked) / "key.age").unlink()
        (place.of(place.locked) / "key").write_bytes(vault.new_key())
        refused(lambda: place.registry.load("local", place.locked), "a made-up key")

    def planted_next(place: Place) -> None:
        """A decision that nobody made, with another voice's files and a lock whose passphrase is known."""
        registry = place.registry
        registry.lock("local", place.third, OTHER)
        shutil.copytree(place.of(place.third), place.of(place.locked) / vault.NEXT)
        refused(lambda: registry.unlock("local", place.locked, OTHER), "a planted folder")

    def planted_next_open(place: Place) -> None:
        shutil.copytree(place.of(place.third), place.of(place.lent) / vault.NEXT)
        refused(lambda: place.registry.load("local", place.lent), "a planted folder")

    def empty_next(place: Place) -> None:
        (place.of(place.lent) / vault.NEXT).mkdir()
        place.registry.load("local", place.lent)
        if (place.of(place.lent) / vault.NEXT).exists():
            raise Failed("the empty folder stays")

    def next_is_a_link(place: Place) -> None:
        outside = place.folder / "outside"
        outside.mkdir()
        (outside / "precious").write_bytes(b"x")
        (place.of(place.lent) / vault.NEXT).symlink_to(outside)
        sentence(lambda: place.registry.load("local", place.lent))
        sentence(lambda: place.registry.tidy())
        if not (outside / "precious").is_file():
            raise Failed("a file outside went")

    def next_is_a_file(place: Place) -> None:
        (place.of(place.lent) / vault.NEXT).write_bytes(b"x")
        place.registry.load("local", place.lent)
        place.registry.lock("local", place.own, PASSPHRASE)
        (place.of(place.own) / vault.NEXT).unlink(missing_ok=True)
        place.registry.remove_lock("local", place.own, PASSPHRASE)

    def key_of_zeros(place: Place) -> None:
        (place.of(place.lent) / "key").write_bytes(bytes(32))
        refused(lambda: place.registry.load("local", place.lent), "a key of zeros")

    def key_too_long(place: Place) -> None:
        key = (place.of(place.lent) / "key").read_bytes()
        (place.of(place.lent) / "key").write_bytes(key + b"\n")
        refused(lambda: place.registry.load("local", place.lent), "a longer key")

    def key_without_end(place: Place) -> None:
        (place.of(place.lent) / "key").unlink()
        (place.of(place.lent) / "key").symlink_to("/dev/zero")
        began = time.monotonic()
        refused(lambda: place.registry.load("local", place.lent), "a key without end")
        if time.monotonic() - began > 20:
            raise Failed("it hung")

    def lock_without_end(place: Place) -> None:
        (place.of(place.locked) / "key.age").unlink()
        (place.of(place.locked) / "key.age").symlink_to("/dev/zero")
        refused(lambda: place.registry.unlock("local", place.locked, PASSPHRASE), "a lock without end")

    def wholly_plain(place: Place) -> None:
        """All files decrypted, the key taken away: what an older program left, but under a seal of today."""
        folder = place.of(place.own)
        key = vault.read_key(folder)
        for path in list(folder.rglob("*")):
            if path.is_file() and path.suffix != ".json" and path.name != "key":
                path.write_bytes(b"".join(vault.open_file(path, key, path.name)))
        (folder / "key").unlink()
        Registry(place.root).tidy()
        if not vault.is_sealed(place.version(place.own) / "delta.safetensors"):
            raise Failed("it stays plain")

    for name, attack in list(locals().items()):
        if callable(attack):
            yield "keys", name, lambda folder, attack=attack, name=name: on(folder, attack, name != "wholly_plain")


def on(folder: Path, attack: Callable[[Place], None], stand: bool = True) -> None:
    place = Place(folder)
    attack(place)
    if stand:
        others_stand(place)


# -------------------------------------------------------------------------------------------------------------- links


def links() -> Iterator[Attack]:
    targets = {"zero": "/dev/zero", "passwd": "/etc/passwd", "itself": "loop", "nothing": "nowhere", "folder": "/etc"}
    places = [
        "voice.json",
        "key",
        "versions",
        "delta.safetensors",
        "reference.safetensors",
        "version.json",
        "sample.wav",
    ]
    for name in places:
        for what, target in targets.items():

            def attack(folder: Path, name: str = name, what: str = what, target: str = target) -> None:
                place = Place(folder)
                inside = name in ("voice.json", "key", "versions")
                path = (place.of(place.lent) if inside else place.version(place.lent)) / name
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                path.symlink_to(path if what == "itself" else target)
                if name == "sample.wav":
                    read = place.version(place.lent).name
                    refused(lambda: place.registry.read_file("local", place.lent, read, name), "a link")
                else:
                    refused(lambda: place.registry.load("local", place.lent), "a link")
                others_stand(place)

            yield "links", f"{name} to {what}", attack

    def another_users(place: Place) -> None:
        home = place.root / "users/ben/voices"
        home.mkdir(parents=True)
        (home / place.own).symlink_to(place.of(place.own))
        refused(lambda: place.registry.load("ben", place.own), "another user's voice by a link")
        sentence(lambda: place.registry.delete("ben", place.own))

    def twin(place: Place) -> None:
        twin = "v" + "7" * 20
        shutil.copytree(place.of(place.lent), place.of(twin))
        refused(lambda: place.registry.load("local", twin), "a copy under another id")

    def twin_renamed(place: Place) -> None:
        twin = "v" + "7" * 20
        shutil.copytree(place.of(place.lent), place.of(twin))
        edit(place.of(twin) / "voice.json", id=twin, frozen=False)
        refused(lambda: place.registry.load("local", twin), "a copy under another id")

    def anothers_version(place: Place) -> None:
        source = place.version(place.own)
        shutil.copytree(source, place.of(place.lent) / "versions" / source.name)
        refused(lambda: place.registry.load("local", place.lent, source.name), "another's version")

    def anothers_files(place: Place) -> None:
        for name in ("delta.safetensors", "reference.safetensors"):
            shutil.copy(place.version(place.own) / name, place.version(place.lent) / name)
        refused(lambda: place.registry.load("local", place.lent), "another's files")

    def swapped_files(place: Place) -> None:
        one, two = (place.version(place.own) / each for each in ("delta.safetensors", "reference.safetensors"))
        data = one.read_bytes(), two.read_bytes()
        one.write_bytes(data[1]), two.write_bytes(data[0])
        refused(lambda: place.registry.load("local", place.own), "swapped files")

    for name, work in list(locals().items()):
        if callable(work) and name not in ("attack",):
            yield "links", name, lambda folder, work=work, name=name: on(folder, work, name != "swapped_files")


# ------------------------------------------------------------------------------------------------- backups and files


def archives() -> Iterator[Attack]:
    def crafted(change: Callable[[Place], None]) -> Callable[[Place], None]:
        def attack(place: Place) -> None:
            change(place)
            out, other = place.folder / "all", Registry(place.folder / "other" / "registry")
            place.registry.backup(out, PASSPHRASE)
            result = sentence(lambda: other.restore(out, PASSPHRASE))
            if not isinstance(result, Exception):
                refused(
                    lambda: other.export("local", place.lent, recipient=other.identity("local").recipient), "export"
                )
                refused(lambda: other.rename("local", place.lent, "x"), "renaming a frozen voice")
            assert not [path for path in (other.root).rglob("*.part")]
            assert not any((other.root / ".restoring").rglob("*"))

        return attack

    lent = {
        "free terms": lambda p: edit(p.of(p.lent) / "voice.json", terms=Terms().to_json()),
        "thawed": lambda p: edit(p.of(p.lent) / "voice.json", frozen=False, thaw=""),
        "no seal": lambda p: edit(p.of(p.lent) / "voice.json", seal="", frozen=False),
        "older": lambda p: edit(p.of(p.lent) / "voice.json", schema=2, seal="", frozen=False, terms=Terms().to_json()),
        "owner": lambda p: edit(p.of(p.lent) / "voice.json", owner="ben"),
        "key gone": lambda p: (p.of(p.lent) / "key").unlink(),
        "another key": lambda p: shutil.copy(p.of(p.own) / "key", p.of(p.lent) / "key"),
        "both keys": lambda p: shutil.copy(p.of(p.locked) / "key.age", p.of(p.lent) / "key.age"),
        "locked edited": lambda p: edit(p.of(p.locked) / "voice.json", kind="mix"),
        "planted next": lambda p: shutil.copytree(p.of(p.third), p.of(p.lent) / vault.NEXT),
        "version edited": lambda p: edit(p.version(p.lent) / "version.json", base="other"),
        "its own parent": lambda p: edit(
            p.of(p.mix) / "voice.json", parents=[{"voice": p.mix, "name": "x", "version": "r1", "share": 1.0}]
        ),
        "identity of another": lambda p: (p.root / "users/local/identity.json").unlink(),
        "journal junk": lambda p: (p.root / "users/local/journal.jsonl").write_bytes(b"\0" * 5000),
    }
    for name, change in lent.items():
        yield "backups", name, lambda folder, change=change: on(folder, crafted(change), False)

    def wound(place: Place, at: float, flip: int) -> None:
        out = place.folder / "all"
        place.registry.backup(out, PASSPHRASE)
        data = bytearray(out.read_bytes())
        data[int(at * (len(data) - 1))] ^= flip
        out.write_bytes(data)
        other = Registry(place.folder / "other" / "registry")
        refused(lambda: other.restore(out, PASSPHRASE), "a changed backup")

    for at in (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0):
        yield "backups", f"bit at {at}", lambda folder, at=at: on(folder, lambda place: wound(place, at, 4))

    paths = [
        f"users/local/voices/v{'1' * 20}/.next/key", f"users/local/voices/v{'1' * 20}/takes/t1/take",
        "users/local/.building/x", "users/local/voices/.lock", "users/../x", "users/local/voices/con/key",
        "users/local/account.json/x", "users/aux/journal.jsonl", "users/local//journal.jsonl", "users/local/./x.json",
    ]  # fmt: skip
    for path in paths:

        def bring(place: Place, path: str = path) -> None:
            key = vault.new_key()
            wrapped = vault.wrap(key, PASSPHRASE)
            listed = json.dumps([[path, 1]]).encode()
            plain = [len(listed).to_bytes(8, "little") + listed + b"x"]
            head = b"gsbackup1\n" + len(wrapped).to_bytes(4, "little") + wrapped
            out = place.folder / "forged"
            out.write_bytes(head + b"".join(vault.seal(plain, key, "backup")))
            other = Registry(place.folder / "other" / "registry")
            refused(lambda: other.restore(out, PASSPHRASE), "a path")

        yield "backups", path, lambda folder, bring=bring: on(folder, bring)

    def sealed(place: Place) -> voicefile.Sealed:
        registry, version = place.registry, place.version(place.own)
        key = registry.data_key("local", place.own)
        manifest = registry.manifest("local", place.own)
        from gpt_sovits.storage import versions

        return voicefile.collect(version, versions.manifest_of(version, key), manifest, Terms(), key)

    person = Consent("Ana", "x", "I agree.", recording_sha256="0" * 64)
    forged: dict[str, Callable[[Place, voicefile.Sealed], voicefile.Sealed]] = {
        "no consent": lambda p, s: replace(s, consent=replace(person, statement="")),
        "another's without a statement": lambda p, s: replace(s, consent=replace(person, own=False)),
        "may not speak": lambda p, s: replace(s, terms=Terms(speak=False)),
        "over": lambda p, s: replace(s, terms=Terms(until="2001-01-01")),
        "a direction in its name": lambda p, s: replace(s, name="An\u202ea"),
        "a mix of nothing": lambda p, s: replace(s, kind="mix"),
        "parents but no mix": lambda p, s: replace(s, made_by={"parents": [parent(p.own)]}),
        "a share of two": lambda p, s: replace(s, kind="mix", made_by={"parents": [parent(p.own, 2.0)]}),
        "a parent that is a path": lambda p, s: replace(s, kind="mix", made_by={"parents": [parent("../x")]}),
        "no number": lambda p, s: replace(s, seconds=float("nan")),
        "weights that are text": lambda p, s: replace(s, files={**s.files, "delta.safetensors": b"hello"}),
        "weights cut": lambda p, s: replace(s, files={n: c[:-3] for n, c in s.files.items()}),
        "weights swapped": lambda p, s: replace(
            s, files={"delta.safetensors": s.files["reference.safetensors"], "reference.safetensors": b""}
        ),
        "an endless header": lambda p, s: replace(
            s, files={**s.files, "delta.safetensors": b"\xff" * 8 + b"{}"}
        ),
    }  # fmt: skip

    def parent(voice: str, share: float = 0.5) -> dict[str, object]:
        return {"voice": voice, "name": "x", "version": "r" + "1" * 20, "share": share}

    for name, change_file in forged.items():

        def take(place: Place, change_file: Callable[..., voicefile.Sealed] = change_file) -> None:
            identity = place.registry.identity("local")
            data = voicefile.seal(change_file(place, sealed(place)), identity.signing)
            before = {card.id for card in place.registry.cards("local")}
            refused(
                lambda: place.registry.take_in("local", voicefile.encrypt(data, recipient=identity.recipient)), "it"
            )
            assert {card.id for card in place.registry.cards("local")} == before

        yield "voice files", name, lambda folder, take=take: on(folder, take)


# -------------------------------------------------------------------------------------------------------------- mixes


def mixes() -> Iterator[Attack]:
    def forged_terms(place: Place) -> None:
        registry = place.registry
        lent = replace(registry.load("local", place.lent), terms=Terms())
        made = blend([lent, registry.load("local", place.own)], [1, 1])
        refused(lambda: registry.save("local", "M", made), "a mix of a voice that may not be mixed")

    def forged_parents(place: Place) -> None:
        registry = place.registry
        made = mix(registry.load("local", place.own), registry.load("local", place.third), 0.5)
        made = replace(
            made, made_by={**made.made_by, "parents": [{"voice": "v1", "name": "x", "version": "", "share": 1}]}
        )
        refused(lambda: registry.save("local", "M", made), "parents that are not here")

    def without_consent(place: Place) -> None:
        registry = place.registry
        made = mix(registry.load("local", place.own), registry.load("local", place.third), 0.5)
        refused(lambda: registry.save("local", "M", replace(made, consent=None)), "no consent")

    def deleting_a_part(place: Place) -> None:
        refused(lambda: place.registry.delete("local", place.third), "deleting a part of a mix")

    def deleting_a_part_of_an_edited_mix(place: Place) -> None:
        edit(place.of(place.mix) / "voice.json", parents=[], kind="trained")
        refused(lambda: place.registry.delete("local", place.third), "deleting a part of a mix")
        refused(lambda: place.registry.load("local", place.mix), "an edited mix")

    def pruning_a_part(place: Place) -> None:
        version = place.version(place.third).name
        refused(lambda: place.registry.delete_version("local", place.third, version), "pruning a part")

    def a_locked_part(place: Place) -> None:
        place.registry.lock("local", place.third, OTHER)
        refused(lambda: place.registry.delete("local", place.third), "deleting a locked part of a mix")
        place.registry.load("local", place.mix)

    def mixing_a_locked_one(place: Place) -> None:
        refused(lambda: place.registry.load("local", place.locked), "a locked part")

    def training_a_mix(place: Place) -> None:
        refused(lambda: place.registry.check_changeable("local", place.mix), "training a mix")

    def a_frozen_mix(place: Place) -> None:
        place.registry.freeze("local", place.mix, PASSPHRASE)
        refused(lambda: place.registry.delete("local", place.mix), "a frozen mix")

    def a_name_that_is_an_id(place: Place) -> None:
        place.registry.rename("local", place.third, place.own)
        assert place.registry.card("local", place.own).name == "Own"

    for name, work in list(locals().items()):
        if callable(work):
            yield "mixes and names", name, lambda folder, work=work: on(folder, work)


# -------------------------------------------------------------------------------------------------------------- races


def races() -> Iterator[Attack]:
    def lock(place: Place, voice: str) -> None:
        place.registry.lock("local", voice, PASSPHRASE)

    deeds: dict[str, Callable[[Place, str], object]] = {
        "lock": lock,
        "rename": lambda p, v: p.registry.rename("local", v, f"n{os.getpid()}"),
        "load": lambda p, v: [p.registry.load("local", v) for _ in range(5)],
        "delete": lambda p, v: p.registry.delete("local", v),
        "freeze": lambda p, v: p.registry.freeze("local", v, PASSPHRASE),
        "tidy": lambda p, v: p.registry.tidy(),
        "backup": lambda p, v: p.registry.backup(p.folder / f"b{os.getpid()}", PASSPHRASE),
        "export": lambda p, v: p.registry.export("local", v, recipient=p.registry.identity("local").recipient),
        "mix": lambda p, v: p.registry.save(
            "local", "M", mix(p.registry.load("local", v), p.registry.load("local", p.own), 0.5)
        ),
        "remove lock": lambda p, v: p.registry.remove_lock("local", v, PASSPHRASE),
        "unlock": lambda p, v: p.registry.unlock("local", v, PASSPHRASE),
    }
    pairs = [
        ("lock", "lock"), ("lock", "rename"), ("lock", "load"), ("lock", "delete"), ("lock", "freeze"),
        ("lock", "tidy"), ("lock", "backup"), ("lock", "export"), ("lock", "mix"), ("delete", "mix"),
        ("delete", "freeze"), ("delete", "load"), ("rename", "rename"), ("freeze", "rename"), ("export", "delete"),
        ("remove lock", "unlock"), ("remove lock", "remove lock"), ("unlock", "delete"), ("backup", "delete"),
    ]  # fmt: skip
    for one, two in pairs:

        def attack(folder: Path, one: str = one, two: str = two) -> None:
            place = Place(folder)
            voice = place.locked if "remove lock" in (one, two) or "unlock" in (one, two) else "v" + "8" * 20
            if voice != place.locked:
                made = replace(make_voice(8), id=voice)
                (folder / "r.wav").write_bytes(bytes(4096))
                place.registry.admit("local", "Raced", stage(folder / "jobs", made, folder / "r.wav"))
            context = multiprocessing.get_context("fork")
            said: multiprocessing.queues.Queue[str] = context.Queue()

            def run(name: str) -> None:
                try:
                    sentence(lambda: deeds[name](Place(folder), voice))
                    said.put("")
                except BaseException:  # noqa: BLE001  # whatever it is, it is told
                    said.put(traceback.format_exc())

            racers = [context.Process(target=run, args=(name,)) for name in (one, two)]
            for racer in racers:
                racer.start()
            answers = [said.get(timeout=120) for _ in racers]
            for racer in racers:
                racer.join()
            if any(answers):
                raise Failed("".join(answers))
            registry = Registry(place.root)
            registry.tidy()
            if registry.verify("local"):
                raise Failed(str(registry.verify("local")))
            if voice in {card.id for card in registry.cards("local")}:
                if not registry.is_open("local", voice):
                    registry.unlock("local", voice, PASSPHRASE)
                registry.load("local", voice)
            for card in registry.cards("local"):
                gone = [parent for parent in card.parents if not registry.holds("local", parent)]
                if card.name == "M" and gone:
                    raise Failed("a mix holds a part of a voice that is gone")
            others_stand(place, registry)

        yield "races", f"{one} and {two}", attack


def main() -> int:
    options = argparse.ArgumentParser(description="Attack voices on the disk.")
    options.add_argument("--only", default="", help="kinds or names with this word")
    asked = options.parse_args()
    patch = pytest.MonkeyPatch()
    quick_passphrases.__wrapped__(patch) if hasattr(quick_passphrases, "__wrapped__") else None
    patch.setattr("os.fsync", lambda handle: None)
    tried, failed = Counter(), Counter()  # type: ignore[var-annotated]
    with tempfile.TemporaryDirectory(prefix="attacks-") as top:
        prepare(Path(top) / "whole")
        for source in (words, keys, links, archives, mixes, races):
            for kind, name, attack in source():
                if asked.only not in f"{kind} {name}":
                    continue
                folder = Path(top) / "copy"
                shutil.copytree(Path(top) / "whole", folder)
                tried[kind] += 1
                try:
                    attack(folder)
                except BaseException as error:  # noqa: BLE001  # that is what is looked for
                    failed[kind] += 1
                    last = traceback.extract_tb(error.__traceback__)[-1]
                    sys.stdout.write(f"FAILED {kind}: {name}: {type(error).__name__}: {str(error)[:600]} at {last}\n")
                shutil.rmtree(folder, ignore_errors=True)
    for kind, count in tried.items():
        sys.stdout.write(f"{kind}: {count} tried, {failed[kind]} failed\n")
    sys.stdout.write(f"all: {sum(tried.values())} tried, {sum(failed.values())} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
