"""What a base says beside its weights: how its languages' speakers sound, and what doubt means to its ears."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gpt_sovits.features.mini_content import MiniContentConfig, MiniContentEncoder
from gpt_sovits.lab import publish as publishing
from gpt_sovits.lab.pretrain import T2S, SoVITS, acoustic_config, semantic_config
from gpt_sovits.models.native import load_config, load_tensors, save_config
from gpt_sovits.training.checkpoint import save_checkpoint


@dataclass
class Spoken:
    """A clip whose wave is one level."""

    speaker: str
    language: str
    level: float
    held_out: bool = False
    told: tuple[str, ...] = ()
    codes: np.ndarray = field(default_factory=lambda: np.zeros(80, np.int64))

    @property
    def clip(self) -> Spoken:
        return self

    @property
    def wave(self) -> np.ndarray:
        return np.full(6400, self.level, np.float32)


class Level:
    """A style encoder that hears how loud a spectrogram is."""

    config = SimpleNamespace(n_fft=2048, hop=640)

    def style(self, spec: torch.Tensor) -> torch.Tensor:
        return spec.amax((1, 2), keepdim=True)


def mean_of(clips: list[Spoken]) -> dict[str, float]:
    corpus = SimpleNamespace(clips=clips, example=lambda clip: clip)
    found = publishing.language_means(Level(), corpus)  # type: ignore[arg-type]
    return {language: float(value[0]) for language, value in found.items()}


def test_every_speaker_of_a_language_counts_however_much_was_recorded_of_one():
    many = [Spoken("a", "en", 0.2) for _ in range(200)]
    others = [Spoken(f"b{index}", "en", 0.6) for index in range(60)]
    means = mean_of([*many, *others, Spoken("z", "zh", 0.4)])
    unit = means["zh"] / 0.4
    assert means["en"] / unit == pytest.approx((60 * 0.6 + 20 * 0.2) / 80, abs=0.01)


def test_a_teacher_says_nothing_of_how_a_languages_people_sound():
    people = [Spoken("a", "en", 0.2), Spoken("z", "zh", 0.4)]
    taught = [Spoken("t", language, 0.9, told=("AH0",)) for language in ("en", "zh")]
    assert mean_of([*people, *taught]) == mean_of(people)


def test_held_out_speakers_and_single_words_do_not_count():
    word = Spoken("w", "en", 0.9, codes=np.zeros(20, np.int64))
    told = Spoken("a", "en", 0.2)
    assert mean_of([told, word, Spoken("h", "en", 0.9, held_out=True)]) == mean_of([told])


def test_styles_are_drawn_in_by_so_much_of_the_way():
    torch.manual_seed(0)
    network = SoVITS(acoustic_config()).eval()
    spec, mean = torch.rand(1, 1025, 60), torch.randn(network.config.gin)
    before = network.style(spec)
    network.load_state_dict(publishing.drawn_in(network.state_dict(), mean, 0.25))
    torch.testing.assert_close(network.style(spec), 0.75 * before + 0.25 * mean[None, :, None], atol=1e-5, rtol=1e-4)


def test_what_doubt_means_is_kept_for_unchanged_ears_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(publishing, "Corpus", lambda folder: None)
    monkeypatch.setattr(publishing, "CodedCorpus", lambda corpus, folder: SimpleNamespace(clips=[]))
    means = {"en": torch.zeros(4), "zh": torch.ones(4)}
    monkeypatch.setattr(publishing, "language_means", lambda acoustic, corpus: means)
    torch.manual_seed(0)
    for name, network in (("acoustic", SoVITS(acoustic_config())), ("semantic", T2S(semantic_config()))):
        save_checkpoint(tmp_path / f"{name}.safetensors", {"average": network}, {}, step=3)
    ears, out = MiniContentEncoder(MiniContentConfig()), tmp_path / "mini"

    def publish(listener: MiniContentEncoder) -> dict[str, object]:
        return publishing.publish(tmp_path, out, listener, acoustic_config(), semantic_config())

    assert "alignment" not in publish(ears)
    save_config(out, {**load_config(out), "alignment": {"word": -1.2}})
    assert publish(ears)["alignment"] == {"word": -1.2} == load_config(out)["alignment"]
    assert torch.equal(load_tensors(out / "languages.safetensors")["zh"], means["zh"])
    assert "alignment" not in publish(MiniContentEncoder(MiniContentConfig())), "other ears doubt otherwise"
