"""The semantic codebook of the embedded base, and a corpus turned into codes.

The codebook is the k-means centres of content features averaged over 40 ms (two frames), found by mini-batches with
exponential moving averages; centres that nobody uses are moved to random features (van den Oord et al. 2017,
appendix A.1; Zeghidour et al. 2021 for the revival).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gpt_sovits.acoustic.code_alignment import learn_alignment
from gpt_sovits.dataset.viterbi import ctc_states_batch
from gpt_sovits.errors import MissingError
from gpt_sovits.events import Event, EventSink, ignore
from gpt_sovits.features.mini_content import MiniContentEncoder
from gpt_sovits.features.phone_decoding import decode_phones
from gpt_sovits.lab.alignment import load_alignment, states_from, text_of
from gpt_sovits.lab.content import batched_posteriors
from gpt_sovits.lab.corpus import Clip, Corpus
from gpt_sovits.models.native import load_tensors, save_tensors
from gpt_sovits.text import phonemize, pinyin_phones, symbols
from gpt_sovits.training.examples import Example, mark_ids
from gpt_sovits.training.phone_frames import BLANK, LEAST_FRAMES, phone_per_frame


def clip_phones(clip: Clip) -> list[int]:
    """Phone ids of a transcript, punctuation included, as synthesis would make them."""
    ids = symbols().ids
    text = text_of(clip)
    if clip.told:
        names: Sequence[str] = clip.told
    elif text.startswith("pinyin:"):
        names = (*(pinyin_phones(text.removeprefix("pinyin:")) or ()), ".")
    elif text:
        if text[-1] not in "。.!?！？":
            text += "。" if clip.language == "zh" else "."
        names = phonemize(text, language=clip.language).phones
    else:
        names = ()
    return [ids[n] for n in names if n in ids]


@torch.inference_mode()
def phonetic_of(encoder: MiniContentEncoder, corpus: Corpus, clip: Clip) -> Tensor:
    """What the encoder says of a clip before the melody is joined, `[T, phonetic]`."""
    mel = torch.from_numpy(corpus.mel(clip))[None]
    side = torch.from_numpy(corpus.melody(clip))[None]
    return encoder.encode(mel, side, torch.ones(1, mel.shape[1], 1))[0]


def prototypes_of(phonetic: Sequence[Tensor], said: Sequence[np.ndarray], classes: int, least: int = 50) -> Tensor:
    """Mean of ``phonetic`` `[T, C]` over the frames of every class `[classes, C]`; zero below ``least`` frames."""
    sums, counts = torch.zeros(classes, phonetic[0].shape[1]), torch.zeros(classes)
    for rows, path in zip(phonetic, said, strict=True):
        index = torch.from_numpy(path)
        sums.index_add_(0, index, rows)
        counts += torch.bincount(index, minlength=classes)
    return sums / counts.clamp_min(1)[:, None] * (counts >= least)[:, None]


def nearest(features: Tensor, codebook: Tensor) -> Tensor:
    """Index of the nearest centre of every row: `[N, C]`, `[K, C]` to `[N]`."""
    return (features @ codebook.T * 2 - codebook.square().sum(1)).argmax(1)


def learn_codebook(
    features: Tensor, size: int, steps: int, seed: int = 0, batch: int = 8192, former: Tensor | None = None
) -> Tensor:
    """k-means centres `[size, C]` of features `[N, C]`.

    ``former`` `[N]` says which code every row had under an earlier codebook, -1 where unknown. The search then begins
    at what those codes mean now, so that a code keeps about its meaning when the encoder has learned more.
    """
    generator = torch.Generator().manual_seed(seed)
    centres = features[torch.randperm(len(features), generator=generator)[:size]].clone()
    if former is not None:
        known = former >= 0
        uses = torch.bincount(former[known], minlength=size)
        means = torch.zeros_like(centres).index_add_(0, former[known], features[known])
        common = uses >= 8
        centres[common] = means[common] / uses[common][:, None]
    counts = torch.full((size,), batch / size)
    sums = centres * counts[:, None]
    for step in range(steps):
        rows = features[torch.randint(len(features), (batch,), generator=generator)]
        found = nearest(rows, centres)
        used = torch.bincount(found, minlength=size).float()
        total = torch.zeros_like(centres).index_add_(0, found, rows)
        counts, sums = 0.97 * counts + 0.03 * used, 0.97 * sums + 0.03 * total
        centres = sums / counts[:, None].clamp_min(1e-3)
        dead = counts < 0.05 * batch / size
        if step < 0.8 * steps and bool(dead.any()):
            fresh = rows[torch.randint(len(rows), (int(dead.sum()),), generator=generator)]
            centres[dead], counts[dead] = fresh, batch / size
            sums[dead] = fresh * counts[dead][:, None]
    return centres


def index_of_phones(states: np.ndarray, full: Sequence[int], marks: frozenset[int]) -> np.ndarray:
    """From alignment states `[T]` over the phones without marks to indices into the full sequence `[T // 2]`.

    -1 where nothing is said. The first frame of each code decides, unless only the second one says something.
    """
    positions = np.array([i for i, p in enumerate(full) if p not in marks], np.int64)
    frames = np.where(states % 2 == 1, positions[np.minimum(states // 2, len(positions) - 1)], -1)
    pairs = frames[: len(frames) // 2 * 2].reshape(-1, 2)
    return np.where(pairs[:, 0] >= 0, pairs[:, 0], pairs[:, 1])


@dataclass(frozen=True)
class CodedClip:
    """A clip with what the two models learn from."""

    clip: Clip
    codes: np.ndarray  # [T // 2]
    phones: np.ndarray  # [P] with punctuation
    phone_of_code: np.ndarray  # [T // 2], -1 unknown
    transcribed: bool


class CodedCorpus:
    """A corpus and its codes."""

    def __init__(self, corpus: Corpus, folder: Path) -> None:
        if not (folder / "codes.safetensors").is_file():
            raise MissingError("The corpus has no codes yet.", "Run the 'codes' stage of pretrain first.")
        self.corpus = corpus
        flat = {k: v.numpy() for k, v in load_tensors(folder / "codes.safetensors").items()}
        by_path = {c.path: c for c in corpus.clips}
        self.clips: list[CodedClip] = []
        code = phone = 0
        with open(folder / "codes.jsonl", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                codes, phones = slice(code, code + row["codes"]), slice(phone, phone + row["phones"])
                code, phone = codes.stop, phones.stop
                self.clips.append(
                    CodedClip(
                        by_path[row["path"]],
                        flat["codes"][codes].astype(np.int64),
                        flat["phones"][phones].astype(np.int64),
                        flat["phone_of_code"][codes].astype(np.int64),
                        row["transcribed"],
                    )
                )

    def example(self, coded: CodedClip, first: int = 0, count: int | None = None) -> Example:
        """The utterance, or ``count`` frames of it from frame ``first`` (both even)."""
        clip = coded.clip
        count = clip.frames // 2 * 2 - first if count is None else count
        return Example(
            wave=self.corpus.wave(clip, first, count),
            codes=coded.codes[first // 2 : (first + count) // 2],
            phones=coded.phones,
            pitch=self.corpus.pitch(clip)[first : first + count],
            speaker=clip.speaker,
            bandwidth=clip.bandwidth,
            phone_of_code=coded.phone_of_code[first // 2 : (first + count) // 2],
        )


def former_codes(folder: Path) -> dict[str, np.ndarray]:
    """Codes of every clip by its path as an earlier run wrote them; empty before the first."""
    if not (folder / "codes.safetensors").is_file() or not (folder / "codes.jsonl").is_file():
        return {}
    flat = load_tensors(folder / "codes.safetensors")["codes"].numpy()
    out: dict[str, np.ndarray] = {}
    first = 0
    with open(folder / "codes.jsonl", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            out[row["path"]] = flat[first : first + row["codes"]].astype(np.int64)
            first += row["codes"]
    return out


def code_corpus(
    encoder: MiniContentEncoder,
    corpus: Corpus,
    folder: Path,
    *,
    size: int = 1024,
    steps: int = 400,
    codebook: Tensor | None = None,
    on_event: EventSink = ignore,
) -> Tensor:
    """Write every clip's codes into ``folder``; returns the codebook `[size, C]`, learned unless it is given.

    Codes that are there already are learned anew from where they are, see ``learn_codebook``. With the codebook the
    encoder gets its prototypes. Clips whose words are known get codes of guided content.
    """
    before, known = former_codes(folder), load_alignment(folder)
    marks = mark_ids()
    rows: list[dict[str, object]] = []
    clips: list[Clip] = []
    phonetic: list[Tensor] = []
    said_at: list[np.ndarray] = []  # class of every frame
    phones: list[np.ndarray] = []
    spoken_at: list[np.ndarray] = []
    heard = 0
    for group, log_probs in batched_posteriors(encoder, corpus, [c for c in corpus.clips if c.frames >= 16]):
        written = [clip_phones(c) or decode_phones(p, BLANK) for c, p in zip(group, log_probs, strict=True)]
        spoken = [[p for p in full if p not in marks] for full in written]
        states = ctc_states_batch(log_probs, spoken, BLANK, LEAST_FRAMES)
        for clip, full, said, path in zip(group, written, spoken, states, strict=True):
            given = states_from(known, clip, said)
            path = path if given is None else given
            if path is None or not said:
                continue
            count = clip.frames // 2
            clips.append(clip)
            phonetic.append(phonetic_of(encoder, corpus, clip))
            said_at.append(phone_per_frame(path, said, corpus.mel(clip).mean(1)))
            phones.append(np.array(full))
            spoken_at.append(index_of_phones(path, full, marks))
            rows.append({"path": clip.path, "codes": count, "phones": len(full), "transcribed": bool(clip.transcript)})
        heard += len(group)
        on_event(Event("codes", "Listening to the corpus.", heard, len(corpus.clips)))
    if codebook is None:
        sure = [n for n, clip in enumerate(clips) if clip.transcript and not clip.held_out]
        encoder.prototypes.copy_(
            prototypes_of([phonetic[n] for n in sure], [said_at[n] for n in sure], len(encoder.prototypes))
        )
    features = []
    for clip, heard_as, path in zip(clips, phonetic, said_at, strict=True):
        count = clip.frames // 2
        rows_of = encoder.guided(heard_as, torch.from_numpy(path)) if text_of(clip) else heard_as
        content = encoder.content(rows_of[None], torch.from_numpy(corpus.melody(clip))[None])[0].T
        features.append(content[: 2 * count].reshape(count, 2, -1).mean(1))
    flat = torch.cat(features)
    if codebook is None:
        former = [before.get(str(row["path"]), np.zeros(0)) for row in rows]
        counts = [int(str(row["codes"])) for row in rows]
        same = [a if len(a) == n else np.full(n, -1) for a, n in zip(former, counts, strict=True)]
        kept = torch.from_numpy(np.concatenate(same).astype(np.int64)) if before else None
        codebook = learn_codebook(flat, size, steps, former=kept)
    codes = torch.cat([nearest(part, codebook) for part in flat.split(8192)])
    used = float((torch.bincount(codes, minlength=size) > 0).float().mean())
    error = float((flat - codebook[codes]).square().sum() / (flat - flat.mean(0)).square().sum())
    on_event(Event("codes", "Codebook learned.", 1, 1, {"used": used, "relative_error": error}))
    each = [part.numpy() for part in codes.split([len(path) for path in spoken_at])]
    alignment = learn_alignment(each, phones, spoken_at, (encoder.config.symbols, size), marks)
    spoken_at = [alignment.indices(c, p) for c, p in zip(each, phones, strict=True)]  # as synthesis will have them
    save_tensors(
        folder / "codes.safetensors",
        {
            "codebook": codebook,
            "prototypes": encoder.prototypes,
            "codes": codes.short(),
            "phones": torch.from_numpy(np.concatenate(phones)).short(),
            "phone_of_code": torch.from_numpy(np.concatenate(spoken_at)).short(),
            **alignment.state_dict(),
        },
    )
    with open(folder / "codes.jsonl", "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")
    return codebook
