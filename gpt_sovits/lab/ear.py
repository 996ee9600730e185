"""The ear of the embedded base: hears phones of people it never met, in rooms and over telephones.

It has the content encoder's form, but no codes rest on it, so it learns anew: from times that others found (a
teacher's own, pocketsphinx's, the frame classifier's), never from an alignment of its own. Speech is spoiled as
recordings are: echo (Lehmann and Johansson 2008 describe its decay), noise that comes and goes, narrow bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from torch.nn import functional

from gpt_sovits.features.mini_content import MiniContentConfig, MiniContentEncoder
from gpt_sovits.lab.alignment import load_alignment, states_from
from gpt_sovits.lab.content import Batches, augment, collate, error_rate, frame_targets, spoken_phones
from gpt_sovits.lab.corpus import Clip, Corpus
from gpt_sovits.training.acoustic import StepResult
from gpt_sovits.training.phone_frames import phone_per_frame

_SMOOTHING = 0.05
_CHECKED = 40  # clips of each kind of people who are never learnt from
APART = ("chenwang",)  # a reader of Mandarin; beside readers of English and a third of a teacher's voices
_TELEPHONE = (8, 46), (50, 62)  # bands below and above which a telephone carries nothing: drawn between these


def echoing(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Natural-log mel `[T, bands]` as heard in a room: the power of the past decays under the speech."""
    decay = 10 ** (-6.0 * 0.02 / rng.uniform(0.15, 0.9))  # of power, for each 20 ms
    far = np.exp(2.0 * mel)
    tail = np.zeros_like(far)
    for t in range(1, len(far)):
        tail[t] = decay * (tail[t - 1] + far[t - 1])
    share = 10 ** (-rng.uniform(0.0, 1.2)) * (1 - decay)
    return np.asarray(0.5 * np.log(far + share * tail), np.float32)


def noisy(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Natural-log mel `[T, bands]` with a noise of any colour, steady or coming and going, 0 to 25 dB below."""
    frames, bands = mel.shape
    loud = np.percentile(mel, 90, axis=0).mean()
    colour = np.interp(np.arange(bands), np.linspace(0, bands - 1, 5), rng.normal(0, 1.0, 5))
    knots = max(2, frames // int(rng.integers(10, 60)))
    swing = np.interp(np.arange(frames), np.linspace(0, frames - 1, knots), rng.normal(0, rng.uniform(0, 0.7), knots))
    level = loud - rng.uniform(0.0, 25.0) / 20 * np.log(10)
    noise = level + colour + swing[:, None] + rng.normal(0, 0.35, mel.shape)
    return np.asarray(np.logaddexp(2 * mel, 2 * noise) / 2, np.float32)


def narrow(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Natural-log mel `[T, bands]` of a narrow band; what lies outside is as quiet as its quietest."""
    (low, _), (high, top) = _TELEPHONE
    mel, floor = mel.copy(), np.percentile(mel, 1) - rng.uniform(0, 2)
    if rng.random() < 0.7:
        mel[:, : int(rng.integers(1, low))] = floor
    mel[:, int(rng.integers(high, top)) :] = floor + rng.normal(0, 0.1)
    return mel


def spoiled(mel: np.ndarray, side: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As ``content.augment``, after what rooms, streets and telephones do."""
    for change, often in ((echoing, 0.3), (noisy, 0.4), (narrow, 0.25)):
        if rng.random() < often:
            mel = change(mel, rng)
    return augment(mel, side, rng)


def ear_config() -> MiniContentConfig:
    return MiniContentConfig(hidden=288, blocks=8, phonetic=96)


@dataclass
class EarLessons:
    """Clips whose phones and times are known; ``checks`` are of people who are never learnt from."""

    corpus: Corpus
    batches: Batches
    phones: dict[str, tuple[int, ...]]
    checks: list[Clip]

    def loss(self, encoder: MiniContentEncoder) -> StepResult:
        batch = self.batches.next()
        mel, side, mask = collate(batch)
        log_probs = encoder.log_posteriors(encoder.encode(mel, side, mask))
        target = frame_targets(log_probs, batch)
        logits = log_probs.transpose(1, 2)
        loss = functional.cross_entropy(logits, target, ignore_index=-100, label_smoothing=_SMOOTHING)
        right = (log_probs.argmax(-1) == target)[target >= 0].float().mean()
        return StepResult(loss, {"loss": float(loss.detach()), "right": float(right)}, len(batch))

    def wrong(self, encoder: MiniContentEncoder) -> dict[str, float]:
        """Phone error rates on people, and on invented voices, who are never learnt from, by language."""
        encoder.eval()
        groups: dict[str, list[Clip]] = {}
        for clip in self.checks:
            groups.setdefault(f"{clip.language} {'teacher' if clip.told else 'people'}", []).append(clip)
        found = {
            name: error_rate(encoder, self.corpus, clips[:: -(-len(clips) // _CHECKED)], self.phones)
            for name, clips in sorted(groups.items())
        }
        encoder.train()
        return found


def set_apart(clip: Clip) -> bool:
    """Whether the ear never learns from this clip's speaker, so that others can be told how well it hears."""
    return clip.held_out or clip.speaker in APART or bool(clip.told) and crc32(clip.speaker.encode()) % 3 == 0


def ear_lessons(corpus: Corpus, work: Path, seed: int, frames: int = 1600) -> EarLessons:
    known = load_alignment(work)
    clips = [clip for clip in corpus.clips if clip.transcript]
    phones = {clip.path: spoken_phones(clip) for clip in clips}
    paths: dict[str, np.ndarray] = {}
    for clip in clips:
        states = None if set_apart(clip) or not phones[clip.path] else states_from(known, clip, phones[clip.path])
        if states is not None:
            paths[clip.path] = phone_per_frame(states, phones[clip.path], corpus.mel(clip).mean(1))
    batches = Batches(corpus, [clip for clip in clips if clip.path in paths], phones, frames, seed, spoil=spoiled)
    batches.use_alignment(paths)
    checks = [clip for clip in clips if set_apart(clip) and phones[clip.path]]
    return EarLessons(corpus, batches, phones, checks)
