"""Chinese words with part-of-speech tags (jieba). The dictionary cache lives in a folder given by the caller."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from gpt_sovits.text.data import table

Token = tuple[str, str]


@lru_cache(maxsize=4)
def _tagger(cache_dir: Path | None) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
        import jieba.posseg
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    if cache_dir is not None:
        cache_dir.mkdir(parents=True, exist_ok=True)
        tokenizer.tmp_dir = str(cache_dir)
        tokenizer.cache_file = "jieba.cache"
    tokenizer.initialize()
    return jieba.posseg.POSTokenizer(tokenizer)


def tag(text: str, cache_dir: Path | None = None) -> list[Token]:
    """Words of ``text`` in order with jieba's tags."""
    return [(pair.word, pair.flag) for pair in _tagger(cache_dir).lcut(text)]


def shortest_split(word: str, cache_dir: Path | None = None) -> tuple[str, str]:
    """Cuts ``word`` in two at the shortest sub-word that jieba's search mode finds (the second part may be empty)."""
    found: Iterable[str] = _tagger(cache_dir).tokenizer.cut_for_search(word)
    shortest = sorted(found, key=len)[0]
    if word.startswith(shortest):
        return shortest, word[len(shortest) :]
    return word[: -len(shortest)], shortest


@cache
def simplify_table() -> dict[int, str]:
    """Traditional to simplified, one character to one."""
    return {ord(old): new for old, new in table("zh")["simplified"].items()}
