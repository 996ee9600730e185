"""Let the teacher read made texts in invented voices: a corpus of clips with known words, phones and times.

    python -m gpt_sovits.lab.evaluation.teach --teacher FOLDER --out FOLDER --minutes 720 [--whisper FOLDER]

A speaker is one of the teacher's voices or a mean of two or three of one sex, at a pace of its own, and says about 40
texts, English, Mandarin and both in one by turns, so the same person is heard in every language. Clips of one
language are judged by Whisper a window of 28 seconds at a time; what it does not understand is not kept. Mixed
sentences and the numbers are kept as they are: the judge hears one language at a time and writes digits. Clips are Ogg
Opus at 24 kHz; ``metadata.tsv`` has the columns of the speech corpus, ``phones.jsonl`` our phones with the seconds
that each takes. A run may be cut off and continued at any time.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpt_sovits.audio import Audio
from gpt_sovits.errors import VoiceError
from gpt_sovits.lab.evaluation.optional import judge_package
from gpt_sovits.lab.evaluation.teacher import RATE, Said, Teacher
from gpt_sovits.lab.evaluation.teacher_texts import Texts
from gpt_sovits.lab.evaluation.whisper import Whisper, english_words, mandarin_syllables, shared_out, toneless
from gpt_sovits.text import phonemize

COLUMNS = (
    "shard path speaker language sex seconds native_sample_rate transcript transcript_origin asr_hypothesis "
    "source_repo licence snr_db bandwidth_hz align_score"
).split()
EACH = 40  # texts of a speaker
WINDOW = 28.0  # seconds that the judge hears at once
WORST = 0.2  # of a clip's words may be heard otherwise, or one
_GAP = np.zeros(int(0.35 * RATE), np.float32)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taught:
    """A clip that is not yet judged."""

    speaker: str
    kind: str
    text: str
    said: Said

    @property
    def seconds(self) -> float:
        return len(self.said.wave) / RATE


def new_speaker(teacher: Teacher, rng: np.random.Generator) -> tuple[str, np.ndarray, float]:
    """Name, voice and pace of somebody who does not exist."""
    sex = "f" if rng.random() < 0.5 else "m"
    native = [name for name in teacher.names() if name[1] == sex and name[0] in "abz"]
    foreign = [name for name in teacher.names() if name[1] == sex and name[0] not in "abz"]
    count = int(rng.choice([1, 2, 3], p=[0.2, 0.5, 0.3]))
    chosen = [str(name) for name in rng.choice(native, count, replace=False)]
    shares = dict(zip(chosen, rng.dirichlet([3.0] * count), strict=True))
    if rng.random() < 0.25:
        shares[str(rng.choice(foreign))] = float(rng.uniform(0.2, 0.45))
    whole = sum(shares.values())
    shares = {name: float(share / whole) for name, share in shares.items()}
    name = "-".join(f"{voice}{round(100 * share)}" for voice, share in sorted(shares.items()))
    return f"kokoro-{name}", teacher.mean(shares), float(rng.uniform(0.85, 1.15))


def understood(judge: Whisper, clips: Sequence[Taught], language: str) -> list[tuple[Taught, float]]:
    """The clips that the judge understands, with the part that it heard otherwise."""
    parts = [part for clip in clips for part in (clip.said.wave, _GAP)]
    written = judge.hear(Audio(np.concatenate(parts).astype(np.float32), RATE), language)
    units = english_words if language == "en" else lambda text: toneless(mandarin_syllables(text))
    errors = shared_out([units(clip.text) for clip in clips], units(written))
    return [
        (clip, error.errors / max(1, error.total))
        for clip, error in zip(clips, errors, strict=True)
        if error.errors <= max(1, WORST * error.total)
    ]


class Writer:
    """Appends clips to a folder; what is written stays whatever happens next."""

    def __init__(self, out: Path) -> None:
        self.out = out
        out.mkdir(parents=True, exist_ok=True)
        self.table = out / "metadata.tsv"
        self.count, self.seconds = 0, 0.0
        if self.table.is_file():
            with open(self.table, encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
            self.count, self.seconds = len(rows), sum(float(row["seconds"]) for row in rows)
        else:
            self.table.write_text("\t".join(COLUMNS) + "\n", encoding="utf-8")

    def add(self, clip: Taught, wrong: float | None) -> None:
        path = f"{clip.speaker}/{self.count:06d}.opus"
        (self.out / clip.speaker).mkdir(exist_ok=True)
        wave = clip.said.wave / max(1.0, float(np.abs(clip.said.wave).max()) / 0.98)
        judge_package("soundfile").write(
            self.out / path, wave, RATE, format="OGG", subtype="OPUS", compression_level=0.9
        )
        row = dict.fromkeys(COLUMNS, "") | {
            "path": path,
            "speaker": clip.speaker,
            "language": clip.kind,
            "sex": clip.speaker.split("-")[1][1],
            "seconds": f"{clip.seconds:.3f}",
            "native_sample_rate": str(RATE),
            "transcript": clip.text.replace("\t", " "),
            "transcript_origin": "teacher",
            "source_repo": "Kokoro-82M, synthetic",
            "licence": "Apache-2.0",
            "bandwidth_hz": str(RATE // 2),
            "align_score": "" if wrong is None else f"{1 - wrong:.3f}",
        }
        with open(self.table, "a", encoding="utf-8") as file:
            file.write("\t".join(row[name] for name in COLUMNS) + "\n")
        spoken = {
            "path": path,
            "lead": round(clip.said.lead, 3),
            "phones": clip.said.phones,
            "seconds": [round(float(second), 4) for second in clip.said.seconds],
        }
        with open(self.out / "phones.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(spoken, ensure_ascii=False) + "\n")
        self.count, self.seconds = self.count + 1, self.seconds + clip.seconds


def teach(teacher: Teacher, judge: Whisper | None, texts: Texts, writer: Writer, seconds: float, seed: int) -> None:
    """Write clips until the folder holds ``seconds`` of speech."""
    rng = np.random.default_rng([seed, writer.count])
    waiting: dict[str, list[Taught]] = {"en": [], "zh": []}
    name, voice, pace = "", np.zeros(0), 1.0
    made, kept = 0, writer.count
    for number, (kind, text) in enumerate(texts):
        if writer.seconds >= seconds:
            return
        if number % EACH == 0:
            name, voice, pace = new_speaker(teacher, rng)
            log.info(
                "%s: %d clips, %.0f s, %d of %d kept", name, writer.count, writer.seconds, writer.count - kept, made
            )
        phones = phonemize(text)
        try:
            said = teacher.say(phones, voice, pace * float(rng.uniform(0.95, 1.05)))
        except VoiceError:
            continue
        languages = {span.language for span in phones.spans}
        if said.phones != phones.phones or not 0.4 < len(said.wave) / RATE < 16 or not languages <= {"en", "zh"}:
            continue
        made += 1
        language = languages.pop() if len(languages) == 1 else "mixed"
        clip = Taught(name, language, text, said)
        if judge is None or language == "mixed" or kind == "one word":
            writer.add(clip, None)
            continue
        queue = waiting[language]
        queue.append(clip)
        if sum(one.seconds + 0.35 for one in queue) + 5 > WINDOW:
            for one, wrong in understood(judge, queue, language):
                writer.add(one, wrong)
            queue.clear()


def read_sentences(corpus: Path, without: set[str]) -> dict[str, list[str]]:
    """Transcripts of a speech corpus by language, but those of the speakers ``without``, whoever else says them."""
    with open(corpus / "metadata.tsv", encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if row["transcript"]]
    kept = {row["transcript"].lower() for row in rows if row["speaker"] in without}
    found: dict[str, list[str]] = {"en": [], "zh": []}
    for row in rows:
        text = row["transcript"].lower() if row["transcript"].isupper() else row["transcript"]
        if row["language"] in found and text.lower() not in kept and len(text) < 160:
            found[row["language"]].append(text.capitalize())
    return {language: sorted(set(texts)) for language, texts in found.items()}


def main(argv: Sequence[str] | None = None) -> None:
    """The command line; see the module."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--teacher", type=Path, required=True)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--minutes", type=float, required=True, help="of speech that the folder shall hold")
    options.add_argument("--corpus", type=Path, help="a speech corpus whose sentences are read among the made ones")
    options.add_argument("--without", nargs="*", default=[], help="speakers whose sentences are not read")
    options.add_argument("--whisper", type=Path, help="the judge's folder; without it nothing is judged")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(message)s")
    writer = Writer(given.out)
    read = read_sentences(given.corpus, set(given.without)) if given.corpus else {}
    texts = Texts(np.random.default_rng([given.seed, 1, writer.count]), read)
    judge = Whisper(given.whisper, beams=1) if given.whisper else None
    teach(Teacher(given.teacher), judge, texts, writer, 60 * given.minutes, given.seed)


if __name__ == "__main__":
    main()
