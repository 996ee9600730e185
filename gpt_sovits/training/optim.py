"""ScaledAdam: Adam whose steps are relative to the size of each tensor, and that learns that size as well.

Written for transformers by the authors of icefall (k2-fsa); upstream trains its GPT with it. Each tensor with more
than one element keeps a running root-mean-square of itself; an update is that size times a normalised gradient,
plus, every few steps, a change of the size. All gradients are clipped together against a median of the past.

Departure: upstream's clip factor reaches only the size update; pass ``clip_main_update=True`` to apply it to the
main update too, as was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

SCALAR_LIMIT = 10.0  # one-element tensors stay within plus and minus this
MIN_RMS, MAX_RMS = 1e-5, 3.0  # a tensor's size is not trained below or above these


class ScaledAdam(torch.optim.Optimizer):
    """See the module's text. ``lr`` is relative: 0.01 changes a tensor by about one percent of its size a step."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.01,
        *,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        clipping_scale: float = 2.0,
        clipping_update_period: int = 1000,
        size_update_period: int = 4,
        scalar_lr_scale: float = 0.1,
        clip_main_update: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "clipping_scale": clipping_scale,
                "clipping_update_period": clipping_update_period,
                "size_update_period": size_update_period,
                "scalar_lr_scale": scalar_lr_scale,
                "clip_main_update": clip_main_update,
                "steps": 0,
                "norms": torch.zeros(clipping_update_period),
                "threshold": 0.0,
            },
        )
        for group in self.param_groups:
            group["norms"] = torch.zeros(clipping_update_period)  # one ring per group

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            pairs = [(param, param.grad) for param in group["params"] if param.grad is not None]
            for param, _ in pairs:
                if not self.state[param]:
                    self._start(param, group)
            clip = self._clip_factor(pairs, group)
            for param, gradient in pairs:
                update = self._scalar_update if param.numel() == 1 else self._tensor_update
                update(param, gradient, group, clip)
            group["steps"] += 1
        return loss

    def _start(self, param: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        state["step"] = 0
        state["delta"] = torch.zeros_like(param)
        state["second_moment"] = torch.zeros_like(param)
        if param.numel() > 1:
            state["rms"] = param.square().mean().sqrt()
            state["size_gradients"] = torch.zeros(group["size_update_period"], device=param.device)
            state["size_second_moment"] = torch.zeros((), device=param.device)

    def _clip_factor(self, pairs: list[tuple[Tensor, Tensor]], group: dict[str, Any]) -> float:
        """How much all gradients shrink in this step; 1 until the first period is over."""
        if not pairs:
            return 1.0
        period, step = group["clipping_update_period"], group["steps"]
        norms = [gradient.norm() * self.state[param].get("rms", 1.0) for param, gradient in pairs]
        norm = float(torch.stack(norms).norm())
        ring = group["norms"]
        ring[step % period] = norm
        if step and step % period == 0:
            group["threshold"] = group["clipping_scale"] * float(ring.sort().values[2 * (period // 4)])
        return min(1.0, group["threshold"] / (norm + 1e-20)) if step >= period else 1.0

    def _tensor_update(self, param: Tensor, gradient: Tensor, group: dict[str, Any], clip: float) -> None:
        beta1, beta2 = group["betas"]
        lr, eps, period = group["lr"], group["eps"], group["size_update_period"]
        state = self.state[param]
        step, delta = int(state["step"]), state["delta"]  # a number on disk is a tensor
        delta.mul_(beta1)
        state["size_gradients"][step % period] = (param * gradient).sum() * clip
        if step % period == period - 1:
            self._size_update(param, group)
        if group["clip_main_update"] and clip < 1:
            gradient = gradient * clip
        second = state["second_moment"]
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        correction = 1 - beta2 ** (step + 1)
        root = (second / correction if correction < 0.99 else second).sqrt_().add_(eps)
        delta.add_(gradient / root * (-lr * (1 - beta1) * state["rms"].clamp(min=MIN_RMS)))
        param.add_(delta)
        state["step"] = step + 1

    def _size_update(self, param: Tensor, group: dict[str, Any]) -> None:
        """Every ``size_update_period`` steps: measure the tensor, and grow or shrink it by its size gradient."""
        beta1, beta2 = group["betas"]
        state, period = self.state[param], group["size_update_period"]
        beta = beta2**period
        gradients, rate = state["size_gradients"], group["lr"] * group["scalar_lr_scale"]
        state["rms"] = param.square().mean().sqrt()
        state["size_second_moment"].mul_(beta).add_(gradients.square().mean(), alpha=1 - beta)
        correction = 1 - beta ** ((int(state["step"]) + 1) / period)
        change = -rate * correction**0.5 * gradients.sum() / (state["size_second_moment"].sqrt() + group["eps"])
        change = torch.where(state["rms"] < MIN_RMS, torch.zeros_like(change), change)
        change = torch.where(state["rms"] > MAX_RMS, torch.full_like(change, -rate * period), change)
        state["delta"].add_(param * change, alpha=1 - beta1)

    def _scalar_update(self, param: Tensor, gradient: Tensor, group: dict[str, Any], clip: float) -> None:
        beta1, beta2 = group["betas"]
        state = self.state[param]
        if group["clip_main_update"]:
            gradient = gradient * clip
        second, delta = state["second_moment"], state["delta"]
        second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        root = (second / (1 - beta2 ** (int(state["step"]) + 1))).sqrt_().add_(group["eps"])
        delta.mul_(beta1).add_(gradient / root, alpha=-group["lr"] * group["scalar_lr_scale"] * (1 - beta1))
        param.clamp_(-SCALAR_LIMIT, SCALAR_LIMIT).add_(delta)
        state["step"] = int(state["step"]) + 1


def upstream_rate(step: int) -> float:
    """The rate that upstream's GPT training really uses: 0.01 for the very first step, 0.002 for all others."""
    return 0.01 if step == 0 else 0.002
