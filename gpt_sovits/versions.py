"""Every version of the networks that this program speaks and learns with, one row each: facts, no behaviour.

What a row's family does differently is in ``families/`` (speaking) and ``training/`` (learning); what a version is, is
here and nowhere else. A new version of a known family is one row, and its files' digests in
``models/official_files.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gpt_sovits.errors import InputError

EMBEDDED = "mini"  # the base that comes with the program; the name of its folder and of its version
MINI, VITS, FLOW_MATCHING = EMBEDDED, "vits", "flow_matching"  # families of networks

# Phone tables (text/symbols.py): rows that they have in the acoustic and in the semantic network. Of a file that has
# another number of rows, it is the later table.
FIRST_PHONES, PHONES = "v1", "v2"
PHONE_ROWS: Mapping[str, tuple[int, int]] = {FIRST_PHONES: (322, 512), PHONES: (732, 732)}
# Kinds of discriminators: the periods that they look at.
DISCRIMINATORS: Mapping[str, tuple[int, ...]] = {"v2": (2, 3, 5, 7, 11), "v2Pro": (2, 3, 5, 7, 11, 17, 23)}


@dataclass(frozen=True)
class Cost:
    """What training an official base costs on a CPU with two cores.

    Measured at full size with synthetic weights, in processor seconds of one thread; two cores are counted as 1.8.
    """

    acoustic: float  # seconds of one piece of a step
    bare: float  # the same without discriminators
    semantic: float  # seconds of a step
    steps: tuple[int, int]  # acoustic and semantic, for a minute of speech: less than 25 minutes on two cores
    memory: float  # GiB at the peak, low rank
    whole: float  # GiB that whole tensors need in addition; 0: only low rank is meant


@dataclass(frozen=True)
class Published:
    """Where upstream publishes the networks of a version, and how its files are told from others.

    Paths are those in upstream's repository. ``signs`` are tensors that the acoustic network has, with the size of
    their first dimension where that tells; ``vocoder_sign`` the beginning of a name in the vocoder.
    """

    acoustic: str = ""  # "": it is not published
    semantic: str = "s1v3.ckpt"
    discriminator: str = ""
    vocoder: str = ""
    signs: Mapping[str, int | None] = field(default_factory=dict)
    vocoder_sign: str = ""
    tags: tuple[str, ...] = ()  # two bytes in the place of the zip's
    head_md5: str = ""  # of the first 8192 bytes of the published acoustic network
    info_ending: str = ""  # of what a tuned file says of itself


@dataclass(frozen=True)
class Version:
    """One version. ``rate``: Hz of the speech; memory and speed are what a person wants to know before choosing."""

    name: str
    family: str
    rate: int
    memory_gib: float  # peak of ``bench --stages cold`` or ``tests.models.full_size``, all networks in memory
    speed: str  # on a CPU
    summary: str
    phones: str = PHONES  # which phone table
    discriminators: str = ""  # which kind it learns against; "": none
    parts: tuple[str, ...] = ()  # that speaking needs beside content, semantic and acoustic network
    published: Published = field(default_factory=Published)
    cost: Cost | None = None  # of training it
    acoustic: Mapping[str, Any] = field(default_factory=dict)  # settings of that network that its tensors do not tell
    vocoder: Mapping[str, Any] = field(default_factory=dict)
    exported: Mapping[str, Any] | None = None  # hyper-parameters for upstream's program where they differ from v2's
    exported_tag: bytes = b"PK"  # how the acoustic file that is written for it begins


_PRO = {"text": {"dropout": 0.0}}
_PRO_EXPORTED = {"gin_channels": 1024, "p_dropout": 0.0}

VERSIONS: Mapping[str, Version] = {
    row.name: row
    for row in (
        Version(
            "v1",
            VITS,
            32000,
            2.3,
            "medium",
            "the oldest; for voices that were made with it",
            phones=FIRST_PHONES,
            discriminators="v2",
            cost=Cost(3.9, 1.4, 2.8, (130, 100), 4.0, 2.0),
            published=Published(
                "s2G488k.pth",
                semantic="s1bert25hz-2kh-longer-epoch=68e-step=50232.ckpt",
                discriminator="s2D488k.pth",
                signs={"enc_p.text_embedding.weight": PHONE_ROWS[FIRST_PHONES][0]},
                tags=("00",),
                head_md5="dc3c97e17592963677a4a1681f30c653",
            ),
        ),
        Version(
            "v2",
            VITS,
            32000,
            2.3,
            "medium",
            "trained on 5000 hours: clear and steady",
            discriminators="v2",
            cost=Cost(3.9, 1.4, 2.8, (130, 100), 4.0, 2.0),
            published=Published(
                "gsv-v2final-pretrained/s2G2333k.pth",
                semantic="gsv-v2final-pretrained/s1bert25hz-5kh-longer-epoch=12-step=369668.ckpt",
                discriminator="gsv-v2final-pretrained/s2D2333k.pth",
                tags=("01",),
                head_md5="6642b37f3dbb1f76882b69937c95a5f3",
            ),
            exported={},
        ),
        Version(
            "v2Pro",
            VITS,
            32000,
            2.5,
            "medium",
            "as v2, and closer to the person",
            discriminators="v2Pro",
            parts=("speaker",),
            cost=Cost(4.8, 1.6, 2.8, (105, 100), 4.5, 2.4),
            published=Published(
                "v2Pro/s2Gv2Pro.pth",
                discriminator="v2Pro/s2Dv2Pro.pth",
                signs={"sv_emb.weight": None},
                tags=("05",),
                head_md5="c7e9fce2223f3db685cdfa1e6368728a",
            ),
            acoustic=_PRO,
            exported=_PRO_EXPORTED,
            exported_tag=b"05",
        ),
        Version(
            "v2ProPlus",
            VITS,
            32000,
            2.7,
            "medium",
            "as v2, and closest to the person; what most people want",
            discriminators="v2Pro",
            parts=("speaker",),
            cost=Cost(5.8, 2.2, 2.8, (85, 100), 5.0, 2.8),
            published=Published(
                "v2Pro/s2Gv2ProPlus.pth",
                discriminator="v2Pro/s2Dv2ProPlus.pth",
                signs={"sv_emb.weight": None, "dec.conv_pre.weight": 768},
                tags=("06",),
                head_md5="66b313e39455b57ab1b0bc0b239c9d0a",
            ),
            acoustic=_PRO,
            exported={
                **_PRO_EXPORTED,
                "upsample_initial_channel": 768,
                "upsample_kernel_sizes": [20, 16, 8, 2, 2],
            },
            exported_tag=b"06",
        ),
        Version(
            "v3",
            FLOW_MATCHING,
            24000,
            3.5,
            "slow",
            "close to the person from little speech, but with a muffled sound (24 kHz); wants a graphics card",
            parts=("vocoder",),
            cost=Cost(4.9, 4.9, 2.8, (100, 100), 5.0, 0.0),
            published=Published(
                "s2Gv3.pth",
                vocoder="models--nvidia--bigvgan_v2_24khz_100band_256x/bigvgan_generator.pt",
                vocoder_sign="activation_post.",
                tags=("02", "03"),
                head_md5="43797be674a37c1c83ee81081941ed0f",
            ),
            vocoder={"kind": "bigvgan"},
        ),
        Version(
            "v4",
            FLOW_MATCHING,
            48000,
            2.9,
            "slow",
            "as v3, with a full sound (48 kHz); wants a graphics card",
            parts=("vocoder",),
            cost=Cost(5.3, 5.3, 2.8, (95, 100), 5.0, 0.0),
            published=Published(
                "gsv-v4-pretrained/s2Gv4.pth",
                vocoder="gsv-v4-pretrained/vocoder.pth",
                tags=("04",),
                head_md5="4f26b9476d0c5033e04162c486074374",
                info_ending="_v4",
            ),
            acoustic={  # mel of target and prompt, and frames per code; v3's are the network's defaults
                "sample_rate": 48000,
                "mel_rate": 32000,
                "mel_n_fft": 1280,
                "mel_hop": 320,
                "frames_scale": 2.0,
                "mask_frames_per_code": 4.0,
                "prompt_frames": 500,
                "window_frames": 1000,
            },
            vocoder={
                "kind": "hifigan",
                "rates": [10, 6, 2, 2, 2],
                "kernels": [20, 12, 4, 4, 4],
                "final_bias": True,
            },
        ),
        Version(
            EMBEDDED,
            MINI,
            32000,
            0.6,
            "fast",
            "built in, small: speaks at once on any computer, less clearly and less like the person than the others",
        ),
    )
}
OFFICIAL: Mapping[str, Version] = {name: row for name, row in VERSIONS.items() if row.published.acoustic}
RECOMMENDED = "v2ProPlus"  # what a person with the room for it most likely wants


def known_version(name: str) -> Version:
    """The row of a version. Raises ``InputError`` for one that is not known."""
    row = VERSIONS.get(name)
    if row is None:
        raise InputError(f"There is no model version {name!r}.", f"Versions: {', '.join(VERSIONS)}.")
    return row


def of_family(family: str) -> tuple[Version, ...]:
    """The rows of a family, oldest first."""
    return tuple(row for row in VERSIONS.values() if row.family == family)
