"""How many reference cases come out right: ``python -m tests.text_cases FILE…``

Prints, per file, the accuracy on lines without a flag, on ``approximate`` lines, and on flagged lines that give a
better value, then the first differences. The reference values were made without its optional polyphone model, so
lines without a flag are compared with our polyphone rules off, all others with them on. The format is described in
shared/reference/text/README.md.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpt_sovits.errors import ResourceError
from gpt_sovits.text import frontend, segment, split_text
from gpt_sovits.text.data import pronunciations
from gpt_sovits.text.types import Phones

Case = dict[str, Any]


@dataclass
class Score:
    """Right and total lines per kind (plain, approximate, better), and what went wrong."""

    right: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, Case, str]] = field(default_factory=list)

    def add(self, kind: str, case: Case, problem: str | None) -> None:
        self.total[kind] += 1
        if problem is None:
            self.right[kind] += 1
        else:
            self.wrong.append((kind, case, problem))


def _difference(ours: list[str] | tuple[str, ...], theirs: list[str]) -> str | None:
    if list(ours) == theirs:
        return None
    return f"ours  {' '.join(ours)}\n     want  {' '.join(theirs)}"


def _unaccented(phones: list[str] | tuple[str, ...], case: Case) -> list[str]:
    """Japanese without pitch marks, which another dictionary places differently."""
    return [phone for phone in phones if case["language"] != "ja" or phone not in ("[", "]", "UNK")]


def _en_difference(result: Phones, case: Case) -> str | None:
    """Exact, except that a word missing from the dictionary may be read in any way (at least one phone)."""
    guessed = {part for word in case.get("oov_words") or () for part in re.split(r"[^A-Za-z']+", word.lower())}
    pattern = []
    for reading in result.readings:
        known = reading.text.lower() not in guessed and not any(
            part in guessed for part in re.split(r"[^a-z']+", reading.text.lower())
        )
        if known and reading.why != "guess":
            pattern.append("".join(re.escape(phone) + " " for phone in reading.phones))
        elif not pattern or pattern[-1] != "(?:[A-Z]+[0-2]? |- )+":
            pattern.append("(?:[A-Z]+[0-2]? |- )+")
    text = "".join(phone + " " for phone in case["phones"])
    if re.fullmatch("(?:, )?" + "".join(pattern), text):
        return None
    return _difference(result.phones, case["phones"])


def _word_readings(result: Phones, wanted: list[Case]) -> str | None:
    problems = []
    for want in wanted:
        found = [r for r in result.readings if r.text.lower() == want["word"].lower()]
        got = " ".join(found[want["occurrence"]].phones) if want["occurrence"] < len(found) else "(absent)"
        if got != want["arpabet"]:
            problems.append(f"{want['word']}[{want['occurrence']}]: ours {got}, want {want['arpabet']}")
    return "; ".join(problems) or None


def _better(case: Case, result: Phones) -> str | None:
    """What is still wrong by the ``better`` value; None when it is met."""
    better = case["better"]
    if "norm_text" in better:
        wanted = frontend.phonemize_span(better["norm_text"], case["language"], case["version"])
        if wanted.phones != result.phones:
            return f"ours  {result.norm_text}\n     want  {better['norm_text']}"
    if "phones" in better:
        return _difference(_unaccented(result.phones, case), _unaccented(better["phones"], case))
    if "word_reading" in better:
        return _word_readings(result, better["word_reading"])
    if "reading" in better:
        pinyin = {r.start: r.reading for r in result.readings}
        by_char = [p for r in result.readings for p in (r.reading.split() if r.why != "mark" else [""])]
        problems = [
            f"{case['norm_text'][int(i)]}[{i}]: ours {by_char[int(i)] if int(i) < len(by_char) else None}, want {want}"
            for i, want in better["reading"].items()
            if int(i) >= len(by_char) or by_char[int(i)] != want
        ]
        return "; ".join(problems) or (None if pinyin else "nothing read")
    return None


JUDGED = ("norm_text", "phones", "word_reading", "reading", "spans")


def _one_language(case: Case, score: Score) -> None:
    like_reference = not case.get("known_upstream_bug")
    result = frontend.phonemize_span(case["text"], case["language"], case["version"], polyphones=not like_reference)
    if "error" in case:
        score.add("plain", case, None)
    elif case.get("known_upstream_bug"):
        if any(key in (case.get("better") or ()) for key in JUDGED):
            score.add("better", case, _better(case, result))
    elif "phones" not in case:
        same = result.norm_text == case["norm_text"]
        score.add("plain", case, None if same else f"ours  {result.norm_text}\n     want  {case['norm_text']}")
    else:
        kind = "approximate" if case.get("approximate") else "plain"
        if case["language"] == "en":
            problem = _en_difference(result, case)
        else:
            problem = _difference(_unaccented(result.phones, case), _unaccented(case["phones"], case))
            if problem is None and case["word2ph"] is not None and list(result.word2ph or ()) != case["word2ph"]:
                problem = "word2ph differs"
        score.add(kind, case, problem)


def _norm_only(case: Case, score: Score) -> None:
    if case.get("known_upstream_bug") and "better" not in case:
        return
    ours = frontend.phonemize_span(case["text"], case["language"], case["version"]).norm_text
    wanted = case.get("better", case)["norm_text"]
    problem = None if ours == wanted else f"ours  {ours}\n     want  {wanted}"
    score.add("better" if "better" in case else "plain", case, problem)


def _mixed(case: Case, score: Score) -> None:
    result = frontend.phonemize(case["text"], case["language"], case["version"], polyphones=False)
    better = case.get("better") or {}
    if case.get("known_upstream_bug"):
        if "spans" in better:
            ours = [[span.language, span.text] for span in result.spans]
            wanted = [[span["lang"], span["text"]] for span in better["spans"]]
            score.add("better", case, None if ours == wanted else f"ours  {ours}\n     want  {wanted}")
        return
    kind = "approximate" if case.get("approximate") else "plain"
    score.add(kind, case, _mixed_difference(result, case))


def _mixed_difference(result: Phones, case: Case) -> str | None:
    """Exact, except that an English word missing from the dictionary may be read in any way."""
    pattern = ""
    for span in result.spans:
        phones = result.phones[span.first : span.first + span.count]
        readings = [r for r in result.readings if span.start <= r.start < span.end]
        if span.language == "en" and any(r.why != "mark" and r.text.lower() not in pronunciations() for r in readings):
            pattern += "(?:, )?"
            for reading in readings:
                known = reading.why == "mark" or reading.text.lower() in pronunciations()
                pattern += "".join(re.escape(p) + " " for p in reading.phones) if known else "(?:[A-Z]+[0-2]? |- )+"
        else:
            pattern += "".join(re.escape(phone) + " " for phone in phones)
    text = "".join(phone + " " for phone in case["phones"])
    return None if re.fullmatch(pattern, text) else _difference(result.phones, case["phones"])


def _segment(case: Case, score: Score) -> None:
    runs = segment.segment(case["text"], case["default_lang"] or None)
    ours = [[run.language, case["text"][run.start : run.end]] for run in runs]
    kind = "approximate" if case.get("approximate") else "plain"
    if not case.get("known_upstream_bug"):
        score.add(kind, case, None if ours == case["spans"] else f"ours  {ours}\n     want  {case['spans']}")


def _split(case: Case, score: Score) -> None:
    """The same pieces with the same marks, but for full stops, which upstream loses where it joins, and for "——"."""
    for name, wanted in case["segments"].items():
        pieces = split_text(case["text"], case["language"], cut=name)
        ours = [_marked(frontend.ended(piece).text) for piece in pieces]
        told = [] if isinstance(wanted, dict) else [_marked(text) for text in wanted]
        headed = bool(pieces) and pieces[0].plain is not None and pieces[0].plain.text[:1] in "。."
        right = ours == told and headed == (bool(told) and wanted[0][0] in "。.")
        score.add("plain", case, None if right else f"{name}: ours  {ours}\n     want  {wanted}")


def _marked(text: str) -> str:
    return re.sub("[。. \\n]", "", text.replace("——", "，"))


def _polyphones(case: Case, score: Score) -> None:
    result = frontend.phonemize_span(case["text"], "zh", "v2")
    at = [p for r in result.readings for p in (r.reading.split() if r.why != "mark" else [""])]
    for index, char, wanted in case["readings"]:
        problem = None if at[index] == wanted else f"{char}[{index}]: ours {at[index]}, want {wanted}"
        score.add("plain", case, problem)


def judge(case: Case, score: Score) -> None:
    """Adds one line of any of the reference files to ``score``."""
    if "readings" in case:
        _polyphones(case, score)
    elif "cut" in case:
        _split(case, score)
    elif "default_lang" in case:
        _segment(case, score)
    elif "spans" in case:
        _mixed(case, score)
    elif "phones" in case or "error" in case:
        _one_language(case, score)
    else:
        _norm_only(case, score)


def score_file(path: Path) -> Score:
    """All lines of one JSONL file."""
    score = Score()
    for line in path.read_text(encoding="utf-8").splitlines():
        judge(json.loads(line), score)
    return score


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; 0 when every plain line is right."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--show", type=int, default=5, metavar="N", help="differences printed per file (default 5)")
    options = parser.parse_args(arguments)
    failed = False
    for path in options.files:
        try:
            score = score_file(path)
        except ResourceError as error:
            print(f"{path.name:22} left out: {error}")
            continue
        parts = [
            f"{kind} {score.right[kind]}/{score.total[kind]} ({100 * score.right[kind] / score.total[kind]:.1f} %)"
            for kind in ("plain", "approximate", "better")
            if score.total[kind]
        ]
        print(f"{path.name:22} {'  '.join(parts)}")
        failed = failed or score.right["plain"] < score.total["plain"]
        for kind, case, problem in score.wrong[: options.show]:
            print(f"  - {kind} {case.get('version', '')} {case['text']!r}\n     {problem}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
