"""The takes of a narration -> one book: even loudness, true peaks held, chapters, cover, and the words as subtitles.

Everything goes by in pieces, so hours take no more memory than minutes. Loudness is that of ITU-R BS.1770, measured and
limited by FFmpeg's filters in PyAV's wheel: once as it is, once or more limited, and once more while it is written.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, cast

import av
import av.filter
import numpy as np

from gpt_sovits.audio import Audio, resample, silence
from gpt_sovits.encoding import Encoder, audible_mark
from gpt_sovits.errors import InputError
from gpt_sovits.files import disk_errors, flows, unfinished, write_blocks
from gpt_sovits.labels import in_comment
from gpt_sovits.narration.project import Project
from gpt_sovits.subtitles import Cue, split_cue
from gpt_sovits.text.documents import clean
from gpt_sovits.text.markup import parse_markup
from gpt_sovits.text.tracked import Tracked

RATE = 44_100
LOUDNESS = -16.0  # LUFS
_LIMIT_DB = -2.0  # before encoding, which may overshoot by some tenths; the promise is -1 dB
_SILENT, _ROUNDS = -60.0, 3
_LAME = 1.0 / 0.95  # LAME lowers everything to this share, so that nothing clips; here nothing would
_LIMITER = "limit={limit:.4f}:level=0:attack=5:release=60:latency=1"
_BLOCK = 8820  # samples that go through the filters at once
FORMATS: Mapping[str, tuple[str, str, int]] = {  # suffix -> container, codec, bits a second
    "m4b": ("mp4", "aac", 96_000),
    "m4a": ("mp4", "aac", 96_000),
    "mp3": ("mp3", "libmp3lame", 96_000),
    "flac": ("flac", "flac", 0),
    "wav": ("", "", 0),
}
Starts = Callable[[Audio, str], Sequence[tuple[int, float]]]  # places in a text and seconds in its sound
_MILLISECONDS = Fraction(1, 1000)
_PICTURES = {b"\xff\xd8\xff": "mjpeg", b"\x89PNG": "png"}


@dataclass
class Made:
    """What was written: ``loudness`` in LUFS, ``peak`` (true) in dB of full scale, before the format's own losses."""

    seconds: float = 0.0
    loudness: float = -70.0
    peak: float = -120.0
    chapters: list[tuple[str, float]] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    subtitles: list[Cue] = field(default_factory=list)


def build(
    project: Project,
    out: Path,
    *,
    metadata: Mapping[str, str],
    cover: bytes = b"",
    check: Callable[[], None] = lambda: None,
    starts: Starts = lambda sound, text: (),
    mark: bool = False,
) -> Made:
    """Write the book. ``starts``: where words begin in a sentence that is shown in several parts. ``mark``: end it with
    the signal that a machine spoke.

    Raises ``InputError`` for an unknown format, ``MissingError`` for a sentence without a take."""
    kind = out.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise InputError(f"A book cannot be written as {kind!r}.", f"Please use one of: {', '.join(FORMATS)}.")
    if cover and not _codec_of(cover):
        raise InputError("The cover is neither a JPEG nor a PNG picture.", "Choose another picture.")
    plain, gain = _measured(project, None, check), 0.0
    if plain.loudness > _SILENT:
        gain = LOUDNESS - plain.loudness
        for _ in range(_ROUNDS):  # what the limiter takes away is added, which makes it take a little more
            missing = LOUDNESS - _measured(project, gain, check).loudness
            gain += missing
            if abs(missing) < 0.1:
                break
    part = unfinished(out)
    with disk_errors("the book could not be written"):
        out.parent.mkdir(parents=True, exist_ok=True)
        try:
            writer = _Wav(part, metadata) if kind == "wav" else _Writer(part, kind, metadata, plain, cover)
            made = _measured(project, gain, check, writer.write, starts)
            if mark:
                writer.write(audible_mark(RATE).samples)
            writer.close()
            if flows(out):
                with part.open("rb") as file:
                    write_blocks(out, iter(partial(file.read, 2**20), b""))
            else:
                os.replace(part, out)
        finally:
            part.unlink(missing_ok=True)
    return made


def _measured(
    project: Project,
    gain: float | None,
    check: Callable[[], None],
    write: Callable[[np.ndarray], None] = lambda samples: None,
    starts: Starts | None = None,
) -> Made:
    """Let the whole book pass, limited after ``gain`` dB (None: as it is); times are those of what passes."""
    made, chain = Made(), _Chain(gain)
    clock, chapter, titles = 0, -1, project.chapters()
    for sentence in project.sentences():
        check()
        if sentence.at is not None and sentence.at * RATE > clock:
            gap = silence(sentence.at - clock / RATE, RATE).samples
            chain.put(gap, write)
            clock += len(gap)
        if sentence.chapter != chapter:
            chapter = sentence.chapter
            made.chapters.append((titles[chapter], clock / RATE))
        sound = resample(project.sound(sentence), RATE).samples
        text = parse_markup(clean(Tracked.of(sentence.text))).source.text
        cue = Cue(clock / RATE, (clock + len(sound)) / RATE, " ".join(text.split()))
        made.cues.append(cue)
        if starts is not None:
            places = starts(Audio(sound, RATE), cue.text) if len(split_cue(cue)) > 1 else ()
            made.subtitles += split_cue(cue, starts=[(place, cue.start + when) for place, when in places])
        rest = silence(sentence.pause, RATE).samples
        chain.put(np.concatenate([sound, rest]), write)
        clock += len(sound) + len(rest)
    made.loudness, made.peak = chain.end(write)
    made.seconds = clock / RATE
    return made


class _Chain:
    """Gain, limiter and meter. The limiter works at four times the rate, so that it sees what lies between samples."""

    def __init__(self, gain: float | None) -> None:
        self._graph, self._at, self._said = av.filter.Graph(), 0, (-70.0, -120.0)
        limiter = _LIMITER.format(limit=10 ** (_LIMIT_DB / 20))
        steps: list[tuple[str, str]] = []
        if gain is not None:
            steps = [
                ("volume", f"{gain:.3f}dB"),
                ("aresample", str(4 * RATE)),
                ("alimiter", limiter),
                ("aresample", str(RATE)),
            ]
        steps += [
            ("ebur128", "metadata=1:peak=true:framelog=quiet"),
            ("aformat", "sample_fmts=flt"),
            ("abuffersink", ""),
        ]
        last: Any = self._graph.add_abuffer(sample_rate=RATE, format="flt", layout="mono")
        for name, options in steps:
            step = self._graph.add(name, options) if options else self._graph.add(name)
            last.link_to(step)
            last = step
        self._graph.configure()

    def put(self, samples: np.ndarray, write: Callable[[np.ndarray], None]) -> None:
        for start in range(0, len(samples), _BLOCK):
            block = np.ascontiguousarray(samples[None, start : start + _BLOCK], np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout="mono")
            frame.sample_rate, frame.pts = RATE, self._at
            self._at += block.shape[1]
            self._graph.push(frame)
            self._pull(write)

    def end(self, write: Callable[[np.ndarray], None]) -> tuple[float, float]:
        """Loudness and true peak of what passed."""
        self._graph.push(None)
        self._pull(write)
        return self._said

    def _pull(self, write: Callable[[np.ndarray], None]) -> None:
        while True:
            try:
                frame: Any = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            said = frame.metadata
            if "lavfi.r128.I" in said:
                peak = float(said.get("lavfi.r128.true_peak", "0"))
                self._said = float(said["lavfi.r128.I"]), 20 * float(np.log10(max(peak, 1e-6)))
            write(frame.to_ndarray().reshape(-1))


class _Wav:
    """WAV bit by bit; its lengths are put in at the end."""

    def __init__(self, path: Path, metadata: Mapping[str, str]) -> None:
        self._encoder = Encoder("wav", RATE, metadata=metadata)
        self._file = path.open("wb")
        self._head = self._file.write(self._encoder.add(silence(0, RATE)))

    def write(self, samples: np.ndarray) -> None:
        self._file.write(self._encoder.add(Audio(samples, RATE)))

    def close(self) -> None:
        size = self._file.tell()
        for place, value in ((4, size - 8), (self._head - 4, size - self._head)):
            self._file.seek(place)
            self._file.write(struct.pack("<I", min(0xFFFFFFFF, value)))
        self._file.close()


class _Writer:
    """A file with chapters and a cover, where the format has them."""

    def __init__(self, path: Path, kind: str, metadata: Mapping[str, str], plan: Made, cover: bytes) -> None:
        container, codec, bits = FORMATS[kind]
        options = {"movflags": "+faststart", "brand": "M4B "} if container == "mp4" else {"id3v2_version": "4"}
        self._output = av.open(str(path), "w", format=container, options=options if container != "flac" else {})
        self._output.metadata.update(in_comment(metadata) if container == "mp4" else metadata)
        self._level = _LAME if kind == "mp3" else 1.0
        self._stream: Any = cast("Any", self._output.add_stream(codec, rate=RATE, layout="mono"))
        if bits:
            self._stream.bit_rate = bits
        picture = self._picture(cover) if cover else None
        if len(plan.chapters) > 1 or plan.chapters[0][0]:
            self._output.set_chapters(list(_chapters(plan)))
        if picture is not None:
            self._output.mux(picture)
        self._at = 0

    def _picture(self, cover: bytes) -> av.Packet:
        with av.open(io.BytesIO(cover)) as source:
            size = source.streams.video[0]
            width, height = size.width, size.height
        stream: Any = self._output.add_mux_stream(_codec_of(cover), width=width, height=height)
        stream.disposition = av.stream.Disposition.attached_pic
        packet = av.Packet(cover)
        packet.stream = stream
        packet.pts = packet.dts = 0
        return packet

    def write(self, samples: np.ndarray) -> None:
        values = np.clip(samples * self._level, -1, 1)
        block = (values * 32767).round().astype("<i2")[None]
        if block.size:
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, self._at
            self._at += block.shape[1]
            self._output.mux(self._stream.encode(frame))

    def close(self) -> None:
        self._output.mux(self._stream.encode(None))
        self._output.close()


def _chapters(plan: Made) -> Iterator[Any]:
    ends: Sequence[float] = [start for _, start in plan.chapters[1:]] + [plan.seconds]
    for number, ((title, start), end) in enumerate(zip(plan.chapters, ends, strict=True)):
        yield {
            "id": number,
            "start": round(start * 1000),
            "end": round(end * 1000),
            "time_base": _MILLISECONDS,
            "metadata": {"title": title or str(number + 1)},
        }


def _codec_of(picture: bytes) -> str:
    return next((codec for head, codec in _PICTURES.items() if picture.startswith(head)), "")
