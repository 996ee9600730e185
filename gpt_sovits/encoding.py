"""Sound as a file or a stream of bytes, in every format that people ask for, with what it says of itself inside.

PyAV's wheel carries FFmpeg's encoders (FLAC, Opus, MP3 by LAME, AAC); WAV and raw PCM are written here. An ``Encoder``
takes sound bit by bit: what it gives back at once can be sent, so hours need no memory and a listener need not wait.
"""

from __future__ import annotations

import io
import itertools
import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
import soxr

from gpt_sovits.audio import CONTAINERS, Audio, concatenate, fade, silence, to_int16, write_bytes
from gpt_sovits.errors import InputError, MissingError, ResourceError
from gpt_sovits.files import flows, unfinished, write_blocks
from gpt_sovits.labels import OWN, STANDARD, Found, Label, read

BIT_RATE = 64_000
_OPUS = (48000, 24000, 16000, 12000, 8000)
_AAC = (48000, 44100, 32000, 24000, 22050, 16000)


@dataclass(frozen=True)
class Format:
    """``container`` and ``codec`` are FFmpeg's names, "" for what is written here. ``rates``: empty = any."""

    media_type: str
    container: str = ""
    codec: str = ""
    rates: tuple[int, ...] = ()
    options: tuple[tuple[str, str], ...] = ()


FORMATS: Mapping[str, Format] = {
    "wav": Format("audio/wav"),
    "pcm": Format("audio/pcm", rates=(24000,)),  # signed 16 bits, little end first, and nothing else
    "raw": Format("audio/raw", rates=(32000,)),  # the same as upstream's programs expect it
    "flac": Format("audio/flac", "flac", "flac"),
    "mp3": Format("audio/mpeg", "mp3", "libmp3lame", _AAC, (("id3v2_version", "4"),)),
    "ogg": Format("audio/ogg", "ogg", "libopus", _OPUS),
    "opus": Format("audio/ogg", "ogg", "libopus", _OPUS),
    "aac": Format("audio/aac", "adts", "aac", _AAC, (("write_id3v2", "1"),)),
    "m4a": Format("audio/mp4", "ipod", "aac", _AAC, (("movflags", "+use_metadata_tags"),)),
}
FILES = tuple(name for name in FORMATS if name not in ("pcm", "raw"))


def format_of(name: str) -> Format:
    """``InputError`` for a format that is not written here."""
    if name not in FORMATS:
        raise InputError(f"Sound cannot be written as {name!r}.", f"Please use one of: {', '.join(FORMATS)}.")
    return FORMATS[name]


class Encoder:
    """Bytes of one sound of ``rate`` Hz. ``add`` and ``end`` return what is ready.

    ``streaming``: nothing that was given out is changed later, so the headers of WAV, FLAC and MP3 tell no length.
    Otherwise ``end`` gives the whole file, unless it is written into ``file``, open for reading and writing.
    """

    def __init__(
        self,
        name: str,
        rate: int,
        *,
        label: Label | None = None,
        metadata: Mapping[str, str] | None = None,
        streaming: bool = True,
        bit_rate: int = BIT_RATE,
        file: BinaryIO | None = None,
    ) -> None:
        self._format = format_of(name)
        rates = self._format.rates
        self.rate = rate if not rates or rate in rates else min((r for r in rates if r >= rate), default=max(rates))
        self._resampler = soxr.ResampleStream(rate, self.rate, 1, quality="HQ") if self.rate != rate else None
        self._name, self._streaming, self._written = name, streaming and file is None, 0
        self._mark = audible_mark(rate) if label is not None and label.heard else None
        self._metadata = dict(metadata or (label.metadata() if label is not None else {}))
        self._sink: BinaryIO = file or (_Pipe() if streaming else io.BytesIO())
        self._output: av.container.OutputContainer | None = None
        if self._format.container:
            self._open(bit_rate)
        elif name == "wav":
            self._sink.write(_wav_header(self.rate, None, self._metadata))

    def add(self, audio: Audio) -> bytes:
        return self._put(audio.samples, last=False)

    def end(self) -> bytes:
        marked = self._mark.samples if self._mark is not None and self._written else np.zeros(0, np.float32)
        out = self._put(marked, last=True)
        if self._output is not None:
            self._output.mux(self._stream.encode(None))
            self._output.close()
            out += self._taken()
        if self._streaming:
            return out
        if self._name == "wav":
            self._sink.seek(0)
            self._sink.write(_wav_header(self.rate, self._written, self._metadata))
        return self._sink.getvalue() if isinstance(self._sink, io.BytesIO) else b""

    # ------------------------------------------------------------------------------------------------------- private

    def _open(self, bit_rate: int) -> None:
        options = {**dict(self._format.options), "flush_packets": "1"}
        if self._name == "mp3" and self._streaming:
            options["write_xing"] = "0"
        if self._name == "m4a" and self._streaming:
            options["movflags"] += "+empty_moov+default_base_moof"
            options["frag_duration"] = "500000"  # microseconds
        self._output = cast(
            "av.container.OutputContainer",
            av.open(self._sink, "w", format=self._format.container, options=options),
        )
        self._stream = cast(
            "av.AudioStream", self._output.add_stream(self._format.codec, rate=self.rate, layout="mono")
        )
        if self._format.codec != "flac":
            self._stream.bit_rate = bit_rate
        target = self._stream.metadata if self._format.container == "ogg" else self._output.metadata
        target.update(self._metadata)

    def _put(self, samples: np.ndarray, *, last: bool) -> bytes:
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(np.asarray(samples, np.float32), last=last)
        values = to_int16(Audio(samples, self.rate))
        if len(values) and self._output is None:
            self._sink.write(values.tobytes())
        elif len(values) and self._output is not None:
            frame = av.AudioFrame.from_ndarray(values[None, :], format="s16", layout="mono")
            frame.sample_rate, frame.pts = self.rate, self._written
            self._output.mux(self._stream.encode(frame))
        self._written += len(values)
        return self._taken()

    def _taken(self) -> bytes:
        return self._sink.take() if isinstance(self._sink, _Pipe) else b""


def audible_mark(rate: int) -> Audio:
    """What tells people that a machine spoke: after a pause the rhythm short long, short short (GB 45438-2025; "AI" in
    Morse's signs), 1.4 seconds in all."""
    parts = [silence(0.3, rate)]
    for seconds, rest in ((0.1, 0.1), (0.3, 0.3), (0.1, 0.1), (0.1, 0.0)):
        time = np.arange(round(seconds * rate)) / rate
        tone = Audio((0.15 * np.sin(2 * np.pi * 880.0 * time)).astype(np.float32), rate)
        parts += [fade(tone), silence(rest, rate)]
    return concatenate(parts)


class _Pipe(io.BytesIO):
    """What was written since it was last asked; nobody can go back in it."""

    def seekable(self) -> bool:
        return False

    def take(self) -> bytes:
        found = self.getvalue()
        super().seek(0)
        self.truncate()
        return found


def encode(audio: Audio, name: str, *, bit_rate: int = BIT_RATE, label: Label | None = None) -> bytes:
    """The sound as one file. ``bit_rate`` is for the formats with losses."""
    encoder = Encoder(name, audio.rate, label=label, streaming=False, bit_rate=bit_rate)
    encoder.add(audio)
    return encoder.end()


def encode_stream(pieces: Iterable[Audio], name: str, *, label: Label | None = None) -> Iterator[bytes]:
    """The bytes of consecutive pieces of one rate, each as soon as it can be sent."""
    encoder: Encoder | None = None
    for piece in pieces:
        encoder = encoder or Encoder(name, piece.rate, label=label)
        yield encoder.add(piece)
    if encoder is not None:
        yield encoder.end()


def write_audio(path: Path | str, audio: Audio, *, bit_rate: int = BIT_RATE, label: Label | None = None) -> None:
    """Write in the format that the file's suffix names (.wav, .flac, .ogg, .opus, .mp3 …), whole or not at all."""
    write_bytes(path, encode(audio, Path(path).suffix.lower().lstrip("."), bit_rate=bit_rate, label=label))


def require_format(path: Path | str) -> str:
    """The format that a file's suffix names, or an ``InputError`` that lists those that can be written."""
    name = Path(path).suffix.lower().lstrip(".")
    format_of(name)
    return name


def write_pieces(path: Path | str, pieces: Iterable[Audio], *, label: Label | None = None, name: str = "") -> None:
    """Write pieces of one rate as they come, in the format ``name`` or of the suffix; they are not kept in memory.

    The file appears when the last one is there. Where ``pieces`` raises, it appears with what came before, and the
    error goes on. Raises ``InputError`` for an unknown format and for no pieces, ``ResourceError``.
    """
    path, name = Path(path), name or require_format(path)
    coming = iter(pieces)
    first = next((piece for piece in coming if len(piece.samples)), None)
    if first is None:
        raise InputError("There is nothing to say.", "Type a text with words in it.")
    if flows(path):
        return write_blocks(path, encode_stream(itertools.chain([first], coming), name, label=label))
    growing = unfinished(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with growing.open("w+b") as file:
            encoder = Encoder(name, first.rate, label=label, file=file)
            try:
                for piece in itertools.chain([first], coming):
                    encoder.add(piece)
            finally:
                encoder.end()
    except OSError as error:
        growing.unlink(missing_ok=True)
        raise ResourceError(
            f"The file {path.name!r} could not be written ({error.strerror}).", "Please check the disk and its rights."
        ) from error
    finally:
        if growing.is_file():
            try:
                os.replace(growing, path)
            finally:
                growing.unlink(missing_ok=True)


def inspect(path: Path | str) -> Found:
    """What a sound file says of itself. ``MissingError`` or ``InputError`` where it cannot be read as sound."""
    path = Path(path)
    if not path.is_file():
        raise MissingError(f"There is no file named {path.name!r}.", "Choose a sound file.")
    try:
        if not path.stat().st_size:
            raise OSError("it is empty")
        with (
            path.open("rb") as file,
            av.open(file, options={"format_whitelist": CONTAINERS}, metadata_errors="ignore") as found,
        ):
            metadata = dict(found.metadata)
            for stream in found.streams.audio:
                metadata.update(stream.metadata)
    except (av.error.FFmpegError, UnicodeDecodeError, OSError) as error:
        raise InputError(f"The file {path.name!r} is not a sound file, or it is damaged.", "Choose another.") from error
    return read(metadata)


def _wav_header(rate: int, count: int | None, metadata: Mapping[str, str]) -> bytes:
    """44 bytes and, before the samples, a list of what the file says. ``count`` samples, None: nobody knows yet."""
    keys = {"ICMT": metadata.get("comment"), "AIGC": metadata.get(STANDARD), "GSVS": metadata.get(OWN)}
    entries = b"".join(_chunk(key.encode(), text.encode() + b"\0") for key, text in keys.items() if text)
    said = _chunk(b"LIST", b"INFO" + entries) if entries else b""
    form = _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16))
    size = 0xFFFFFFFF if count is None else 2 * count
    whole = 0xFFFFFFFF if count is None else min(0xFFFFFFFF, 4 + len(form) + len(said) + 8 + size)
    return b"RIFF" + struct.pack("<I", whole) + b"WAVE" + form + said + b"data" + struct.pack("<I", size)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
