"""Every format holds the whole sound, whether it is written at once or bit by bit, and says what it is."""

from __future__ import annotations

import io
import sys
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from gpt_sovits import encoding
from gpt_sovits.audio import Audio, level, read_audio
from gpt_sovits.cli.main import main
from gpt_sovits.crypto.credentials import FILE, credentials, sign_file
from gpt_sovits.errors import CancelledError, InputError, MissingError, RefusedError
from gpt_sovits.labels import Label

LABEL = Label("v0123456789", "r0123456789", "c" * 64)
DELAY = 0.07  # seconds that the lossy formats may add at the ends


def tone(seconds: float = 1.7, rate: int = 32000) -> Audio:
    return Audio((0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(np.float32), rate)


def decoded(data: bytes) -> float:
    with av.open(io.BytesIO(data)) as container:
        return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


@pytest.mark.parametrize("name", encoding.FILES)
@pytest.mark.parametrize("rate", [24000, 32000, 44100])
def test_a_file_and_a_stream_hold_the_same_sound(name: str, rate: int, tmp_path: Path) -> None:
    sound = tone(1.7, rate)
    pieces = [sound.between(0, 0.61), sound.between(0.61, 0.62), sound.between(0.62, 2)]
    whole, stream = encoding.encode(sound, name), b"".join(encoding.encode_stream(pieces, name))
    assert abs(decoded(whole) - 1.7) < DELAY and abs(decoded(stream) - 1.7) < DELAY
    path = tmp_path / f"x.{name}"
    path.write_bytes(whole)
    assert abs(level(read_audio(path)) - level(sound)) < 0.6


def test_a_stream_gives_sound_before_it_ends() -> None:
    for name in encoding.FORMATS:
        encoder = encoding.Encoder(name, 32000)
        given = [len(encoder.add(tone(1.0))) for _ in range(6)]
        assert sum(given[:3]) > 1000 and all(given[2:]), name
        assert encoder.end() or name in ("wav", "pcm", "raw")


def test_pcm_is_what_openais_clients_expect() -> None:
    data = encoding.encode(tone(2.0), "pcm")
    assert len(data) == 2 * 24000 * 2 and abs(np.abs(np.frombuffer(data, "<i2")).max() / 32767 - 0.5) < 0.02


@pytest.mark.parametrize("name", encoding.FILES)
def test_what_a_machine_said_says_so(name: str, tmp_path: Path) -> None:
    for streaming in (False, True):
        pieces = encoding.encode_stream([tone()], name, label=LABEL)
        path = tmp_path / f"{streaming}.{name}"
        path.write_bytes(b"".join(pieces) if streaming else encoding.encode(tone(), name, label=LABEL))
        found = encoding.inspect(path)
        assert found.synthetic and found.own["voice"] == LABEL.voice and found.own["consent"] == LABEL.consent
        assert found.own["version"] == LABEL.version and found.standard["Label"] == "1" and "AI" in found.comment
        assert set(found.standard) == {
            "Label",
            "ContentProducer",
            "ProduceID",
            "ReservedCode1",
            "ContentPropagator",
            "PropagateID",
            "ReservedCode2",
        }
        assert read_audio(path).seconds > 1.6


@pytest.mark.parametrize("name", ["wav", "mp3", "opus", "pcm"])
def test_the_mark_that_people_hear_comes_last(name: str) -> None:
    heard = replace(LABEL, heard=True)
    whole = encoding.encode(tone(), name, label=heard)
    parts = b"".join(encoding.encode_stream([tone(1.0), tone(0.7)], name, label=heard))
    mark = encoding.audible_mark(32000)
    assert mark.seconds == pytest.approx(1.4) and 0.1 < np.abs(mark.samples).max() < 0.2
    loud = np.abs(mark.samples).reshape(-1, 1600).max(1) > 0.1  # frames of 50 ms
    assert "".join("x" if each else "." for each in loud) == "......xx..xxxxxx......xx..xx"
    for data in (whole, parts):
        seconds = len(data) / 48000 if name == "pcm" else decoded(data)
        assert abs(seconds - 3.1) < DELAY
    assert encoding.encode(tone(), "pcm", label=LABEL) == encoding.encode(tone(), "pcm")


@pytest.mark.parametrize("name", ["wav", "mp3", "m4a", "flac"])
def test_content_credentials_are_signed_here_and_break_with_the_sound(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"早.{name}"
    path.write_bytes(encoding.encode(tone(), name, label=LABEL))
    before = read_audio(path).samples
    assert credentials(path) == {}
    assert main(["sign", str(path), "--data", str(tmp_path / "data")]) == 0
    assert (tmp_path / "data" / FILE).stat().st_mode & 0o077 == 0
    assert np.array_equal(read_audio(path).samples, before) and encoding.inspect(path).own["voice"] == LABEL.voice
    found = credentials(path)
    assert found["state"] == "Valid" and found["spoken"] and "this computer" in found["signer"]
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 0x55
    path.write_bytes(data)
    assert credentials(path)["state"] == "Invalid"


def test_only_what_was_spoken_here_is_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoding.write_audio(tmp_path / "me.wav", tone())
    with pytest.raises(RefusedError):
        sign_file(tmp_path / "me.wav", tmp_path)
    encoding.write_audio(tmp_path / "x.opus", tone(), label=LABEL)
    with pytest.raises(InputError, match="no place"):
        sign_file(tmp_path / "x.opus", tmp_path)
    monkeypatch.setitem(sys.modules, "c2pa", None)
    monkeypatch.setattr("gpt_sovits.crypto.credentials.find_spec", lambda name: None)
    encoding.write_audio(tmp_path / "x.wav", tone(), label=LABEL)
    with pytest.raises(MissingError, match="package"):
        sign_file(tmp_path / "x.wav", tmp_path)
    assert credentials(tmp_path / "x.wav") == {}


def test_a_recording_says_nothing_of_the_kind(tmp_path: Path) -> None:
    encoding.write_audio(tmp_path / "deep" / "x.flac", tone())
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["x.flac"]
    assert not encoding.inspect(tmp_path / "deep" / "x.flac").synthetic
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(InputError):
        encoding.inspect(tmp_path / "text.wav")
    with pytest.raises(MissingError):
        encoding.inspect(tmp_path / "nothing.wav")
    with pytest.raises(InputError):
        encoding.encode(tone(), "exe")


def test_a_labelled_wav_is_read_by_everybody(tmp_path: Path) -> None:
    encoding.write_audio(tmp_path / "x.wav", tone(), label=LABEL)
    with wave.open(str(tmp_path / "x.wav")) as file:
        assert file.getnframes() == 54400 and file.getframerate() == 32000


@pytest.mark.parametrize("name", encoding.FILES)
def test_pieces_are_written_as_they_come_and_kept_when_it_is_stopped(name: str, tmp_path: Path) -> None:
    def pieces(stops: bool) -> Iterator[Audio]:
        yield tone(0.6)
        yield tone(0.5)
        if stops:
            raise CancelledError("The work was stopped.")
        yield tone(0.6)

    whole, part = tmp_path / f"whole.{name}", tmp_path / f"part.{name}"
    encoding.write_pieces(whole, pieces(False), label=LABEL)
    assert abs(read_audio(whole).seconds - 1.7) < DELAY and encoding.inspect(whole).synthetic
    with pytest.raises(CancelledError):
        encoding.write_pieces(part, pieces(True))
    assert abs(read_audio(part).seconds - 1.1) < DELAY
    assert len(list(tmp_path.iterdir())) == 2


def test_a_format_that_is_not_written_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    def never() -> Iterator[Audio]:
        pytest.fail("something was spoken")
        yield tone()

    for name in ("speech.xyz", "speech", "speech.wav.exe"):
        with pytest.raises(InputError, match="cannot be written"):
            encoding.write_pieces(tmp_path / name, never())
    with pytest.raises(InputError, match="nothing to say"):
        encoding.write_pieces(tmp_path / "a.wav", [])
