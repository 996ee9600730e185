"""The end of pretraining: averaged weights in fp16, the config that sizes them, and their hashes, as a base folder.

Beside the networks lie the mean styles of the languages' speakers, by which a voice that was heard in one is moved
when it says the other (``Base.accent``).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor

from gpt_sovits.acoustic.config import SoVITSConfig
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.errors import MissingError
from gpt_sovits.features.mini_content import MiniContentConfig, MiniContentEncoder
from gpt_sovits.features.spectral import linear_spectrogram
from gpt_sovits.lab.codes import CodedClip, CodedCorpus
from gpt_sovits.lab.corpus import Corpus
from gpt_sovits.models.native import (
    CONFIG_NAME,
    load_config,
    load_into,
    load_metadata,
    load_tensors,
    save_config,
    save_tensors,
)
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.versions import EMBEDDED

SPEAKING = {  # what sounded best in ``evaluate`` with this base
    "noise": 0.0,
    "prompt": False,
    "accent": 0.0,  # the style does not tell the language any more (until the seventh cut it did: 0.5)
    "sampling": {"top_k": 3, "top_p": 1.0, "temperature": 0.4, "repetition_penalty": 1.0},
}
# How far styles are drawn towards a teacher's mean. What the networks say in a style is the vaguer the farther it lies
# from those that all was said clearly in; five people, English words and Mandarin syllables wrong, likeness in both:
# by 0.3 8.6 and 9.6 %, 0.741 and 0.710; by 0.5 5.7 and 8.2 %, 0.710 and 0.690.
DRAWN_IN = 0.33
_CONTENT, _EAR = "content.safetensors", "ear.safetensors"
_ACCENTED = 80  # clips that tell how a language's speakers sound
_LONG = 60  # codes of such a clip, at least
_KEEP_FLOAT = ("_codebook.",)  # codes must come out the same on every machine


def averaged(checkpoint: Path) -> tuple[dict[str, Tensor], int]:
    """The averaged weights of a checkpoint of ``pretrain`` and its step."""
    prefix = "module/average/"
    state = load_tensors(checkpoint, prefix=prefix)
    if not state:
        raise MissingError(f"{checkpoint.name} holds no averaged weights.", "Run that stage of pretrain first.")
    return {key[len(prefix) :]: value for key, value in state.items()}, int(load_metadata(checkpoint)["step"])


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {
        key: value.half() if value.dtype == torch.float32 and not any(k in key for k in _KEEP_FLOAT) else value
        for key, value in state.items()
    }


@torch.inference_mode()
def mean_style(acoustic: SoVITS, corpus: CodedCorpus, language: str, told: bool = False) -> Tensor | None:
    """The mean style `[G]` of people who speak ``language``, or of a teacher's speakers who do (``told``).

    Of those that were trained on, by turns; None where there are none.
    """
    speakers: dict[str, list[CodedClip]] = {}
    for coded in corpus.clips:
        clip = coded.clip
        if clip.language == language and bool(clip.told) == told and not clip.held_out and len(coded.codes) >= _LONG:
            speakers.setdefault(clip.speaker, []).append(coded)
    rng = random.Random(0)
    turns = [rng.sample(clips, len(clips)) for _, clips in sorted(speakers.items())]
    rng.shuffle(turns)
    drawn = [clip for turn in zip_longest(*turns) for clip in turn if clip is not None][:_ACCENTED]
    styles = []
    for coded in drawn:
        wave = torch.from_numpy(corpus.example(coded).wave)[None]
        styles.append(acoustic.style(linear_spectrogram(wave, acoustic.config.n_fft, acoustic.config.hop))[0, :, 0])
    return torch.stack(styles).mean(0).clone() if styles else None


def language_means(acoustic: SoVITS, corpus: CodedCorpus) -> dict[str, Tensor]:
    """The mean style `[G]` of each language's people."""
    languages = sorted({coded.clip.language for coded in corpus.clips})
    means = {language: mean_style(acoustic, corpus, language) for language in languages}
    return {language: mean for language, mean in means.items() if mean is not None}


def drawn_in(state: Mapping[str, Tensor], mean: Tensor, part: float) -> dict[str, Tensor]:
    """Acoustic weights whose every style lies nearer to ``mean`` `[G]`, by ``part`` of the way.

    The last layer of the style encoder is linear, and only means over time follow it: the move is folded into it.
    """
    moved = dict(state)
    for name, towards in (("ref_enc.fc.fc.weight", 0.0), ("ref_enc.fc.fc.bias", mean)):
        moved[name] = (1 - part) * state[name].float() + part * torch.as_tensor(towards)
    return moved


def publish(
    work: Path,
    out: Path,
    content: MiniContentEncoder,
    acoustic: SoVITSConfig,
    semantic: T2SConfig,
    ear: MiniContentConfig | None = None,
) -> dict[str, object]:
    """Write the base folder ``out`` from the checkpoints in ``work``; returns the config that it got.

    ``ear``: sizes of the one that was trained there, if one was.
    """
    acoustic_state, acoustic_steps = averaged(work / "acoustic.safetensors")
    semantic_state, semantic_steps = averaged(work / "semantic.safetensors")
    coded, network = CodedCorpus(Corpus(work), work), SoVITS(acoustic).eval()
    load_into(network, acoustic_state, "the acoustic network")
    taught = [mean_style(network, coded, language, told=True) for language in ("en", "zh")]
    centres = [mean for mean in taught if mean is not None]
    if centres:
        acoustic_state = drawn_in(acoustic_state, torch.stack(centres).mean(0), DRAWN_IN)
    # the posterior encoder stays, though nothing trains it now: SoVITS loads all of its parts or none
    parts = {
        "content": halved(dict(content.state_dict())),
        "acoustic": halved(acoustic_state),
        "semantic": halved(semantic_state),
    }
    if ear is not None:
        parts["ear"] = halved(averaged(work / "ear.safetensors")[0])
    load_into(network, parts["acoustic"], "the acoustic network")
    parts["languages"] = language_means(network, coded)
    former = load_config(out) if (out / CONFIG_NAME).is_file() else {}
    out.mkdir(parents=True, exist_ok=True)
    hashes = {}
    for name, state in parts.items():
        path = out / f"{name}.safetensors"
        save_tensors(path, state)
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    config: dict[str, object] = {
        "name": out.name,
        "version": EMBEDDED,
        "rate": acoustic.sample_rate,
        "content": {"kind": EMBEDDED, **content.config.to_dict()},
        "acoustic": acoustic.to_dict(),
        "semantic": semantic.to_dict(),
        "speaking": SPEAKING,
        "steps": {"acoustic": acoustic_steps, "semantic": semantic_steps},
        "sha256": hashes,
    }
    if ear is not None:
        config["ear"] = {"kind": EMBEDDED, **ear.to_dict()}
    listening = _CONTENT if ear is None else _EAR
    if (
        former.get("sha256", {}).get(listening) == hashes[listening] and "alignment" in former
    ):  # what doubt means to these ears was measured on people, not here
        config["alignment"] = former["alignment"]
    save_config(out, config)
    return config
