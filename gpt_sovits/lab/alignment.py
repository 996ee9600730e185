"""English speech aligned with its phones by an acoustic model that was trained on far more of it: pocketsphinx.

Pretraining's stage ``align`` (it needs requirements-dev.txt). The content encoder's own alignment is good on readers it
knows and poor on accented ones; where this file is present, ``content`` and ``codes`` take English boundaries from it.
pocketsphinx is given our phones word by word, so the two always agree on what is said and only the times are its own.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gpt_sovits.audio import Audio, resample, to_int16
from gpt_sovits.errors import MissingError
from gpt_sovits.events import Event, EventSink, ignore
from gpt_sovits.lab.corpus import LATE, Clip, Corpus, told
from gpt_sovits.text import phonemize, symbols
from gpt_sovits.text.symbols import MARKS, UNKNOWN
from gpt_sovits.training.examples import RATE

Alignments = Mapping[str, tuple[tuple[int, ...], list[int], list[int]]]  # see ``load_alignment``
FILE = "alignment.jsonl"
_HEARS_AT = 16000
_LONG = 6  # frames from which on a teacher's phone may hold a pause
_CENTRE = 0.39  # of our frames: its frames are 25.6 ms from where they start, ours lie around their centre


def text_of(clip: Clip) -> str:
    """The transcript, or what a recogniser heard; "" for neither. Capitals throughout are written small."""
    text = clip.transcript or clip.guess
    return text.lower() if text.isupper() else text


def spoken(phones: Iterable[str]) -> list[str]:
    """The phones that sound: known ones, without punctuation."""
    ids = symbols().ids
    return [phone for phone in phones if phone not in MARKS and phone in ids and phone != UNKNOWN]


def states_of(starts: Sequence[int], ends: Sequence[int], frames: int) -> np.ndarray:
    """States `[frames]` as ``dataset.viterbi`` counts them: 2k+1 in phone k, even between phones."""
    states = np.zeros(frames, np.int64)
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        states[start:end] = 2 * k + 1
        states[end:] = 2 * k + 2
    return states


def taught_times(corpus: Corpus, sources: Sequence[Path], work: Path) -> int:
    """Write when a teacher said each phone into ``work``, beside what is known of others; returns how many clips."""
    clips, ids = {clip.path: clip for clip in corpus.clips if clip.told}, symbols().ids
    rows = []
    for source in sources:
        for path, known in told(source).items():
            if path not in clips:
                continue
            ends = known.lead - LATE + np.cumsum([0.0, *known.seconds])
            times = np.clip(np.rint(ends * 50).astype(int), 0, clips[path].frames).tolist()
            sounding = [k for k, phone in enumerate(known.phones) if spoken([phone])]
            phones = [ids[known.phones[k]] for k in sounding]
            loudness = corpus.mel(clips[path]).mean(1)
            starts = [times[k] for k in sounding]
            after = [_end(loudness, times[k], times[k + 1]) for k in sounding]
            rows.append({"path": path, "phones": phones, "starts": starts, "ends": after})
    add_alignment(work, rows)
    return len(rows)


def _end(loudness: np.ndarray, start: int, end: int) -> int:
    """Where a phone ends whose time holds the pause after it: its quiet frames are taken off, unless it is short."""
    if end - start <= _LONG:
        return end
    low, high = np.percentile(loudness, (5, 95))
    loud = np.flatnonzero(loudness[start:end] > low + 0.25 * (high - low))
    return start + max(2, int(loud[-1]) + 1) if len(loud) else start + 2


def add_alignment(work: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows to the file, in the place of older ones of the same clips."""
    kept = {str(row["path"]): row for row in rows}
    if (work / FILE).is_file():
        with open(work / FILE, encoding="utf-8") as lines:
            kept = {row["path"]: row for row in map(json.loads, lines)} | kept
    partial = work / f"{FILE}.part"
    with open(partial, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in kept.values())
    partial.replace(work / FILE)


def load_alignment(work: Path) -> Alignments:
    """Phone ids, first frames and frames after the last of every clip by its path; empty without the file."""
    out: dict[str, tuple[tuple[int, ...], list[int], list[int]]] = {}
    if (work / FILE).is_file():
        with open(work / FILE, encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                out[row["path"]] = (tuple(row["phones"]), row["starts"], row["ends"])
    return out


def states_from(alignment: Alignments, clip: Clip, phones: Sequence[int]) -> np.ndarray | None:
    """The clip's states where its alignment is of just these phones."""
    found = alignment.get(clip.path)
    if found is None or found[0] != tuple(phones):
        return None
    return states_of(found[1], found[2], clip.frames)


class Aligner:
    """pocketsphinx with a dictionary that grows by the pronunciations it is asked for."""

    def __init__(self) -> None:
        try:
            pocketsphinx = importlib.import_module("pocketsphinx")
        except ImportError as error:
            raise MissingError(
                "Aligning the corpus needs pocketsphinx.", "Run: pip install -r requirements-dev.txt"
            ) from error
        self._decoder = pocketsphinx.Decoder(lm=None, dict=None, loglevel="FATAL", bestpath=False)
        self._names: dict[str, str] = {}

    def align(self, words: Sequence[Sequence[str]], audio: Audio) -> tuple[list[int], list[int]] | None:
        """First frame and frame after the last of every phone, at 50/s; None where the words do not fit the sound.

        ``words``: ARPAbet, with or without stress.
        """
        decoder = self._decoder
        sound = to_int16(resample(audio, _HEARS_AT)).tobytes()
        names = [self._name(word) for word in words]
        try:
            decoder.set_align_text(" ".join(names))
            self._listen(sound)
            decoder.set_alignment()  # the second time by phones
            self._listen(sound)
        except RuntimeError:  # its search found no path to the end
            return None
        times = [
            (phone.start, phone.start + phone.duration)
            for word in decoder.get_alignment()
            if word.name in names
            for phone in word
        ]
        if len(times) != sum(map(len, words)):
            return None
        frames = round(audio.seconds * 50)
        starts, ends = ([min(frames, round(each / 2 + _CENTRE)) for each in part] for part in zip(*times, strict=True))
        return (starts, ends) if all(a < b for a, b in zip(starts, ends, strict=True)) else None

    def _name(self, word: Sequence[str]) -> str:
        phones = " ".join(re.sub(r"\d", "", phone) for phone in word)
        if phones not in self._names:
            self._names[phones] = f"w{len(self._names)}"
            self._decoder.add_word(self._names[phones], phones, True)
        return self._names[phones]

    def _listen(self, sound: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(sound, no_search=False, full_utt=True)
        self._decoder.end_utt()


def align_english(corpus: Corpus, work: Path, *, on_event: EventSink = ignore) -> int:
    """Align every English clip whose words are known into ``work``; returns how many could be."""
    aligner, ids = Aligner(), symbols().ids
    clips = [clip for clip in corpus.clips if clip.language == "en" and text_of(clip) and not clip.told]
    rows = []
    for number, clip in enumerate(clips):
        readings = phonemize(text_of(clip), language="en").readings
        words = [word for word in (spoken(reading.phones) for reading in readings) if word]
        found = aligner.align(words, Audio(corpus.wave(clip), RATE)) if words else None
        if found is not None:
            phones = [ids[phone] for word in words for phone in word]
            rows.append({"path": clip.path, "phones": phones, "starts": found[0], "ends": found[1]})
        if number % 100 == 0:
            on_event(Event("align", "Aligning English.", number, len(clips)))
    add_alignment(work, rows)
    return len(rows)
