"""Spectrograms, resampling and SOLA against the fixture."""

from __future__ import annotations

from torch import Tensor

from gpt_sovits.acoustic.join import sola
from gpt_sovits.features.spectral import (
    MEL_TRAIN,
    MEL_V3,
    MEL_V4,
    linear_spectrogram,
    mel_spectrogram,
    normalize_mel,
    spectrogram_to_mel,
)
from gpt_sovits.torchaudio_compat import functional
from tests.parity import Fixture


def run_spectrogram(fixture: Fixture) -> dict[str, Tensor]:
    wave = {rate: fixture.tensor(f"in_wav_{rate}") for rate in (24000, 32000, 48000)}
    spec = linear_spectrogram(wave[32000], 2048, 640)
    out = {
        "spec_2048_640": spec,
        "mel_train_128": spectrogram_to_mel(spec, MEL_TRAIN.bank()),
        "mel_train_128_from_wav": mel_spectrogram(wave[32000], MEL_TRAIN),
        "mel_v3": mel_spectrogram(wave[24000], MEL_V3),
        "mel_v4": mel_spectrogram(wave[32000], MEL_V4),
    }
    out |= {f"{key}_normalized": normalize_mel(out[key]) for key in ("mel_v3", "mel_v4")}
    for key in fixture.arrays:
        if key.startswith("resample_"):
            source, target = (int(part) for part in key.split("_")[1:])
            out[key] = functional.resample(wave[source], source, target)
    numbers = sorted(int(key[8:]) for key in fixture.arrays if key.startswith("in_sola_") and key[8:].isdigit())
    pieces = [fixture.tensor(f"in_sola_{number}") for number in numbers]
    overlap, search = int(fixture.number("in_sola_overlap")), int(fixture.number("in_sola_search"))
    joined = pieces[0]
    for piece in pieces[1:]:
        joined = sola(joined, piece, overlap, search)
    return out | {"sola": joined}
