"""Where somebody speaks: Silero VAD, run from the tensors that its wheel carries.

The ``silero-vad`` wheel (MIT) holds the network's weights as safetensors. Only that file is read: importing the
package would set torch's thread count for the whole process. The network is small: a learned spectrogram, four
convolutions and an LSTM that gives one probability per 32 ms (512 samples at 16 kHz, with 64 of context before).
All frames pass the convolutions at once, so a minute takes well under a second.

Letters in shapes: F frames, L samples.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from gpt_sovits.audio import Audio, resample
from gpt_sovits.errors import ResourceError

RATE = 16_000
FRAME = 512  # samples, 32 ms
CONTEXT = 64
FRAME_SECONDS = FRAME / RATE
_BLOCK = 2048  # frames per pass, about a minute: bounds memory


@dataclass(frozen=True)
class Span:
    """A stretch of speech, in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


class SileroVad(nn.Module):
    """The 16 kHz network with the key names of ``silero_vad_16k.safetensors``."""

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 258, 256, stride=128, bias=False)
        self.conv1 = nn.Conv1d(129, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.lstm_cell = nn.LSTMCell(128, 128)
        self.final_conv = nn.Conv1d(128, 1, 1)

    def forward(self, frames: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Frames with context [F, 576], state of two [1, 128] -> probabilities [F] and the state after them."""
        spectrum = self.stft_conv(functional.pad(frames.unsqueeze(1), (0, 64), mode="reflect"))
        hidden = (spectrum[:, :129].square() + spectrum[:, 129:].square()).sqrt()
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            hidden = functional.relu(layer(hidden))
        inputs = hidden.squeeze(-1)
        outputs = []
        for row in inputs.split(1):
            state = self.lstm_cell(row, state)
            outputs.append(state[0])
        return torch.sigmoid(self.final_conv(functional.relu(torch.cat(outputs)).unsqueeze(-1))).flatten(), state


def load_vad() -> SileroVad:
    """The network with the wheel's weights. Raises ``ResourceError`` when the wheel is not installed."""
    package = importlib.util.find_spec("silero_vad")
    if package is None or package.origin is None:
        raise ResourceError("The package silero-vad is not installed.", "Please install it from requirements.txt.")
    model = SileroVad()
    model.load_state_dict(load_file(Path(package.origin).parent / "data" / "silero_vad_16k.safetensors"))
    return model.eval()


@torch.inference_mode()
def speech_probability(audio: Audio, model: SileroVad | None = None) -> np.ndarray:
    """Probability of speech of each 32 ms, float32 [F]; sound of any rate and level."""
    model = model or load_vad()
    samples = resample(audio, RATE).samples
    count = -(-len(samples) // FRAME)
    padded = torch.zeros(CONTEXT + count * FRAME)
    padded[CONTEXT : CONTEXT + len(samples)] = torch.from_numpy(np.ascontiguousarray(samples))
    frames = padded.unfold(0, CONTEXT + FRAME, FRAME)
    state = (torch.zeros(1, 128), torch.zeros(1, 128))
    outputs = [torch.zeros(0)]
    for block in frames.split(_BLOCK):
        probabilities, state = model(block, state)
        outputs.append(probabilities)
    return torch.cat(outputs).numpy()


def speech_spans(
    audio: Audio,
    *,
    threshold: float = 0.4,
    shortest_speech: float = 0.12,
    shortest_pause: float = 0.12,
    margin: float = 0.06,
    model: SileroVad | None = None,
) -> list[Span]:
    """Stretches of speech in order, not overlapping, each widened by ``margin`` seconds.

    Speech begins where the probability passes ``threshold`` and ends where it stays under ``threshold - 0.15`` for
    ``shortest_pause`` seconds; shorter stretches than ``shortest_speech`` are clicks and are left out.
    """
    probability = speech_probability(audio, model)
    spans: list[Span] = []
    start, last = -1, -1
    patience = round(shortest_pause / FRAME_SECONDS)
    for index, value in enumerate([*probability.tolist(), *([0.0] * (patience + 1))]):
        if value >= threshold and start < 0:
            start = index
        if start >= 0 and value >= threshold - 0.15:
            last = index
        elif start >= 0 and index - last > patience:
            span = Span(start * FRAME_SECONDS, min((last + 1) * FRAME_SECONDS, audio.seconds))
            if span.seconds >= shortest_speech:
                spans.append(span)
            start = -1
    return _widen(spans, margin, audio.seconds)


def _widen(spans: list[Span], margin: float, total: float) -> list[Span]:
    wide: list[Span] = []
    for index, span in enumerate(spans):
        before = spans[index - 1].end if index else 0.0
        after = spans[index + 1].start if index + 1 < len(spans) else total
        left = max(span.start - margin, 0.0 if not index else (before + span.start) / 2)
        right = min(span.end + margin, total if index + 1 == len(spans) else (span.end + after) / 2)
        wide.append(Span(left, right))
    return wide
