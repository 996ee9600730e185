"""What a family of networks does in its own way, from its weights to the sound: one object for each family.

A family holds no state: the networks are a ``Base``'s, the voice is a ``Reference``. How voices are *learnt* with a
family is its counterpart in ``training/``. Letters: L samples, T frames at 50 Hz, N codes, P phones, G style width,
F bins, S speaker width, M mel bands.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from gpt_sovits.acoustic.code_alignment import CodeFollower, Evidence
from gpt_sovits.acoustic.sovits import SoVITS
from gpt_sovits.acoustic.sovits_cfm import SoVITSCFM
from gpt_sovits.audio import Audio
from gpt_sovits.features.hubert import HubertConfig, HubertContent, load_hubert, with_prompt_tail
from gpt_sovits.features.mini_content import MiniContentEncoder
from gpt_sovits.features.reference import Reference, Timbre
from gpt_sovits.text import Phones

if TYPE_CHECKING:
    from gpt_sovits.families.base import Base

State = Mapping[str, Tensor]
TOKEN = 640  # samples of 16 kHz that a code stands for
STYLE_RATE = 32000  # Hz at which a voice's style is heard


@dataclass(frozen=True)
class Widths:
    """How wide the features of a voice must be for a network. 0: it takes none."""

    style: int
    codebook: int
    symbols: int
    speaker: int = 0
    mel: int = 0
    colour: int = 0


@dataclass(frozen=True)
class Delivery:
    """How tokens are to become sound. ``noise`` None: what suits the base; ``check`` raises when it is to stop."""

    speed: float
    noise: float | None
    mel_steps: int  # of the flow
    generator: torch.Generator
    check: Callable[[], None]
    pitch: float = 0.0  # octaves higher; only where the family is ``pitched``


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """A part's config without the word that chooses its class."""
    return {key: value for key, value in config.items() if key != "kind"}


class Family(ABC):
    """Networks of one kind."""

    name: ClassVar[str]
    style_seconds: ClassVar[float] = 10.0  # of a piece that one style is computed from; the styles are averaged
    pitched: ClassVar[bool] = False  # its decoder is told the melody
    hears_phones: ClassVar[bool] = False  # a network of its bases recognises them
    needs_words: ClassVar[bool] = False  # a voice cannot be made without knowing what its clip says

    # ------------------------------------------------------------------------------------------------------ networks

    @abstractmethod
    def acoustic(self, config: Mapping[str, Any]) -> SoVITS | SoVITSCFM:
        """The acoustic network with fresh weights; unknown settings raise ``InputError``."""

    @abstractmethod
    def widths(self, config: Mapping[str, Any]) -> Widths:
        """What the acoustic network of that config takes, without building it."""

    def content(self, config: Mapping[str, Any], state: State, what: str) -> MiniContentEncoder | HubertContent:
        """The content encoder; ``what`` names it where it does not fit."""
        return load_hubert(state, HubertConfig(**settings_of(config)))

    def for_speaking(self, network: nn.Module, state: dict[str, Tensor]) -> tuple[dict[str, Tensor], Collection[str]]:
        """What of the acoustic weights speaking needs, and the names of those that are held as they are stored."""
        return state, ()

    # ----------------------------------------------------------------------------------------------------- listening

    @torch.inference_mode()
    def codes(self, base: Base, wave: Tensor, around: tuple[Tensor, int] | None = None) -> Tensor:
        """Semantic codes `[N]` of 16 kHz speech `[1, L]`.

        ``around``: the longer speech that it was cut from, and the sample (of whole tokens) at which it begins there.
        It is then heard within that, as upstream hears it: HuBERT listens to all of a recording at once.
        """
        whole, first = around or (wave, 0)
        codes = base.acoustic.extract_codes(base.content(with_prompt_tail(whole)))[0, 0].cpu()
        return codes[first // TOKEN :][: with_prompt_tail(wave).shape[-1] // TOKEN]

    def recognise(self, base: Base, wave: Tensor) -> tuple[int, ...]:
        """Phones that the content encoder hears in 16 kHz speech `[1, L]`; none where it hears no phones."""
        return ()

    def style(self, base: Base, acoustic: nn.Module, spec: Tensor, wave: Tensor) -> tuple[Tensor, Tensor | None]:
        """Style `[1, G, 1]`, and speaker vector `[1, S]` where there is one, of a piece.

        ``spec``: its linear spectrogram `[1, F, T]`, ``wave`` `[1, L]`: at 32 kHz.
        """
        return acoustic.style(spec), None  # type: ignore[operator]

    def speaker_vector(self, base: Base, wave: Tensor) -> Tensor | None:
        """The speaker vector `[1, S]` of 16 kHz speech `[1, L]`, where the networks listen to one."""
        return None

    def prompt_mel(self, base: Base, clip: Audio) -> Tensor | None:
        """Normalised mel `[1, M, T]` of the clip that a voice goes on from, where the networks take one."""
        return None

    def target_mel(self, base: Base, clip: Audio) -> Tensor | None:
        """Normalised mel `[1, M, T]` of whole frames, where the networks learn to make mels."""
        return None

    def colour(
        self, base: Base, acoustic: nn.Module, clip: Audio, codes: Tensor, phones: Sequence[int], style: Tensor
    ) -> Tensor | None:
        """What a clip has more than the networks say of it; None where they have no place for that."""
        return None

    # ------------------------------------------------------------------------------------------------------ speaking

    def follower(self, base: Base, phones: Tensor) -> CodeFollower | None:
        """What leads decoding along ``phones`` `[P]`; None where the networks find the way by themselves."""
        return None

    def evidence(self, base: Base, phones: Sequence[int]) -> Callable[[Tensor], Evidence | None]:
        """What tells how well tokens `[N]` say ``phones``; nothing where nobody knows what tokens mean."""
        return lambda tokens: None

    def timbres(self, reference: Reference) -> tuple[Timbre, ...]:
        """The timbres that a voice is spoken with: one, unless the networks can say something between several."""
        return (reference.timbre,)

    @abstractmethod
    def render(
        self, base: Base, acoustic: nn.Module, reference: Reference, said: Phones, tokens: Tensor, how: Delivery
    ) -> Tensor:
        """The wave, of any shape, that says the tokens `[N]` of ``said`` in the voice of ``reference``."""
