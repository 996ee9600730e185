"""Make a folder for ``evaluate`` from a corpus: speakers the base never heard, a minute to learn from, clips to judge.

    python -m gpt_sovits.lab.evaluation.heldout --corpus ../shared/corpus --out /tmp/heldout

A corpus is ``metadata.tsv`` (shard, path, speaker, language, transcript) with its clips in tar shards beside it. Opus
decodes at different rates on different systems, so every clip is resampled after decoding.
"""

from __future__ import annotations

import argparse
import re
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from gpt_sovits.audio import Audio, read_audio, resample, write_wav
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.lab.corpus import HELD_OUT
from gpt_sovits.lab.evaluation.folder import COLUMNS, read_table

RATE = 32000
TRAIN_SECONDS = 60.0


def split_clips(count: int, test: int) -> list[str]:
    """``test`` or ``train`` for each of ``count`` clips, the test ones spread evenly over the recording order."""
    if count <= test:
        raise InputError(f"A speaker has only {count} clips.", f"Choose speakers with more than {test} clips.")
    chosen = {round((index + 0.5) * count / test) for index in range(test)}
    return ["test" if index in chosen else "train" for index in range(count)]


def sentence(transcript: str) -> str:
    """A transcript in capitals as an ordinary sentence; any other one as it is."""
    if not transcript.isupper():
        return transcript
    lowered = re.sub(r"\bi\b", "I", transcript.lower())
    return f"{lowered[0].upper()}{lowered[1:]}."


def read_clips(corpus: Path, rows: Sequence[dict[str, str]]) -> Iterator[tuple[dict[str, str], Audio]]:
    """Each row with its clip at ``RATE``. Raises ``InputError`` for a clip that is no file."""
    by_shard: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_shard.setdefault(row["shard"], []).append(row)
    with tempfile.TemporaryDirectory() as folder:
        for shard, members in by_shard.items():
            with tarfile.open(corpus / shard) as archive:
                for row in members:
                    handle = archive.extractfile(row["path"])
                    if handle is None:
                        raise InputError(f"{row['path']!r} in {shard} is not a file.", "Check the corpus.")
                    packed = Path(folder) / f"clip{Path(row['path']).suffix}"
                    packed.write_bytes(handle.read())
                    yield row, resample(read_audio(packed), RATE)


def extract(corpus: Path, out: Path, speakers: Sequence[str], *, test_clips: int = 4) -> int:
    """Write the clips of ``speakers`` as 32 kHz wavs with a ``metadata.tsv``; the number of clips written.

    Per speaker ``test_clips`` are kept apart for judging, and of the others as many as fit into a minute are written.
    """
    table = read_table(corpus / "metadata.tsv")
    lines = ["\t".join((*COLUMNS, "split"))]
    for speaker in speakers:
        rows = [row for row in table if row["speaker"] == speaker]
        splits = dict(zip((row["path"] for row in rows), split_clips(len(rows), test_clips), strict=True))
        learnt = 0.0
        for row, audio in read_clips(corpus, rows):
            split = splits[row["path"]]
            if split == "train":
                if learnt + audio.seconds > TRAIN_SECONDS:
                    continue
                learnt += audio.seconds
            name = f"{speaker}/{Path(row['path']).stem}.wav"
            (out / speaker).mkdir(parents=True, exist_ok=True)
            write_wav(out / name, audio)
            lines.append("\t".join((name, speaker, row["language"], sentence(row["transcript"]), split)))
    (out / "metadata.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines) - 1


def parser() -> argparse.ArgumentParser:
    """The options of this module as a command."""
    name = "python -m gpt_sovits.lab.evaluation.heldout"
    options = argparse.ArgumentParser(prog=name, description="Make a folder for `evaluate` from a corpus.")
    options.add_argument("--corpus", type=Path, required=True, help="folder with metadata.tsv and the tar shards")
    options.add_argument("--out", type=Path, required=True, help="folder to write")
    options.add_argument("--speakers", nargs="+", help="default: the speakers that pretraining never hears")
    options.add_argument("--test-clips", type=int, default=4, help="clips per speaker kept apart for judging")
    return options


def main(argv: Sequence[str]) -> int:
    options = parser().parse_args(argv)
    speakers = options.speakers or HELD_OUT.read_text(encoding="utf-8").split()
    try:
        count = extract(options.corpus, options.out, speakers, test_clips=options.test_clips)
    except VoiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{count} clips of {len(speakers)} speakers in {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
