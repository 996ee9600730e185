"""A locked voice through the studio: it asks for unlocking, closes by itself, and leaves no sound of it behind."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gpt_sovits.errors import InputError, RefusedError
from gpt_sovits.models.export import export_pair
from gpt_sovits.settings import Settings
from gpt_sovits.storage import sounds
from gpt_sovits.storage.registry import Registry
from gpt_sovits.studio import Studio
from gpt_sovits.voices.terms import Terms
from tests.models.test_cli_models import models
from tests.storage.conftest import make_voice, quick_passphrases, stage  # noqa: F401  # used by name

PASSPHRASE = "four words are good"
pytestmark = pytest.mark.usefixtures("quick_passphrases")


class Speaker:
    """Stands for the networks."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def speak(self, voice: Any, text: str, **manner: Any) -> Any:
        return iter([SimpleNamespace(text=text)])

    def forget(self, voice_id: str) -> None:
        self.forgotten.append(voice_id)


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


@pytest.fixture
def studio(tmp_path: Path, speaker: Speaker) -> Studio:
    return Studio(Settings(tmp_path / "data"), synthesizer=speaker, find_base=lambda name: None)  # type: ignore[arg-type]


@pytest.fixture
def voices(studio: Studio, tmp_path: Path) -> list[str]:
    recording = tmp_path / "r.wav"
    recording.write_bytes(bytes(range(256)) * 8)
    registry, ids = Registry(studio.settings.registry_dir), []
    for seed in (1, 2):
        voice = make_voice(seed)
        registry.admit("local", f"voice {seed}", stage(tmp_path / "data/jobs", voice, recording))
        ids.append(voice.id)
    return ids


def test_everything_that_uses_a_locked_voice_asks_for_unlocking(studio: Studio, voices: list[str]) -> None:
    a, b = voices
    list(studio.speech.speak("Hello.", a))  # it is in memory now, which must not help
    assert studio.voices.lock(a, PASSPHRASE) == []
    uses = [
        lambda: studio.speech.speak("Hello.", a),
        lambda: studio.voices.load(a),
        lambda: studio.voices.sample(a),
        lambda: studio.voices.mix(a, b, 0.5),
        lambda: studio.voices.save(studio.voices.mix(a, b, 0.5), "x"),
        lambda: studio.voices.blend([b, a], [1, 1]),
        lambda: studio.voices.export_file(a, recipient=studio.voices.public_key()),
    ]
    for use in uses:
        with pytest.raises(RefusedError, match="'voice 1' is locked. Unlock it"):
            use()
    assert not studio.voices.is_open(a) and studio.voices.is_open(b)
    studio.voices.unlock(a, PASSPHRASE)
    for use in uses:
        use()
    studio.voices.relock(a)
    with pytest.raises(RefusedError, match="locked"):
        studio.speech.speak("Hello.", a)


def test_when_it_closes_its_weights_and_sounds_go(studio: Studio, voices: list[str], speaker: Speaker) -> None:
    browser = studio.settings.cache_dir / "browser-1-a"
    studio.voices.lock(voices[0], PASSPHRASE)
    studio.voices.unlock(voices[0], PASSPHRASE)
    studio.voices.load(voices[0])
    sound = sounds.new_place(browser, "local") / "piece.wav"
    sound.write_bytes(b"RIFF what the voice said")
    clock = studio.core.registry.keys
    clock.idle_seconds = 0.0
    assert not studio.voices.is_open(voices[0])
    assert not sound.exists() and voices[0] in speaker.forgotten
    assert not studio.core.holds(voices[0])


def test_mixes_that_hold_a_part_of_a_locked_voice_are_named(studio: Studio, voices: list[str]) -> None:
    studio.voices.save(studio.voices.mix(*voices, 0.5), "Both")
    assert studio.voices.lock(voices[0], PASSPHRASE) == ["Both"]


def test_a_blend_of_three_is_kept(studio: Studio, voices: list[str]) -> None:
    both = studio.voices.save(studio.voices.mix(*voices, 0.5), "Both")
    kept = studio.voices.save(studio.voices.blend([*voices, both], [2, 1, 1], manners=[0, 0, 1]), "All")
    card = studio.voices.find("All")
    assert card.id == kept and card.parents == (*voices, both)
    with pytest.raises(InputError, match="share"):
        studio.voices.blend(voices, [1])


@pytest.fixture
def small_base(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stands for the base that a voice is added to; the list gets what was written."""
    written: list[Path] = []

    def export(name: str, base: str, delta: object, folder: Path, settings: Settings, steps: int) -> tuple[Path, Path]:
        state = {"ar_audio_embedding.word_embeddings.weight": torch.zeros(4, 2)}
        state["ar_text_embedding.word_embeddings.weight"] = state["h.layers.0.linear1.weight"] = torch.zeros(3, 2)
        written.extend(export_pair(folder, name, "v2", {"a": torch.zeros(2)}, state, steps=steps))
        return written[0], written[1]

    monkeypatch.setattr("gpt_sovits.services.model_files.export_voice", export)
    return written


def test_what_is_passed_on_to_upstream_is_recorded_and_the_persons_alone(
    studio: Studio, voices: list[str], small_base: list[Path], tmp_path: Path
) -> None:
    assert models(studio.settings.data_dir, "export", "voice 1", str(tmp_path / "out")) == 0
    assert len(small_base) == 2
    if os.name == "posix":
        assert all(path.stat().st_mode & 0o077 == 0 for path in small_base)
    entry = studio.voices.journal(voice_id=voices[0])[-1]
    assert entry.what == "exported" and entry.details["to"] == "upstream's files"


def test_terms_hold_for_upstreams_files_too(
    studio: Studio, voices: list[str], small_base: list[Path], tmp_path: Path
) -> None:
    data = studio.voices.export_file(voices[0], recipient=studio.voices.public_key(), terms=Terms(export=False))
    shared = studio.voices.import_file(data, name="Secret")
    with pytest.raises(RefusedError, match="'Secret' may not be passed on"):
        studio.voices.export_for_upstream(shared, tmp_path / "leak")
    with pytest.raises(RefusedError, match="may not be passed on"):
        models(studio.settings.data_dir, "export", "Secret", str(tmp_path / "leak"))
    assert not small_base and not (tmp_path / "leak").exists()
    assert [entry.what for entry in studio.voices.journal(voice_id=shared)] == ["imported"]


def test_users_are_swept_apart(tmp_path: Path) -> None:
    ana, ben = (sounds.new_place(tmp_path, user) / "a.wav" for user in ("ana", "ben"))
    shared, mine = tmp_path / "hash0" / "up.wav", tmp_path / "hash1" / "up.wav"
    for path in (ana, ben, shared, mine):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    for user in ("ana", "ben"):
        sounds.claim(tmp_path, user, shared)
    sounds.claim(tmp_path, "ana", mine)
    sounds.claim(tmp_path, "ana", Path("/etc/passwd"))
    assert sounds.may_read(tmp_path, "ana", mine) and not sounds.may_read(tmp_path, "ben", mine)
    for path in (ben, tmp_path, tmp_path / "ana/../ben/x", Path("/etc/passwd")):
        assert not sounds.may_read(tmp_path, "ana", path), path
    sounds.sweep(tmp_path, "ana")
    assert not ana.exists() and not mine.exists() and ben.exists() and shared.exists()
    sounds.sweep(tmp_path, "ben")
    assert not shared.exists() and not ben.exists()
