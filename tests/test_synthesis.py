"""Speaking with the embedded base: the same seed gives the same sound, pieces cover the text, bad input is refused."""

from __future__ import annotations

import dataclasses
import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from gpt_sovits import synthesis
from gpt_sovits.audio import Audio, read_audio
from gpt_sovits.errors import CancelledError, InputError, MissingError
from gpt_sovits.events import CancelToken
from gpt_sovits.families.base import Base, load_base
from gpt_sovits.families.enrol import best_window, enrol
from gpt_sovits.features.pitch import track_pitch
from gpt_sovits.files import sha256_of
from gpt_sovits.hearing import Ear, Heard
from gpt_sovits.loudness import CEILING, LOUDNESS, loudness, true_peak
from gpt_sovits.models.native import load_tensors, save_tensors
from gpt_sovits.models.store import find_base
from gpt_sovits.semantic.decode import Generated
from gpt_sovits.settings import Settings
from gpt_sovits.synthesis import Manner, Synthesizer
from gpt_sovits.text import phonemize
from gpt_sovits.voices.mixing import mix
from gpt_sovits.voices.voice import Voice

DATA = Path(__file__).parent / "data"
TEXT = "Good morning, my friend. 今天天气很好。 See you on Sunday!"


@pytest.fixture(scope="module")
def base() -> Base:
    return load_base("mini", Settings(data_dir=Path("unused")))


@pytest.fixture(scope="module")
def synthesizer(base: Base) -> Synthesizer:
    return Synthesizer(lambda name: base)


@pytest.fixture(scope="module")
def voice(base: Base) -> Voice:
    transcript = (DATA / "short_clip.txt").read_text(encoding="utf-8").strip()
    reference = enrol(base, read_audio(DATA / "short_clip.opus"), transcript, "en")
    return Voice("clip", "Clip", "local", "mini", None, reference)


def samples(synthesizer: Synthesizer, voice: Voice, text: str, **options: object) -> np.ndarray:
    return np.concatenate([s.audio.samples for s in synthesizer.speak(voice, text, **options)])  # type: ignore[arg-type]


def test_same_seed_same_sound_other_seed_other_sound(synthesizer: Synthesizer, voice: Voice) -> None:
    first = samples(synthesizer, voice, "Good morning.", seed=3)
    assert np.array_equal(first, samples(synthesizer, voice, "Good morning.", seed=3))
    other = samples(synthesizer, voice, "Good morning.", seed=4)
    assert len(other) != len(first) or not np.allclose(other, first)


def test_pieces_have_offsets_times_and_sound(synthesizer: Synthesizer, voice: Voice) -> None:
    pieces = list(synthesizer.speak(voice, TEXT, pause=0.25))
    clock = 0.0
    for piece in pieces:
        assert TEXT[piece.start : piece.end] == piece.text
        assert piece.seconds_from == pytest.approx(clock)
        assert piece.audio.rate == 32000
        assert np.abs(piece.audio.samples).max() > 0.01
        assert np.abs(piece.audio.samples).max() <= 1.0
        clock = piece.seconds_to
    for piece in pieces[:-1]:
        assert not piece.audio.samples[-8000:].any()
    assert "".join(p.text for p in pieces).replace(" ", "") == TEXT.replace(" ", "")


def test_slow_speech_takes_longer(synthesizer: Synthesizer, voice: Voice) -> None:
    slow, fast = (samples(synthesizer, voice, "Good morning, my friend.", speed=s) for s in (0.7, 1.4))
    assert len(slow) > 1.5 * len(fast)


def test_style_of_the_reference_is_heard(synthesizer: Synthesizer, voice: Voice) -> None:
    changed = dataclasses.replace(voice, reference=dataclasses.replace(voice.reference, style=-voice.reference.style))
    tokens_alike = Manner(attempts=1)
    a = samples(synthesizer, voice, "Hello there.", manner=tokens_alike)
    b = samples(synthesizer, changed, "Hello there.", manner=tokens_alike)
    assert len(a) != len(b) or not np.allclose(a, b, atol=1e-3)


def test_only_the_other_language_moves_the_style(
    synthesizer: Synthesizer, base: Base, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[torch.Tensor] = []
    colours: list[torch.Tensor] = []
    decode = base.acoustic.decode

    def listening(codes: torch.Tensor, phones: torch.Tensor, style: torch.Tensor, **options: object) -> torch.Tensor:
        said.append(style)
        colours.append(options["colour"][0])  # type: ignore[index]
        return decode(codes, phones, style, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(base.acoustic, "decode", listening)
    own = voice.reference.style
    monkeypatch.setitem(base.__dict__, "accent", torch.full_like(own, 0.125))  # of a base that has one
    share = voice.reference.tongue
    english = dataclasses.replace(voice, reference=dataclasses.replace(voice.reference, mandarin=0.0))
    for text in ("Hello.", "你好吗。", "Hello, 你好。"):
        samples(synthesizer, english, text, manner=Manner(attempts=1))
    assert base.accent is not None and share is not None and share < 0.2
    assert torch.equal(said[0], own), "an English voice speaks English bit for bit as it was heard"
    assert torch.equal(said[1], own + base.accent)
    assert torch.allclose(said[2], own + 0.5 * base.accent)
    full = english.reference.colour
    assert full is not None and torch.equal(colours[0], full) and not colours[1].any()
    assert torch.allclose(colours[2], 0.5 * full)


def test_a_slider_moves_the_pitch_evenly_from_one_voice_to_the_other(synthesizer: Synthesizer, voice: Voice) -> None:
    """Half of the way is half of the octaves, sentence by sentence: not the pitch of a style half of the way."""
    turned = dataclasses.replace(voice.reference, style=-voice.reference.style)
    other = dataclasses.replace(voice, id="other", reference=turned)

    def height(ratio: float) -> float:
        wave = samples(synthesizer, mix(voice, other, ratio), "Good morning, my friend.", pause=0.0)
        pitch = track_pitch(wave[::2])
        return float(np.log2(np.median(pitch[pitch > 0])))

    heights = np.array([height(ratio) for ratio in (0.0, 0.25, 0.5, 0.75, 1.0)])
    assert heights[-1] - heights[0] > 0.2, "the two are as high as each other: this shows nothing"
    way = (heights - heights[0]) / (heights[-1] - heights[0])
    assert np.abs(way - np.linspace(0, 1, 5)).max() < 0.15


def test_a_stressed_word_is_longer_higher_and_louder_and_the_others_are_not(
    synthesizer: Synthesizer, voice: Voice, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpt_sovits.synthesis.finished", lambda wave, rate, pause, level: Audio(wave, rate))
    said: list[torch.Tensor] = []
    decode = base.acoustic.decode

    def listening(codes: torch.Tensor, phones: torch.Tensor, *given: object, **options: object) -> torch.Tensor:
        said.append(base.acoustic.spoken(codes, phones)[0])  # type: ignore[index]
        return decode(codes, phones, *given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(base.acoustic, "decode", listening)
    plain, stressed = (
        "We will meet on Thursday, not before noon.",
        "We will meet on [Thursday|emphasis], not before noon.",
    )
    waves = [samples(synthesizer, voice, text, manner=Manner(attempts=1)) for text in (plain, stressed)]
    word = phonemize(stressed).stressed
    first, last = (int(torch.nonzero(torch.isin(said[0], torch.tensor(word)))[n]) for n in (0, -1))
    more = len(waves[1]) - len(waves[0])
    assert 0.2 < more / 640 / (last + 1 - first) < 0.4, "longer by as much as the word is"
    words = [waves[0][640 * first : 640 * (last + 1)], waves[1][640 * first : 640 * (last + 1) + more]]
    pitches = [track_pitch(each[::2]) for each in words]
    low, high = (np.median(pitch[pitch > 0]) for pitch in pitches)
    assert 1.5 < 12 * np.log2(high / low) < 5
    soft, loud = (10 * np.log10(np.mean(each**2)) for each in words)
    assert 2 < loud - soft < 6
    before = slice(0, 640 * (first - 5))
    assert np.corrcoef(waves[0][before], waves[1][before])[0, 1] > 0.9, "what comes before is as it was"


@pytest.mark.parametrize("text", ["", "  \n", "?!…", "—— 。"])
def test_nothing_to_say(synthesizer: Synthesizer, voice: Voice, text: str) -> None:
    with pytest.raises(InputError):
        synthesizer.speak(voice, text)


def test_a_long_text_starts_at_once_and_is_covered(synthesizer: Synthesizer, voice: Voice) -> None:
    text = "It was a quiet evening by the river, and nobody spoke. " * 364
    assert len(text) > 20_000
    first = next(synthesizer.speak(voice, text))
    assert text.startswith(first.text)
    assert first.audio.seconds < 30


def test_limits(synthesizer: Synthesizer, voice: Voice) -> None:
    with pytest.raises(InputError, match="characters"):
        synthesizer.speak(voice, "a" * 200_001)
    with pytest.raises(InputError, match="speed"):
        synthesizer.speak(voice, "hello", speed=9.0)
    with pytest.raises(InputError, match="pause"):
        synthesizer.speak(voice, "hello", pause=-1.0)
    with pytest.raises(InputError, match="cut9"):
        synthesizer.speak(voice, "hello", manner=Manner(cut="cut9"))
    assert len(list(synthesizer.speak(voice, "Good morning, my friends.", manner=Manner(cut="cut5")))) == 2


def test_cancel_stops_before_the_next_piece(synthesizer: Synthesizer, voice: Voice) -> None:
    token = CancelToken()
    pieces = synthesizer.speak(voice, TEXT, cancel=token)
    next(pieces)
    token.cancel()
    with pytest.raises(CancelledError):
        next(pieces)


def test_a_voice_speaks_on_the_release_that_it_was_made_on(settings: Settings, voice: Voice, tmp_path: Path) -> None:
    """A new release of the base changes no voice that there is; one whose release is gone says so."""
    here, there = settings.bundled_models / "mini", tmp_path / "mini"
    shutil.copytree(here, there, ignore=shutil.ignore_patterns("voices", "earlier", "*.md", "*.png"))
    newer = dataclasses.replace(settings, bundled_models=tmp_path)
    made_on = find_base("mini", settings).release
    bias = load_tensors(here / "acoustic.safetensors")["enc_p.proj.bias"]
    delta = {"acoustic.enc_p.proj.bias": torch.zeros_like(bias).float()}
    old = dataclasses.replace(voice, delta=delta, made_by={"base_release": made_on})
    before = next(Synthesizer(lambda name: load_base(name, settings)).speak(old, "Hello."))

    kept = there / "earlier" / made_on
    kept.mkdir(parents=True)
    for name in ("acoustic", "semantic", "languages"):
        shutil.move(there / f"{name}.safetensors", kept)
    shutil.copy(there / "config.json", kept)
    config = json.loads((there / "config.json").read_text())
    state = {key: value * 0 for key, value in load_tensors(kept / "acoustic.safetensors").items()}
    save_tensors(there / "acoustic.safetensors", state)
    shutil.copy(kept / "semantic.safetensors", there)
    config["sha256"]["acoustic.safetensors"] = sha256_of(there / "acoustic.safetensors")
    (there / "config.json").write_text(json.dumps(config))

    after = next(Synthesizer(lambda name: load_base(name, newer)).speak(old, "Hello."))
    np.testing.assert_array_equal(after.audio.samples, before.audio.samples)
    for gone in ("0", "0" * 12 + "-" + "0" * 12, f"../earlier/{made_on}"):
        lost = dataclasses.replace(old, made_by={"base_release": gone})
        with pytest.raises(MissingError, match="another release"):
            next(Synthesizer(lambda name: load_base(name, newer)).speak(lost, "Hello."))


def test_the_releases_before_still_speak(settings: Settings, voice: Voice) -> None:
    """Each in its own way, with the parts that it shares with another."""
    synthesizer = Synthesizer(lambda name: load_base(name, settings))
    said = [next(synthesizer.speak(voice, "Hello.", seed=0)).audio.samples]
    for folder in sorted((settings.bundled_models / "mini" / "earlier").iterdir()):
        assert load_base(f"mini@{folder.name}", settings).release == folder.name, "or no voice finds it"
        state = load_tensors(folder / "acoustic.safetensors")
        delta = {"acoustic.enc_p.proj.bias": torch.zeros_like(state["enc_p.proj.bias"]).float()}
        old = dataclasses.replace(voice, delta=delta, made_by={"base_release": folder.name})
        said.append(next(synthesizer.speak(old, "Hello.", seed=0)).audio.samples)
    assert len(said) > 1 and all(0.2 < len(wave) / 32000 < 3 and np.abs(wave).max() > 0.01 for wave in said)
    assert not any(len(a) == len(b) and np.array_equal(a, b) for a, b in itertools.combinations(said, 2))


def test_unknown_base(settings: Settings) -> None:
    with pytest.raises(MissingError):
        load_base("nothing", settings)


def test_enrolment_refuses_silence_and_crumbs(base: Base) -> None:
    with pytest.raises(InputError):
        enrol(base, Audio(np.zeros(64000, np.float32), 32000))
    with pytest.raises(InputError):
        enrol(base, Audio(np.full(8000, 0.1, np.float32), 32000))


def test_best_window_finds_the_speech() -> None:
    rng = np.random.default_rng(0)
    wave = np.zeros(32000 * 20, np.float32)
    wave[32000 * 8 : 32000 * 13] = rng.normal(0, 0.1, 32000 * 5)
    window = best_window(Audio(wave, 32000), 6.0)
    assert window.seconds == pytest.approx(6.0)
    assert float((window.samples**2).sum()) > 0.95 * float((wave**2).sum())


def test_markup_sets_pause_and_speed(synthesizer: Synthesizer, voice: Voice) -> None:
    first, second = synthesizer.speak(voice, "Hello there, my friend. [pause 0.7] Good morning to you.")
    assert not first.audio.samples[-round(0.69 * 32000) :].any()
    assert second.start > first.end
    (plain,) = synthesizer.speak(voice, "Good morning to you.")
    slow = list(synthesizer.speak(voice, "[Good morning to you.|speed 0.6]"))
    assert sum(p.audio.seconds for p in slow) > 1.3 * plain.audio.seconds


def test_a_fault_of_the_sampler_is_rolled_again_and_what_stays_is_told(
    synthesizer: Synthesizer, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, faults = synthesis.generate, [1]

    def faulty(*given: object, **options: object) -> Generated:
        result = made(*given, **options)  # type: ignore[arg-type]
        size = len(result.tokens)
        faults[0] -= 1
        cut = torch.cat([result.tokens[: size // 3], result.tokens[2 * size // 3 :]])
        return dataclasses.replace(result, tokens=cut) if faults[0] >= 0 else result

    monkeypatch.setattr(synthesis, "generate", faulty)
    text = "The harvest was poor in the whole valley."
    (spoken,) = synthesizer.speak(voice, text)
    assert spoken.attempts == 2 and spoken.doubt is None
    faults[0] = 99
    monkeypatch.setattr(Ear, "hear", lambda *given: Heard(0.0))  # the sound says no more than the tokens
    (spoken,) = synthesizer.speak(voice, text)
    assert spoken.attempts >= 3 and spoken.doubt == "other" and spoken.audio.seconds > 0.5


def test_long_and_short_are_equally_loud_and_never_at_full_scale(synthesizer: Synthesizer, voice: Voice) -> None:
    for text in ("Yes.", "嗯", "A", "The harvest was poor in the whole valley."):
        (spoken,) = synthesizer.speak(voice, text)
        assert abs(loudness(spoken.audio) - LOUDNESS) < 1.0 and true_peak(spoken.audio) <= CEILING


def test_a_speech_goes_on_where_it_stopped(synthesizer: Synthesizer, voice: Voice) -> None:
    text = "Good morning, my friend. See you on Sunday then!"
    first, second = synthesizer.speak(voice, text, seed=5)
    (rest,) = synthesizer.speak(voice, text, seed=5, after=1)
    assert (first.number, second.number, rest.number) == (0, 1, 1)
    assert rest.text == second.text and np.array_equal(rest.audio.samples, second.audio.samples)


def test_what_nobody_can_read_is_told_or_refused(synthesizer: Synthesizer, voice: Voice) -> None:
    (spoken,) = synthesizer.speak(voice, "Good morning, мой друг.")
    assert spoken.left_out == ("мой друг",) and spoken.audio.seconds > 0.5
    for text, language in (("Привет!", "auto"), ("你好。", "en"), ("Hello.", "xx")):
        with pytest.raises(InputError):
            synthesizer.speak(voice, text, language=language)
