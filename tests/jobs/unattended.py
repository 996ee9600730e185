"""Recordings of several people become voices through the real queue, with nobody at the keyboard.

    python -m tests.jobs.unattended --voices ../tmp/heldout [--speakers so0306 so0457] [--max-steps 20]

``--voices`` is a folder made by ``python -m gpt_sovits.lab.evaluation.heldout``. All jobs are queued first, then one
worker process trains them one after another. Afterwards each voice says the sentences of its test clips, and
Resemblyzer compares it with these clips: before is zero-shot from the longest clip, after is the trained voice.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from gpt_sovits.audio import read_audio
from gpt_sovits.dataset.assess import open_recording
from gpt_sovits.errors import VoiceError
from gpt_sovits.lab.evaluation.folder import Speaker, read_folder
from gpt_sovits.lab.evaluation.similarity import Embedder, centroid, resemblyzer_embedder
from gpt_sovits.lab.evaluation.trial import Sentence, consent_of, join_clips, say, zero_shot
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = f"{'person':10} {'verdict':10} {'state':8} {'min':>5} {'before':>7} {'after':>7} {'real':>6} {'steps':>6}"
COLUMNS += f" {'MB':>5} {'peak MB':>8}"


def queue_all(studio: Studio, speakers: list[Speaker], folder: Path, base: str, most: int | None) -> dict[str, str]:
    """Job ids by the speaker's name; a recording that is refused gets its sentence instead."""
    jobs = {}
    for speaker in speakers:
        recording = folder / f"{speaker.name}.wav"
        script = join_clips(speaker, recording)
        language = speaker.train[0].language
        try:
            jobs[speaker.name] = studio.jobs.create(
                TrainingRequest(
                    speaker.name,
                    recording,
                    script=script,
                    language=language,
                    consent=consent_of(speaker),
                    base=base,
                    max_steps=most,
                )
            )
        except VoiceError as error:
            print(f"{speaker.name}: refused: {error}", flush=True)
    return jobs


def work_off(studio: Studio, data: Path) -> None:
    """Let a worker process train until nothing is left."""
    worker = subprocess.Popen([sys.executable, "-m", "gpt_sovits.jobs.worker", "--data", str(data)], cwd=ROOT)
    try:
        told: set[str] = set()
        while any(job.active for job in studio.jobs.list()):
            for job in studio.jobs.list():
                if not job.active and job.id not in told:
                    told.add(job.id)
                    print(f"{job.name}: {job.state} {job.error}", flush=True)
            time.sleep(1.0)
    finally:
        worker.terminate()
        worker.wait(timeout=60)


def likeness(studio: Studio, voice: object, speaker: Speaker, embed: Embedder) -> float:
    """Cosine of the voice, saying the test sentences, with the speaker's test clips."""
    own = centroid([embed(read_audio(clip.path)) for clip in speaker.test])
    spoken = say(studio, voice, [Sentence(clip.language, clip.transcript) for clip in speaker.test], 0)
    return float(np.mean([embed(audio) @ own for _, audio in spoken.sounds])) if spoken.sounds else float("nan")


def row(studio: Studio, speaker: Speaker, job_id: str, recording: Path, base: str, embed: Embedder) -> str:
    job = studio.jobs.get(job_id)
    events = studio.core.store.events(job_id)
    minutes = (events[-1][1] - events[0][1]) / 60 if events else 0.0
    verdict = open_recording(recording)[1].verdict
    start = f"{speaker.name:10} {verdict:10} {job.state:8} {minutes:5.1f}"
    if job.state != "done":
        return f"{start}  {job.error}"
    voice = studio.voices.load(job.voice_id)
    folder = next(studio.settings.registry_dir.rglob(voice.version_id or "-"))
    size = sum(path.stat().st_size for path in folder.iterdir() if "recording" not in path.name) / 1e6
    clips = [embed(read_audio(clip.path)) for clip in speaker.test]
    real = np.mean([clip @ centroid(clips[:i] + clips[i + 1 :]) for i, clip in enumerate(clips)])
    before = likeness(studio, zero_shot(studio, speaker, base), speaker, embed)
    after = likeness(studio, job.voice_id, speaker, embed)
    made = voice.made_by
    return f"{start} {before:7.3f} {after:7.3f} {real:6.3f} {made['steps']:6} {size:5.1f} {made['peak_memory_mb']:8.0f}"


def main() -> int:
    options = argparse.ArgumentParser(description="Voices of several people, unattended.")
    options.add_argument("--voices", type=Path, required=True)
    options.add_argument("--speakers", nargs="+", help="default: the first ten")
    options.add_argument("--base", default="mini")
    options.add_argument("--max-steps", type=int, help="at most this many steps of each part")
    options.add_argument("--data", type=Path, help="data folder (default: one that vanishes)")
    given = options.parse_args()
    speakers = read_folder(given.voices)
    speakers = [s for s in speakers if s.name in given.speakers] if given.speakers else speakers[:10]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.load(given.data or Path(folder) / "data")
        studio = Studio(settings)
        jobs = queue_all(studio, speakers, Path(folder), given.base, given.max_steps)
        began = time.monotonic()
        work_off(studio, settings.data_dir)
        print(f"{len(jobs)} jobs in {(time.monotonic() - began) / 60:.1f} minutes\n{COLUMNS}", flush=True)
        embed = resemblyzer_embedder()
        for speaker in speakers:
            if speaker.name in jobs:
                recording = Path(folder) / f"{speaker.name}.wav"
                print(row(studio, speaker, jobs[speaker.name], recording, given.base, embed), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
