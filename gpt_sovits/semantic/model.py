"""T2S: phones, and the semantic tokens so far, to the next semantic token.

A post-norm transformer over ``text then audio``: text sees all text, audio sees all text and its own past. It
knows nothing of languages, sampling or waveforms. Parameter names are those of upstream's checkpoints without
their leading ``model.``.

Letters: B rows, P phones, N audio tokens, T = P + N positions, H hidden, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gpt_sovits.semantic.cache import KVCache
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.step import Product, Stepper, stepper

LASTED = 32  # lengths of a phone, and of a silence, that ``near`` tells apart
MASKED_SCORE = -1e4  # returned for padded text columns by ``attention_of``: zero after a softmax, finite in products


class SelfAttention(nn.Module):
    """Multi-head attention with one fused projection (``in_proj_weight`` = q, k, v)."""

    def __init__(self, config: T2SConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.dropout = config.dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * config.hidden, config.hidden))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * config.hidden))
        self.out_proj = nn.Linear(config.hidden, config.hidden)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of x [B,T,H], each [B, heads, T, H/heads]."""
        rows, length, hidden = x.shape
        fused = self.fused_projection(x).view(rows, length, 3, self.heads, hidden // self.heads)
        queries, keys, values = fused.permute(2, 0, 3, 1, 4).unbind(0)
        return queries, keys, values

    def fused_projection(self, x: Tensor) -> Tensor:
        """[B,T,H] -> [B,T,3H]."""
        return F.linear(x, self.in_proj_weight, self.in_proj_bias)

    def product(self) -> Product:
        """``fused_projection`` with its tensors at hand."""
        return partial(F.linear, weight=self.in_proj_weight, bias=self.in_proj_bias)

    def forward(self, x: Tensor, mask: Tensor | None, cache: KVCache | None = None, layer: int = 0) -> Tensor:
        """x [B,T,H]; mask bool, True = may attend, broadcastable to [B, heads, T, keys] -> [B,T,H]."""
        queries, keys, values = self.project(x)
        if cache is not None:
            keys, values = cache.write(layer, keys, values)
        dropout = self.dropout if self.training else 0.0
        heads = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, dropout_p=dropout)
        return self.out_proj(heads.transpose(1, 2).reshape(x.shape))

    def scores(self, x: Tensor, head: int) -> Tensor:
        """Scaled dot products of one head before mask and softmax: [B,T,H] -> [B,T,T]."""
        queries, keys, _ = self.project(x)
        return queries[:, head] @ keys[:, head].transpose(1, 2) / math.sqrt(queries.shape[-1])


class Layer(nn.Module):
    """Post-norm block: attention, then a ReLU feed-forward."""

    def __init__(self, config: T2SConfig) -> None:
        super().__init__()
        self.self_attn = SelfAttention(config)
        self.linear1 = nn.Linear(config.hidden, config.feed_forward)
        self.linear2 = nn.Linear(config.feed_forward, config.hidden)
        self.norm1 = nn.LayerNorm(config.hidden)
        self.norm2 = nn.LayerNorm(config.hidden)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor | None, cache: KVCache | None = None, layer: int = 0) -> Tensor:
        x = self.norm1(x + self.dropout(self.self_attn(x, mask, cache, layer)))
        return self.norm2(x + self.dropout(self.linear2(self.dropout(F.relu(self.linear1(x))))))


class _Stack(nn.Module):
    def __init__(self, config: T2SConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))

    def __iter__(self) -> Iterator[Layer]:
        return (cast(Layer, layer) for layer in self.layers)


class _Embedding(nn.Module):
    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(size, hidden)

    def forward(self, ids: Tensor) -> Tensor:
        return self.word_embeddings(ids)


class _Position(nn.Module):
    """Adds ``alpha`` times the sinusoidal position (even dimensions sine, odd cosine)."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))
        self.dropout = nn.Dropout(dropout)
        self._table: Tensor | None = None  # no buffer: a network whose weights are put in later has none to fill

    def forward(self, x: Tensor, start: int = 0) -> Tensor:
        """x [B,T,H] at positions start, start + 1, ..."""
        end, table = start + x.shape[1], self._table
        if table is None or end > len(table) or table.device != x.device:
            with torch.inference_mode(False):  # training must be able to use what decoding has built
                length = max(end, 1024, 2 * len(table) if table is not None else 0)
                table = self._table = sinusoids(length, x.shape[2]).to(x.device)
        return self.dropout(x + self.alpha * table[start:end].to(x.dtype))


def sinusoids(length: int, dim: int) -> Tensor:
    """Position table [length, dim]: ``position * exp(-2k ln(1e4) / dim)``, sine and cosine interleaved."""
    rates = torch.exp(torch.arange(0, dim, 2, dtype=torch.float32) * -(math.log(10000.0) / dim))
    angles = torch.arange(length, dtype=torch.float32)[:, None] * rates
    return torch.stack((angles.sin(), angles.cos()), dim=-1).reshape(length, dim)


def sequence_mask(text: int, audio: int, valid: Tensor | None = None) -> Tensor:
    """Who may attend to whom: bool [1 or B, 1, T, T], True = may; ``valid`` bool [B,T] is False in the padding."""
    device = None if valid is None else valid.device
    columns = torch.arange(text + audio, device=device)
    mask = ((columns < text) | (columns <= columns[:, None]))[None]
    if valid is not None:
        mask = mask & valid[:, None, :]
    return mask[:, None]


def length_mask(lengths: Tensor, longest: int) -> Tensor:
    """Lengths [B] of right-padded rows -> bool [B, longest], True = real."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


@dataclass(frozen=True)
class TeacherForced:
    """What the network says when it is given the true past."""

    logits: Tensor  # [B, N+1, V]: row i predicts token i, the row behind the last token predicts the end
    targets: Tensor  # [B, N+1] the true tokens and one end, -100 in the padding
    attention: Tensor | None = None  # [B, N, P] scores of the asked (layer, head), audio rows to text columns

    def loss(self, reduction: str = "mean") -> Tensor:
        """Cross entropy over the real targets, in nats: a scalar, or [B, N+1] with ``reduction="none"``."""
        return F.cross_entropy(self.logits.transpose(1, 2), self.targets, ignore_index=-100, reduction=reduction)

    def accuracy(self, eos: int, top: int = 3) -> float:
        """Share of the true tokens (ends not counted) that are among the ``top`` most likely."""
        counted = (self.targets != -100) & (self.targets != eos)
        hits = (self.logits.topk(top, dim=-1).indices == self.targets[..., None]).any(-1)
        return float(hits[counted].float().mean()) if bool(counted.any()) else 0.0


class T2S(nn.Module):
    """The text-to-semantic network of every version and size."""

    def __init__(self, config: T2SConfig) -> None:
        super().__init__()
        self.config = config
        if config.bert_dim:
            self.bert_proj = nn.Linear(config.bert_dim, config.hidden)
        self.ar_text_embedding = _Embedding(config.phones, config.hidden)
        self.ar_text_position = _Position(config.dropout)
        self.ar_audio_embedding = _Embedding(config.vocabulary, config.hidden)
        self.ar_audio_position = _Position(config.dropout)
        self.h = _Stack(config)
        self.ar_predict_layer = nn.Linear(config.hidden, config.vocabulary, bias=False)
        if config.aligned:
            self.ar_near = nn.Linear(3 * config.hidden, config.hidden)
            self.ar_lasted = nn.Embedding(LASTED, config.hidden)

    def new_cache(self, rows: int, capacity: int) -> KVCache:
        """An empty cache for ``rows`` sequences of at most ``capacity`` positions."""
        config, weight = self.config, self.ar_audio_embedding.word_embeddings.weight
        return KVCache(
            config.layers,
            rows,
            config.heads,
            config.hidden // config.heads,
            capacity,
            dtype=weight.dtype,
            device=weight.device,
        )

    def embed_text(self, phones: Tensor, bert: Tensor | None = None) -> Tensor:
        """phones [B,P] and text features [B, bert_dim, P] (None = zeros) -> [B,P,H]."""
        x = self.ar_text_embedding(phones)
        if self.config.bert_dim:
            x = x + (self.bert_proj.bias if bert is None else self.bert_proj(bert.transpose(1, 2)))
        return self.ar_text_position(x)

    def embed_audio(self, codes: Tensor, start: int = 0, near: Tensor | None = None) -> Tensor:
        """codes [B,N] whose first one is audio position ``start`` -> [B,N,H].

        near [B,N,4], for an aligned network: the phone that each code says, the two after it, and a number below
        ``LASTED`` for how long it, or a silence, has lasted.
        """
        x = self.ar_audio_embedding(codes)
        if self.config.aligned and near is not None:
            x = x + self.ar_near(self.ar_text_embedding(near[:, :, :3]).flatten(2)) + self.ar_lasted(near[:, :, 3])
        return self.ar_audio_position(x, start)

    def transform(self, x: Tensor, mask: Tensor | None, cache: KVCache | None = None) -> Tensor:
        """All layers over x [B,T,H]; with a cache the T positions are appended to it."""
        for index, layer in enumerate(self.h):
            x = layer(x, mask, cache, index)
        if cache is not None:
            cache.advance(x.shape[1])
        return x

    @torch.no_grad()
    def prefill(
        self, phones: Sequence[Tensor], bert: Sequence[Tensor | None], prompt: Tensor | None, cache: KVCache
    ) -> Tensor:
        """Fill an empty cache with B texts and the tokens they continue; logits [B,V] of the first new token.

        phones: B vectors [P_i]; bert: per row [bert_dim, P_i] or None; prompt [B,N] or None. Shorter texts are
        padded in front with zero vectors that nobody attends to, so that all rows end together.
        """
        longest = max(len(row) for row in phones)
        texts = [
            self.embed_text(row[None], None if features is None else features[None])[0]
            for row, features in zip(phones, bert, strict=True)
        ]
        x = torch.stack([F.pad(text, (0, 0, longest - len(text), 0)) for text in texts])
        padding = torch.tensor([longest - len(row) for row in phones], device=x.device)
        if bool(padding.any()):
            cache.padding = padding
        audio = 0 if prompt is None else prompt.shape[1]
        if prompt is not None and audio:
            x = torch.cat((x, self.embed_audio(prompt)), dim=1)
        columns = torch.arange(longest + audio, device=x.device)
        mask = sequence_mask(longest, audio, columns >= padding[:, None])
        return self.ar_predict_layer(self.transform(x, mask, cache)[:, -1])

    def stepper(self) -> Stepper:
        """What appends one token to each row and tells the next ones' logits, with the weights that are there now."""
        return stepper(self)

    def forward_train(
        self,
        phones: Tensor,
        phone_lengths: Tensor,
        codes: Tensor,
        code_lengths: Tensor,
        bert: Tensor | None = None,
        *,
        near: Tensor | None = None,
        heard: Tensor | None = None,
        attention_of: tuple[int, int] | None = None,
    ) -> TeacherForced:
        """Teacher forcing over right-padded phones [B,P] and codes [B,N] with their lengths [B].

        ``heard`` [B,N]: what the network hears instead of the codes that it must predict.

        Padded phones are hidden; the first token is predicted from each row's own last phone. ``attention_of``
        names a (layer, head) whose scores before the softmax are returned as well (padded phones -1e4).
        """
        text, audio = phones.shape[1], codes.shape[1]
        text_valid, audio_valid = length_mask(phone_lengths, text), length_mask(code_lengths, audio)
        codes = codes.masked_fill(~audio_valid, self.config.eos)
        x = torch.cat(
            (self.embed_text(phones, bert), self.embed_audio(codes if heard is None else heard, 0, near)), dim=1
        )
        mask = sequence_mask(text, audio, torch.cat((text_valid, audio_valid), dim=1))
        attention = None
        for index, layer in enumerate(self.h):
            if attention_of is not None and index == attention_of[0]:
                scores = layer.self_attn.scores(x, attention_of[1])[:, text:, :text]
                attention = scores.masked_fill(~text_valid[:, None, :], MASKED_SCORE)
            x = layer(x, mask, None, index)
        last_phone = x[torch.arange(len(x), device=x.device), phone_lengths - 1]
        logits = self.ar_predict_layer(torch.cat((last_phone[:, None], x[:, text:]), dim=1))
        targets = F.pad(codes, (0, 1), value=self.config.eos)
        targets = targets.masked_fill(~length_mask(code_lengths + 1, audio + 1), -100)
        return TeacherForced(logits, targets, attention)

    def loss(
        self,
        phones: Tensor,
        phone_lengths: Tensor,
        codes: Tensor,
        code_lengths: Tensor,
        bert: Tensor | None = None,
    ) -> Tensor:
        """Mean cross entropy per real target (see ``forward_train``), a scalar in nats."""
        return self.forward_train(phones, phone_lengths, codes, code_lengths, bert).loss()
