"""Chinese words with part-of-speech tags (jieba)."""

from __future__ import annotations

import gzip
import os
import warnings
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

from gpt_sovits.text import zh_viterbi
from gpt_sovits.text.data import FOLDER, table

Token = tuple[str, str]


class _WordTable:
    """jieba's word list as sorted lines: found by bisection, so nothing is parsed before it is needed."""

    def __init__(self, text: str) -> None:
        """``text``: total frequency, then the sorted words, a blank line, and "frequency tag" of each."""
        total, _, rest = text.partition("\n")
        words, _, values = rest.partition("\n\n")
        self.total = int(total)
        self._words = words.split("\n")
        self._values = values.split("\n")
        self._find = lru_cache(maxsize=65536)(self._search)

    def _search(self, word: str) -> tuple[int, str] | None:
        """(frequency, tag); (0, "") for the beginning of a longer word, None for neither."""
        at = bisect_left(self._words, word)
        if at == len(self._words) or not self._words[at].startswith(word):
            return None
        if self._words[at] != word:
            return 0, ""
        frequency, tag = self._values[at].split(" ")
        return int(frequency), tag

    def __contains__(self, word: str) -> bool:
        return self._find(word) is not None

    def __getitem__(self, word: str) -> int:
        found = self._find(word)
        if found is None:
            raise KeyError(word)
        return found[0]

    def get(self, word: str, default: int | None = None) -> int | None:
        """The frequency of ``word``."""
        found = self._find(word)
        return default if found is None else found[0]

    def tag(self, word: str) -> str:
        """The tag of ``word``, "" when it is none."""
        found = self._find(word)
        return found[1] if found else ""


class _TagTable:
    """The view of the same list that jieba's tagger asks for."""

    def __init__(self, words: _WordTable) -> None:
        self._words = words

    def get(self, word: str, default: str) -> str:
        """The tag of ``word``."""
        return self._words.tag(word) or default

    def __contains__(self, word: str) -> bool:
        return bool(self._words.tag(word))

    def __getitem__(self, word: str) -> str:
        return self._words.tag(word)


@cache
def _tagger() -> Any:
    """jieba's tagger on our copy of its list: no cache file, and a first sentence in a fifth of the time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba

        whole, jieba.dt.dictionary = jieba.dt.dictionary, os.devnull  # its tagger would parse the whole list on import
        try:
            import jieba.posseg
        finally:
            jieba.dt.dictionary = whole
    table_of_words = _WordTable(gzip.decompress((FOLDER / "zh_words.txt.gz").read_bytes()).decode("utf-8"))
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = table_of_words, table_of_words.total, True

    class Tagger(jieba.posseg.POSTokenizer):
        def _POSTokenizer__cut(self, text: str) -> Iterator[Any]:  # jieba's private step, by arrays
            return (jieba.posseg.pair(word, tag) for word, tag in zh_viterbi.words(text))

    tagger = Tagger.__new__(Tagger)
    tagger.tokenizer, tagger.word_tag_tab = tokenizer, _TagTable(table_of_words)
    return tagger


def tag(text: str) -> list[Token]:
    """Words of ``text`` in order with jieba's tags."""
    return [(pair.word, pair.flag) for pair in _tagger().lcut(text)]


def known(word: str) -> bool:
    """Whether the list has this word, not as somebody's name."""
    return _tagger().word_tag_tab.get(word, "nr") != "nr"


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
    """Traditional to simplified, one character to one; 榜 is no old form of 搒, as the table would have it."""
    return {ord(old): new for old, new in table("zh")["simplified"].items() if old != "榜"}
