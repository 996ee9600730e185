"""A locked voice through the studio: it asks for unlocking, closes by itself, and leaves no sound of it behind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gpt_sovits.errors import InputError, RefusedError
from gpt_sovits.settings import Settings
from gpt_sovits.storage import sounds
from gpt_sovits.storage.registry import Registry
from gpt_sovits.studio import Studio
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
    return Studio(Settings(tmp_path / "data"), synthesizer=speaker)  # type: ignore[arg-type]


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
    list(studio.speak("Hello.", a))  # it is in memory now, which must not help
    assert studio.lock_voice(a, PASSPHRASE) == []
    uses = [
        lambda: studio.speak("Hello.", a),
        lambda: studio.voice(a),
        lambda: studio.sample(a),
        lambda: studio.mix(a, b, 0.5),
        lambda: studio.save_mix(a, b, 0.5, "x"),
        lambda: studio.blend([b, a], [1, 1]),
        lambda: studio.export_voice(a, recipient=studio.public_key()),
    ]
    for use in uses:
        with pytest.raises(RefusedError, match="'voice 1' is locked. Unlock it"):
            use()
    assert not studio.is_open(a) and studio.is_open(b)
    studio.unlock_voice(a, PASSPHRASE)
    for use in uses:
        use()
    studio.relock_voice(a)
    with pytest.raises(RefusedError, match="locked"):
        studio.speak("Hello.", a)


def test_when_it_closes_its_weights_and_sounds_go(studio: Studio, voices: list[str], speaker: Speaker) -> None:
    browser = studio.settings.cache_dir / "browser-1-a"
    studio.lock_voice(voices[0], PASSPHRASE)
    studio.unlock_voice(voices[0], PASSPHRASE)
    studio.voice(voices[0])
    sound = sounds.new_place(browser, "local") / "piece.wav"
    sound.write_bytes(b"RIFF what the voice said")
    clock = studio._registry.keys
    clock.idle_seconds = 0.0
    assert not studio.is_open(voices[0])
    assert not sound.exists() and voices[0] in speaker.forgotten
    assert not [key for key in studio._loaded if key[1] == voices[0]]


def test_mixes_that_hold_a_part_of_a_locked_voice_are_named(studio: Studio, voices: list[str]) -> None:
    studio.save_mix(*voices, 0.5, "Both")
    assert studio.lock_voice(voices[0], PASSPHRASE) == ["Both"]


def test_a_blend_of_three_is_kept(studio: Studio, voices: list[str]) -> None:
    both = studio.save_mix(*voices, 0.5, "Both")
    kept = studio.blend([*voices, both], [2, 1, 1], manners=[0, 0, 1], save="All")
    card = studio.find_voice("All")
    assert card.id == kept.id and card.parents == (*voices, both)
    with pytest.raises(InputError, match="share"):
        studio.blend(voices, [1])


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
