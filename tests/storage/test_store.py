"""What the registry promises: voices come back as they were saved, and nothing else is ever visible."""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpt_sovits import files
from gpt_sovits.errors import InputError, MissingError, RefusedError, ResourceError
from gpt_sovits.files import make_private
from gpt_sovits.storage import versions
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.ids import check_name, is_id, new_id
from gpt_sovits.voices.mixing import mix

from .conftest import consent, make_voice, stage


def files_under(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_voice_comes_back_as_it_was_saved(registry, tmp_path, recording):
    voice = make_voice(3)
    staged = stage(tmp_path / "jobs", voice, recording)
    registry.admit("local", "  Ana   Maria ", staged)

    loaded = registry.load("local", voice.id)

    assert loaded.name == "Ana Maria" and loaded.base == "mini" and loaded.version_id == staged.name
    assert set(loaded.delta) == set(voice.delta)
    assert all(torch.equal(loaded.delta[key], voice.delta[key]) for key in voice.delta)
    assert torch.equal(loaded.reference.style, voice.reference.style)
    assert torch.equal(loaded.reference.codes, voice.reference.codes)
    assert loaded.reference.phones == voice.reference.phones and loaded.reference.text == "text 3"
    assert loaded.consent is not None and loaded.consent.recording_sha256 == files.sha256_of(recording)
    assert registry.read_file("local", voice.id, staged.name, "recording.wav") == recording.read_bytes()
    assert not staged.exists()
    assert registry.verify("local") == []


def test_lists_show_what_there_is_and_survive_the_loss_of_the_index(registry, create):
    first, second = create("Zoe", 1), create("adam", 2)
    cards = registry.cards("local")
    assert [card.id for card in cards] == [second, first]
    assert cards[0].consent.who == "Ana" and cards[0].seconds_of_speech == 61.5 and len(cards[0].versions) == 1

    (registry.root / "index.sqlite3").write_bytes(b"this is not a database, it was damaged" * 300)
    assert registry.cards("local") == cards
    registry.rename("local", first, "Aaron")
    assert [card.name for card in registry.cards("local")] == ["Aaron", "adam"]
    (registry.root / "index.sqlite3").unlink()
    assert [card.name for card in Registry(registry.root).cards("local")] == ["Aaron", "adam"]


def test_versions_count_up_and_one_can_be_pinned(registry, create, recording, tmp_path):
    voice_id = create()
    again = make_voice(9, id=voice_id)
    staged = stage(tmp_path / "jobs", again, recording)
    registry.admit("local", "ignored", staged)

    first, second = registry.versions("local", voice_id)
    assert (first.number, second.number) == (1, 2)
    assert registry.card("local", voice_id).name == "Ana"
    assert registry.load("local", voice_id).version_id == second.id
    assert registry.load("local", voice_id, first.id).version_id == first.id
    registry.set_default("local", voice_id, first.id)
    assert registry.load("local", voice_id).version_id == first.id
    registry.delete_version("local", voice_id, first.id)
    assert registry.load("local", voice_id).version_id == second.id
    with pytest.raises(RefusedError, match="only version"):
        registry.delete_version("local", voice_id, second.id)
    with pytest.raises(MissingError):
        registry.set_default("local", voice_id, first.id)


def test_a_deleted_voice_leaves_nothing(registry, create):
    kept, gone = create("kept", 1), create("gone", 2)
    registry.cards("local")
    registry.delete("local", gone)
    assert [card.id for card in registry.cards("local")] == [kept]
    with pytest.raises(MissingError):
        registry.load("local", gone)
    assert not any(gone in name for name in files_under(registry.root))
    assert gone.encode() not in (registry.root / "index.sqlite3").read_bytes()


def test_a_changed_byte_is_noticed(registry, create):
    voice_id = create()
    path = next(registry.root.rglob("delta.safetensors"))
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="changed"):
        registry.load("local", voice_id)
    assert len(registry.verify("local")) == 1


@pytest.mark.parametrize("part", ["", "key", "versions", "takes"])
def test_a_voice_that_lies_elsewhere_is_not_said_to_be_erased(registry, create, tmp_path, part):
    """Its key would stay where the link leads."""
    good, linked = create("good", 1), create("linked", 2)
    place, there = registry.home_of("local", linked) / part, tmp_path / "elsewhere"
    (registry.home_of("local", linked) / "takes").mkdir()
    place.rename(there)
    place.symlink_to(there)
    held = {path: path.read_bytes() for path in tmp_path.glob("elsewhere/**/*") if path.is_file()}
    for deed in (registry.load, registry.delete, registry.contents_of):
        with pytest.raises(InputError, match="is a link"):
            deed("local", linked)
    assert [card.id for card in registry.cards("local")] == [good] and len(registry.verify("local")) == 1
    assert all(path.read_bytes() == data for path, data in held.items())


def test_a_journal_that_is_a_link_changes_no_other_file(registry, create, tmp_path):
    voice_id, letter, journal = create(), tmp_path / "letter", registry.home_of("local") / "journal.jsonl"
    letter.write_text("a line\nhalf a line")
    journal.unlink()
    journal.symlink_to(letter)
    registry.rename("local", voice_id, "Ana")
    assert letter.read_text() == "a line\nhalf a line"


def test_a_damaged_voice_does_not_hide_the_others(registry, create):
    good, bad = create("good", 1), create("bad", 2)
    (registry.root / "users/local/voices" / bad / "voice.json").write_text("{")
    assert [card.id for card in registry.cards("local")] == [good]
    assert len(registry.verify("local")) == 1


def test_a_voice_from_the_future_says_so(registry, create):
    voice_id = create()
    path = registry.root / "users/local/voices" / voice_id / "voice.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99}))
    with pytest.raises(InputError, match="newer version of this program"):
        registry.load("local", voice_id)


def test_everything_is_private(registry, create, tmp_path):
    previous = os.umask(0)
    try:
        create()
        registry.cards("local")
    finally:
        os.umask(previous)
    for path in registry.root.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("bad", ["../local", "", "V1", "v/../w", "local\n", "c" * 40, "con", ".lock", "v1.2", "Ünï"])
def test_ids_can_never_be_paths(registry, bad):
    assert not is_id(bad)
    with pytest.raises(MissingError):
        registry.load("local", bad)
    with pytest.raises((InputError, MissingError)):
        registry.cards(bad)
    with pytest.raises(MissingError):
        registry.load("local", new_id("v"), bad)


@pytest.mark.parametrize("bad", ["", "   ", "\n", "x" * 81, "a\x00b", None])
def test_names_that_cannot_be_shown_are_refused(bad):
    with pytest.raises(InputError):
        check_name(bad)


def test_users_do_not_meet(registry, create):
    mine, theirs = create("mine", 1, user="ana"), create("theirs", 2, user="ben")
    assert [card.id for card in registry.cards("ana")] == [mine]
    for action in (registry.load, registry.delete, registry.versions, registry.card):
        with pytest.raises(MissingError):
            action("ana", theirs)
    assert registry.users() == ["ana", "ben"]


def test_no_voice_without_consent(registry, recording, tmp_path):
    folder = make_private(tmp_path / "jobs") / new_id("r")
    for given in (None, consent(), consent(who=" "), consent(statement="")):
        with pytest.raises(RefusedError):
            versions.write(folder, make_voice(1, consent=given))
        assert not folder.exists()
    other = consent(recording_sha256="0" * 64)
    with pytest.raises(RefusedError, match="another recording"):
        versions.write(folder, make_voice(1, consent=other), recording=recording)


@pytest.mark.parametrize("authority", ["", "Eve, her  daughter and heir"])
def test_another_persons_voice_needs_a_recorded_statement_which_is_kept(registry, recording, tmp_path, authority):
    spoken = tmp_path / "yes.m4a"
    spoken.write_bytes(b"yes you may " * 50)
    with pytest.raises(RefusedError, match="your own"):
        replace(consent(), authority="Eve").bind(files.sha256_of(recording))
    bound = replace(consent(), own=False, authority=authority).bind(files.sha256_of(recording))
    assert bound.authority == " ".join(authority.split())
    folder = make_private(tmp_path / "jobs") / new_id("r")
    with pytest.raises(RefusedError, match="another person"):
        versions.write(folder, make_voice(1, consent=bound), recording=recording)
    voice = make_voice(1, consent=bound.with_statement(files.sha256_of(spoken)))
    with pytest.raises(RefusedError, match="another one"):
        versions.write(folder, voice, recording=recording, statement=recording)
    shutil.rmtree(folder)
    versions.write(folder, voice, recording=recording, statement=spoken)
    version = registry.admit("local", "Ben", folder)
    assert registry.read_file("local", voice.id, version.id, "statement.m4a") == spoken.read_bytes()
    assert registry.card("local", voice.id).consent == voice.consent and registry.verify("local") == []


def test_a_mix_is_saved_with_its_lineage_and_protects_its_parents(registry, create):
    a, b = create("A", 1), create("B", 2)
    mixed = mix(registry.load("local", a), registry.load("local", b), 0.25)
    saved = registry.save("local", "A and B", mixed, sample=b"RIFF")

    card = registry.card("local", saved)
    assert card.kind == "mix" and card.parents == (a, b) and card.parent_names == ("A", "B")
    assert sum(card.parent_shares) == 1.0
    loaded = registry.load("local", saved)
    assert loaded.made_by["ratio"] == 0.25 and loaded.made_by["parents"][0]["share"] == 0.75
    assert loaded.consent is not None and loaded.consent.sources and loaded.consent.bound
    with pytest.raises(RefusedError, match="A and B"):
        registry.delete("local", a)
    registry.delete("local", saved)
    registry.delete("local", a)
    with pytest.raises(MissingError):
        registry.save("local", "again", mixed)
    with pytest.raises(RefusedError):
        registry.save("local", "again", replace(mixed, consent=None))


def test_a_full_disk_is_one_sentence_and_nothing_half_made(registry, create, monkeypatch):
    voice_id = create()
    before = files_under(registry.root)

    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(ResourceError, match="disk is full"):
        registry.rename("local", voice_id, "other")
    monkeypatch.undo()
    assert files_under(registry.root) == before
    assert registry.card("local", voice_id).name == "Ana"


def test_many_threads_may_write(registry, create, recording, tmp_path):
    voice_id = create()
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            registry.admit("local", "x", stage(tmp_path / f"job{seed}", make_voice(seed, id=voice_id), recording))
            registry.cards("local")
        except BaseException as error:  # noqa: BLE001  # the test reports whatever a thread met
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [version.number for version in registry.versions("local", voice_id)] == list(range(1, 8))
