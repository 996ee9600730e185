"""T2S against the ``gpt_*`` fixtures. Upstream's (tokens, idx) and its training masks are rebuilt from our API here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.decode import Generated, generate, generate_batch
from gpt_sovits.semantic.model import T2S, length_mask, sequence_mask
from gpt_sovits.semantic.sampling import Sampling, draw, penalize, probabilities
from tests.parity import Fixture

GREEDY = Sampling(top_k=1)
EOS_STOP = 200  # the early stop of the fixtures whose end token is made likely


def load_t2s(fixture: Fixture, name: str) -> T2S:
    """The full-size network of a manifest with the fixture's synthetic weights, in evaluation mode."""
    with torch.device("meta"):
        model = T2S(T2SConfig.from_upstream(fixture.manifest(name)["config"]["model"]))
    state = {key.removeprefix("model."): value for key, value in fixture.weights(name).items()}
    model.load_state_dict(state, strict=True, assign=True)
    return model.eval()


def run_gpt(fixture: Fixture) -> dict[str, Any]:
    """Our result for every key of the fixture."""
    model = load_t2s(fixture, fixture.name)
    names = [tensor["key"].removeprefix("model.") for tensor in fixture.manifest(fixture.name)["tensors"]]
    given = {key: fixture.tensor(key) for key in fixture.arrays if key.startswith("in_")}
    return {
        **dict(_network(model, given)),
        **dict(_decoding(model, given)),
        **dict(_sampling(given)),
        **dict(_training(model, given, names)),
    }


@torch.no_grad()
def _network(model: T2S, given: Mapping[str, Tensor]) -> Iterator[tuple[str, Any]]:
    phones, bert, prompt = given["in_phones"], given["in_bert"], given["in_prompt"]
    text, audio = phones.shape[1], prompt.shape[1]
    x = torch.cat((model.embed_text(phones, bert), model.embed_audio(prompt)), dim=1)
    yield "xy_embedding", x
    mask = sequence_mask(text, audio)
    yield "layer0", model.h.layers[0](x, mask)
    hidden = model.transform(x, mask)
    yield "hidden", hidden
    yield "logits_all", model.ar_predict_layer(hidden[:, text - 1 :])
    cache = model.new_cache(1, text + audio)
    yield "logits_first", model.prefill(list(phones), list(bert), prompt, cache)
    layer = model.h.layers[0].self_attn
    yield "k_cache_0", layer.project(x)[1].transpose(1, 2).flatten(2)


def _tokens(result: Generated, prompt: Tensor) -> Tensor:
    return torch.cat((prompt, result.tokens))


def _decoding(model: T2S, given: Mapping[str, Tensor]) -> Iterator[tuple[str, Any]]:
    phones, bert, prompt = given["in_phones"][0], given["in_bert"][0], given["in_prompt"][0]
    stop = int(given["in_early_stop"])
    # Sequential upstream keeps the token that crosses the early stop, and reports one less than it kept.
    for name, sampling in (("greedy", GREEDY), ("greedy_norep", Sampling(top_k=1, repetition_penalty=1.0))):
        result = generate(model, phones, bert, prompt, max_tokens=stop + 1, sampling=sampling)
        yield f"{name}_tokens", _tokens(result, prompt)[None]
        yield f"{name}_idx", np.asarray(len(result.tokens) - (not result.reached_end))
    result = generate(model, phones, bert, None, max_tokens=stop + 1, sampling=GREEDY)
    yield "greedy_noprompt_tokens", result.tokens[None].int()
    yield "greedy_noprompt_idx", np.asarray(0)  # without a prompt upstream reports 0, "take everything"

    texts = [phones, given["in_batch_phones1"], given["in_batch_phones2"]]
    features = [bert, given["in_batch_bert1"], given["in_batch_bert2"]]
    texts[0] = given["in_batch_phones0"]
    stopped = generate_batch(model, texts, features, prompt, max_tokens=stop, sampling=GREEDY)
    for row, result in enumerate(stopped):
        yield f"batch_stop_tokens{row}", _tokens(result, prompt)
    yield "batch_stop_idx", np.asarray([len(result.tokens) for result in stopped])

    output = model.ar_predict_layer.weight
    original = output.detach().clone()
    with torch.no_grad():
        output[model.config.eos] *= given["in_eos_scale"]
    result = generate(model, phones, bert, prompt, max_tokens=EOS_STOP + 1, sampling=GREEDY)
    yield "eos_tokens", _tokens(result, prompt)[None]
    yield "eos_idx", np.asarray(len(result.tokens) - (not result.reached_end))
    ended = generate_batch(model, texts, features, prompt, max_tokens=EOS_STOP, sampling=GREEDY)
    for row, result in enumerate(ended):
        yield f"batch_eos_tokens{row}", _tokens(result, prompt)
    yield "batch_eos_idx", np.asarray([len(result.tokens) for result in ended])
    with torch.no_grad():
        output.copy_(original)


def _sampling(given: Mapping[str, Tensor]) -> Iterator[tuple[str, Any]]:
    logits, previous = given["in_sample_logits"], given["in_sample_previous"]
    rows = []
    for top_k, top_p, temperature, penalty in given["in_sample_params"].tolist():
        penalized = penalize(logits, previous, penalty)
        rows.append(probabilities(penalized, top_k=max(int(top_k), 0), top_p=top_p, temperature=temperature))
    yield "sample_probs", torch.stack(rows)
    yield "sample_index", torch.stack([draw(row, given["in_sample_exponential"]) for row in rows])


def _training(model: T2S, given: Mapping[str, Tensor], names: list[str]) -> Iterator[tuple[str, Any]]:
    phones, phone_lengths = given["in_train_phones"], given["in_train_phone_lengths"]
    bert, codes, code_lengths = given["in_train_bert"], given["in_train_semantic"], given["in_train_semantic_lengths"]
    parameters = dict(model.named_parameters())

    def norms(loss: Tensor) -> np.ndarray:
        gradients = torch.autograd.grad(loss, [parameters[name] for name in names])
        return np.asarray([float(gradient.norm()) for gradient in gradients], np.float32)

    text_valid = torch.arange(phones.shape[1]) >= phones.shape[1] - phone_lengths[:, None]  # the wrong side
    logits, targets = _upstream_forward(model, phones, bert, text_valid, codes, code_lengths)
    loss = _cross_entropy(logits, targets)
    yield "train_loss", loss
    yield "train_accuracy_top3", np.asarray(_accuracy(logits, targets, model.config.eos), np.float32)
    yield "grad_norms_train", norms(loss)

    reject, reject_lengths = given["in_train_reject"], given["in_train_reject_lengths"]
    logits, targets = _upstream_forward(model, phones, bert, text_valid, codes, code_lengths)
    chosen = _sequence_log_probs(logits, targets)
    rejected = _sequence_log_probs(*_upstream_forward(model, phones, bert, text_valid, reject, reject_lengths))
    term = -F.logsigmoid(0.2 * (chosen - rejected)).mean()
    loss = _cross_entropy(logits, targets) + term
    yield "dpo_logps_chosen", chosen
    yield "dpo_logps_rejected", rejected
    yield "dpo_term", term
    yield "dpo_loss", loss
    yield "dpo_accuracy_top3", np.asarray(_accuracy(logits, targets, model.config.eos), np.float32)
    yield "grad_norms_dpo", norms(loss)

    length = int(given["in_train_equal_text_length"])
    lengths = torch.full_like(phone_lengths, length)
    with torch.no_grad():
        ours = model.forward_train(phones[:, :length], lengths, codes, code_lengths, bert[:, :, :length])
    padded = ours.targets.masked_fill(ours.targets == -100, model.config.eos)
    yield "train_equal_loss", _cross_entropy(ours.logits, padded)
    yield "train_equal_accuracy_top3", np.asarray(_accuracy(ours.logits, padded, model.config.eos), np.float32)


def _upstream_forward(
    model: T2S, phones: Tensor, bert: Tensor, text_valid: Tensor, codes: Tensor, code_lengths: Tensor
) -> tuple[Tensor, Tensor]:
    """Logits and targets [B,N+1] as upstream trains: right-padded text, its left columns hidden, all ends counted."""
    text, audio = phones.shape[1], codes.shape[1]
    audio_valid = length_mask(code_lengths, audio)
    codes = codes.masked_fill(~audio_valid, model.config.eos)
    x = torch.cat((model.embed_text(phones, bert), model.embed_audio(codes)), dim=1)
    mask = sequence_mask(text, audio, torch.cat((text_valid, audio_valid), dim=1))
    logits = model.ar_predict_layer(model.transform(x, mask)[:, text - 1 :])
    return logits, F.pad(codes, (0, 1), value=model.config.eos)


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="sum")


def _sequence_log_probs(logits: Tensor, targets: Tensor) -> Tensor:
    return logits.log_softmax(-1).gather(2, targets[..., None])[..., 0].sum(-1)


def _accuracy(logits: Tensor, targets: Tensor, eos: int) -> float:
    counted = targets != eos
    hits = (logits.topk(3, dim=-1).indices == targets[..., None]).any(-1)
    return float(hits[counted].float().mean())
