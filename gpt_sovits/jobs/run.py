"""One training job from the recording to a voice that speaks.

    recording -> dataset -> plan -> fine-tune -> version built aside -> it says a sentence -> visible

Every stage can be repeated: after a crash ``run_job`` starts from the top in the same work folder, where the
fine-tuning finds its checkpoints. The ids of voice and version are fixed when the job is made, so a job that died after
its voice became visible finds it there and is done. A failure leaves nothing in the registry.
"""

from __future__ import annotations

import dataclasses
import math
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt_sovits.errors import CancelledError, MissingError, VoiceError
from gpt_sovits.events import CancelToken, Event, EventSink
from gpt_sovits.files import disk_errors, erase_tree, make_private, shred, write_bytes
from gpt_sovits.jobs.store import SAMPLES, Job, JobStore
from gpt_sovits.storage import versions
from gpt_sovits.storage.registry import Registry
from gpt_sovits.voices.consent import Consent, now, require
from gpt_sovits.voices.manifest import write_manifest
from gpt_sovits.voices.voice import Voice

if TYPE_CHECKING:
    from gpt_sovits.audio import Audio
    from gpt_sovits.jobs.acceptance import Scores
    from gpt_sovits.jobs.strength import Kept
    from gpt_sovits.settings import Settings

GREETINGS = {"en": "Hello, this is my voice.", "zh": "你好，这是我的声音。"}  # what is said on the way
# The share of the whole job at which each phase ends.
PREPARED, TRAINED = 0.08, 0.95
MEASURED = 0.02  # share of the training after which its speed says how long the rest takes
_REPORT_SECONDS = 0.5


@dataclass(frozen=True)
class Parts:
    """The steps that a job is made of; ``real_parts`` binds the real ones, tests bind small ones.

    load_base(name) -> Base; build_dataset and finetune as in ``dataset.build`` and ``training.finetune``;
    plan(seconds_of_speech, base_name) -> TrainingPlan; speak(voice, text, language, cancel) -> Audio;
    settle(base, dataset, tuned) -> (Tuned, Kept or None) as in ``jobs.strength``;
    prove(version_folder, aside, cancel) -> (WAV file, Scores) as in ``jobs.acceptance``.
    """

    load_base: Callable[[str], Any]
    build_dataset: Callable[..., Any]
    plan: Callable[[float, str], Any]
    finetune: Callable[..., Any]
    speak: Callable[[Voice, str, str, CancelToken], Audio]
    settle: Callable[..., tuple[Any, Kept | None]]
    prove: Callable[[Path, Path, CancelToken], tuple[bytes, Scores]]


def limit_threads(settings: Settings) -> None:
    """Let torch use as many threads as the person allows (0: as many as it likes)."""
    if settings.threads:
        import torch

        torch.set_num_threads(settings.threads)


def real_parts(settings: Settings) -> Parts:
    """The project's own steps. Imports torch and the networks."""
    from gpt_sovits.dataset.build import build_dataset
    from gpt_sovits.dataset.recognise import scribe_of
    from gpt_sovits.families.base import load_base
    from gpt_sovits.jobs.acceptance import prove
    from gpt_sovits.jobs.distributed import lead
    from gpt_sovits.jobs.strength import listener_of, settle
    from gpt_sovits.models.store import find_base
    from gpt_sovits.synthesis import Synthesizer
    from gpt_sovits.training.distributed import processes_of
    from gpt_sovits.training.plan import plan

    limit_threads(settings)
    synthesizer = Synthesizer(partial(load_base, settings=settings))

    def speak(voice: Voice, text: str, language: str, cancel: CancelToken) -> Audio:
        from gpt_sovits.audio import concatenate

        pieces = synthesizer.speak(voice, text, language=language, seed=0, cancel=cancel)
        sound = concatenate([piece.audio for piece in pieces])
        synthesizer.forget(voice.id)
        return sound

    return Parts(
        load_base=synthesizer.base,
        build_dataset=partial(build_dataset, scribe=scribe_of(settings)),
        plan=lambda seconds, base: plan(seconds, base, settings.device, files=find_base(base, settings)),
        finetune=partial(lead, processes_of(settings)),
        speak=speak,
        settle=lambda base, dataset, tuned, **how: settle(
            base, dataset, tuned, listener_of(settings, synthesizer.base), **how
        ),
        prove=partial(prove, settings),
    )


@dataclass
class Progress:
    """Turns the events of the stages into one bar and one clock, and keeps them in the job store.

    ``shares``: what part of the training each kind of event stands for. Time left is only told once a fiftieth of the
    phase was measured.
    """

    store: JobStore
    job_id: str
    watch: EventSink
    clock: Callable[[], float] = time.monotonic
    start: float = 0.0
    end: float = PREPARED
    shares: Mapping[str, float] = field(default_factory=dict)
    fraction: float = 0.0
    _done: dict[str, float] = field(default_factory=dict)
    _first: tuple[float, float] | None = None  # (time, share of the phase) when it was first heard of
    _kept: tuple[float, str, str] = (-math.inf, "", "")

    def phase(self, start: float, end: float, shares: Mapping[str, float] | None = None) -> None:
        self.start, self.end, self.shares = start, end, shares or {}
        self._done, self._first = {}, None

    def __call__(self, event: Event) -> None:
        share = self._share(event)
        self.fraction = max(self.fraction, self.start + (self.end - self.start) * share)
        self._keep(event, share)
        self.watch(event)

    def _keep(self, event: Event, share: float) -> None:
        """Write to the store, but not more often than twice a second while nothing but numbers change."""
        at, kind, message = self._kept
        now_ = self.clock()
        if now_ - at < _REPORT_SECONDS and event.kind == kind and event.message in ("", message):
            return
        self._kept = (now_, event.kind, event.message or message)
        shown = event if event.message != message or event.kind != kind else dataclasses.replace(event, message="")
        self.store.report(self.job_id, shown, round(self.fraction, 4), self._seconds_left(share, now_))

    def _share(self, event: Event) -> float:
        if not self.shares:
            return event.fraction
        if event.kind in self.shares:
            self._done[event.kind] = max(self._done.get(event.kind, 0.0), event.fraction)
        return sum(self.shares[kind] * done for kind, done in self._done.items())

    def _seconds_left(self, share: float, at: float) -> float | None:
        if self._first is None:
            self._first = (at, share)
        began, first = self._first
        if not self.shares or share - first < MEASURED:
            return None
        return (at - began) * (1.0 - share) / (share - first)


def run_job(
    job: Job, parts: Parts, registry: Registry, work_dir: Path, progress: Progress, cancel: CancelToken, *, device: str
) -> str:
    """Make the job's version visible in ``registry`` and return its id.

    ``work_dir`` holds the recording under the name in ``job.request["recording"]``. Raises ``VoiceError``;
    ``CancelledError`` when ``cancel`` asked for it.
    """
    from gpt_sovits.dataset.ears import ears_of

    request = job.request
    if registry.has_version(job.user, job.voice_id, job.version_id):
        return job.version_id
    if registry.holds(job.user, job.voice_id):
        registry.check_changeable(job.user, job.voice_id)  # it may have been frozen since the job was made
    consent = require(Consent.from_json(request["consent"]))
    recording = work_dir / versions.recording_name(Path(request["recording"]))
    if not recording.is_file():
        raise MissingError("The recording of this job is gone.", "Start again with the recording.")

    progress(Event("start", "Loading the base."))
    base = parts.load_base(request["base"])
    cancel.check()
    dataset = parts.build_dataset(
        recording,
        request["script"],
        request["language"],
        ears_of(base, parts.load_base),
        work_dir=make_private(work_dir / "dataset"),
        version=base.symbols_version,
        anyway=bool(request.get("anyway")),
        on_event=progress,
        cancel=cancel,
    )
    cancel.check()
    plan = _capped(parts.plan(dataset.seconds, request["base"]), request.get("max_steps"))
    progress.phase(PREPARED, TRAINED, _shares(plan))
    sample = partial(_sample, job, parts, progress.store, work_dir, consent, cancel)
    tuned = parts.finetune(
        base,
        dataset,
        plan,
        work_dir=make_private(work_dir / "training"),
        on_event=progress,
        cancel=cancel,
        on_quarter=sample,
    )
    cancel.check()

    progress.phase(TRAINED, 1.0)
    tuned, kept = parts.settle(base, dataset, tuned, on_event=progress, cancel=cancel)
    if kept is not None:
        progress.store.log(job.id, "kept", str(kept), values={"percent": round(100 * kept.share)})
    progress(Event("save", "Saving the voice."))
    made_by: dict[str, Any] = {
        "kind": "trained",
        "seconds_of_speech": round(float(dataset.seconds), 2),
        "language": request["language"],
        "steps": int(tuned.steps),
        "device": device,
        "base_release": str(base.release),
        "plan": _plain(plan),
        "metrics": {name: float(value) for name, value in tuned.metrics.items()},
        **({} if kept is None else {"kept": kept.share}),
        "peak_memory_mb": _peak_memory(),
    }
    voice = _voice(job, tuned, consent, made_by)
    with disk_errors("the voice could not be saved"):
        staged = make_private(work_dir / "staged") / job.version_id
        shutil.rmtree(staged, ignore_errors=True)
        named = versions.recording_name(Path(request["statement"]), "statement") if request.get("statement") else ""
        statement = work_dir / named if named else None
        versions.write(staged, voice, recording=recording, statement=statement)
        progress(Event("sample", "Saying the first sentence."))
        wav, scores = parts.prove(staged, make_private(work_dir / "proof"), cancel)
        values = {name: float(value) for name, value in vars(scores).items() if value is not None}
        progress.store.log(job.id, "proof", _told(scores), values=values)
        manifest = versions.add_sample(staged, wav)
        write_manifest(staged, dataclasses.replace(manifest, made_by={**manifest.made_by, "proof": values}))
        cancel.check()
        registry.admit(job.user, request["name"], staged)
    progress(Event("sample", "The voice is ready.", 1, 1))
    return job.version_id


def _voice(job: Job, tuned: Any, consent: Consent, made_by: Mapping[str, Any]) -> Voice:
    return Voice(
        id=job.voice_id,
        name=job.request["name"],
        owner=job.user,
        base=job.request["base"],
        version_id=job.version_id,
        reference=tuned.reference,
        delta=_half(tuned.delta),
        consent=consent,
        created=now(),
        made_by=dict(made_by),
    )


def _sample(
    job: Job,
    parts: Parts,
    store: JobStore,
    work_dir: Path,
    consent: Consent,
    cancel: CancelToken,
    percent: int,
    learnt: Callable[[], Any],
) -> None:
    """Keep how the voice sounds on the way, as ``samples/<percent>.wav`` of the job. A failure is only noted."""
    from gpt_sovits.audio import wav_bytes

    path = make_private(work_dir / SAMPLES) / f"{percent:02d}.wav"
    if path.is_file():
        return
    voice = _voice(job, learnt(), consent, {"kind": "on the way"})
    language = voice.reference.language if voice.reference.language in GREETINGS else "en"
    try:
        write_bytes(path, wav_bytes(parts.speak(voice, GREETINGS[language], language, cancel)))
    except CancelledError:
        raise
    except (VoiceError, OSError) as error:
        store.log(job.id, "heard", f"After {percent} % there was no sample: {error}")
        return
    store.log(job.id, "heard", f"A sample after {percent} % of the plan was kept.", values={"percent": percent})


def clear(work_dir: Path) -> None:
    """Remove everything of a finished job but its samples: recording, slices, checkpoints."""
    for path in list(work_dir.iterdir()) if work_dir.is_dir() else []:
        if path.is_file():
            shred(path)
        elif path.name != SAMPLES:
            erase_tree(path, overwrite=True)
    if work_dir.is_dir() and not any(work_dir.iterdir()):
        work_dir.rmdir()


def _told(scores: Scores) -> str:
    """The scores as a line of the log."""

    def pair(value: float | None, before: float | None) -> str:
        return "not judged" if value is None else f"{value:.2f} ({'-' if before is None else f'{before:.2f}'} before)"

    return (
        f"The sentence took {scores.seconds:.1f} s; phone error {pair(scores.phone_error, scores.phone_error_before)},"
        f" similarity {pair(scores.similarity, scores.similarity_before)}."
    )


def _peak_memory() -> float:
    """Most megabytes that this process has held; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 1024), 0)


def _capped(plan: Any, max_steps: int | None) -> Any:
    """The plan with at most ``max_steps`` steps of each part."""
    if max_steps is None:
        return plan
    names = [each.name for each in dataclasses.fields(plan) if each.name in ("acoustic_steps", "semantic_steps")]
    return dataclasses.replace(plan, **{name: min(getattr(plan, name), max_steps) for name in names})


def _shares(plan: Any) -> dict[str, float]:
    """What part of the training's time each network takes: as the plan says, else by steps."""
    if share := float(getattr(plan, "acoustic_share", 0.0)):
        return {"acoustic": share, "semantic": 1.0 - share}
    steps = {kind: float(getattr(plan, f"{kind}_steps", 0)) for kind in ("acoustic", "semantic")}
    total = sum(steps.values())
    return {kind: count / total for kind, count in steps.items()} if total else {}


def _plain(plan: Any) -> dict[str, Any]:
    return {key: value for key, value in vars(plan).items() if isinstance(value, (str, int, float, bool))}


def _half(delta: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.half() if value.is_floating_point() else value for key, value in delta.items()}
