"""Sizes of the acoustic networks. They travel with the weights as JSON; unknown keys are refused.

One definition serves every size: the official v1/v2 family and the embedded mini base differ only in numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar

from gpt_sovits.errors import InputError

T = TypeVar("T")


def strict(cls: type[T], values: Mapping[str, Any]) -> T:
    """Build a config dataclass from plain values; lists become tuples, unknown keys raise InputError."""
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise InputError(
            f"The model's configuration has settings that this program does not know: {', '.join(unknown)}.",
            "Update the program, or use a model made for this version.",
        )
    return cls(**{key: _tuples(value) for key, value in values.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True)
class HiFiGANConfig:
    """HiFi-GAN generator: channels halve at each stage; the product of the rates is samples per frame."""

    kind: str = "hifigan"
    channels: int = 512
    rates: tuple[int, ...] = (10, 8, 2, 2, 2)
    kernels: tuple[int, ...] = (16, 16, 8, 2, 2)
    block_kernels: tuple[int, ...] = (3, 7, 11)
    block_dilations: tuple[int, ...] = (1, 3, 5)
    final_bias: bool = False


@dataclass(frozen=True)
class HarmonicConfig:
    """Harmonics-plus-noise decoder (acoustic/harmonic.py): ConvNeXt blocks at 50 Hz, then at 100 Hz."""

    kind: str = "harmonic"
    channels: int = 192
    kernel: int = 7
    expansion: int = 2
    blocks: int = 4
    fine_blocks: int = 2
    bands: int = 96
    n_fft: int = 1024
    modulated: bool = False  # the style scales and shifts what every block has normalised, not only the first input
    contrast: float = 1.0  # of formants when speaking; above 1 it makes up for what averaging in training flattens
    movement: float = 1.0  # the same of the envelopes' changes in time


# kind -> config class; acoustic/decoder.py builds the module of the same kind
DECODER_CONFIGS: dict[str, type] = {"hifigan": HiFiGANConfig, "harmonic": HarmonicConfig}


def decoder_config(values: Mapping[str, Any]) -> Any:
    """The config of the decoder kind that ``values['kind']`` names."""
    kind = values.get("kind", "hifigan")
    if kind not in DECODER_CONFIGS:
        raise InputError(
            f"The model uses a decoder called '{kind}', which this program does not have.",
            f"Known decoders: {', '.join(sorted(DECODER_CONFIGS))}.",
        )
    return strict(DECODER_CONFIGS[kind], values)


@dataclass(frozen=True)
class TextEncoderConfig:
    """Prior network ``enc_p``: content codes + phones + style -> mean and log deviation of the latent."""

    symbols: int = 732
    ssl_dim: int = 768  # channels of the decoded codes
    latent: int = 192  # channels of mean and log deviation
    hidden: int = 192
    filter: int = 768
    heads: int = 2
    kernel: int = 3
    window: int = 4  # relative positions up to this distance
    ssl_layers: int = 3
    text_layers: int = 6
    fusion_layers: int = 3  # encoder2, after the cross attention
    mrte_hidden: int = 512  # equals the width of the style vector that reaches enc_p
    mrte_heads: int = 4
    dropout: float = 0.1
    aligned: bool = False  # the phone that a code says is added to it (acoustic/code_alignment.py); the mini base
    upsampled: bool = False  # phones where they are said, no attention (acoustic/upsampled_encoder.py); the mini base


@dataclass(frozen=True)
class StyleConfig:
    """Style encoder ``ref_enc``: the first ``bins`` of a linear spectrogram -> one vector."""

    bins: int = 704
    hidden: int = 128
    heads: int = 2
    kernel: int = 5
    dropout: float = 0.1


@dataclass(frozen=True)
class SoVITSConfig:
    """SoVITS v1, v2, v2Pro, v2ProPlus, and the mini base."""

    version: str = "v2"
    sample_rate: int = 32000  # Hz
    hop: int = 640  # samples per latent frame
    n_fft: int = 2048  # linear spectrogram of posterior and style encoder
    gin: int = 512  # width of the style vector
    speaker_dim: int = 0  # width of the extra speaker vector (v2Pro: 20480), 0 = none
    codebook: int = 1024
    posterior_hidden: int = 192
    posterior_layers: int = 16
    flow_hidden: int = 192
    flow_layers: int = 4
    flow_couplings: int = 4
    wn_kernel: int = 5
    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    style: StyleConfig = field(default_factory=StyleConfig)
    decoder: Any = field(default_factory=HiFiGANConfig)

    @property
    def spec_bins(self) -> int:
        """Bins of the linear spectrogram that the posterior encoder reads."""
        return self.n_fft // 2 + 1

    @property
    def latent(self) -> int:
        return self.text.latent

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SoVITSConfig:
        """Strict: a key that is not a field, at any level, raises InputError."""
        plain = dict(values)
        plain["text"] = strict(TextEncoderConfig, plain.get("text", {}))
        plain["style"] = strict(StyleConfig, plain.get("style", {}))
        plain["decoder"] = decoder_config(plain.get("decoder", {}))
        return strict(cls, plain)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class DiTConfig:
    """Velocity network of the flow matching."""

    dim: int = 1024
    depth: int = 22
    heads: int = 16
    head_dim: int = 64
    ff_mult: int = 2
    mel_dim: int = 100
    text_dim: int = 512
    conv_layers: int = 4


@dataclass(frozen=True)
class SoVITSCFMConfig:
    """SoVITS v3 and v4. Frames below are mel frames."""

    version: str = "v3"
    sample_rate: int = 24000  # Hz of the wave that the vocoder makes
    mel_rate: int = 24000  # Hz at which target and prompt mel are computed
    mel_n_fft: int = 1024
    mel_hop: int = 256
    frames_scale: float = 1.875  # mel frames per 50 Hz frame
    mask_frames_per_code: float = 3.875
    prompt_frames: int = 468  # longest prompt
    window_frames: int = 934  # prompt and piece together
    gin: int = 512
    codebook: int = 1024
    refiner_layers: int = 8
    wn_kernel: int = 5
    text: TextEncoderConfig = field(default_factory=TextEncoderConfig)
    style: StyleConfig = field(default_factory=StyleConfig)
    dit: DiTConfig = field(default_factory=DiTConfig)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SoVITSCFMConfig:
        """Strict: a key that is not a field, at any level, raises InputError."""
        plain = dict(values)
        plain["text"] = strict(TextEncoderConfig, plain.get("text", {}))
        plain["style"] = strict(StyleConfig, plain.get("style", {}))
        plain["dit"] = strict(DiTConfig, plain.get("dit", {}))
        return strict(cls, plain)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class BigVGANConfig:
    """BigVGAN v2, 24 kHz, 100 bands, 256 samples per frame."""

    kind: str = "bigvgan"
    bands: int = 100
    channels: int = 1536
    rates: tuple[int, ...] = (4, 4, 2, 2, 2, 2)
    kernels: tuple[int, ...] = (8, 8, 4, 4, 4, 4)
    block_kernels: tuple[int, ...] = (3, 7, 11)
    block_dilations: tuple[int, ...] = (1, 3, 5)


# v4 vocoder: 100 bands at 100 frames/s -> 48 kHz; build with HiFiGAN(VOCODER_V4, inputs=100)
VOCODER_V4 = HiFiGANConfig(rates=(10, 6, 2, 2, 2), kernels=(20, 12, 4, 4, 4), final_bias=True)
