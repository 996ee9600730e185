"""A backup brings everything back, replaces nothing, and is refused whole when anything about it is wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from gpt_sovits.crypto import vault
from gpt_sovits.errors import InputError, MissingError, RefusedError
from gpt_sovits.storage import backup, erase, versions
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.mixing import mix
from gpt_sovits.voices.terms import Terms

from .conftest import consent

PASSPHRASE = "four words are good"
pytestmark = pytest.mark.usefixtures("quick_passphrases")


@pytest.fixture
def other(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "other" / "registry")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_comes_back_into_an_empty_folder(registry, create, other, tmp_path):
    mine, locked, theirs = create("Ana", 1), create("Locked", 2), create("Ben", 3, user="ben")
    registry.lock("local", locked, PASSPHRASE)
    registry.accounts.add("ben", "ben likes four words")
    key = registry.identity("local").recipient
    out = tmp_path / "all.gsbackup"
    assert registry.backup(out, PASSPHRASE) == 3
    stored = out.read_bytes()
    for path in registry.root.rglob("*.safetensors"):
        assert path.read_bytes()[40:104] not in stored, "what is encrypted already is encrypted again"
    assert b"Ana" not in stored

    with pytest.raises(RefusedError, match="passphrase is wrong"):
        other.restore(out, "four words are bad.")
    assert not (other.root / "users").exists()
    result = other.restore(out, PASSPHRASE)

    assert sorted(result.voices) == sorted([("local", mine), ("local", locked), ("ben", theirs)])
    assert result.conflicts == ()
    before, after = registry.load("local", mine), other.load("local", mine)
    assert all(torch.equal(before.delta[name], after.delta[name]) for name in before.delta)
    assert other.identity("local").recipient == key
    assert other.accounts.verify("ben", "ben likes four words") == "ben"
    with pytest.raises(RefusedError, match="is locked"):
        other.load("local", locked)
    other.unlock("local", locked, PASSPHRASE)
    assert other.load("local", locked)
    assert [entry.what for entry in other.journal("local").entries(mine)] == ["trained", "restored"]
    assert other.verify("local") == other.verify("ben") == []
    assert not [path for path in other.root.iterdir() if path.name in (".restoring",) and any(path.iterdir())]


def test_what_is_here_stays_and_conflicts_are_said(registry, create, tmp_path):
    same, changed, gone, destroyed = (create(name, seed) for seed, name in enumerate(("A", "B", "C", "D")))
    out = tmp_path / "b.gsbackup"
    registry.backup(out, PASSPHRASE, "local")
    registry.rename("local", changed, "B of today")
    registry.delete("local", gone)
    erase.save(registry.receipts("local"), erase.receipt(destroyed, "now", [destroyed], []))
    registry.delete("local", destroyed)
    kept = files(registry.root / "users/local/voices")

    result = registry.restore(out, PASSPHRASE)

    assert result.voices == (("local", gone),)
    assert sorted(result.conflicts) == [
        "The voice 'B' is here already and differs; the one here stays.",
        "The voice 'D' was destroyed here, and stays so.",
    ]
    now = files(registry.root / "users/local/voices")
    assert {name: data for name, data in now.items() if not name.startswith(gone)} == kept
    assert registry.card("local", changed).name == "B of today" and registry.card("local", same).name == "A"
    assert registry.restore(out, PASSPHRASE).voices == ()


def test_a_mix_of_a_destroyed_voice_stays_away_however_deep_it_is(registry, create, tmp_path):
    a, b = create("A", 1), create("B", 2)
    mixed = registry.save("local", "Both", mix(registry.load("local", a), registry.load("local", b), 0.5))
    deeper = registry.save("local", "Deeper", mix(registry.load("local", mixed), registry.load("local", b), 0.5))
    out = tmp_path / "b.gsbackup"
    registry.backup(out, PASSPHRASE, "local")
    for each in (deeper, mixed, b):
        registry.delete("local", each)
    erase.save(registry.receipts("local"), erase.receipt(a, "now", [a], []))
    registry.delete("local", a)

    result = registry.restore(out, PASSPHRASE)

    assert result.voices == (("local", b),)
    assert sorted(result.conflicts) == [
        "The mix 'Both' contains a voice that was destroyed here, and stays away.",
        "The mix 'Deeper' contains a voice that was destroyed here, and stays away.",
        "The voice 'A' was destroyed here, and stays so.",
    ]


def test_a_backup_does_not_pass_on_what_may_not_be_passed_on(registry, create, other, tmp_path):
    own, lent = create("Own", 1), create("Lent", 2)
    secret = registry.export("local", lent, recipient=registry.identity("ben").recipient, terms=Terms(export=False))
    lent_to_ben = registry.take_in("ben", secret)
    create("Ben", 3, user="ben")
    out = tmp_path / "ben.gsbackup"
    registry.backup(out, PASSPHRASE, "ben")

    for studio, user in ((registry, "carl"), (registry, "local"), (other, "carl")):
        if studio is other:
            other.identity("carl")  # somebody with keys of their own
        result = studio.restore(out, PASSPHRASE, user)
        assert [card.name for card in studio.cards(user) if card.id == lent_to_ben] == []
        assert "The voice 'Lent' may not be passed on, so it stays with whoever made the backup." in result.conflicts
        assert studio.identity(user).recipient != registry.identity("ben").recipient
    new_machine = Registry(tmp_path / "new" / "registry")
    assert lent_to_ben in {voice for _, voice in new_machine.restore(out, PASSPHRASE, "ben").voices}
    assert own not in {card.id for card in new_machine.cards("ben")}


def test_one_user_gives_a_backup_to_another(registry, create, other, tmp_path):
    voice_id = create("Ana")
    registry.accounts.add("local", "local likes four words")
    create("Ben", 3, user="ben")
    out = tmp_path / "one.gsbackup"
    assert registry.backup(out, PASSPHRASE, "local") == 1
    other.accounts.add("zoe", "zoe likes four words")
    assert other.restore(out, PASSPHRASE, "zoe").voices == (("zoe", voice_id),)
    assert other.manifest("zoe", voice_id).owner == "zoe" and other.load("zoe", voice_id)
    assert other.accounts.verify("zoe", "zoe likes four words") == "zoe" and other.users() == ["zoe"]
    registry.backup(tmp_path / "all.gsbackup", PASSPHRASE)
    with pytest.raises(InputError, match="several users"):
        other.restore(tmp_path / "all.gsbackup", PASSPHRASE, "zoe")


def forged(names: list[str], content: bytes = b"x") -> bytes:
    """A backup with files of these names, encrypted with a good passphrase."""
    key = vault.new_key()
    listed = json.dumps([[name, len(content)] for name in names]).encode()
    plain = [len(listed).to_bytes(8, "little"), listed, *[content for _ in names]]
    wrapped = vault.wrap(key, PASSPHRASE)
    head = b"gsbackup1\n" + len(wrapped).to_bytes(4, "little") + wrapped
    return head + b"".join(vault.seal(plain, key, "backup"))


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "/etc/evil", "users/../evil.json", "users/local/../../x.json", "users/local/voices/../x/key",
        "users/local/voices/v1/versions/r1/../../../key", "users/local/voices/v1/versions/r1/.evil",
        "users/LOCAL/x.json", "users/local/x.py", "", "users/local\\x.json",
        "users/con/journal.jsonl", "users/local/voices/v1/run.py", "index.sqlite3",
    ],
)  # fmt: skip
def test_no_path_leads_outside(other, tmp_path, name):
    path = tmp_path / "x.gsbackup"
    path.write_bytes(forged([name]))
    with pytest.raises(InputError, match="does not belong"):
        other.restore(path, PASSPHRASE)
    assert not [found for found in files(tmp_path) if found not in ("x.gsbackup",)]


def test_anything_cut_changed_or_half_is_refused_whole(registry, create, other, tmp_path):
    create("Ana")
    out, bad = tmp_path / "a.gsbackup", tmp_path / "bad.gsbackup"
    registry.backup(out, PASSPHRASE)
    data = out.read_bytes()
    for at in [*range(0, 14), *range(14, len(data), len(data) // 25)]:
        changed = bytearray(data)
        changed[at] ^= 1
        bad.write_bytes(changed)
        with pytest.raises((InputError, RefusedError)):
            other.restore(bad, PASSPHRASE)
    voice = "users/local/voices/" + "v" + "1" * 20
    whole = [data[:100], data[:-1], data + b"x", b"", forged([f"{voice}/voice.json"]), forged([f"{voice}/key"])]
    for forgery in whole:
        bad.write_bytes(forgery)
        with pytest.raises((InputError, RefusedError)):
            other.restore(bad, PASSPHRASE)
    assert not (other.root / "users").exists()
    with pytest.raises(MissingError):
        other.restore(tmp_path / "none", PASSPHRASE)
    with pytest.raises(InputError, match="fewer than 8"):
        registry.backup(tmp_path / "b", "short")


def test_a_restore_that_a_crash_cut_short_is_completed(registry, create, other, tmp_path, monkeypatch):
    ids = [create(f"n{seed}", seed) for seed in range(3)]
    registry.backup(tmp_path / "a", PASSPHRASE)
    real, moves = backup.files.move_in, []

    def dies(built: Path, target: Path) -> None:
        moves.append(target)
        if len(moves) == 3:  # the decision is made and one thing is in its place
            raise SystemExit
        real(built, target)

    monkeypatch.setattr(backup.files, "move_in", dies)
    with pytest.raises(SystemExit):
        other.restore(tmp_path / "a", PASSPHRASE)
    monkeypatch.setattr(backup.files, "move_in", real)
    Registry(other.root).tidy()
    assert sorted(card.id for card in other.cards("local")) == sorted(ids) and other.verify("local") == []
    assert not any((other.root / ".restored").iterdir())


def test_backups_hold_no_more_than_the_users(registry, create, tmp_path):
    create("Ana")
    (registry.root / "users/local/.building/x").mkdir(parents=True)
    (registry.root / "users/local/.building/x/delta.safetensors").write_bytes(os.urandom(100))
    out = tmp_path / "a"
    registry.backup(out, PASSPHRASE)
    copy = Registry(tmp_path / "copy")
    copy.restore(out, PASSPHRASE)
    found = {Path(name).name for name in files(copy.root)}
    of_a_version = {"version.json", "delta.safetensors", "reference.safetensors", "sample.wav", "recording.wav"}
    of_a_user = {"voice.json", "key", "journal.jsonl", "identity.json", ".journal.jsonl.lock"}
    assert found <= of_a_version | of_a_user | {".lock", "index.sqlite3"}


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


@pytest.mark.parametrize("case", ["no consent", "not finite", "its own parent", "each other's parents", "deep"])
def test_what_an_import_refuses_does_not_come_back_either(registry, create, other, tmp_path, case):
    voices = [create("Ana", 1), create("Ben", 2)]
    folders = [registry.root / "users/local/voices" / each for each in voices]
    version = next((folders[0] / "versions").iterdir())
    key = vault.read_key(folders[0])
    if case == "no consent":
        edit(version / "version.json", consent={**consent().to_json(), "recording_sha256": "", "statement": ""})
    elif case == "not finite":
        delta = {"acoustic.a": torch.full((4, 3), float("nan")).half()}
        entry = versions.put(version / versions.DELTA, versions._packed(delta), key)
        files = json.loads((version / "version.json").read_text(encoding="utf-8"))["files"]
        edit(version / "version.json", files={**files, versions.DELTA: {"sha256": entry.sha256, "bytes": entry.bytes}})
    elif case == "deep":
        deep: object = []
        for _ in range(60):
            deep = [deep]
        edit(version / "version.json", made_by={"kind": "trained", "x": deep})
    else:
        of = {0: voices[0] if case == "its own parent" else voices[1], 1: voices[0]}
        for index, folder in enumerate(folders):
            parent = {"voice": of[index], "name": "x", "version": "r" + "0" * 20, "share": 0.5}
            edit(folder / "voice.json", kind="mix", parents=[parent])
    out = tmp_path / "crafted"
    registry.backup(out, PASSPHRASE)
    with pytest.raises((InputError, RefusedError)):
        other.restore(out, PASSPHRASE)
    assert not (other.root / "users").exists() and not other.cards("local")


def test_a_voice_that_does_not_fit_its_model_stays_away(registry, create, other, tmp_path):
    create("Ana", 1), create("Ben", 2, base="absent")
    out = tmp_path / "all"
    registry.backup(out, PASSPHRASE)

    def find(name: str) -> object:
        if name == "absent":
            raise MissingError("There is no model absent.")
        return name

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backup, "check_fit", lambda base, *rest: (_ for _ in ()).throw(InputError("It does not fit.")))
        result = other.restore(out, PASSPHRASE, find_base=find)
    assert [card.name for card in other.cards("local")] == ["Ben"]
    assert any("'Ana' does not fit its model" in each for each in result.conflicts)
