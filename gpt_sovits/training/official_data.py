"""A recording's pieces as the official networks learn from them: wave, content features, phones, text features.

Letters: B rows, L samples, T 50 Hz frames, S content channels, P phones, M mel bands, N mel frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from gpt_sovits.audio import Audio, read_audio, resample
from gpt_sovits.dataset.training_set import Slice
from gpt_sovits.families.base import Base
from gpt_sovits.families.enrol import bert_features
from gpt_sovits.features.spectral import linear_spectrogram
from gpt_sovits.training.examples import FRAME, RATE, TOKEN, Example, pad_rows


@dataclass(frozen=True)
class SpokenExample(Example):
    """An utterance with what its base's frozen encoders hear in it."""

    content: Tensor = field(default_factory=lambda: torch.zeros(0, 0))  # [S, T]
    speaker_vector: Tensor | None = None  # [V] of v2Pro and v2ProPlus
    mel: Tensor | None = None  # [M, N] normalised, of v3 and v4


@dataclass(frozen=True)
class SpokenBatch:
    """Right-padded rows."""

    spec: Tensor  # [B, F, T] linear magnitudes
    lengths: Tensor  # [B] frames
    wave: Tensor  # [B, 1, L]
    content: Tensor  # [B, S, T]
    phones: Tensor  # [B, P]
    phone_lengths: Tensor  # [B]
    speaker_vector: Tensor | None  # [B, V]
    mel: Tensor | None  # [B, M, N]
    mel_lengths: Tensor | None  # [B]


@torch.inference_mode()
def spoken_example(base: Base, piece: Slice) -> SpokenExample:
    """A slice as the official base hears it. HuBERT gives one frame less than the spectrogram: the last is repeated."""
    family = base.family
    samples = resample(read_audio(piece.audio_path), RATE).samples
    samples = np.pad(samples, (0, -len(samples) % TOKEN)).astype(np.float32)
    frames = len(samples) // FRAME
    low = resample(Audio(samples, RATE), 16000).samples
    wave = torch.from_numpy(np.pad(low, (0, max(0, frames * 320 - len(low))))[: frames * 320])[None].to(base.device)
    heard = base.content(wave)
    codes = base.acoustic.extract_codes(heard)[0, 0].cpu().numpy()
    content = torch.nn.functional.pad(heard, (0, max(0, frames - heard.shape[-1])), mode="replicate")[0, :, :frames]
    features = bert_features(base, piece.phones)
    vector, mel = family.speaker_vector(base, wave), family.target_mel(base, Audio(samples, RATE))
    return SpokenExample(
        wave=samples,
        codes=codes,
        phones=np.array(piece.phones.ids, np.int64),
        pitch=np.zeros(frames, np.float32),
        phone_of_code=np.full(len(codes), -1),
        bert=None if features is None else features.numpy(),
        content=content.cpu().clone(),
        speaker_vector=None if vector is None else vector[0].cpu().clone(),
        mel=None if mel is None else mel[0].clone(),
    )


def collate_spoken(
    examples: Sequence[SpokenExample], n_fft: int = 2048, hop: int = FRAME, device: torch.device | str = "cpu"
) -> SpokenBatch:
    """A batch on ``device``; spectrograms are computed row by row, so that no row hears the padding of another."""
    specs = [linear_spectrogram(torch.from_numpy(e.wave)[None], n_fft, hop)[0] for e in examples]
    vectors = [e.speaker_vector for e in examples if e.speaker_vector is not None]
    mels = [e.mel for e in examples if e.mel is not None]
    return SpokenBatch(
        spec=_padded(specs).to(device),
        lengths=torch.tensor([spec.shape[1] for spec in specs], device=device),
        wave=pad_rows([e.wave for e in examples])[:, None].to(device),
        content=_padded([e.content for e in examples]).to(device),
        phones=pad_rows([e.phones for e in examples], 1, torch.long).to(device),
        phone_lengths=torch.tensor([len(e.phones) for e in examples], device=device),
        speaker_vector=torch.stack(vectors).to(device) if vectors else None,
        mel=_padded(mels).to(device) if mels else None,
        mel_lengths=torch.tensor([mel.shape[1] for mel in mels], device=device) if mels else None,
    )


def _padded(rows: Sequence[Tensor]) -> Tensor:
    """Matrices [C, T_i] -> [B, C, T], zeros on the right."""
    longest = max(row.shape[1] for row in rows)
    return torch.stack([torch.nn.functional.pad(row, (0, longest - row.shape[1])) for row in rows])
