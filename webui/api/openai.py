"""OpenAI's speech route and the two lists beside it, as its clients in every language send and read them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, Field, FiniteFloat
from starlette.responses import Response

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.events import CancelToken
from gpt_sovits.speechd.sound import altered
from gpt_sovits.voices.manifest import VoiceCard
from webui.api.callers import Asking, Caller
from webui.api.failures import DOCUMENTED
from webui.api.speaking import SPOKEN, Wanted, check_text, speaker_of

MODEL = "gpt-sovits"
SLOWEST, FASTEST = 0.25, 4.0  # as OpenAI's
LANGUAGES = ("auto", "zh", "en", "yue", "ja", "ko")  # what is offered; the studio knows upstream's names too
router = APIRouter(prefix="/v1", tags=["OpenAI"], responses=DOCUMENTED)


def _whole(text: str) -> str:
    text.encode()  # half of a pair of surrogates is no character: a UnicodeEncodeError is a ValueError
    return text


Plain = Annotated[str, AfterValidator(_whole)]


class Sampling(BaseModel):
    """How the semantic network draws; what is left out is the model's own. For who knows these names."""

    top_k: int | None = Field(None, ge=0, le=1024, description="0: no limit")
    top_p: FiniteFloat | None = Field(None, ge=0.05, le=1.0)
    temperature: FiniteFloat | None = Field(None, ge=0.05, le=2.0)
    repetition_penalty: FiniteFloat | None = Field(None, ge=1.0, le=3.0)


class Manner(BaseModel):
    """How something is said: ours, beside what OpenAI's clients send."""

    language: Plain = Field("auto", max_length=20, json_schema_extra={"enum": [*LANGUAGES]})
    speed: FiniteFloat = Field(
        1.0,
        description="spoken so from 0.5 to 2; beyond that the sound is stretched",
        json_schema_extra={"minimum": SLOWEST, "maximum": FASTEST},
    )
    pause: FiniteFloat = Field(
        0.3, description="seconds between sentences", json_schema_extra={"minimum": 0, "maximum": 10}
    )
    seed: int | None = Field(None, ge=0, lt=2**53, description="the same seed gives the same sound")
    response_format: Literal["wav", "mp3", "opus", "ogg", "flac", "aac", "m4a", "pcm"] = "mp3"
    stream_format: Literal["audio", "sse"] | None = Field(
        None, description="A wav comes whole, so that it knows its length, unless this says audio. pcm is 24 kHz."
    )

    mark: bool = Field(False, description="End the sound with a signal that people hear: a machine spoke.")
    sampling: Sampling | None = None
    cut: Literal["", "cut0", "cut1", "cut2", "cut3", "cut4", "cut5"] = Field(
        "", description="upstream's ways of cutting a text, instead of ours"
    )

    def way(self) -> str:
        if self.stream_format == "sse":
            return "sse"
        return "whole" if self.stream_format is None and self.response_format in ("wav", "m4a") else "chunks"

    def begin(self, caller: Caller, text: str, voice: Any, cancel: CancelToken) -> Any:
        if not SLOWEST <= self.speed <= FASTEST:
            raise InputError(f"A speed of {self.speed:g} is not possible.", "Choose between 0.25 and 4.")
        spoken_at = min(2.0, max(0.5, self.speed))
        pieces = caller.session.speech.speak(
            text,
            voice,
            language=self.language,
            speed=spoken_at,
            pause=self.pause,
            seed=self.seed,
            cancel=cancel,
            sampling=self.sampling.model_dump(exclude_none=True) if self.sampling else None,
            cut=self.cut,
        )
        if spoken_at == self.speed:
            return pieces
        return (replace(each, audio=altered(each.audio, self.speed / spoken_at)) for each in pieces)

    def ignored(self) -> list[str]:
        return []


class VoiceName(BaseModel):
    id: Plain = Field(max_length=200)


class SpeechRequest(Manner):
    model: str = Field(MODEL, max_length=200, description="Any name: the voice decides which model speaks.")
    input: Plain = Field(description="The text; markup for readings, pauses and speeds counts.")
    voice: Annotated[Plain, Field(max_length=200)] | VoiceName = Field(description="Name or id of a voice.")
    version: Plain | None = Field(None, max_length=64, description="Id of a version of the voice.")
    instructions: str | None = Field(None, description="Accepted and ignored; X-Studio-Ignored then says so.")

    @property
    def voice_name(self) -> str:
        return self.voice if isinstance(self.voice, str) else self.voice.id

    def ignored(self) -> list[str]:
        return ["instructions"] if self.instructions else []


async def spoken(request: Request, caller: Caller, manner: Manner, text: str, load: Any) -> Response:
    """Speak ``text`` with the voice that ``load`` reads or mixes."""
    check_text(text)
    voice = await to_thread.run_sync(load)
    label = replace(caller.session.speech.label(voice), heard=manner.mark)
    headers = {"X-AI-Generated": "true", "X-Voice-Id": label.voice, "X-Voice-Version": label.version}
    if manner.ignored():
        headers["X-Studio-Ignored"] = ", ".join(manner.ignored())
    wanted = Wanted(manner.response_format, manner.way(), label, headers, len(text))
    return await speaker_of(request).answer(request, caller, partial(manner.begin, caller, text, voice), wanted)


@router.post("/audio/speech", responses=SPOKEN, response_class=Response, summary="Say a text with a voice")
async def speech(body: SpeechRequest, request: Request, caller: Asking) -> Response:
    caller.require("speak")
    card = caller.voice(body.voice_name)
    load = partial(caller.session.voices.load, card.id, body.version)
    return await spoken(request, caller, body, body.input, load)


@router.get("/audio/voices", summary="The voices that this program may use")
def voices(caller: Asking) -> dict[str, Any]:
    found = [entry(card) for card in caller.cards()]
    return {"object": "list", "data": found, "voices": found}


@router.get("/models", summary="What clients choose a model from")
def models(caller: Asking) -> dict[str, Any]:
    return {"object": "list", "data": [model(name) for name in names(caller)]}


@router.get("/models/{name}", summary="One of them")
def one_model(name: str, caller: Asking) -> dict[str, Any]:
    if name not in names(caller):
        raise MissingError(f"There is no model named {name!r}.", "GET /v1/models lists them.")
    return model(name)


def names(caller: Caller) -> list[str]:
    return [MODEL, *sorted({card.base for card in caller.cards()})]


def model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "this-computer"}


def entry(card: VoiceCard) -> dict[str, Any]:
    return {"id": card.id, "name": card.name, "object": "voice", "model": card.base}
