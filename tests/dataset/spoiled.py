"""Ten recordings that people spoil, made from a clean minute, and what the studio says about each.

    python -m tests.dataset.spoiled --out /tmp/spoiled [--recording minute.wav --text minute.txt]

Prints verdict and advice, and whether the recording with its text becomes a training set or is refused, as Markdown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from gpt_sovits.audio import Audio, concatenate, level, peak, read_audio, resample, silence, write_wav
from gpt_sovits.dataset.assess import open_recording
from gpt_sovits.errors import VoiceError

DATA = Path(__file__).parents[1] / "data"
WRONG_TEXT = (
    "Long before the railway came, merchants walked this valley with donkeys and bells. They carried salt, copper "
    "and cheese from village to village, and slept in barns whenever snow closed the passes. Nobody knows how "
    "many travellers lost their way up there, but old songs still mention seven brothers from Genoa, who sold "
    "glass beads and never saw home again. Their lantern hangs above our chapel door."
)


def with_music(audio: Audio, below: float = 18.0) -> Audio:
    """Chords of four notes, a new one each second, ``below`` dB under the speech."""
    rng = np.random.default_rng(5)
    time_ = np.arange(len(audio.samples)) / audio.rate
    tune = np.zeros(len(audio.samples))
    for second in range(int(audio.seconds) + 1):
        here = (time_ >= second) & (time_ < second + 1)
        for note in rng.choice([0, 3, 5, 7, 10, 12], 4, replace=False):
            pitch = 220.0 * 2 ** (note / 12)
            for harmonic in (1, 2, 3):
                tune[here] += np.sin(2 * np.pi * harmonic * pitch * time_[here]) / harmonic
    return _added(audio, tune, below)


def with_noise(audio: Audio, below: float = 20.0) -> Audio:
    return _added(audio, np.random.default_rng(6).normal(0, 1, len(audio.samples)), below)


def _added(audio: Audio, other: np.ndarray, below: float) -> Audio:
    scale = 10 ** ((level(audio) - below) / 20) / np.sqrt(np.mean(np.square(other)))
    return Audio((audio.samples + scale * other).astype(np.float32), audio.rate)


def clipped(audio: Audio) -> Audio:
    return Audio(np.clip(audio.samples * 6 / peak(audio), -1, 1), audio.rate)


def whispered(audio: Audio) -> Audio:
    """The same words without pitch: each 20 ms keeps its coarse spectrum, noise takes the place of the voice."""
    size, rng = round(0.032 * audio.rate), np.random.default_rng(7)
    hop, window = size // 4, np.hanning(size + 1)[:-1]
    padded = np.pad(audio.samples, (size, size))
    noise, out = rng.normal(0, 1, len(padded)), np.zeros(len(padded))
    lifter = np.zeros(size)
    lifter[: audio.rate // 700] = lifter[-(audio.rate // 700) + 1 :] = 1.0  # keeps the envelope, drops the pitch
    for start in range(0, len(padded) - size, hop):
        spectrum = np.abs(np.fft.fft(padded[start : start + size] * window)) + 1e-5
        envelope = np.exp(np.fft.fft(np.fft.ifft(np.log(spectrum)).real * lifter).real)
        shaped = np.fft.ifft(np.fft.fft(noise[start : start + size] * window) * envelope).real
        out[start : start + size] += shaped * window
    out = out[size:-size] * np.sqrt(np.mean(audio.samples**2) / np.mean(out**2))
    return Audio(out.astype(np.float32), audio.rate)


def second_person(audio: Audio) -> Audio:
    """Another throat: pitch and timbre a fifth lower, as a slower tape of every other sentence would sound."""
    return Audio(resample(Audio(audio.samples, round(audio.rate * 0.72)), audio.rate).samples, audio.rate)


def two_people(audio: Audio) -> Audio:
    half = audio.seconds / 2
    return concatenate([audio.between(0, half), second_person(audio.between(half, half + 18))], pause=0.4)


def empty_middle(audio: Audio) -> Audio:
    half = audio.seconds / 2
    return concatenate([audio.between(0, half), silence(40, audio.rate), audio.between(half, audio.seconds)])


def write_stereo_float(path: Path, audio: Audio) -> None:
    """48 kHz, two unlike channels, 32-bit float."""
    samples = resample(audio, 48_000).samples
    _mux(path, np.stack([samples, 0.6 * samples]).astype(np.float32), "pcm_f32le", "flt")


def write_webm(path: Path, audio: Audio) -> None:
    """Opus in WebM, as a browser's recorder gives it."""
    _mux(path, np.stack([resample(audio, 48_000).samples]).astype(np.float32), "libopus", "flt")


def _mux(path: Path, channels: np.ndarray, codec: str, sample_format: str) -> None:
    layout = "mono" if len(channels) == 1 else "stereo"
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=48_000, layout=layout)
        stream.codec_context.format = sample_format
        for start in range(0, channels.shape[1], 960):
            block = channels[:, start : start + 960]
            block = np.pad(block, ((0, 0), (0, 960 - block.shape[1])))
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T.reshape(1, -1)), "flt", layout)
            frame.sample_rate, frame.pts = 48_000, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@dataclass(frozen=True)
class Case:
    """``make`` writes the recording; ``text`` is what its person says was read, None: the true text."""

    name: str
    file: str
    make: Callable[[Path, Audio], None]
    text: str | None = None


def _wav(change: Callable[[Audio], Audio]) -> Callable[[Path, Audio], None]:
    return lambda path, audio: write_wav(path, change(audio))


CASES = (
    Case("clean", "clean.wav", _wav(lambda audio: audio)),
    Case("music behind", "music.wav", _wav(with_music)),
    Case("two speakers", "two.wav", _wav(two_people)),
    Case("8 kHz phone", "phone.wav", _wav(lambda audio: resample(audio, 8000))),
    Case("clipped", "clipped.wav", _wav(clipped)),
    Case("whispered", "whisper.wav", _wav(whispered)),
    Case("20 dB noise", "noise.wav", _wav(with_noise)),
    Case("wrong text", "wrong.wav", _wav(lambda audio: audio), WRONG_TEXT),
    Case("empty middle", "middle.wav", _wav(empty_middle)),
    Case("48 kHz stereo float", "stereo.wav", write_stereo_float),
    Case("webm of a browser", "browser.webm", write_webm),
)


def run(out: Path, recording: Path, text: str, names: Sequence[str] = ()) -> list[str]:
    """Lines of a Markdown table."""
    from gpt_sovits.dataset.build import build_dataset
    from gpt_sovits.dataset.ears import ears_of
    from gpt_sovits.families.base import load_base
    from gpt_sovits.settings import Settings

    audio = read_audio(recording)
    lines = ["| recording | verdict | what is said | training set |", "|---|---|---|---|"]
    settings = Settings(out / "data", threads=1)
    ears = ears_of(load_base("mini", settings), lambda name: load_base(name, settings))
    for case in CASES:
        if names and case.name not in names:
            continue
        path = out / case.file
        case.make(path, audio)
        start = time.process_time()
        try:
            found = open_recording(path)[1]
            verdict, advice = found.verdict, found.advice
        except VoiceError as error:
            verdict, advice = "refused", str(error)
        try:
            made = build_dataset(path, text if case.text is None else case.text, "en", ears, work_dir=out / case.name)
            cleaned = f", cleaned of {', '.join(made.report.cleaned)}" if made.report.cleaned else ""
            result = f"{len(made.slices)} pieces, {made.seconds:.0f} s{cleaned}"
        except VoiceError as error:
            result = f"refused: {error}"
        lines.append(f"| {case.name} | {verdict} | {advice or '-'} | {result} |")
        sys.stderr.write(f"{case.name}: {time.process_time() - start:.1f} s of CPU\n")
    return lines


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m tests.dataset.spoiled")
    options.add_argument("--out", type=Path)
    options.add_argument("--recording", type=Path, default=DATA / "one_minute.opus")
    options.add_argument("--text", type=Path, default=DATA / "one_minute.txt")
    options.add_argument("names", nargs="*", help="only these cases")
    chosen = options.parse_args(argv)
    with tempfile.TemporaryDirectory() as place:
        out = chosen.out or Path(place)
        out.mkdir(parents=True, exist_ok=True)
        lines = run(out, chosen.recording, chosen.text.read_text(encoding="utf-8").strip(), chosen.names)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
