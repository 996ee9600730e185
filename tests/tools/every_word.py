"""Is every word said once? Hard inputs, the guard off and on, judged by Whisper: missing and extra words, and the time.

    python -m tests.tools.every_word --whisper /work/tools/whisper-base --corpus ../shared/corpus --out /tmp/words.jsonl

Every result is a line of ``--out``; what is there already is not done again, so it can be stopped at any time. With
``--table`` only the table of what is there is printed.

What Whisper wrote is read by our own frontend, and phones are compared, so that "9" is "nine" and homophones are no
error. A word is missing when three quarters of its phones are heard as nothing, extra is a run of three phones (in
Mandarin a syllable) that stands for nothing in the text; phones heard as others are neither: they are unclear.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpt_sovits.audio import concatenate, read_audio, resample
from gpt_sovits.bases import Base, load_base
from gpt_sovits.enrol import enrol
from gpt_sovits.features.phone_errors import comparable
from gpt_sovits.registry.voice import Voice
from gpt_sovits.settings import Settings
from gpt_sovits.synthesis import Manner, Synthesizer
from gpt_sovits.text import phonemize
from tests.tools.hard_inputs import hard_inputs

DATA = Path(__file__).parent.parent / "data"
SPEAKERS = {"pmatthes": "en", "aishellS0252": "zh"}  # beside the clip of tests/data
MANDARIN = "以下是普通话的句子。"
TONES = "12345"


def voices(base: Base, corpus: Path, folder: Path) -> dict[str, Voice]:
    """Three voices, each from one clip of some seconds."""
    clips = {"clip": (DATA / "short_clip.opus", (DATA / "short_clip.txt").read_text(encoding="utf-8").strip(), "en")}
    rows = [line.split("\t") for line in (corpus / "metadata.tsv").read_text(encoding="utf-8").splitlines()]
    head = rows[0]
    for speaker, language in SPEAKERS.items():
        for row in (dict(zip(head, each, strict=False)) for each in rows[1:]):
            if row["speaker"] == speaker and 4.0 < float(row["seconds"]) < 9.0:
                with tarfile.open(corpus / row["shard"]) as archive:
                    archive.extract(row["path"], folder, filter="data")
                clips[speaker] = (folder / row["path"], row["transcript"], language)
                break
    return {
        name: Voice(name, name, "local", base.name, None, enrol(base, read_audio(path), text, language))
        for name, (path, text, language) in clips.items()
    }


def said_words(text: str, language: str) -> list[tuple[str, ...]]:
    """Comparable phones of each word that a text should be read as, marks left out."""
    readings = phonemize(text, language).readings
    words = [tuple(comparable(reading.phones)) for reading in readings if reading.why != "mark"]
    return [tuple(phone.rstrip(TONES) for phone in word) for word in words if word]


def compare(wanted: Sequence[tuple[str, ...]], heard: Sequence[tuple[str, ...]], least: int) -> tuple[int, int, int]:
    """(missing words, runs of extra phones, phones heard as others)."""
    said = [phone for word in wanted for phone in word]
    got = [phone for word in heard for phone in word]
    cost = np.zeros((len(said) + 1, len(got) + 1))
    cost[:, 0], cost[0] = np.arange(len(said) + 1), np.arange(len(got) + 1)
    for i, phone in enumerate(said, 1):
        for j, other in enumerate(got, 1):
            swap = cost[i - 1, j - 1] + (phone != other) * 1.2
            cost[i, j] = min(swap, cost[i - 1, j] + 1, cost[i, j - 1] + 1)
    gone, extra, other_phones, run = np.zeros(len(said), bool), 0, 0, 0
    i, j = len(said), len(got)
    while i or j:
        differs = bool(i and j and said[i - 1] != got[j - 1])
        if i and j and cost[i, j] == cost[i - 1, j - 1] + differs * 1.2:
            other_phones += differs
            i, j = i - 1, j - 1
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            gone[i - 1] = True
            i -= 1
        else:
            run += 1
            extra += run == least
            j -= 1
            continue
        run = 0
    missing, at = 0, 0
    for word in wanted:
        missing += bool(gone[at : at + len(word)].mean() >= 0.75)
        at += len(word)
    return missing, extra, other_phones


def judged(judge: Any, wave: np.ndarray, text: str, language: str) -> tuple[str, int, int, int]:
    spoken = "zh" if language == "mixed" and sum("一" <= c <= "鿿" for c in text) > 4 else language
    spoken = "en" if spoken == "mixed" else spoken
    segments, _ = judge.transcribe(
        wave,
        language=spoken,
        beam_size=5,
        condition_on_previous_text=False,
        initial_prompt=MANDARIN if spoken == "zh" else None,
    )
    heard = " ".join(segment.text.strip() for segment in segments)
    own = "auto" if language == "mixed" else language
    return heard, *compare(said_words(text, own), said_words(heard, own), 2 if spoken == "zh" else 3)


def run(given: argparse.Namespace) -> None:
    from faster_whisper import WhisperModel

    torch.set_num_threads(1)
    base = load_base("mini", Settings(data_dir=Path("unused")))
    judge = WhisperModel(str(given.whisper), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
    who = voices(base, given.corpus, given.out.parent)
    done = {(r["mode"], r["voice"], r["text"], r["seed"]) for r in results(given.out)}
    synthesizer = Synthesizer(lambda name: base)
    list(synthesizer.speak(who["clip"], "Hello there. 你好。"))
    names = given.voices.split(",") if given.voices else list(who)
    with given.out.open("a", encoding="utf-8") as out:
        for number, (kind, language, text) in enumerate(hard_inputs()[: given.inputs]):
            mine = names if given.all_voices else [names[number % len(names)]]
            for mode, voice in product(given.modes.split(","), mine):
                if (mode, voice, text, given.seed) in done:
                    continue
                manner = Manner(attempts=1) if mode == "off" else None
                began = time.process_time()
                own = "auto" if language == "mixed" else language
                pieces = list(synthesizer.speak(who[voice], text, language=own, seed=given.seed, manner=manner))
                took = time.process_time() - began
                audio = concatenate([piece.audio for piece in pieces])
                heard, missing, extra, unclear = judged(judge, resample(audio, 16000).samples, text, language)
                row = {
                    "mode": mode, "voice": voice, "kind": kind, "language": language, "text": text, "heard": heard,
                    "seed": given.seed, "missing": missing, "extra": extra, "unclear": unclear, "took": round(took, 3),
                    "seconds": round(audio.seconds, 2), "attempts": [piece.attempts for piece in pieces],
                    "doubt": [piece.doubt for piece in pieces],
                }  # fmt: skip
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                out.flush()


def results(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_file():
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def table(path: Path) -> str:
    """Markdown: by voice and by kind, sentences with a missing or an extra word, off and on, of those judged in both."""
    rows = list(results(path))
    by: dict[tuple[Any, ...], dict[str, dict[str, Any]]] = {}
    for row in rows:
        by.setdefault((row["voice"], row["kind"], row["text"], row["seed"]), {})[row["mode"]] = row
    both = [each for each in by.values() if {"off", "on"} <= set(each)]
    lines = ["| | inputs | off: missing | extra | either | on: missing | extra | either | more time | rolled again |"]
    lines += ["|" + "---|" * 10]
    groups = [("all", both)]
    groups += [(v, [e for e in both if e["off"]["voice"] == v]) for v in sorted({e["off"]["voice"] for e in both})]
    groups += [(k, [e for e in both if e["off"]["kind"] == k]) for k in sorted({e["off"]["kind"] for e in both})]
    for name, chosen in groups:
        cells: list[str] = []
        for mode in ("off", "on"):
            cells += [
                str(sum(bool(e[mode]["missing"]) for e in chosen)),
                str(sum(bool(e[mode]["extra"]) for e in chosen)),
            ]
            cells += [str(sum(bool(e[mode]["missing"] or e[mode]["extra"]) for e in chosen))]
        more = sum(e["on"]["took"] for e in chosen) / max(1e-9, sum(e["off"]["took"] for e in chosen)) - 1
        again = sum(max(e["on"]["attempts"]) > 1 for e in chosen)
        lines.append(f"| {name} | {len(chosen)} | {' | '.join(cells)} | {more:+.0%} | {again} |")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--whisper", type=Path, help="folder of a faster-whisper model")
    options.add_argument("--corpus", type=Path, help="folder of the speech corpus")
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--inputs", type=int, default=300)
    options.add_argument("--modes", default="off,on")
    options.add_argument("--voices", default="", help="some of clip, pmatthes, aishellS0252 (default: all)")
    options.add_argument("--all-voices", action="store_true", help="each input by all of them, not by one in turn")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--table", action="store_true")
    given = options.parse_args(argv)
    if not given.table:
        run(given)
    sys.stdout.write(table(given.out) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
