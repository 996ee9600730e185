"""Sound in and out: read any common file, resample, level, trim, fade, join, write as WAV (else: ``encoding``).

Everything passes an ``Audio`` value around: mono float32 samples and their rate. Reading goes through PyAV, whose
wheel carries FFmpeg's libraries, so nothing has to be installed on the system. Resampling is soxr's "HQ" recipe
(linear phase, 20 bit); it was chosen over torchaudio's sinc because it needs no torch and costs a few ms per minute.

Letters in shapes: L samples.
"""

from __future__ import annotations

import base64
import io
import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from gpt_sovits.errors import InputError, MissingError, ResourceError
from gpt_sovits.files import flows

MAX_SECONDS = 30 * 60.0  # the longest recording that is read unless a caller asks for less
CONTAINERS = "wav,w64,aiff,caf,flac,mp3,mov,mp4,m4a,matroska,webm,ogg,aac,amr"  # what FFmpeg may probe; no playlists
_OPTIONS = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
OFFSET = 3e-4  # of the zero line, above which it is taken out: rounding to 16 bits stays far below
_SILENCE_DB = -120.0
_TRY_ANOTHER = "Please choose a sound file (wav, flac, mp3, m4a, ogg, opus or webm)."


@dataclass(frozen=True)
class Audio:
    """Mono sound: ``samples`` float32 [L] in [-1, 1], ``rate`` in Hz."""

    samples: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def _repr_html_(self) -> str:
        """A player in a notebook, and under it the sound as a picture."""
        player = f'<audio controls src="data:audio/wav;base64,{base64.b64encode(wav_bytes(self)).decode()}"></audio>'
        heights = [20 * float(np.abs(part).max(initial=0.0)) for part in np.array_split(self.samples, 300)]
        path = "".join(f"M{at} {20 - high:.1f}V{20 + high:.1f}" for at, high in enumerate(heights))
        size = 'width="300" height="40" viewBox="0 0 300 40"'
        picture = f'<svg {size} role="img" aria-label="{self.seconds:.1f} s"><path d="{path}" stroke="#888"/></svg>'
        return f"{player}<br>{picture}"

    def between(self, start: float, end: float) -> Audio:
        """The part from ``start`` to ``end`` seconds (clamped to what exists)."""
        first, last = (max(0, round(t * self.rate)) for t in (start, end))
        return Audio(self.samples[first:last], self.rate)


def silence(seconds: float, rate: int) -> Audio:
    return Audio(np.zeros(max(0, round(seconds * rate)), np.float32), rate)


# ---------------------------------------------------------------------------------------------------------- reading


def read_audio(path: Path | str, *, max_seconds: float = MAX_SECONDS, track: int = 0) -> Audio:
    """Read a sound file of any rate and channel count as mono float32 at its own rate.

    A longer file than ``max_seconds`` is refused by its header, or, where the header does not tell (a browser's
    webm), as soon as decoding passes the limit; memory stays bounded either way. Channels are averaged, unless they
    cancel each other, in which case the loudest one is kept. An offset of the zero line is taken out. ``track``: of the
    sound tracks of a film, the first one where there is no such. Raises ``MissingError`` or ``InputError``.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingError(f"There is no file named {path.name!r}.", _TRY_ANOTHER)
    if path.stat().st_size == 0:
        raise InputError(f"The file {path.name!r} is empty.", _TRY_ANOTHER)
    mono, energies, rate = _decode(path, None, max_seconds, track)
    if len(energies) > 1 and float(np.dot(mono, mono)) < 0.05 * max(energies):  # channels of opposite phase
        mono, _, rate = _decode(path, int(np.argmax(energies)), max_seconds, track)
    np.nan_to_num(mono, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
    offset = float(np.median(mono[:: 1 + len(mono) // 2_000_000]))  # what silence is; the mean moves with the speech
    if abs(offset) > OFFSET:
        mono -= np.float32(offset)
    loudest = float(np.max(np.abs(mono)))
    if loudest > 1.0:  # float files may pass full scale: lower them rather than clip
        mono /= loudest
    return Audio(mono, rate)


def tracks(path: Path | str) -> int:
    """How many sound tracks a file has; 0 of one that cannot be read."""
    try:
        with (
            Path(path).open("rb") as file,
            av.open(file, mode="r", options=_OPTIONS, metadata_errors="ignore") as found,
        ):
            return len(found.streams.audio)
    except (av.error.FFmpegError, UnicodeDecodeError, OSError):
        return 0


def _decode(path: Path, channel: int | None, max_seconds: float, track: int) -> tuple[np.ndarray, list[float], int]:
    """One pass over the file -> (mono [L], energy of each channel, rate)."""
    pieces: list[np.ndarray] = []
    energies: list[float] = []
    rate, seconds = 0, 0.0
    for samples, piece_rate in _frames(path, max_seconds, track):
        rate = rate or piece_rate
        if len(energies) < len(samples):
            energies += [0.0] * (len(samples) - len(energies))
        for index, row in enumerate(samples):
            energies[index] += float(np.dot(row, row))
        mono = samples.mean(axis=0) if channel is None or channel >= len(samples) else samples[channel]
        if piece_rate != rate:  # a stream may change its rate half-way
            mono = soxr.resample(mono, piece_rate, rate, quality="HQ")
        pieces.append(np.asarray(mono, np.float32))
        seconds += len(mono) / rate
        if seconds > max_seconds:
            raise _too_long(seconds, max_seconds, exact=False)
    if not pieces or not sum(map(len, pieces)):
        raise InputError(f"The file {path.name!r} holds no sound that can be read.", _TRY_ANOTHER)
    return np.concatenate(pieces), energies, rate


def _frames(path: Path, max_seconds: float, track: int) -> Iterator[tuple[np.ndarray, int]]:
    """Decoded frames as (float32 [channels, L], rate). Damaged packets are passed over."""
    try:
        # an open file, not a name: FFmpeg then reads these bytes and nothing else
        with path.open("rb") as file, av.open(file, mode="r", options=_OPTIONS, metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise InputError(f"The file {path.name!r} holds no sound.", _TRY_ANOTHER)
            stream = container.streams.audio[track if track < len(container.streams.audio) else 0]
            header = container.duration / av.time_base if container.duration else 0.0
            if header > max_seconds + 1.0:
                raise _too_long(header, max_seconds, exact=True)
            for packet in container.demux(stream):
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    continue
                for frame in frames:
                    yield _to_float(frame), frame.sample_rate
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        raise InputError(f"The file {path.name!r} is not a sound file, or it is damaged.", _TRY_ANOTHER) from error
    except PermissionError as error:
        raise InputError(f"The file {path.name!r} may not be read.", "Please check its permissions.") from error


def _to_float(frame: av.AudioFrame) -> np.ndarray:
    """A decoded frame of any sample format -> float32 [channels, L]."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128.0) / 128.0
    if np.issubdtype(values.dtype, np.integer):
        return values.astype(np.float32) / float(2 ** (8 * values.dtype.itemsize - 1))
    return values.astype(np.float32)


def _too_long(seconds: float, limit: float, *, exact: bool) -> InputError:
    length = f"{seconds / 60:.0f} minutes long" if exact else f"longer than {limit / 60:.0f} minutes"
    if limit < 120:
        length = f"{seconds:.0f} s long" if exact else f"longer than {limit:.0f} s"
    allowed = f"{limit / 60:.0f} minutes" if limit >= 120 else f"{limit:.0f} seconds"
    return InputError(f"The recording is {length}; at most {allowed} can be used.", "Please cut it and try again.")


# -------------------------------------------------------------------------------------------------------- processing


def resample(audio: Audio, rate: int) -> Audio:
    """The same sound at ``rate`` Hz; the identical value when it already is."""
    if audio.rate == rate:
        return audio
    return Audio(np.asarray(soxr.resample(audio.samples, audio.rate, rate, quality="HQ"), np.float32), rate)


def to_mono(samples: np.ndarray) -> np.ndarray:
    """Samples [L], [channels, L] or [L, channels] in any number type -> float32 [L] in [-1, 1] for integers.

    This is for arrays that come from a browser widget; files are mixed down while they are read.
    """
    values = np.asarray(samples)
    if np.issubdtype(values.dtype, np.integer):
        values = values.astype(np.float32) / float(np.iinfo(values.dtype).max)
    if values.ndim > 1:
        values = values.mean(axis=int(np.argmin(values.shape)))
    return np.ascontiguousarray(values, np.float32)


def decibels(ratio: float) -> float:
    """20 log10 of an amplitude ratio, never below -120."""
    return 20.0 * math.log10(ratio) if ratio > 1e-6 else _SILENCE_DB


def peak(audio: Audio) -> float:
    """Largest absolute sample, 0 to 1."""
    return float(np.max(np.abs(audio.samples))) if len(audio.samples) else 0.0


def frame_levels(audio: Audio, *, frame: float = 0.02) -> np.ndarray:
    """RMS level of consecutive frames of ``frame`` seconds, in dB of full scale, [frames]; the rest is dropped."""
    size = max(1, round(frame * audio.rate))
    count = len(audio.samples) // size
    if not count:
        return np.zeros(0, np.float32)
    power = np.square(audio.samples[: count * size].reshape(count, size)).mean(axis=1)
    return (10.0 * np.log10(np.maximum(power, 1e-12))).astype(np.float32)


def level(audio: Audio) -> float:
    """Loudness of the active part in dB of full scale: RMS of the frames within 25 dB of the loudest ones."""
    levels = frame_levels(audio)
    if not len(levels):
        return _SILENCE_DB
    active = levels[levels > np.percentile(levels, 95) - 25.0]
    return float(10.0 * np.log10(np.mean(10.0 ** (active / 10.0)))) if len(active) else float(levels.max())


def normalize(audio: Audio, target: float = -23.0, *, ceiling: float = 0.95) -> Audio:
    """Scale so that ``level`` is ``target`` dB, or less where the peak would pass ``ceiling``. Silence stays."""
    loudest = peak(audio)
    if loudest < 1e-5:
        return audio
    gain = min(10.0 ** ((target - level(audio)) / 20.0), ceiling / loudest)
    return Audio((audio.samples * np.float32(gain)), audio.rate)


def trim_silence(audio: Audio, *, below: float = 40.0, keep: float = 0.05) -> Audio:
    """Cut both ends down to ``keep`` seconds around what is louder than the loudest 20 ms less ``below`` dB."""
    levels = frame_levels(audio)
    if not len(levels) or levels.max() <= -90.0:
        return audio
    loud = np.flatnonzero(levels > levels.max() - below)
    return audio.between(loud[0] * 0.02 - keep, (loud[-1] + 1) * 0.02 + keep)


def fade(audio: Audio, *, start: float = 0.005, end: float = 0.005) -> Audio:
    """Raise the first ``start`` seconds from zero and lower the last ``end`` seconds to zero (raised cosine)."""
    samples = audio.samples.astype(np.float32, copy=True)
    for seconds, reverse in ((start, False), (end, True)):
        length = min(round(seconds * audio.rate), len(samples) // 2)
        if length > 0:
            ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)).astype(np.float32)
            if reverse:
                samples[-length:] *= ramp[::-1]
            else:
                samples[:length] *= ramp
    return Audio(samples, audio.rate)


def concatenate(parts: Sequence[Audio], *, pause: float = 0.0) -> Audio:
    """Join parts of one rate with exactly ``pause`` seconds of digital silence between them."""
    if not parts:
        raise InputError("There is no sound to join.", "Please give at least one piece.")
    rates = {part.rate for part in parts}
    if len(rates) > 1:
        raise InputError(f"Sounds of different rates cannot be joined ({sorted(rates)} Hz).", "Resample them first.")
    gap = silence(pause, parts[0].rate).samples
    pieces: list[np.ndarray] = []
    for index, part in enumerate(parts):
        pieces += [gap, part.samples] if index and len(gap) else [part.samples]
    return Audio(np.concatenate(pieces), parts[0].rate)


# ----------------------------------------------------------------------------------------------------------- writing


def to_int16(audio: Audio) -> np.ndarray:
    """Samples as int16 [L], clipped to full scale."""
    return (np.clip(np.nan_to_num(audio.samples), -1.0, 1.0) * 32767.0).round().astype("<i2")


def wav_bytes(audio: Audio) -> bytes:
    """A 16-bit mono WAV file as bytes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, to_int16(audio), audio.rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def write_wav(path: Path | str, audio: Audio) -> None:
    """Write a 16-bit mono WAV; the file appears whole or not at all. Raises ``ResourceError`` when it cannot."""
    write_bytes(path, wav_bytes(audio))


def write_bytes(path: Path | str, data: bytes) -> None:
    """Put ``data`` at ``path`` by way of a temporary file in the same folder, so no half-written file is ever seen.

    Into a pipe or a device it flows.
    """
    path = Path(path)
    temporary = ""
    try:
        if flows(path):
            path.write_bytes(data)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() and _write_unnamed(path, data):
            return
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as file:
            temporary = file.name
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise ResourceError(
            f"The file {path.name!r} could not be written ({error.strerror}).", "Please check the disk and its rights."
        ) from error


def _write_unnamed(path: Path, data: bytes) -> bool:
    """Write a new file that has no name until it is whole: a kill leaves nothing. False where the system cannot."""
    try:
        handle = os.open(path.parent, os.O_TMPFILE | os.O_WRONLY, 0o644)
    except (AttributeError, OSError):
        return False
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        try:
            os.link(f"/proc/self/fd/{handle}", path, follow_symlinks=True)
        except (OSError, NotImplementedError):
            return False
    return True
