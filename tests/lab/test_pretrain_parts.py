"""Parts of pretraining: alignment, codebook, batches, checkpoints that resume exactly."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from gpt_sovits.dataset.viterbi import ctc_states, ctc_states_batch, viterbi
from gpt_sovits.features.phone_errors import edit_distance
from gpt_sovits.features.pitch import filled_log_pitch
from gpt_sovits.lab.codes import index_of_phones, learn_codebook, nearest
from gpt_sovits.training.checkpoint import load_checkpoint, save_checkpoint
from gpt_sovits.training.examples import group_by_length
from gpt_sovits.training.plan import MOST_STEPS, plan

BLANK = 5


def noisy(path: list[int], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1, (len(path), BLANK + 1))
    scores[np.arange(len(path)), path] += 4
    return (scores - np.log(np.exp(scores).sum(1, keepdims=True))).astype(np.float32)


def test_viterbi_finds_the_path() -> None:
    path = [5, 5, 1, 1, 1, 2, 2, 5, 2, 2, 3, 3, 5]
    assert viterbi(noisy(path, 0), [1, 2, 2, 3], BLANK).tolist() == path


def test_viterbi_refuses_what_cannot_fit() -> None:
    assert viterbi(noisy([1, 2], 0), [1, 2, 3, 4], BLANK) is None


def test_batched_alignment_equals_single() -> None:
    paths = [[5, 1, 1, 2, 3, 3], [4, 4, 4, 4, 5, 5, 0, 0, 0, 5], [5, 2, 2]]
    phones = [[1, 2, 3], [4, 0], [2]]
    posteriors = [noisy(p, i) for i, p in enumerate(paths)]
    for one, many in zip(
        [ctc_states(lp, ph, BLANK) for lp, ph in zip(posteriors, phones, strict=True)],
        ctc_states_batch(posteriors, phones, BLANK),
        strict=True,
    ):
        assert one.tolist() == many.tolist()


def test_index_of_phones_skips_marks() -> None:
    states = np.array([0, 1, 1, 3, 2, 2, 5, 5])  # phone 0, 0, 1, silence, 2
    full = [7, 99, 8, 9]  # 99 is a comma
    assert index_of_phones(states, full, frozenset({99})).tolist() == [0, 0, -1, 3]


def test_codebook_uses_nearly_all_codes() -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(64, 8, generator=generator) * 3
    features = centres[torch.randint(64, (20000,), generator=generator)] + 0.1 * torch.randn(
        20000, 8, generator=generator
    )
    codebook = learn_codebook(features, 64, steps=200, batch=2048)
    codes = nearest(features, codebook)
    assert (torch.bincount(codes, minlength=64) > 0).float().mean() > 0.9
    assert (features - codebook[codes]).square().mean() < 0.1 * features.var()


def test_batches_respect_the_limit_and_lose_nothing() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(10, 200, 100).tolist()
    batches = group_by_length(lengths, 600, rng)
    assert sorted(i for b in batches for i in b) == list(range(100))
    assert all(len(b) * max(lengths[i] for i in b) <= 600 for b in batches)


def test_unvoiced_pitch_is_interpolated() -> None:
    filled = np.exp(filled_log_pitch(np.array([0, 100, 0, 0, 200, 0], np.float32)))
    np.testing.assert_allclose(filled[[0, 1, 4, 5]], [100, 100, 200, 200], rtol=1e-5)
    assert 100 < filled[2] < filled[3] < 200


def test_edit_distance() -> None:
    assert edit_distance([1, 2, 3], [1, 3]) == 1
    assert edit_distance([], [1, 3]) == 2
    assert edit_distance([1, 2], [1, 2]) == 0


def test_a_resumed_run_continues_exactly(tmp_path: Path) -> None:
    def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            x = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()

    def fresh() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(0)
        model = nn.Linear(3, 3)
        return model, torch.optim.AdamW(model.parameters(), 0.1)

    whole, optimizer = fresh()
    train(whole, optimizer, range(10))
    first, optimizer = fresh()
    train(first, optimizer, range(5))
    save_checkpoint(tmp_path / "c.safetensors", {"m": first}, {"o": optimizer}, step=5, numbers={"best": 0.5})
    again, optimizer = fresh()
    step, numbers = load_checkpoint(tmp_path / "c.safetensors", {"m": again}, {"o": optimizer})
    assert (step, numbers) == (5, {"best": 0.5})
    train(again, optimizer, range(5, 10))
    assert torch.equal(again.weight, whole.weight)


def test_plan_grows_with_speech_and_stays_bounded() -> None:
    short, minute, long = (plan(seconds, "mini") for seconds in (15.0, 60.0, 1800.0))
    assert short.acoustic_steps < minute.acoustic_steps < long.acoustic_steps
    assert long.acoustic_steps + long.semantic_steps <= MOST_STEPS
    assert 0 < minute.minutes_estimate < 10


def test_codes_keep_their_meaning_when_the_encoder_moves() -> None:
    generator = torch.Generator().manual_seed(3)
    centres = torch.randn(32, 6, generator=generator) * 4
    said = torch.randint(32, (6000,), generator=generator)
    before = centres[said] + 0.1 * torch.randn(6000, 6, generator=generator)
    codebook = learn_codebook(before, 32, 60)
    former = nearest(before, codebook)
    after = before @ torch.linalg.qr(torch.randn(6, 6, generator=generator))[0] + 1.5
    anew = nearest(after, learn_codebook(after, 32, 60, former=former))
    assert (anew == former).float().mean() > 0.9
    by_chance = nearest(after, learn_codebook(after, 32, 60, seed=1))
    assert (by_chance == former).float().mean() < 0.5


def test_alignment_gives_every_phone_its_least_frames_where_they_fit() -> None:
    rng = np.random.default_rng(5)
    log_probs = np.log(rng.dirichlet(np.ones(9), 60)).astype(np.float32)
    log_probs[:, 3] += 6.0  # a class that would take everything
    said = [1, 3, 2, 3, 5]
    free = ctc_states_batch([log_probs], [said], 8)[0]
    kept = ctc_states_batch([log_probs, log_probs[:6]], [said, said], 8, 4)
    assert free is not None and kept[0] is not None and kept[1] is not None
    assert np.bincount(free, minlength=11)[1::2].min() == 1
    assert np.bincount(kept[0], minlength=11)[1::2].min() >= 4
    assert (np.diff(kept[0]) >= 0).all() and set(kept[1]) >= {1, 3, 5, 7, 9}  # too short for 4: one frame each
