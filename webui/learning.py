"""Voices that are being learnt, over HTTP: place in the line, minutes, curve, how they sound on the way.

GET  <language>/own/learning                     the jobs that the person wants to see: ended ones, then in their line
POST <language>/own/learning/<job>/<deed>        stop, resume, away, back, or again (with the same recording)
GET  <language>/own/learning/<job>/<percent>.wav how the voice sounded after so many percent
GET  <language>/own/learning/<job>/ready.wav     how it sounds now that it is ready
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from gpt_sovits.errors import VoiceError
from gpt_sovits.jobs.store import JobState
from gpt_sovits.services.session import Session
from webui import i18n
from webui.i18n import Words
from webui.live import Language, Live, answered
from webui.recording import PRIVATE

Deed = Literal["stop", "resume", "away", "back", "again"]
MOST_READY = 3  # finished voices that are announced at once; older ones are known


class LearningRoutes:
    """The routes; ``live`` knows who asks."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own/learning")
        routes.add_api_route("", self.all, methods=["GET"])
        routes.add_api_route("/{job}/{sample}.wav", self.hear, methods=["GET"])
        routes.add_api_route("/{job}/{deed}", self.do, methods=["POST"])
        return routes

    def all(self, language: Language, request: Request) -> dict[str, Any]:
        session, words = self._live.asker(request).session, i18n.load(language)

        def found() -> dict[str, Any]:
            jobs, gone = session.jobs.shown()
            ahead = session.jobs.ahead()
            ready = [job for job in jobs if job.state == "done"][MOST_READY:]
            line = sorted(
                (job for job in jobs if job not in ready),
                key=lambda job: (job.active, job.state != "done", ahead.get(job.id, 0)),
            )
            shown = [card(session, words, job, ahead.get(job.id, 0)) for job in line]
            return {"jobs": shown, "away": [{"id": job.id, "name": job.name} for job in gone]}

        return answered(language, found)

    def do(self, language: Language, job: str, deed: Deed, request: Request) -> dict[str, Any]:
        jobs = self._live.asker(request).session.jobs
        deeds = {
            "stop": jobs.stop,
            "resume": jobs.resume,
            "away": jobs.put_away,
            "back": jobs.bring_back,
            "again": jobs.again,
        }
        return answered(language, partial(deeds[deed], job))

    async def hear(self, language: Language, job: str, sample: str, request: Request) -> Response:
        session, words = self._live.asker(request).session, i18n.load(language)

        def sound() -> bytes:
            if sample == "ready":
                return session.voices.sample(session.jobs.get(job).voice_id)
            return session.jobs.sample(job, int(sample) if sample.isdigit() and len(sample) < 4 else -1)

        try:
            return Response(await to_thread.run_sync(sound), media_type="audio/wav", headers=PRIVATE)
        except VoiceError as error:
            return JSONResponse({"problem": words.error(error)}, 404)


def card(session: Session, words: Words, job: JobState, ahead: int) -> dict[str, Any]:
    """A job as the page shows it. ``lines`` change seldom, as they are read aloud when they do."""
    over = not job.active
    samples = sorted(session.jobs.samples(job.id))
    return {
        "id": job.id,
        "state": job.state,
        "name": job.name,
        "voice": job.voice_id if job.state == "done" else "",
        "title": _title(words, job),
        "lines": _lines(words, job, ahead),
        "percent": round(max(0.0, min(1.0, job.fraction)) * 100),
        "left": _left(words, job),
        "curve": {words(f"stage.{kind}"): points for kind, points in _curve(session, words, job).items()},
        "step": "" if over else _step(session, words, job),
        "samples": samples,
    }


def _title(words: Words, job: JobState) -> str:
    if job.state == "failed":
        return words("job.failed_named", name=job.name)
    return words("job.done_named", name=job.name) if job.state == "done" else words("job.title_named", name=job.name)


def _lines(words: Words, job: JobState, ahead: int) -> list[str]:
    if job.state == "failed":
        return [words.sentence(job.error)] if job.error else []
    if job.state == "stopped":
        return [words("job.stopped")]
    if job.state == "done":
        return [words("job.done_text")]
    if job.state == "stopping":
        return [words("job.stopping")]
    if job.state == "queued":
        return [(words("job.begins"), words("job.next"))[ahead] if ahead < 2 else words("job.place", ahead=ahead)]
    key = f"stage.{job.stage}"
    return [words(key) if words.has(key) else words("stage.other"), words("job.leave")]


def _left(words: Words, job: JobState) -> str:
    """How long it still takes, by the speed that was measured; while nothing was, that it is being worked out."""
    if job.state != "running" or job.stage not in ("acoustic", "semantic"):
        return ""
    if job.seconds_left is None:
        return words("job.unknown")
    minutes = math.ceil(job.seconds_left / 60 - 0.25)
    said = words("job.minutes", minutes=minutes) if minutes > 1 else words("job.one_minute")
    return f"{said} · {words('job.busy')}" if _is_busy() else said


def _is_busy() -> bool:
    """Whether much more waits for this computer than it can do at a time, so that what was measured may not hold."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)


def _curve(session: Session, words: Words, job: JobState) -> dict[str, Sequence[tuple[float, float]]]:
    if not job.active and job.state != "stopped":
        return {}
    return {kind: points for kind, points in session.jobs.curve(job.id).items() if words.has(f"stage.{kind}")}


def _step(session: Session, words: Words, job: JobState) -> str:
    step = session.jobs.latest_step(job.id)
    if step is None or step.kind != job.stage:
        return ""
    loss = next(iter(step.values.values()), None)
    told = words("job.step", step=step.step, total=step.total)
    return told if loss is None else f"{told} · {words('job.loss', value=f'{loss:.2f}')}"
