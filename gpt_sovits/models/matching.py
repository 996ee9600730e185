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
_KINDS = re.compile(r"so-?vits|gpt|weights?|s1|s2g?|v[1-4](?:pro(?:plus)?)?", re.IGNORECASE)


def speaker_of(path: Path) -> str:
    """What is left of a file's name without what tells its network and its training: whom it is of."""
    stem = unicodedata.normalize("NFC", path.stem).casefold()
    stem = _TRAINED.sub("", stem)
    words = [word for word in re.split(r"[-_ ().\[\]【】（）]+", stem) if word and not _KINDS.fullmatch(word)]
    return "".join(words)


def epochs_of(path: Path) -> int:
    """How long a file was trained, where its name says it; 0 elsewhere."""
    found = _TRAINED.search(path.stem)
    return int(found[1]) if found else 0


def partners(gpt: Path, acoustic: Sequence[Path]) -> list[Path]:
    """The SoVITS files that ``gpt`` belongs to; none where neither name nor place tells.

    A name that is the same decides (several trainings of one speaker share it). Else it is the only one in the folder,
    or in the nearest folder above.
    """
    speaker = speaker_of(gpt)
    named = [path for path in acoustic if speaker and speaker_of(path) == speaker]
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
    speaker = speaker_of(acoustic)

    def rank(path: Path) -> tuple[bool, bool, int, str]:
        return speaker_of(path) == speaker, path.parent == acoustic.parent, epochs_of(path), path.name

    return max(gpts, key=rank)
