"""The studio's own routes: voices, mixes, readings and trainings, as the page has them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import BaseModel, Field, FiniteFloat
from starlette.responses import Response, StreamingResponse

from gpt_sovits.jobs.store import JobState
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.manifest import VoiceCard
from gpt_sovits.voices.voice import Voice
from webui.api.callers import Asking, Caller, of_job
from webui.api.drafts import kept_upload
from webui.api.failures import DOCUMENTED, AskedError
from webui.api.openai import LANGUAGES, Manner, Plain, spoken
from webui.api.speaking import SPOKEN, check_text, event, in_turn

router = APIRouter(prefix="/api", responses=DOCUMENTED)
_LOOK_SECONDS = 1.0
_SOUND: dict[int | str, dict[str, Any]] = {
    200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}}
}
_AUTHORITY = "you decide for that person (parent, heir, written permission): who you are, why; the statement is yours"
_EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}
Text = Annotated[Plain, Field(max_length=200)]


class Part(BaseModel):
    voice: Text = Field(description="name or id")
    share: FiniteFloat = Field(ge=0, le=1e6)


class Mix(BaseModel):
    parts: list[Part] = Field(min_length=2, max_length=8)
    manners: list[FiniteFloat] | None = Field(None, max_length=8, description="shares of the way of speaking")

    def blended(self, caller: Caller) -> Voice:
        ids = [caller.voice(part.voice).id for part in self.parts]
        return caller.session.voices.blend(ids, [part.share for part in self.parts], manners=self.manners)


class KeptMix(Mix):
    name: Text


class MixSpeech(Manner, Mix):
    input: Plain


class NewName(BaseModel):
    name: Text


class ReadAs(BaseModel):
    input: Plain
    language: Plain = Field("auto", max_length=20, json_schema_extra={"enum": [*LANGUAGES]})
    voice: Plain | None = Field(None, max_length=200, description="Who will speak: numbers are in that language.")


@router.get("/voices", tags=["voices"], summary="The voices that this program may use")
def voices(caller: Asking) -> list[dict[str, Any]]:
    return [card_of(card) for card in caller.cards()]


@router.get("/voices/{voice}", tags=["voices"], summary="One voice, by name or id")
def one_voice(voice: str, caller: Asking) -> dict[str, Any]:
    return card_of(caller.voice(voice))


@router.get(
    "/voices/{voice}/sample",
    tags=["voices"],
    summary="The sentence that was kept with a voice",
    responses=_SOUND,
    response_class=Response,
)
def sample(voice: str, caller: Asking) -> Response:
    caller.require("speak")
    return Response(caller.session.voices.sample(caller.own(voice).id), media_type="audio/wav")


@router.patch("/voices/{voice}", tags=["voices"], summary="Give a voice another name")
def rename(voice: str, body: NewName, caller: Asking) -> dict[str, Any]:
    caller.require("manage")
    card = caller.own(voice)
    caller.session.voices.rename(card.id, body.name)
    return card_of(caller.voice(card.id))


@router.delete("/voices/{voice}", tags=["voices"], status_code=204, summary="Delete a voice for good")
def delete(voice: str, caller: Asking) -> None:
    caller.require("manage")
    caller.session.voices.delete(caller.voice(voice).id)


@router.post("/read-as", tags=["texts"], summary="How each word of a text will be read, and why")
async def read_as(body: ReadAs, request: Request, caller: Asking) -> list[dict[str, Any]]:
    caller.require("read")
    check_text(body.input)

    def read() -> list[dict[str, Any]]:
        voice = caller.voice(body.voice).id if body.voice else None
        return [asdict(each) for each in caller.session.speech.explain(body.input, language=body.language, voice=voice)]

    return await in_turn(request, caller, read)


@router.post("/mixes", tags=["mixes"], status_code=201, summary="Keep a mix of voices as a voice")
def keep(body: KeptMix, caller: Asking) -> dict[str, Any]:
    caller.require("mix")
    caller.require_every_voice()
    return card_of(caller.voice(caller.session.voices.save(body.blended(caller), body.name)))


@router.post(
    "/mixes/speech", tags=["mixes"], responses=SPOKEN, response_class=Response, summary="Say a text with a mix"
)
async def say(body: MixSpeech, request: Request, caller: Asking) -> Response:
    caller.require("mix")
    caller.require("speak")
    return await spoken(request, caller, body, body.input, partial(body.blended, caller))


@router.get("/jobs", tags=["trainings"], summary="The trainings, newest first")
def jobs(caller: Asking) -> list[dict[str, Any]]:
    caller.require("train")
    return [job_of(job) for job in caller.session.jobs.list() if caller.may_use(job.voice_id)]


@router.post("/jobs", tags=["trainings"], status_code=201, summary="Learn a voice from a recording")
async def create(
    request: Request,
    caller: Asking,
    name: Annotated[Text, Form()],
    consent: Annotated[Plain, Form(max_length=2000, description="the words by which the person agrees")],
    recording: Annotated[UploadFile | None, File(description="10 seconds to 30 minutes of one person")] = None,
    draft: Annotated[Text, Form(description="or the id of a draft, which ends then")] = "",
    who_speaks: Annotated[Text, Form(description="whose voice it is; empty: the voice's name")] = "",
    purpose: Annotated[Text, Form()] = "personal use on this computer",
    statement: Annotated[UploadFile | None, File(description="another person's voice: how they agree")] = None,
    authority: Annotated[Plain, Form(max_length=2000, description=_AUTHORITY)] = "",
    script: Annotated[Plain, Form(max_length=100_000, description="what was read")] = "",
    language: Annotated[Plain, Form(max_length=20)] = "auto",
    base: Annotated[Text, Form()] = "",
    again: Annotated[Text, Form(description="name or id of a voice that gets a further version")] = "",
    anyway: Annotated[bool, Form()] = False,
) -> dict[str, Any]:
    caller.require("train")
    if not again or draft:
        caller.require_every_voice()
    if recording is None and not draft:
        raise AskedError(422, "form", "There is no recording.", "Send a recording, or the id of a draft.")
    own = statement is None and not authority
    said = Consent(who=who_speaks or name, purpose=purpose, statement=consent, own=own, authority=authority)
    place = Path(tempfile.mkdtemp(prefix="api-", dir=request.app.state.folder))
    try:
        sound = await kept_upload(recording, place / "recording") if recording is not None else None
        wanted = TrainingRequest(
            name,
            sound or caller.session.jobs.reviews.recording(draft),
            said,
            script=script,
            language=language,
            base=base,
            draft=draft,
            statement=None if statement is None else await kept_upload(statement, place / "statement"),
            voice_id=caller.own(again).id if again else "",
            anyway=anyway,
        )
        job_id = await to_thread.run_sync(caller.session.jobs.create, wanted)
    finally:
        await to_thread.run_sync(partial(shutil.rmtree, place, ignore_errors=True))
    return job_of(caller.session.jobs.get(job_id))


@router.get("/jobs/{job}", tags=["trainings"], summary="How far a training is")
def one_job(job: str, caller: Asking) -> dict[str, Any]:
    caller.require("train")
    return job_of(caller.session.jobs.get(of_job(caller, job)))


@router.get(
    "/jobs/{job}/events",
    tags=["trainings"],
    responses=_EVENTS,
    response_class=StreamingResponse,
    summary="The same as server-sent events, until it ends",
)
async def events(job: str, caller: Asking) -> StreamingResponse:
    caller.require("train")
    job_id = await to_thread.run_sync(of_job, caller, job)
    return StreamingResponse(_steps(caller, job_id), media_type="text/event-stream")


@router.post("/jobs/{job}/stop", tags=["trainings"], summary="Stop it, keeping what was learnt")
def stop(job: str, caller: Asking) -> dict[str, Any]:
    caller.require("train")
    caller.session.jobs.stop(of_job(caller, job))
    return job_of(caller.session.jobs.get(job))


@router.post("/jobs/{job}/resume", tags=["trainings"], summary="Go on with a stopped or failed one")
def resume(job: str, caller: Asking) -> dict[str, Any]:
    caller.require("train")
    caller.session.jobs.resume(of_job(caller, job))
    return job_of(caller.session.jobs.get(job))


@router.delete("/jobs/{job}", tags=["trainings"], status_code=204, summary="Remove one that has ended")
def delete_job(job: str, caller: Asking) -> None:
    caller.require("train")
    caller.session.jobs.delete(of_job(caller, job))


async def _steps(caller: Caller, job_id: str) -> AsyncGenerator[bytes]:
    """The state of a job whenever it has changed; a comment in between keeps the line open."""
    last: dict[str, Any] | None = None
    while True:
        job = await to_thread.run_sync(caller.session.jobs.get, job_id)
        state = job_of(job)
        yield event(state) if state != last else b": waiting\n\n"
        if not job.active:
            return
        last = state
        await asyncio.sleep(_LOOK_SECONDS)


def card_of(card: VoiceCard) -> dict[str, Any]:
    """A voice as programs see it."""
    return {
        "id": card.id,
        "name": card.name,
        "kind": card.kind,
        "model": card.base,
        "created": card.created,
        "seconds_of_speech": card.seconds_of_speech,
        "version": card.default_version,
        "versions": [{"id": v.id, "number": v.number, "created": v.created} for v in card.versions],
        "frozen": card.frozen,
        "locked": card.locked,
        "may_speak": card.terms.speak,
    }


def job_of(job: JobState) -> dict[str, Any]:
    """A training as programs see it."""
    return {
        "id": job.id,
        "state": job.state,
        "stage": job.stage,
        "message": job.message,
        "fraction": job.fraction,
        "seconds_left": job.seconds_left,
        "voice": job.voice_id,
        "created": job.created,
        "error": job.error,
    }
