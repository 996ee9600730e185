"""Enrolment: a clip of someone's speech becomes the frozen reference features that a voice starts from.

Style comes from all of the clip, the prompt (what the semantic model continues) from its best few seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from gpt_sovits.audio import Audio, resample
from gpt_sovits.errors import InputError
from gpt_sovits.families.base import Base
from gpt_sovits.families.family import STYLE_RATE, TOKEN
from gpt_sovits.features.reference import Reference
from gpt_sovits.features.spectral import linear_spectrogram
from gpt_sovits.text import Phones, phonemize

SHORTEST, LONGEST = 1.0, 60.0  # seconds of a clip that are used
PROMPT_SECONDS = 8.0
_TOKEN = 0.04  # seconds
_END_MARKS = "，。？！,.?!~:：—…"


def enrol(
    base: Base,
    clip: Audio,
    transcript: str = "",
    language: str = "auto",
    *,
    said: Phones | None = None,
    prompt: Audio | None = None,
) -> Reference:
    """Reference features of ``clip``; ``transcript`` is what it says, if that is known, or ``said`` its phones.

    ``prompt``: the stretch of it that says ``transcript``, where not all of it does (``dataset.prompt``).

    Without a transcript the embedded base recognises the phones itself; the official ones then use no prompt, and
    v3 and v4 refuse. Raises ``InputError`` for less than a second of sound.
    """
    family, given, clip = base.family, clip, _trimmed(clip)
    if clip.seconds < SHORTEST or float(np.abs(clip.samples).max(initial=0.0)) < 1e-3:
        raise InputError("There is too little speech in this clip.", "Use three to ten seconds of clear speech.")
    style, speaker = reference_style(base, clip)
    whole = prompt is not None or clip.seconds <= PROMPT_SECONDS + 2
    if prompt is None:
        prompt = clip if whole else best_window(clip, PROMPT_SECONDS)
    wave = torch.from_numpy(resample(prompt, 16000).samples)[None].to(base.device)
    phones: tuple[int, ...] = ()
    bert: Tensor | None = None
    text = transcript.replace("\n", " ").strip()
    if said is not None and said.ids and whole:
        phones, bert = said.ids, bert_features(base, said)
    elif text and whole:
        said = phonemize(text if text[-1] in _END_MARKS else f"{text}.", language, base.symbols_version)
        phones = said.ids
        bert = bert_features(base, said)
    else:
        text = ""
        phones = family.recognise(base, wave)
    if family.needs_words and not phones:
        raise InputError(
            f"The model {base.name} needs to know what the clip says.",
            "Type its words, and use a clip of three to ten seconds.",
        )
    codes = torch.zeros(0, dtype=torch.long)
    if phones:
        around = None
        if prompt is clip and given.seconds <= PROMPT_SECONDS + 2:
            heard = torch.from_numpy(resample(given, 16000).samples)[None].to(base.device)
            around = heard, round(_speech(given)[0] / given.rate / _TOKEN) * TOKEN
        codes = family.codes(base, wave, around)
    return Reference(
        style=style.cpu(),
        colour=family.colour(base, base.acoustic, prompt, codes, phones, style),
        codes=codes.clone(),
        phones=phones,
        text=text if phones else "",
        language=language,
        bert=bert,
        mel=family.prompt_mel(base, prompt),
        speaker=speaker,
    )


def with_style_of(base: Base, reference: Reference, clips: Sequence[Audio]) -> Reference:
    """The reference with the mean style, and speaker vector, of several clips of one person, each counting the same."""
    found = [reference_style(base, _trimmed(clip)) for clip in clips]
    vectors = [vector for _, vector in found if vector is not None]
    return replace(
        reference,
        style=torch.stack([style for style, _ in found]).mean(0).cpu(),
        speaker=torch.stack(vectors).mean(0) if vectors else reference.speaker,
    )


def bert_features(base: Base, said: Phones) -> Tensor | None:
    """Text features `[width, P]` of all spans, zero outside Chinese.

    None for a base that uses none, and for text without Chinese, which is the same as zeros and loads no network.
    """
    spans = [s for s in said.spans if s.language == "zh" and s.word2ph]
    network = base.bert if spans else None
    if network is None:
        return None
    out = torch.zeros(network.width, len(said.ids))
    found = network.features_batch([(s.norm_text, s.word2ph or ()) for s in spans])
    for span, features in zip(spans, found, strict=True):
        out[:, span.first : span.first + span.count] = features.cpu()
        column = span.first
        for index, count in enumerate(span.word2ph or ()):
            if index < len(span.neutral) and span.neutral[index]:  # a forced reading must not be overruled
                out[:, column : column + count] = 0.0
            column += count
    return out


def best_window(clip: Audio, seconds: float) -> Audio:
    """The stretch of ``seconds`` with the most speech that begins and ends in a pause, as far as there is one."""
    hop = clip.rate // 50
    frames = len(clip.samples) // hop
    energy = np.sqrt((clip.samples[: frames * hop].reshape(frames, hop) ** 2).mean(1) + 1e-10)
    decibels = 20 * np.log10(energy / np.percentile(energy, 95))
    loud = (decibels > -30).astype(np.float64)
    length = min(frames, round(seconds * 50))
    sums = np.concatenate([[0.0], loud.cumsum()])
    share = (sums[length:] - sums[:-length]) / length
    smooth = np.convolve(loud, np.ones(7) / 7, mode="same")
    starts = np.arange(len(share))
    score = share - 0.5 * smooth[starts] - 0.5 * smooth[np.minimum(starts + length, frames - 1)]
    first = int(score.argmax()) * hop
    return Audio(clip.samples[first : first + length * hop], clip.rate)


def _trimmed(clip: Audio) -> Audio:
    """Without silent ends, at most ``LONGEST`` seconds."""
    first, last = _speech(clip)
    return Audio(clip.samples[first:last][: int(LONGEST * clip.rate)], clip.rate)


def _speech(clip: Audio) -> tuple[int, int]:
    """The samples between which something is said, with a tenth of a second around it; it begins at a whole token."""
    loud = np.flatnonzero(np.abs(clip.samples) > 0.02 * np.abs(clip.samples).max(initial=1e-9))
    if not len(loud):
        return 0, len(clip.samples)
    margin, token = clip.rate // 10, round(_TOKEN * clip.rate)
    first = max(0, int(loud[0]) - margin)
    return first - first % token, int(loud[-1]) + margin


def reference_style(base: Base, clip: Audio, acoustic: nn.Module | None = None) -> tuple[Tensor, Tensor | None]:
    """Mean style `[1, G, 1]` of the clip's pieces, and the speaker vector `[1, S]` where the base has one.

    ``acoustic``: a tuned model whose style encoder is to be used instead of the base's.
    """
    acoustic = base.acoustic if acoustic is None else acoustic
    samples = resample(clip, STYLE_RATE).samples
    size = int(base.family.style_seconds * STYLE_RATE)
    count = max(1, round(len(samples) / size))
    styles, vectors = [], []
    with torch.inference_mode():
        for piece in np.array_split(samples, count):
            wave = torch.from_numpy(np.ascontiguousarray(piece))[None].to(base.device)
            wave = torch.nn.functional.pad(wave, (0, -wave.shape[-1] % 640))
            spec = linear_spectrogram(wave, 2048, 640)
            found, vector = base.family.style(base, acoustic, spec, wave)
            styles.append(found)
            if vector is not None:
                vectors.append(vector)
    style = torch.stack(styles).mean(0).clone()
    return style, torch.stack(vectors).mean(0).cpu().clone() if vectors else None
