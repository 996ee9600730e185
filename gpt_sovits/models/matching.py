"""Which GPT file belongs to which SoVITS file, when people's files lie about: by what they are called, then by place.

SoVITS-胡桃.pth  and  GPT-胡桃.ckpt          流萤_e8_s200.pth  and  流萤-e15.ckpt
ana/anything.pth  and  ana/whatever.ckpt     SoVITS_weights_v2/ana_e8_s96.pth  and  GPT_weights_v2/ana-e15.ckpt
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

_TRAINED = re.compile(r"[-_ ]?e(?:poch)?[-_]?(\d+)(?:[-_ ]?s(?:teps?)?[-_]?\d+)?(?:[-_ ]?l\d+)?$", re.IGNORECASE)
_COPY = re.compile(r"(?:[-_ ]*(?:copy|副本))?[-_ ]*(?:\(\d{1,2}\))?$", re.IGNORECASE)  # "Ana (1)", "Ana - Copy (2)"
_NETWORK = r"so-?vits|gpt|模型|权重|權重|v[1-4](?:pro(?:plus)?)?"
_KINDS = re.compile(rf"{_NETWORK}|weights?|s1|s2g?|models?|final|best|latest|last")
_GLUED = re.compile(rf"^(?:{_NETWORK})+|(?:{_NETWORK})+$")


def speaker_of(path: Path, *, glued: bool = False) -> str:
    """What is left of a file's name without what tells its network and its training: whom it is of.

    ``glued``: also without what is written onto the name itself (胡桃GPT, anav2).
    """
    stem = _TRAINED.sub("", _stem(path))
    words = [word for word in re.split(r"[-_ ().\[\]【】]+", stem) if word and not _KINDS.fullmatch(word)]
    return "".join(_GLUED.sub("", word) for word in words) if glued else "".join(words)


def _stem(path: Path) -> str:
    return _COPY.sub("", unicodedata.normalize("NFKC", path.stem).casefold())


def epochs_of(path: Path) -> int:
    """How long a file was trained, where its name says it; 0 elsewhere."""
    found = _TRAINED.search(_stem(path))
    return int(found[1]) if found else 0


def partners(gpt: Path, acoustic: Sequence[Path]) -> list[Path]:
    """The SoVITS files that ``gpt`` belongs to; none where neither name nor place tells.

    A name that is the same decides (several trainings of one speaker share it). Else it is the only one in the folder,
    or in the nearest folder above.
    """
    for glued in (False, True):
        speaker = speaker_of(gpt, glued=glued)
        named = [path for path in acoustic if speaker and speaker_of(path, glued=glued) == speaker]
        if named:
            near = [path for path in named if path.parent == gpt.parent]
            return near or named
    for folder in gpt.parents:
        below = [path for path in acoustic if folder in path.parents]
        if below:
            return below if len(below) == 1 else []
    return []


def choice(gpts: Sequence[Path], acoustic: Path) -> Path:
    """Which of several GPT files speaks with ``acoustic``: of its name, its folder, the longest trained, the last."""

    def rank(path: Path) -> tuple[bool, bool, int, str]:
        return speaker_of(path) == speaker_of(acoustic), path.parent == acoustic.parent, epochs_of(path), path.name

    return max(gpts, key=rank)
