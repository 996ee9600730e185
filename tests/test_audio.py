"""What a person brings in is read whole, what they take out plays everywhere, and wrong files are refused in words."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from gpt_sovits import audio as sound
from gpt_sovits.audio import Audio
from gpt_sovits.encoding import encode
from gpt_sovits.errors import InputError, MissingError, ResourceError, VoiceError


def tone(seconds: float = 1.0, rate: int = 48000, hertz: float = 440.0, amplitude: float = 0.5) -> Audio:
    time = np.arange(round(seconds * rate)) / rate
    return Audio((amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32), rate)


def write_with_av(path: Path, data: np.ndarray, rate: int, layout: str, codec: str, container: str, fmt: str) -> None:
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(data, format=fmt, layout=layout)
        frame.sample_rate = rate
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "codec", "container", "rate"),
    [
        ("a.wav", "pcm_s16le", "wav", 44100),
        ("b.flac", "flac", "flac", 48000),
        ("c.mp3", "libmp3lame", "mp3", 44100),
        ("d.m4a", "aac", "ipod", 48000),
        ("e.webm", "libopus", "webm", 48000),
        ("f.opus", "libopus", "ogg", 48000),
        ("g.aiff", "pcm_s16be", "aiff", 22050),
    ],
)
def test_common_formats_are_read_at_their_pitch_and_length(tmp_path, name, codec, container, rate):
    left = tone(1.5, rate).samples
    stereo = np.stack([left, left])
    write_with_av(tmp_path / name, stereo, rate, "stereo", codec, container, "fltp")
    audio = sound.read_audio(tmp_path / name)
    assert audio.samples.dtype == np.float32 and audio.samples.ndim == 1
    assert abs(audio.seconds - 1.5) < 0.08
    middle = audio.between(0.4, 1.2).samples
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(np.argmax(spectrum) * audio.rate / len(middle) - 440.0) < 3.0
    assert 0.4 < np.abs(middle).max() < 0.6


@pytest.mark.parametrize("width", [1, 2, 4])
def test_integer_widths_have_the_same_level(tmp_path, width):
    samples = tone(0.5, 16000).samples
    scaled = {1: (samples * 127 + 128).astype(np.uint8), 2: (samples * 32767).astype("<i2"),
              4: (samples * 2147483000).astype("<i4")}[width]  # fmt: skip
    with wave.open(str(tmp_path / "x.wav"), "wb") as file:
        file.setparams((1, width, 16000, 0, "NONE", ""))
        file.writeframes(scaled.tobytes())
    assert abs(sound.peak(sound.read_audio(tmp_path / "x.wav")) - 0.5) < 0.01


def test_channels_of_opposite_phase_do_not_become_silence(tmp_path):
    left = tone(0.5).samples
    write_with_av(tmp_path / "x.wav", np.stack([left, -left]), 48000, "stereo", "pcm_f32le", "wav", "fltp")
    assert sound.peak(sound.read_audio(tmp_path / "x.wav")) > 0.4


def test_float_files_beyond_full_scale_are_lowered_not_clipped(tmp_path):
    loud = 3.0 * tone(0.5).samples
    loud[100] = np.nan
    write_with_av(tmp_path / "x.wav", loud[None], 48000, "mono", "pcm_f32le", "wav", "flt")
    audio = sound.read_audio(tmp_path / "x.wav")
    assert np.isfinite(audio.samples).all() and abs(sound.peak(audio) - 1.0) < 1e-3
    assert np.mean(np.abs(audio.samples) > 0.99) < 0.1


def test_files_that_are_not_sound_are_refused_in_one_sentence(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("This is not a sound.\n" * 50)
    (tmp_path / "noise.mp3").write_bytes(np.random.default_rng(0).bytes(20000))
    (tmp_path / "playlist.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    (tmp_path / "header.wav").write_bytes(sound.wav_bytes(tone())[:44])
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(InputError) as caught:
            sound.read_audio(path)
        assert path.name in caught.value.message and caught.value.action, path.name
    with pytest.raises(MissingError):
        sound.read_audio(tmp_path / "nothing.wav")


def test_a_damaged_end_keeps_what_is_readable(tmp_path):
    data = encode(tone(4.0), "mp3")
    (tmp_path / "cut.mp3").write_bytes(data[: len(data) * 3 // 4])
    assert sound.read_audio(tmp_path / "cut.mp3").seconds > 2.5


def test_three_hours_are_refused_by_the_header(tmp_path):
    with wave.open(str(tmp_path / "long.wav"), "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(b"\x80" * (8000 * 3600 * 3))
    with pytest.raises(InputError, match="180 minutes long; at most 30 minutes"):
        sound.read_audio(tmp_path / "long.wav")


def test_a_stream_without_a_length_is_refused_while_decoding(tmp_path):
    with av.open(str(tmp_path / "live.webm"), "w", format="webm", options={"live": "1"}) as output:
        stream = output.add_stream("libopus", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(4.0).samples[None], format="flt", layout="mono")
        frame.sample_rate = 48000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    assert sound.read_audio(tmp_path / "live.webm").seconds > 3.9
    with pytest.raises(InputError, match="longer than 3 s"):
        sound.read_audio(tmp_path / "live.webm", max_seconds=3.0)


def test_resampling_keeps_length_and_removes_what_would_alias():
    audio = sound.resample(tone(1.0, 48000, hertz=1000.0), 16000)
    assert audio.rate == 16000 and len(audio.samples) == 16000
    assert abs(np.abs(audio.samples[2000:-2000]).max() - 0.5) < 0.01
    assert np.abs(sound.resample(tone(1.0, 48000, hertz=12000.0), 16000).samples[2000:-2000]).max() < 0.001
    assert sound.resample(audio, 16000) is audio


def test_to_mono_takes_what_browser_widgets_give():
    stereo = (np.stack([tone().samples, tone().samples], axis=1) * 32767).astype(np.int16)
    assert abs(np.abs(sound.to_mono(stereo)).max() - 0.5) < 0.01 and sound.to_mono(stereo).shape == (48000,)
    assert sound.to_mono(stereo.T).shape == (48000,)


def test_level_trim_and_fade():
    speech = sound.concatenate([sound.silence(1.0, 48000), tone(1.0), sound.silence(0.5, 48000)])
    assert abs(sound.level(speech) - sound.level(tone(1.0))) < 0.5  # silence around speech does not count
    assert abs(sound.level(sound.normalize(speech, -23.0)) + 23.0) < 0.2
    assert sound.peak(sound.normalize(speech, 0.0, ceiling=0.95)) < 0.951
    assert abs(sound.trim_silence(speech, keep=0.05).seconds - 1.1) < 0.04
    faded = sound.fade(tone(1.0, hertz=441.0))
    assert faded.samples[0] == 0.0 and abs(faded.samples[-1]) < 1e-4 and sound.peak(faded) > 0.49
    quiet = sound.silence(1.0, 16000)
    assert sound.normalize(quiet) is quiet and sound.trim_silence(quiet) is quiet


def test_pauses_are_exact():
    joined = sound.concatenate([tone(0.5), tone(0.25)], pause=0.3)
    assert len(joined.samples) == 24000 + 14400 + 12000
    assert not joined.samples[24000:38400].any()
    with pytest.raises(InputError):
        sound.concatenate([tone(0.1, 16000), tone(0.1, 48000)])


def test_wav_is_clipped_not_wrapped(tmp_path):
    sound.write_wav(tmp_path / "x.wav", Audio(np.array([2.0, -2.0, 0.5], np.float32), 32000))
    with wave.open(str(tmp_path / "x.wav")) as file:
        values = np.frombuffer(file.readframes(3), "<i2")
        assert file.getframerate() == 32000 and file.getnchannels() == 1
    assert values.tolist()[:2] == [32767, -32767]


def test_a_failed_write_leaves_nothing(tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(ResourceError):
        sound.write_wav(tmp_path / "taken", tone(0.1))
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]


def test_every_refusal_is_a_voice_error_with_something_to_do():
    with pytest.raises(VoiceError) as caught:
        sound.read_audio(io.__file__)
    assert caught.value.message.endswith(".") and caught.value.action.endswith(".")
