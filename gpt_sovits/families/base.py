"""A base: the networks that voices of one kind share, loaded once from a folder, every part only when it is needed.

Nothing here knows about people or files of theirs. A voice is a delta on a base (``registry``); ``Base.acoustic`` and
``Base.semantic`` stay as published.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.build import build_vocoder
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.acoustic.weight_norm import fold_weight_norm
from gpt_sovits.errors import InputError
from gpt_sovits.families.family import settings_of
from gpt_sovits.families.table import family_of
from gpt_sovits.families.vits import POSTERIOR
from gpt_sovits.features.bert import BertConfig, ChineseBert, load_bert
from gpt_sovits.features.hubert import HubertContent
from gpt_sovits.features.mini_content import MiniContentEncoder
from gpt_sovits.features.speaker import ERes2NetV2, load_speaker_encoder
from gpt_sovits.models.delta import merged
from gpt_sovits.models.native import check_fit, load_into, load_tensors
from gpt_sovits.models.store import BaseFiles, find_base
from gpt_sovits.semantic.compact import MATRICES, compact
from gpt_sovits.semantic.config import T2SConfig
from gpt_sovits.semantic.model import T2S
from gpt_sovits.semantic.sampling import Sampling
from gpt_sovits.settings import PRECISIONS, Settings
from gpt_sovits.versions import OFFICIAL, PHONES, known_version

PAIRS = ("weight_g", "weight_v")
DEEPEST, WIDEST = 256, 65_536  # layers or bands of a network, and any other size or rate of one
ROOM = 4  # times that a size may be larger than any of the stored tensors'


@contextmanager
def _sized(what: str) -> Iterator[None]:
    """What torch says of sizes that no network has is one sentence."""
    try:
        yield
    except (ArithmeticError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise _damaged(what) from error


def _damaged(what: str) -> InputError:
    return InputError(f"The config of {what} is damaged.", "Restore it from a copy or import the model again.")


def _bounded(values: Mapping[str, Any], widest: int, what: str) -> None:
    """Refuse a config with more layers than any network here has or sizes above ``widest``, before it is built."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            _bounded(value, widest, what)
        deep, rate = key.endswith(("layers", "blocks", "couplings", "bands")), key.endswith("rate")
        if isinstance(value, int | float) and abs(value) > (DEEPEST if deep else WIDEST if rate else widest):
            raise _damaged(what)


def _fitting(values: Mapping[str, Any], state: Mapping[str, Tensor], what: str) -> None:
    """Refuse a config with sizes far beyond those of the stored tensors, before memory is taken for them."""
    _bounded(values, ROOM * max((size for tensor in state.values() for size in tensor.shape), default=0), what)


def build_network(part: str, config: Mapping[str, Any]) -> nn.Module:
    """The network of a part "acoustic", "semantic" or "vocoder" with fresh weights, as its config says."""
    if part == "semantic":
        return T2S(T2SConfig.from_dict(config))
    if part == "vocoder":
        return build_vocoder(config)
    return family_of(str(config.get("version", PHONES))).acoustic(config)


class Base:
    """The networks of one base folder, on one device, in evaluation mode. Safe to share between threads.

    ``precision`` is how the semantic network's matrices are held on a CPU: "full" (float32), "half" (float16, what
    weight files hold: the same tokens in half of the time), "int8" (faster, slightly other tokens); "auto" is "half".
    """

    def __init__(self, files: BaseFiles, device: str = "cpu", precision: str = "auto") -> None:
        if precision not in PRECISIONS:
            raise InputError(f"There is no precision {precision!r}.", f"Choose one of {', '.join(PRECISIONS)}.")
        self.files = files
        self.name = files.name
        self.version = files.version
        self.family = family_of(files.version)
        self.rate = int(files.config["rate"])
        self.device = torch.device(device)
        self._precision = precision
        self._lock = threading.RLock()

    @property
    def config(self) -> Mapping[str, Any]:
        return self.files.config

    @property
    def _speaking(self) -> Mapping[str, Any]:
        """The settings that this base is best spoken with; empty for one that says nothing."""
        return dict(self.config.get("speaking", {}))

    @property
    def sampling(self) -> Sampling:
        """How tokens are best drawn with this base; upstream's way where its config does not say."""
        return Sampling(**dict(self._speaking.get("sampling", {})))

    @property
    def prompted(self) -> bool:
        """Whether the semantic model of this base continues the reference's codes better than it starts afresh.

        One that is led along its phones always starts afresh.
        """
        led = self.config.get("semantic", {}).get("aligned", False)
        return not led and bool(self._speaking.get("prompt", True))

    @property
    def noise(self) -> float:
        """Scale of the acoustic model's noise that suits this base; upstream's 0.5 where its config does not say."""
        return float(self._speaking.get("noise", 0.5))

    @cached_property
    def accent(self) -> Tensor | None:
        """How much the style `[1, G, 1]` of a voice moves on its way from English to Mandarin.

        Part of the way between the mean styles of the two languages' speakers; None where the base knows no means. A
        style also tells, a little, which language somebody was heard in; moved, the voice says the other better.
        """
        part = float(self._speaking.get("accent", 0.0))
        if not part or not self.files.has("languages"):
            return None
        means = self._state("languages")
        return (part * (means["zh"].float() - means["en"].float()))[None, :, None].to(self.device)

    @property
    def release(self) -> str:
        return self.files.release

    @property
    def symbols_version(self) -> str:
        return known_version(self.version).phones

    @property
    def precision(self) -> str:
        """How the semantic network is held: full, half or int8."""
        if self.device.type != "cpu":
            return "full"
        return "half" if self._precision == "auto" else self._precision

    def _config(self, part: str) -> dict[str, Any]:
        values = self.config.get(part)
        if not isinstance(values, Mapping):
            raise InputError(f"The model {self.name} says nothing about its {part} network.", "Import it again.")
        _bounded(values, WIDEST, f"the {part} network")
        return dict(values)

    def _state(self, part: str) -> dict[str, Tensor]:
        """As stored, mostly float16, on the mapped file: whoever loads it converts tensor by tensor."""
        return load_tensors(self.files.path(part))

    def _ready(self, module: nn.Module) -> Any:
        return module.eval().requires_grad_(False).to(self.device)

    def _fresh(self, part: str) -> nn.Module:
        """The network of a part with fresh weights."""
        config, what = self._config(part), f"the {part} network"
        _fitting(config, self._state(part), what)
        with _sized(what):
            return build_network(part, config)

    def _shell(self, part: str) -> nn.Module:
        """A network whose weights are to be put in; for official sizes without memory or random numbers for them."""
        if self.version not in OFFICIAL:  # small, and some of its buffers are computed, not stored
            return self._fresh(part)
        with torch.device("meta"):
            return self._fresh(part)

    def new_acoustic(self) -> SoVITS | SoVITSCFM:
        """A fresh acoustic model with the published weights, trainable, weight norm not folded."""
        model: Any = self._fresh("acoustic")
        untrainable = () if self.config.get("trainable", True) else (POSTERIOR,)  # fine-tuned files drop it
        load_into(model, self._state("acoustic"), f"the acoustic network of {self.name}", ignore=untrainable)
        return model.to(self.device)

    def new_semantic(self) -> T2S:
        """A fresh semantic model with the published weights, trainable."""
        model: Any = self._fresh("semantic")
        load_into(model, self._state("semantic"), f"the semantic network of {self.name}")
        return model.to(self.device)

    @cached_property
    def acoustic(self) -> SoVITS | SoVITSCFM:
        """For speaking: weight norm folded, without what only training needs."""
        with self._lock:
            return self._speaking_acoustic({})

    @cached_property
    def semantic(self) -> T2S:
        """For speaking, in this base's ``precision``."""
        with self._lock:
            return self._speaking_semantic({})

    @cached_property
    def content(self) -> MiniContentEncoder | HubertContent:
        with self._lock:
            return self._listener("content", f"the content network of {self.name}")

    @cached_property
    def ear(self) -> MiniContentEncoder | None:
        """What hears phones: a network of its own or, without one, the content encoder; None where that hears none."""
        if not self.family.hears_phones:
            return None
        if not self.files.has("ear"):
            return cast(MiniContentEncoder, self.content)
        with self._lock:
            return cast(MiniContentEncoder, self._listener("ear", f"the ear of {self.name}"))

    def _listener(self, part: str, what: str) -> MiniContentEncoder | HubertContent:
        config, state = self._config(part), self._state(part)
        _fitting(config, state, what)
        with _sized(what):
            return self._ready(self.family.content(config, state, what))

    @cached_property
    def bert(self) -> ChineseBert | None:
        """Chinese text features; None for a base that has none."""
        with self._lock:
            if not self.files.has("bert") or not self.files.vocabulary.is_file():
                return None
            vocabulary = json.loads(self.files.vocabulary.read_text(encoding="utf-8"))
            network = load_bert(self._state("bert"), BertConfig(**settings_of(self._config("bert"))))
            return ChineseBert(self._ready(network), vocabulary)

    @cached_property
    def speaker(self) -> ERes2NetV2 | None:
        """Speaker encoder of v2Pro and v2ProPlus."""
        with self._lock:
            return self._ready(load_speaker_encoder(self._state("speaker"))) if self.files.has("speaker") else None

    @cached_property
    def vocoder(self) -> nn.Module | None:
        """Mel to wave for v3 (BigVGAN, 24 kHz) and v4 (HiFi-GAN, 48 kHz)."""
        with self._lock:
            if "vocoder" not in known_version(self.version).parts:
                return None
            network = self._shell("vocoder")
            _fill(network, self._state("vocoder"), f"the vocoder of {self.name}")
            return self._ready(fold_weight_norm(network))

    def voiced(self, delta: Mapping[str, Tensor]) -> tuple[SoVITS | SoVITSCFM, T2S]:
        """The two models with a voice's delta ("acoustic.<key>", "semantic.<key>") added, ready to speak.

        A model that the delta does not touch is the base's own, shared one.
        """
        parts: dict[str, dict[str, Tensor]] = {
            name: {k.removeprefix(f"{name}."): v for k, v in delta.items() if k.startswith(f"{name}.")}
            for name in ("acoustic", "semantic")
        }
        acoustic = self._speaking_acoustic(parts["acoustic"]) if parts["acoustic"] else self.acoustic
        semantic = self._speaking_semantic(parts["semantic"]) if parts["semantic"] else self.semantic
        return acoustic, semantic

    def _speaking_acoustic(self, delta: Mapping[str, Tensor]) -> SoVITS | SoVITSCFM:
        network: Any = self._shell("acoustic")
        state = merged(self._state("acoustic"), delta, self.name)
        state, held = self.family.for_speaking(network, state)
        _fill(network, state, f"the acoustic network of {self.name}", held)
        return self._ready(fold_weight_norm(network))

    def _speaking_semantic(self, delta: Mapping[str, Tensor]) -> T2S:
        network: Any = self._shell("semantic")
        state = merged(self._state("semantic"), delta, self.name)
        kind = self.precision
        held = [name for name in state if name.endswith(MATRICES)] if kind != "full" else []
        _fill(network, state, f"the semantic network of {self.name}", held)
        network = self._ready(network)
        return network if kind == "full" else compact(network, kind)  # type: ignore[arg-type]


def _fill(network: nn.Module, state: Mapping[str, Tensor], what: str, held: Collection[str] = ()) -> None:
    """Make ``state`` the network's weights: in its own types, or as they are stored for the names in ``held``.

    All else is copied out of the mapped file, so that its pages can go (weight-norm pairs are folded into new memory).
    """
    wanted, kept = network.state_dict(), set(held)
    shapes = [{name: tuple(value.shape) for name, value in table.items()} for table in (wanted, state)]
    check_fit(shapes[0], shapes[1], what)
    ready = {
        name: value if name in kept else value.to(wanted[name].dtype, copy=not name.endswith(PAIRS))
        for name, value in state.items()
    }
    network.load_state_dict(ready, strict=True, assign=True)


def load_base(name: str, settings: Settings) -> Base:
    """Find and open a base. Raises ``MissingError`` with the way to get it."""
    return Base(find_base(name, settings), settings.device, settings.precision)
