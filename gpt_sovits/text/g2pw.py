"""G2PW, a published network that picks the reading of Chinese characters with several; used when a user supplies it.

Its folder (any name) lies among the models and holds what its makers publish as G2PWModel 1.1:

    g2pW.onnx                                 input_ids, token_type_ids, attention_mask [B,T] int64,
                                              phoneme_mask [B,R] float32, char_ids, position_ids [B] int64 -> [B,R]
    POLYPHONIC_CHARS.txt                      character, tab, reading in bopomofo with tone digit
    bopomofo_to_pinyin_wo_tune_dict.json      bopomofo without tone -> pinyin
    config.py                                 use_mask, use_char_phoneme; read as text, never run

and the vocabulary of Chinese BERT: vocab.txt or tokenizer.json there, or bert_vocabulary.json of an installed base.
B queries (one per character), T tokens (one per character and two marks), R readings.
"""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.text.data import table

MODEL, CHARACTERS, BOPOMOFO = "g2pW.onnx", "POLYPHONIC_CHARS.txt", "bopomofo_to_pinyin_wo_tune_dict.json"
_AROUND = 16  # characters of the clause that are looked at before the first and after the last query
_BATCH = 32
_NEVER = frozenset("一不和咋嗲剖差攢倒難奔勁拗肖瘙誒泊听噢")  # where its makers found the dictionary better
_SPECIAL = ("[CLS]", "[SEP]", "[UNK]")


class G2PW:
    """The network in ``folder``, ready to read. Safe to use from several threads."""

    def __init__(self, folder: Path, vocabulary: Mapping[str, int]) -> None:
        missing = [name for name in (MODEL, CHARACTERS, BOPOMOFO) if not (folder / name).is_file()]
        if missing:
            raise MissingError(f"The reading model in {folder} lacks {missing[0]}.", "Copy all of its files there.")
        if any(mark not in vocabulary for mark in _SPECIAL):
            raise InputError("The reading model's vocabulary is of another network.", "Use that of Chinese BERT.")
        self._vocabulary = vocabulary
        options = _options(folder / "config.py")
        rows = [line.split("\t")[:2] for line in _lines(folder / CHARACTERS)]
        own = bool(options.get("use_char_phoneme"))
        names = [f"{char} {reading}" if own else reading for char, reading in rows]
        self._readings = sorted(set(names))
        place = {name: at for at, name in enumerate(self._readings)}
        self._allowed: dict[str, list[int]] = {}
        for (char, _), name in zip(rows, names, strict=True):
            self._allowed.setdefault(char, []).append(place[name])
        self._chars = {char: at for at, char in enumerate(sorted(self._allowed))}
        self._masked = bool(options.get("use_mask", True))
        self._pinyin: dict[str, str] = _json(folder / BOPOMOFO)
        self._session = _session(folder / MODEL)

    def choose(self, clause: str) -> dict[int, str]:
        """Character index in ``clause`` (Han characters only) -> pinyin such as ``hang2``."""
        written = "".join(self._traditional(char) for char in clause)
        queries = [i for i, char in enumerate(written) if char in self._chars and char not in _NEVER]
        if not queries:
            return {}
        begin = max(0, queries[0] - _AROUND)
        window = written[begin : queries[-1] + _AROUND + 1]
        chosen: dict[int, str] = {}
        for at in range(0, len(queries), _BATCH):
            some = queries[at : at + _BATCH]
            best = self._run(window, [i - begin for i in some])
            for i, reading in zip(some, best, strict=True):
                spelled = self._spell(reading)
                if spelled is not None:
                    chosen[i] = spelled
        return chosen

    def _run(self, window: str, queries: Sequence[int]) -> list[str]:
        """The best reading (bopomofo and tone) of each query in ``window``."""
        import numpy as np  # late: whoever has no such network does not wait for it

        start, end, unknown = (self._vocabulary[mark] for mark in _SPECIAL)
        ids = [start, *(self._vocabulary.get(char.lower(), unknown) for char in window), end]
        mask = np.zeros((len(queries), len(self._readings)), np.float32)
        for row, query in enumerate(queries):
            mask[row, self._allowed[window[query]] if self._masked else slice(None)] = 1.0
        tokens = np.repeat(np.array([ids], np.int64), len(queries), 0)
        (scores,) = self._session.run(
            None,
            {
                "input_ids": tokens,
                "token_type_ids": np.zeros_like(tokens),
                "attention_mask": np.ones_like(tokens),
                "phoneme_mask": mask,
                "char_ids": np.array([self._chars[window[query]] for query in queries], np.int64),
                "position_ids": np.array(queries, np.int64) + 1,  # behind the first mark
            },
        )[:1]
        return [self._readings[best].split(" ")[-1] for best in np.asarray(scores).argmax(1)]

    def _spell(self, reading: str) -> str | None:
        spelled = self._pinyin.get(reading[:-1], "").replace("ü", "v").replace("u:", "v")
        return spelled + reading[-1] if spelled in table("zh")["syllables"] and reading[-1] in "12345" else None

    def _traditional(self, char: str) -> str:
        """The network knows traditional characters: the one that it can be asked about, else the only one."""
        known = [old for old in _older().get(char, ()) if old in self._chars]
        return char if char in self._chars else known[0] if known else _older().get(char, (char,))[0]


class InstalledG2PW:
    """Looks once for the network in the models' folders; ``get`` gives it, or None where there is none."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._found: tuple[Path | None, G2PW | None] | None = None

    def get(self) -> G2PW | None:
        """``MissingError`` when it is there and a part of it is not."""
        with self._lock:
            place = next(_places(self._folders), None)
            if self._found is None or self._found[0] != place:
                model = None if place is None else G2PW(place, _vocabulary(place, self._folders))
                self._found = (place, model)
            return self._found[1]


def _places(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(path.parent for path in folder.glob(f"*/{MODEL}"))


def _vocabulary(place: Path, folders: Sequence[Path]) -> dict[str, int]:
    bases = [path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*/bert_vocabulary.json"))]
    for path in (place / "vocab.txt", place / "tokenizer.json", *bases):
        if path.is_file():
            if path.suffix == ".txt":
                return {token: number for number, token in enumerate(_lines(path))}
            value = _json(path)
            return value["model"]["vocab"] if path.name == "tokenizer.json" else value
    raise MissingError(f"The reading model in {place} has no vocabulary.", "Put Chinese BERT's vocab.txt there.")


def _session(path: Path) -> Any:
    import onnxruntime

    onnxruntime.set_default_logger_severity(3)
    try:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no other base
        raise InputError(f"The reading model {path} is damaged.", "Copy its file again.") from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The file {path} cannot be read.", "Copy it again.") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"The file {path} cannot be read.", "Copy it again.") from error


def _options(path: Path) -> dict[str, Any]:
    """The constants that a ``config.py`` assigns; whatever else it says is not looked at."""
    if not path.is_file():
        return {}
    try:
        body = ast.parse("\n".join(_lines(path))).body
    except (SyntaxError, ValueError) as error:
        raise InputError(f"The file {path} cannot be read.", "Copy it again.") from error
    return {
        node.targets[0].id: node.value.value
        for node in body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }


@cache
def _older() -> dict[str, tuple[str, ...]]:
    """Simplified character -> the traditional ones that it stands for."""
    found: dict[str, list[str]] = {}
    for old, new in table("zh")["simplified"].items():
        if old != new:
            found.setdefault(new, []).append(old)
    return {new: tuple(olds) for new, olds in found.items()}
