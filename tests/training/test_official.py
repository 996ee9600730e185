"""Fine-tuning on the official kinds of bases, at toy size: a voice comes out that is kept, loaded and speaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gpt_sovits.audio import read_audio, resample, write_wav
from gpt_sovits.dataset.training_set import Slice, TrainingSet
from gpt_sovits.errors import CancelledError, InputError, ResourceError
from gpt_sovits.events import CancelToken, Event
from gpt_sovits.families.base import Base
from gpt_sovits.files import sha256_of
from gpt_sovits.jobs.acceptance import Scores
from gpt_sovits.jobs.run import real_parts
from gpt_sovits.models.delta import plain_key
from gpt_sovits.models.native import load_tensors
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.settings import Settings
from gpt_sovits.storage import versions
from gpt_sovits.studio import Studio
from gpt_sovits.synthesis import Manner, Synthesizer
from gpt_sovits.text import phonemize
from gpt_sovits.training.finetune import Tuned, finetune, learning_of
from gpt_sovits.training.learning import Task, interruptible
from gpt_sovits.training.lowrank import changes
from gpt_sovits.training.official_data import spoken_example
from gpt_sovits.training.plan import TrainingPlan, plan
from gpt_sovits.training.precision import Precision
from gpt_sovits.versions import OFFICIAL
from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.manifest import VoiceManifest
from gpt_sovits.voices.voice import Voice
from tests.random_base import write_random_base

from .small_official import write_small_official

DATA = Path(__file__).parent.parent / "data"
TEXTS = ("The birch canoe slid", "on the smooth planks.", "Glue the sheet")


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pieces")
    audio = resample(read_audio(DATA / "one_minute.opus"), 32000)
    paths = [folder / f"{index}.wav" for index in range(3)]
    for index, path in enumerate(paths):
        write_wav(path, audio.between(index * 2, index * 2 + 1.5 + 0.3 * index))
    return paths


def dataset(pieces: list[Path], version: str) -> TrainingSet:
    slices = []
    for index, (path, text) in enumerate(zip(pieces, TEXTS, strict=True)):
        said = phonemize(text, "en", "v1" if version == "v1" else "v2")
        slices.append(Slice(path, text, "en", said, 2.0 * index, 2.0 * index + 1.8, 0.9, index == 2))
    return TrainingSet(tuple(slices), 5.0, report=None)  # type: ignore[arg-type]  # nobody reads it here


def small_plan(base: Base, steps: int = 2) -> TrainingPlan:
    drawn = plan(60.0, base.name, files=base.files)
    return replace(drawn, acoustic_steps=steps, semantic_steps=steps, acoustic_rank=4, semantic_rank=4, memory_gib=0)


def spoken(base: Base, voice: Voice) -> np.ndarray:
    pieces = Synthesizer(lambda name: base).speak(voice, "Hello.", seed=3, manner=Manner(attempts=1, mel_steps=2))
    return np.concatenate([piece.audio.samples for piece in pieces])


def as_voice(tuned: Tuned, base: Base, recording: Path) -> Voice:
    consent = Consent(who="Ana", purpose="a test", statement="I agree.").bind(sha256_of(recording))
    return Voice(
        "v" + "0" * 20, "Ana", "local", base.name, "r" + "0" * 20, tuned.reference, tuned.delta, consent=consent
    )


@pytest.mark.parametrize("version", ["v1", "v2", "v2Pro", "v2ProPlus", "v3", "v4"])
def test_a_voice_is_trained_kept_loaded_and_speaks(version: str, pieces: list[Path], tmp_path: Path) -> None:
    base = write_small_official(tmp_path / version, version)
    if version.startswith("v2Pro"):
        base.__dict__["speaker"] = lambda wave: wave[:, :8] + 0.1
        (base.files.folder / "speaker.safetensors").touch()
    events: list[Event] = []
    tuned = finetune(
        base, dataset(pieces, version), small_plan(base), work_dir=tmp_path / "work", on_event=events.append
    )
    assert tuned.steps == 4 and all(np.isfinite(value) for value in tuned.metrics.values())
    losses = [event.values for event in events if event.kind == "acoustic" and "loss" in event.values]
    expected = {"loss"} if version in ("v3", "v4") else {"loss", "mel", "kl", "gen", "fm", "rivals"}
    assert len(losses) == 2 and set(losses[0]) == expected
    changed = {plain_key(key) for key in tuned.delta}
    assert not [key for key in changed if key.startswith(("acoustic.quantizer", "acoustic.ssl_proj", "acoustic.enc_q"))]

    voice = as_voice(tuned, base, pieces[0])
    folder = tmp_path / str(voice.version_id)
    versions.write(folder, voice, recording=pieces[0])
    loaded = versions.load(folder, VoiceManifest(voice.id, voice.owner, voice.name, ""))
    assert set(loaded.delta) == set(tuned.delta)
    audio = spoken(base, loaded)
    assert len(audio) > base.rate // 20 and np.isfinite(audio).all()


def trained(base: Base, pieces: list[Path], work_dir: Path, **changes: object) -> Tuned:
    return finetune(
        base,
        dataset(pieces, base.version),
        replace(small_plan(base), **changes),
        work_dir=work_dir,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("discriminator", [True, False])
def test_a_base_without_discriminators_keeps_its_decoder(
    discriminator: bool, pieces: list[Path], tmp_path: Path
) -> None:
    base = write_small_official(tmp_path / "v2", "v2", discriminator=discriminator)
    drawn = replace(small_plan(base), rows=1)
    assert bool(drawn.note) is not discriminator and drawn.adversarial is discriminator
    model = base.new_acoustic()
    example = spoken_example(base, dataset(pieces, "v2").slices[0])
    lesson = learning_of(base).acoustic(base, model, Task([example], [example], drawn), Precision())
    train, validate, rival = lesson.train, lesson.validate, lesson.rival
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    found = []
    for _ in range(10):
        optimizer.zero_grad()
        result = train()
        assert result is not None
        found.append(result.values["kl"] + result.values["mel"])
        optimizer.step()
    assert sum(found[-3:]) < sum(found[:3])
    assert validate() == validate()
    learnt = {plain_key(key).split(".")[0] for key in changes(model, load_tensors(base.files.path("acoustic")))}
    assert ("dec" in learnt) is discriminator
    assert {"enc_p", "ref_enc", "flow"} <= learnt and not learnt & {"quantizer", "ssl_proj", "sv_emb"}
    if rival is not None:
        assert any(p.grad is not None and bool(p.grad.any()) for p in rival.parameters())


def test_a_stopped_training_goes_on(pieces: list[Path], tmp_path: Path) -> None:
    base = write_small_official(tmp_path / "v2", "v2")
    cancel, seen = CancelToken(), []

    def watch(event: Event) -> None:
        seen.append((event.kind, event.step))
        if seen.count(("acoustic", 2)):
            cancel.cancel()

    drawn = small_plan(base, 3)
    with pytest.raises(CancelledError):
        finetune(base, dataset(pieces, "v2"), drawn, work_dir=tmp_path, on_event=watch, cancel=cancel)
    again: list[tuple[str, int]] = []
    tuned = finetune(
        base, dataset(pieces, "v2"), drawn, work_dir=tmp_path, on_event=lambda e: again.append((e.kind, e.step))
    )
    assert tuned.steps == 6 and ("acoustic", 2) not in again and ("acoustic", 3) in again


def test_a_job_on_an_official_base_from_recording_to_registry(
    pieces: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program's own path (intake, plan, training, registry); only hearing the words and the proof are replaced."""
    monkeypatch.setattr("gpt_sovits.training.resources.free_memory", lambda device: 64.0)
    models = tmp_path / "models"
    write_random_base(models / "mini")
    write_small_official(tmp_path / "data" / "models" / "v2", "v2", discriminator=False)
    write_small_official(tmp_path / "data" / "models" / "spoken", "v2", trainable=False)

    def prove(version: Path, aside: Path, cancel: CancelToken) -> tuple[bytes, Scores]:
        return pieces[0].read_bytes(), Scores(1.0, 0)

    studio = Studio(
        Settings(tmp_path / "data", threads=1, bundled_models=models),
        parts=lambda settings: replace(
            real_parts(settings), build_dataset=lambda *given, **more: dataset(pieces, "v2"), prove=prove
        ),
    )
    consent = Consent(who="Reader", purpose="a test", statement="I agree.")
    given = {"script": " ".join(TEXTS), "language": "en", "consent": consent, "max_steps": 1}
    with pytest.raises(InputError, match="made for speaking only"):
        studio.jobs.run(TrainingRequest("Reader", DATA / "one_minute.opus", base="spoken", **given))
    voice = studio.voices.load(studio.jobs.run(TrainingRequest("Reader", DATA / "one_minute.opus", base="v2", **given)))
    assert voice.base == "v2" and voice.made_by["steps"] == 2
    assert "discriminators" in voice.made_by["plan"]["note"] and voice.made_by["plan"]["adversarial"] is False
    said = [piece.audio.samples for piece in studio.speech.speak("Hello.", voice, language="en", seed=1)]
    assert said and np.isfinite(np.concatenate(said)).all()


def test_a_step_can_be_stopped_half_way(tmp_path: Path) -> None:
    base = write_small_official(tmp_path / "v4", "v4")
    model, cancel = base.new_acoustic(), CancelToken()
    interruptible(model, cancel)
    inputs = (torch.zeros(1, 100, 8), torch.zeros(1, 100, 8), torch.zeros(1, 32, 8), torch.zeros(1), torch.zeros(1))
    model.cfm.estimator(*inputs)
    cancel.cancel()
    with pytest.raises(CancelledError):
        model.cfm.estimator(*inputs)


def test_what_cannot_be_trained_is_refused_in_a_sentence(pieces: list[Path], tmp_path: Path) -> None:
    speaking_only = write_small_official(tmp_path / "v2", "v2", trainable=False)
    with pytest.raises(InputError, match="made for speaking only"):
        trained(speaking_only, pieces, tmp_path)
    base = write_small_official(tmp_path / "full" / "v2", "v2")
    with pytest.raises(ResourceError, match="9999.0 GB of memory"):
        trained(base, pieces, tmp_path, memory_gib=9999.0)
    with pytest.raises(ResourceError, match="GB on the disk"):
        trained(base, pieces, tmp_path, disk_gib=1e9)
    assert not list(tmp_path.glob("*.csv"))


def test_whole_tensors_and_sixteen_bits_learn_too(pieces: list[Path], tmp_path: Path) -> None:
    base = write_small_official(tmp_path / "v2", "v2")
    tuned = trained(
        base,
        pieces,
        tmp_path / "work",
        acoustic_rank=0,
        semantic_rank=0,
        semantic_rate=2e-3,
        precision="bf16",
        recompute=True,
        rows=2,
        at_once=2,
        acoustic_steps=1,
        semantic_steps=1,
    )
    assert all(np.isfinite(value) for value in tuned.metrics.values())
    assert all(bool(torch.isfinite(value).all()) for value in tuned.delta.values())


def test_plans_of_official_bases(tmp_path: Path) -> None:
    for version in OFFICIAL:
        minute, long = plan(60.0, version), plan(1800.0, version)
        assert minute.acoustic_steps < long.acoustic_steps and minute.memory_gib > 1 and minute.disk_gib > 0
        assert minute.acoustic_rank > 0 and minute.semantic_rank > 0 and minute.precision == "full"
        assert minute.minutes_estimate <= 25 and 0.5 < minute.acoustic_share < 1.0


def test_a_plan_bends_to_the_memory_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_free(gib: float | None, device: str = "cpu") -> TrainingPlan:
        monkeypatch.setattr("gpt_sovits.training.plan.free_memory", lambda _device: gib)
        return plan(60.0, "v2", device)

    usual, short = with_free(16.0), with_free(3.0)
    assert not usual.recompute and short.recompute and short.memory_gib < usual.memory_gib
    assert short.minutes_estimate > usual.minutes_estimate and with_free(None) == usual
    monkeypatch.setattr("gpt_sovits.training.plan.best_kind", lambda _device: "bf16")
    large, small = with_free(80.0, "cuda"), with_free(12.0, "cuda:1")
    assert large.precision == small.precision == "bf16" and large.at_once > 1
    assert large.acoustic_rank == large.semantic_rank == 0 < small.acoustic_rank
    assert large.arithmetic().type == torch.bfloat16 and large.minutes_estimate < usual.minutes_estimate
