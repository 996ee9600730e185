"""What a voice says of itself cannot be edited, and what an older program stored still opens."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock, Timeout

from gpt_sovits.crypto import seals, vault
from gpt_sovits.errors import InputError, RefusedError, ResourceError, VoiceError
from gpt_sovits.storage import takes, versions
from gpt_sovits.storage.registry import Registry
from gpt_sovits.storage.takes import Take, TakeShelf
from gpt_sovits.voices.mixing import mix
from gpt_sovits.voices.terms import Terms

from .conftest import make_voice, stage
from .older import edit, make_older

PASSPHRASE = "four words are good"


def place(registry: Registry, voice_id: str) -> Path:
    return registry.root / "users/local/voices" / voice_id


def version_of(folder: Path) -> Path:
    return next((folder / "versions").iterdir())


def shared(registry: Registry, create, **terms: object) -> str:
    """A voice that somebody else shared under terms."""
    mine = registry.identity("local").recipient
    return registry.take_in("local", registry.export("local", create("Lent"), recipient=mine, terms=Terms(**terms)))


EDITS = {
    "terms": lambda folder: edit(folder / "voice.json", terms=Terms().to_json()),
    "a later end": lambda folder: edit(folder / "voice.json", terms=Terms(export=False, until="2999-12-31").to_json()),
    "not frozen": lambda folder: edit(folder / "voice.json", frozen=False, thaw=""),
    "another passphrase": lambda folder: edit(folder / "voice.json", thaw="$argon2id$v=19$m=8,t=1,p=1$YWFhYWFhYWE$YQ"),
    "another version": lambda folder: edit(folder / "voice.json", default_version="r" + "0" * 20),
    "parents": lambda folder: edit(
        folder / "voice.json", kind="mix", parents=[{"voice": "v1", "name": "x", "version": "r1", "share": 1.0}]
    ),
    "kind": lambda folder: edit(folder / "voice.json", kind="invented"),
    "signer": lambda folder: edit(folder / "voice.json", signer="0" * 64),
    "no seal": lambda folder: edit(folder / "voice.json", seal=None, signer="0" * 64),
    "an older schema": lambda folder: edit(folder / "voice.json", schema=2, seal=None, terms=Terms().to_json()),
    "the oldest schema": lambda folder: edit(folder / "voice.json", schema=1, seal=None, thaw=None),
    "another's seal": lambda folder: edit(folder / "voice.json", terms=Terms().to_json(), seal="f" * 64),
    "a seal of no form": lambda folder: edit(folder / "voice.json", terms=Terms().to_json(), seal="Ünform"),
    "a version's seal": lambda folder: edit(
        folder / "voice.json", seal=json.loads((version_of(folder) / "version.json").read_text())["seal"], kind="mix"
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_voice_is_refused_whatever_is_asked(registry, create, quick_passphrases, name, tmp_path):
    voice_id, other = shared(registry, create, export=False, until="2999-01-01"), create("Other", 2)
    registry.freeze("local", voice_id, "melt me slowly")
    EDITS[name](place(registry, voice_id))
    again = Registry(registry.root)
    for deed in (
        lambda: again.load("local", voice_id),
        lambda: again.export("local", voice_id, recipient=again.identity("local").recipient),
        lambda: again.rename("local", voice_id, "x"),
        lambda: again.unfreeze("local", voice_id, "melt me slowly"),
        lambda: again.lock("local", voice_id, PASSPHRASE),
        lambda: again.delete("local", voice_id),
        lambda: again.check_changeable("local", voice_id),
    ):
        with pytest.raises(VoiceError):
            deed()
    with pytest.raises(InputError, match="'Lent' was changed outside"):
        again.load("local", voice_id)
    assert [each for each in again.verify("local") if "changed outside" in each]
    assert again.load("local", other) and "Lent" in [card.name for card in again.cards("local")]


VERSION_EDITS = {
    "hash": lambda version: swap(version, None),
    "consent": lambda version: edit(
        version / "version.json",
        consent={**json.loads((version / "version.json").read_text())["consent"], "who": "Ben"},
    ),
    "base": lambda version: edit(version / "version.json", base="other"),
    "no seal": lambda version: edit(version / "version.json", seal=None),
    "an older schema": lambda version: edit(version / "version.json", schema=2, seal=None),
}


def swap(version: Path, key: bytes | None) -> None:
    """Put the weights of another voice in place, with their hash."""
    delta = versions._packed({"acoustic.a": torch.ones(4, 3).half()})
    entry = versions.put(version / versions.DELTA, delta, key)
    files = json.loads((version / "version.json").read_text(encoding="utf-8"))["files"]
    edit(version / "version.json", files={**files, versions.DELTA: {"sha256": entry.sha256, "bytes": entry.bytes}})


@pytest.mark.parametrize("name", VERSION_EDITS)
def test_an_edited_version_is_refused(registry, create, name):
    voice_id = create()
    VERSION_EDITS[name](version_of(place(registry, voice_id)))
    with pytest.raises(InputError, match="changed outside"):
        registry.load("local", voice_id)
    with pytest.raises(InputError, match="changed"):
        registry.read_file("local", voice_id, version_of(place(registry, voice_id)).name, versions.SAMPLE)
    assert len(registry.verify("local")) == 1


@pytest.mark.parametrize("name", [*EDITS, *VERSION_EDITS, "plain"])
def test_of_a_locked_voice_it_is_noticed_when_it_is_unlocked(registry, create, quick_passphrases, name):
    voice_id = shared(registry, create, export=False, until="2999-01-01")
    folder = place(registry, voice_id)
    registry.freeze("local", voice_id, "melt me slowly")
    registry.lock("local", voice_id, PASSPHRASE)
    if name == "plain":
        path = version_of(folder) / versions.SAMPLE
        path.write_bytes(b"RIFFsample")
        assert len(registry.verify("local")) == 1
    elif name in EDITS:
        EDITS[name](folder)
    else:
        VERSION_EDITS[name](version_of(folder))
    for deed in (registry.unlock, registry.remove_lock):
        with pytest.raises(InputError, match="changed"):
            deed("local", voice_id, PASSPHRASE)
    assert not registry.is_open("local", voice_id) and vault.is_locked(folder) and not (folder / "key").exists()


def test_where_a_key_exists_no_plain_file_is_read(registry, create):
    voice_id = create()
    version = version_of(place(registry, voice_id))
    plain = registry.read_file("local", voice_id, version.name, versions.DELTA)
    (version / versions.DELTA).write_bytes(plain)
    with pytest.raises(InputError, match="changed"):
        registry.load("local", voice_id)
    registry.tidy()
    assert (version / versions.DELTA).read_bytes() == plain and len(registry.verify("local")) == 1


def test_a_key_of_before_the_lock_opens_nothing_after_it(registry, create, quick_passphrases, tmp_path):
    voice_id = create()
    folder = place(registry, voice_id)
    registry.backup(tmp_path / "before", PASSPHRASE)
    key, before = (folder / "key").read_bytes(), registry.load("local", voice_id)
    registry.lock("local", voice_id, PASSPHRASE)
    shutil.copytree(registry.root, tmp_path / "copy")
    thief = Registry(tmp_path / "copy")
    (place(thief, voice_id) / "key.age").unlink()
    (place(thief, voice_id) / "key").write_bytes(key)
    with pytest.raises(InputError, match="changed"):
        thief.load("local", voice_id)
    assert not (folder / vault.NEXT).exists()
    result = registry.restore(tmp_path / "before", PASSPHRASE)
    assert result.voices == () and result.conflicts == (), "it is the same voice under another key"
    registry.remove_lock("local", voice_id, PASSPHRASE)
    after = Registry(registry.root).load("local", voice_id)
    assert all(torch.equal(before.delta[name], after.delta[name]) for name in before.delta)
    assert registry.verify("local") == [] and (folder / "key").read_bytes() != key


def test_takes_come_under_the_new_key_too(registry, create, quick_passphrases, monkeypatch):
    voice_id = create()
    shelf = TakeShelf(registry, "local")
    take = Take("t" + "1" * 20, voice_id, "Ana", "", "Hello.", "en", 1.0, 0.3, 1, "2026-01-01", 1.0, ())
    shelf.add(take, b"RIFF what was spoken", stored=True)
    registry.lock("local", voice_id, PASSPHRASE)
    assert shelf.all() == []
    registry.unlock("local", voice_id, PASSPHRASE)
    assert shelf.all() == [take] and shelf.sound(take.id) == b"RIFF what was spoken"
    monkeypatch.setattr(takes, "MOST_TAKES", 1)
    with pytest.raises(InputError, match="Too many takes"):
        shelf.add(replace(take, id="t" + "2" * 20), b"RIFF", stored=True)
    monkeypatch.setattr(takes, "MOST_TAKES", 2)
    written, puts = takes.put, []

    def full(path, data, key):  # the disk, at the second file; nobody may change the key meanwhile
        puts.append(path)
        with pytest.raises(Timeout):
            FileLock(str(registry.root / ".lock")).acquire(timeout=0)
        if len(puts) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(path, data, key)

    monkeypatch.setattr(takes, "put", full)
    with pytest.raises(ResourceError):
        shelf.add(replace(take, id="t" + "2" * 20), b"RIFF", stored=True)
    assert shelf.all() == [take] and not puts[0].parent.exists()


def test_a_locked_voice_keeps_its_seal_through_what_needs_no_key(registry, create, quick_passphrases):
    voice_id = create()
    registry.lock("local", voice_id, PASSPHRASE)
    registry.rename("local", voice_id, "Another name")
    with pytest.raises(RefusedError, match="locked"):
        registry.freeze("local", voice_id, "melt me slowly")
    registry.unlock("local", voice_id, PASSPHRASE)
    registry.freeze("local", voice_id, "melt me slowly")
    registry.relock("local", voice_id)
    registry.unlock("local", voice_id, PASSPHRASE)
    assert registry.card("local", voice_id).frozen and registry.load("local", voice_id).name == "Another name"


def test_voices_of_an_older_program_open_and_get_a_key_of_today_once(registry, create, quick_passphrases):
    ids = [create("Ana", 1), create("Ben", 2), create("Cat", 3)]
    before = [registry.load("local", each) for each in ids]
    ids.append(registry.save("local", "Mix", mix(*before[:2], 0.5)))
    before.append(registry.load("local", ids[3]))
    for each in ids:
        make_older(place(registry, each), PASSPHRASE if each == ids[2] else "")
    old = Registry(registry.root)
    assert old.verify("local") == [] and old.load("local", ids[0]).name == "Ana"
    old.tidy()
    keys = [(place(old, each) / "key").read_bytes() for each in (ids[0], ids[1], ids[3])]
    assert all(map(vault.is_of_today, keys))
    old.unlock("local", ids[2], PASSPHRASE)
    old.relock("local", ids[2])
    wrapped = (place(old, ids[2]) / "key.age").read_bytes()
    assert vault.is_of_today(vault.unwrap(wrapped, PASSPHRASE))
    old.tidy()
    old.unlock("local", ids[2], PASSPHRASE)
    assert (place(old, ids[2]) / "key.age").read_bytes() == wrapped, "once"
    assert keys == [(place(old, each) / "key").read_bytes() for each in (ids[0], ids[1], ids[3])]
    assert old.verify("local") == [] and old.card("local", ids[3]).parents == tuple(ids[:2])
    for each, was in zip(ids, before, strict=True):
        now = old.load("local", each)
        assert torch.equal(now.reference.style, was.reference.style) and now.consent == was.consent
        edit(place(old, each) / "voice.json", schema=2, seal=None, created="1999-01-01")
        with pytest.raises(InputError, match="changed outside"):
            old.load("local", each)


def test_a_training_further_of_an_older_voice_seals_it_first(registry, create, recording, tmp_path):
    voice_id = create()
    make_older(place(registry, voice_id))
    registry.admit("local", "x", stage(tmp_path / "jobs", make_voice(2, id=voice_id), recording))
    assert registry.verify("local") == [] and len(registry.versions("local", voice_id)) == 2
    assert vault.is_of_today((place(registry, voice_id) / "key").read_bytes())


def test_a_backup_of_an_older_program_comes_back_sealed(registry, create, tmp_path, quick_passphrases):
    voice_id = create()
    make_older(place(registry, voice_id))
    registry.backup(tmp_path / "old", PASSPHRASE)
    other = Registry(tmp_path / "other" / "registry")
    assert other.restore(tmp_path / "old", PASSPHRASE).voices == (("local", voice_id),)
    assert vault.is_of_today((place(other, voice_id) / "key").read_bytes()) and other.verify("local") == []


def test_an_edited_voice_can_be_destroyed_but_not_deleted_by_the_way(registry, create):
    voice_id = create()
    edit(place(registry, voice_id) / "voice.json", signer="0" * 64)
    with pytest.raises(InputError, match="or destroy the voice"):
        registry.delete("local", voice_id)
    registry.delete("local", voice_id, edited=True)
    assert registry.cards("local") == []


@pytest.mark.parametrize("damage", ["voice.json", "key", "versions"])
def test_a_damaged_voice_can_be_deleted_and_comes_back(registry, create, tmp_path, damage, quick_passphrases):
    voice_id = create()
    registry.backup(tmp_path / "all", PASSPHRASE)
    folder = place(registry, voice_id)
    if damage == "versions":
        (version_of(folder) / "version.json").write_bytes(b"\0" * 100)
    else:
        (folder / damage).write_bytes(b"{")
    with pytest.raises(VoiceError):
        registry.load("local", voice_id)
    registry.delete("local", voice_id)
    registry.restore(tmp_path / "all", PASSPHRASE)
    assert registry.load("local", voice_id) and registry.verify("local") == []


def test_a_mix_whose_parents_were_taken_out_of_its_words_still_holds_them(registry, create):
    a, b = create("A", 1), create("B", 2)
    saved = registry.save("local", "M", mix(registry.load("local", a), registry.load("local", b), 0.5))
    edit(place(registry, saved) / "voice.json", parents=[], kind="trained")
    with pytest.raises(RefusedError, match="'M' contains a part"):
        registry.delete("local", a)


def test_a_mix_is_saved_under_the_terms_that_its_voices_have_now(registry, create):
    lent, own = shared(registry, create, export=False), create("Own", 2)
    made = mix(registry.load("local", lent), registry.load("local", own), 0.5)
    saved = registry.save("local", "M", replace(made, terms=Terms()))
    assert not registry.manifest("local", saved).terms.export


def test_no_two_manifests_share_a_seal(registry, create):
    a, b = create("A", 1), create("B", 2)
    found = [json.loads(path.read_text())["seal"] for path in registry.root.rglob("*.json")]
    assert len(set(found)) == len(found) == 6 - 2 and a != b
    manifest = registry.manifest("local", a)
    assert seals.sealed(manifest, hashlib.sha256(b"x").digest()).seal not in found
