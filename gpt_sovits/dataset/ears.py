"""Who listens to recordings: a network that hears phones, and what doubt means with it.

The embedded base has an ear. The official bases' content encoder (HuBERT) hears no phones, so for them the embedded
one listens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from gpt_sovits.dataset.proof import Thresholds
from gpt_sovits.versions import EMBEDDED


@runtime_checkable
class PhoneListener(Protocol):
    """What is needed of a content encoder: log-probabilities [1, T, V + 1] at 50 Hz of a wave [1, L] at 16 kHz."""

    def phone_logits(self, wave: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Ears:
    """An encoder with the thresholds that were measured for it."""

    encoder: PhoneListener
    thresholds: Thresholds = field(default_factory=Thresholds)

    @property
    def device(self) -> torch.device | None:
        """Where the encoder is, when it is a network."""
        parameters = self.encoder.parameters() if isinstance(self.encoder, nn.Module) else iter(())
        return next((parameter.device for parameter in parameters), None)

    def phone_logits(self, wave: Tensor) -> Tensor:
        return self.encoder.phone_logits(wave.to(self.device))


def ears_of(base: Any, load_base: Callable[[str], Any]) -> Ears:
    """The ears of a loaded ``Base``; ``load_base`` opens the embedded one where this one hears no phones."""
    if base.ear is None:
        base = load_base(EMBEDDED)
    return Ears(base.ear, Thresholds.of(getattr(base, "config", {})))
