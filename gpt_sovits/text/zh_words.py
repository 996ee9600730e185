"""Chinese words with part-of-speech tags (jieba)."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from gpt_sovits.text.data import table

Token = tuple[str, str]


class _Place:
    """Where jieba keeps its parsed dictionary; None is the system's folder for temporary files."""

    folder: Path | None = None


def set_cache_dir(folder: Path | None) -> None:
    """Keeps jieba's dictionary cache in ``folder`` (about 8 MB) from the next first use on."""
    _Place.folder = folder


@cache
def _tagger() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
        import jieba.posseg
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    if _Place.folder is not None:
        _Place.folder.mkdir(parents=True, exist_ok=True)
        tokenizer.tmp_dir = str(_Place.folder)
        tokenizer.cache_file = "jieba.cache"
    tokenizer.initialize()
    return jieba.posseg.POSTokenizer(tokenizer)


def tag(text: str) -> list[Token]:
    """Words of ``text`` in order with jieba's tags."""
    return [(pair.word, pair.flag) for pair in _tagger().lcut(text)]


@lru_cache(maxsize=32768)
def shortest_split(word: str) -> tuple[str, str]:
    """Cuts ``word`` in two at the shortest sub-word that jieba's search mode finds (the second part may be empty)."""
    found: Iterable[str] = _tagger().tokenizer.cut_for_search(word)
    shortest = sorted(found, key=len)[0]
    if word.startswith(shortest):
        return shortest, word[len(shortest) :]
    return word[: -len(shortest)], shortest


@cache
def simplify_table() -> dict[int, str]:
    """Traditional to simplified, one character to one."""
    return {ord(old): new for old, new in table("zh")["simplified"].items()}
