"""Destroying, locking and leaving: nothing stays behind, whatever stops them half way, and what is frozen stays."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpt_sovits.crypto import vault
from gpt_sovits.errors import BusyError, InputError, MissingError, RefusedError
from gpt_sovits.features.reference import Reference
from gpt_sovits.files import make_private
from gpt_sovits.settings import Settings
from gpt_sovits.storage import versions
from gpt_sovits.studio import Studio
from gpt_sovits.voices.ids import new_id
from gpt_sovits.voices.manifest import read_voice
from gpt_sovits.voices.mixing import mix
from gpt_sovits.voices.terms import Terms
from tests.storage.conftest import consent, make_voice, quick_passphrases, stage  # noqa: F401  # used by name
from tests.storage.test_crashes import crashes

PASSPHRASE = "four words are good"
MINUTE = random.Random(0).randbytes(20_000)
pytestmark = pytest.mark.usefixtures("quick_passphrases")


def keeping(folder: Path) -> Studio:
    return Studio(Settings(folder / "data"), find_base=lambda name: None)


def put(
    keep: Studio, name: str, seed: int = 1, user: str = "local", minute: bytes = MINUTE, **changes: Reference
) -> str:
    recording = keep.settings.data_dir / "given.wav"
    recording.parent.mkdir(parents=True, exist_ok=True)
    recording.write_bytes(minute)
    bound = consent().bind(hashlib.sha256(minute).hexdigest())
    voice = make_voice(seed, owner=user, consent=bound, **changes)
    staged = make_private(keep.settings.data_dir / "jobs" / new_id("r"))
    versions.write(staged, voice, recording=recording)
    versions.add_sample(staged, random.Random(seed).randbytes(500))
    keep.core.registry.admit(user, name, staged)
    recording.unlink()
    return voice.id


def put_job(keep: Studio, minute: bytes = MINUTE, user: str = "local", state: str = "stopped") -> str:
    """A try at a recording for a voice that never came."""
    digest = hashlib.sha256(minute).hexdigest()
    job = keep.core.store.add(user, "train", {"name": "Try", "consent": {"recording_sha256": digest}}, new_id("v"))
    folder = keep.core.store.work_dir(job.id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recording.wav").write_bytes(minute)
    (folder / "slice.wav").write_bytes(minute[5_000:9_000])
    if state == "stopped":
        keep.core.store.stop(job.id)
    return job.id


def put_draft(keep: Studio, minute: bytes = MINUTE, user: str = "local") -> Path:
    folder = keep.settings.data_dir / "drafts" / user / new_id("d")
    folder.mkdir(parents=True)
    (folder / "recording.wav").write_bytes(minute)
    about = dict.fromkeys(("script", "language", "base", "recording", "symbols"), "")
    (folder / "draft.json").write_text(json.dumps({**about, "sha256": hashlib.sha256(minute).hexdigest()}))
    return folder


def left(keep: Studio) -> list[str]:
    """Files of the data folder with a piece of the minute in them."""
    piece = MINUTE[6_000:6_064]
    paths = [path for path in keep.settings.data_dir.rglob("*") if path.is_file()]
    return [str(path) for path in paths if piece in path.read_bytes()]


def test_a_destroy_that_is_cut_short_can_always_be_finished(tmp_path: Path) -> None:
    keep = keeping(tmp_path)
    a, b = put(keep, "A", 1), put(keep, "B", 2, minute=MINUTE[::-1])
    keep.core.registry.save("local", "Both", mix(keep.voices.load(a), keep.voices.load(b), 0.5))
    put_job(keep)
    put_draft(keep)
    upload = keep.settings.cache_dir / "browser-1-a" / "up.wav"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(MINUTE)
    assert len(left(keep)) == 4, "the voice itself is encrypted"
    states = 0
    for copy in crashes(lambda at: keeping(at).voices.destroy(a, mixes=True), tmp_path):
        states += 1
        crashed = keeping(copy)
        if a in {card.id for card in crashed.voices.list()}:
            assert crashed.voices.destroy(a, mixes=True).clean, states
        else:
            crashed.voices.rename(b, "the next writer sweeps")
        assert crashed.voices.verify_destroyed(a).clean, states
        assert left(crashed) == [] and crashed.core.store.states("local") == []
        assert [card.id for card in crashed.voices.list()] == [b]
    assert states > 20


def test_what_a_destroyed_mix_had_of_a_voice_that_stays_is_no_left_over(tmp_path: Path) -> None:
    keep = keeping(tmp_path)
    style = torch.randn(1, 8192, 1, generator=torch.Generator().manual_seed(0))  # longer than what is looked for
    references = [replace(make_voice(seed).reference, style=sign * style) for seed, sign in ((1, 1.0), (2, -0.5))]
    a = put(keep, "A", 1, reference=references[0])
    b = put(keep, "B", 2, minute=MINUTE[::-1], reference=references[1])
    mixed = keep.core.registry.save("local", "Both", mix(keep.voices.load(a), keep.voices.load(b), 0.5))
    assert keep.voices.destroy(mixed).clean, "A and B still have their own styles, and may"
    keep.core.registry.save("local", "Both", mix(keep.voices.load(a), keep.voices.load(b), 0.5))
    assert keep.voices.destroy(a, mixes=True).clean
    hidden = keep.settings.data_dir / "somewhere.bin"
    hidden.write_bytes(style.numpy().tobytes())
    assert not keep.voices.verify_destroyed(a).clean


def test_a_voice_that_cannot_be_destroyed_loses_nothing(tmp_path: Path) -> None:
    keep = keeping(tmp_path)
    a, b = put(keep, "A", 1), put(keep, "B", 2)
    keep.core.registry.save("local", "Both", mix(keep.voices.load(a), keep.voices.load(b), 0.5))
    job, draft = put_job(keep), put_draft(keep)
    with pytest.raises(RefusedError, match="Both"):
        keep.voices.destroy(a)
    keep.core.store.resume(job)
    with pytest.raises(BusyError, match="being trained"):
        keep.voices.destroy(a, mixes=True)
    assert len(keep.voices.list()) == 3 and draft.is_dir()
    assert (keep.core.store.work_dir(job) / "recording.wav").is_file()
    with pytest.raises(MissingError):
        keep.voices.verify_destroyed(a)


def test_deleting_leaves_another_voices_try_at_the_same_recording(tmp_path: Path) -> None:
    keep = keeping(tmp_path)
    a, job = put(keep, "A"), put_job(keep)
    keep.voices.delete(a)
    assert [state.id for state in keep.core.store.states("local")] == [job], "it may be resumed"


def test_no_draft_of_a_locked_voices_recording_stays_open(tmp_path: Path) -> None:
    keep = keeping(tmp_path)
    a = put(keep, "A")
    mine, other, anothers = put_draft(keep), put_draft(keep, b"another minute"), put_draft(keep, user="ben")
    keep.voices.lock(a, PASSPHRASE)
    assert not mine.exists() and other.is_dir() and anothers.is_dir()


def test_a_voice_is_not_locked_beside_an_unfinished_training_on_its_recording(tmp_path: Path) -> None:
    keep = keeping(tmp_path)
    a = put(keep, "A")
    job, draft = put_job(keep), put_draft(keep)
    with pytest.raises(BusyError, match="not finished"):
        keep.voices.lock(a, PASSPHRASE)
    with pytest.raises(InputError, match="fewer than"):
        keep.voices.lock(a, "short")
    assert keep.voices.is_open(a) and draft.is_dir()
    keep.core.eraser.delete_job(job)
    keep.voices.lock(a, PASSPHRASE)
    assert not keep.voices.is_open(a) and left(keep) == []


def test_a_frozen_voice_does_not_go_with_its_account_unasked(tmp_path: Path) -> None:
    keep = keeping(tmp_path)
    keep.users.add("ana", "ana likes four words")
    frozen, job = put(keep, "Grandpa", user="ana"), put_job(keep, user="ana")
    keep.session("ana").voices.freeze(frozen)
    with pytest.raises(RefusedError, match="'Grandpa' is frozen"):
        keep.users.remove("ana")
    assert keep.session("ana").voices.list() and [state.id for state in keep.core.store.states("ana")] == [job]
    keep.users.remove("ana", frozen=True)
    assert keep.users.names() == [] and left(keep) == []


def test_a_voice_frozen_under_a_password_is_not_unfrozen_without_one(tmp_path: Path) -> None:
    keep, other = keeping(tmp_path / "one"), keeping(tmp_path / "other")
    keep.users.add("ana", "ana likes four words")
    frozen = put(keep, "Grandpa", user="ana")
    keep.session("ana").voices.freeze(frozen)
    keep.session("ana").voices.backup(tmp_path / "ana.gsbackup", PASSPHRASE)
    other.voices.restore(tmp_path / "ana.gsbackup", PASSPHRASE)
    with pytest.raises(RefusedError, match="an account that is not here"):
        other.voices.unfreeze(frozen, secret="whatever")
    assert other.voices.list()[0].frozen


def test_a_version_that_a_mix_holds_is_not_pruned(tmp_path: Path) -> None:
    keep = keeping(tmp_path)
    a, b = put(keep, "A", 1), put(keep, "B", 2)
    first = keep.voices.versions(a)[0].id
    mixed = keep.core.registry.save("local", "Both", mix(keep.voices.load(a), keep.voices.load(b), 0.5))
    recording = tmp_path / "next.wav"
    recording.write_bytes(b"a year later")
    keep.core.registry.admit("local", "A", stage(tmp_path / "data/jobs", make_voice(7, id=a), recording))
    with pytest.raises(RefusedError, match="'Both' contains a part of this version"):
        keep.voices.delete_version(a, first)
    keep.voices.delete(mixed)
    keep.voices.delete_version(a, first)
    assert len(keep.voices.versions(a)) == 1


def test_a_shared_voice_is_silent_after_its_last_day(tmp_path: Path) -> None:
    keep = keeping(tmp_path)
    a = put(keep, "A")
    folder = keep.core.registry.root / "users/local/voices" / a
    manifest = json.loads((folder / "voice.json").read_text())
    manifest["terms"]["until"] = "2020-01-01"
    (folder / "voice.json").write_text(json.dumps(manifest))
    assert read_voice(folder).terms.until == "2020-01-01" and vault.read_key(folder) is not None
    for use in (
        lambda: keep.voices.sample(a),
        lambda: keep.voices.load(a),
        lambda: keep.voices.export_file(a, passphrase=PASSPHRASE),
    ):
        with pytest.raises(RefusedError, match="shared until 2020-01-01"):
            use()
    assert versions.SAMPLE == "sample.wav"


@pytest.mark.parametrize("written", ["20270101", "2026-W53-5", "2027-01-01"])
def test_the_earlier_day_counts_however_it_is_written(written: str) -> None:
    both = Terms(until=written).checked() & Terms(until="2027-12-31").checked()
    assert both.until == "2027-01-01"
