"""What was spoken and is kept: takes, and narrations of whole documents. A token needs the deed "keep" for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from pydantic import BaseModel, Field, FiniteFloat
from starlette.responses import Response, StreamingResponse

from gpt_sovits.encoding import FORMATS
from gpt_sovits.errors import MissingError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.narration.project import Project, Sentence
from gpt_sovits.services.bookshelf import Book
from gpt_sovits.services.takes import KINDS, SUBTITLES
from gpt_sovits.storage.takes import Take
from webui.api.callers import Asking, Caller
from webui.api.failures import DOCUMENTED, shape
from webui.api.openai import LANGUAGES, Plain
from webui.api.speaking import Stopping, event, in_turn, unless_gone

router = APIRouter(prefix="/api", responses=DOCUMENTED)
MAX_DOCUMENT = 2**20  # bytes, as of every other body
Text = Annotated[Plain, Field(max_length=200)]
Number = Annotated[int, Field(ge=1, lt=2**31)]
_BOOKS = ("m4b", "mp3", "flac", "wav", *SUBTITLES)
_MEDIA = {name: kind.media_type for name, kind in FORMATS.items()} | {"m4b": "audio/mp4"}
_TEXT = "text/plain; charset=utf-8"
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {"schema": {"type": "string", "format": "binary"}} for media in (*_MEDIA.values(), _TEXT)}}
}
_EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}


class TakeChange(BaseModel):
    name: Text | None = None
    starred: bool | None = None


class Again(BaseModel):
    sentence: Number = Field(description="its number, from 1")
    seed: int = Field(0, ge=0, lt=2**31)


class Begin(BaseModel):
    voice: Text = Field(description="name or id of who reads")
    roles: dict[Text, Text] = Field({}, max_length=50, description='who says "Anna: …": role to voice')
    language: Plain = Field("auto", max_length=20, json_schema_extra={"enum": [*LANGUAGES]})
    speed: FiniteFloat = Field(1.0, json_schema_extra={"minimum": 0.5, "maximum": 2})


class SentenceChange(BaseModel):
    text: Annotated[Plain, Field(max_length=5000)] | None = Field(None, description="say this instead")
    take: Number | None = Field(None, description="hear this one of its takes")


# ---------------------------------------------------------------------------------------------------------------- takes


@router.get("/takes", tags=["takes"], summary="What was kept, the newest first")
def takes(caller: Asking) -> list[dict[str, Any]]:
    caller.require("keep")
    return [take_of(take) for take in caller.session.takes.list() if caller.may_use(take.voice)]


@router.get("/takes/{take}", tags=["takes"], summary="One of them")
def one_take(take: str, caller: Asking) -> dict[str, Any]:
    return take_of(_take(caller, take))


@router.get(
    "/takes/{take}/file", tags=["takes"], responses=_FILE, response_class=Response, summary="As sound or subtitles"
)
def take_file(take: str, caller: Asking, format: Literal[KINDS] = "wav") -> Response:  # type: ignore[valid-type]
    data = caller.session.takes.file(_take(caller, take).id, format)
    return Response(data, media_type=_MEDIA.get(format, _TEXT))


@router.patch("/takes/{take}", tags=["takes"], summary="Name it, or mark it as a favourite")
def change_take(take: str, body: TakeChange, caller: Asking) -> dict[str, Any]:
    found = _take(caller, take)
    if body.name is not None:
        found = caller.session.takes.rename(found.id, body.name)
    return take_of(found if body.starred is None else caller.session.takes.star(found.id, body.starred))


@router.post("/takes/{take}/again", tags=["takes"], status_code=201, summary="A take with one sentence said anew")
async def take_again(take: str, body: Again, request: Request, caller: Asking) -> dict[str, Any]:
    found, cancel = await to_thread.run_sync(_take, caller, take), CancelToken()
    say = partial(caller.session.takes.again, found.id, body.sentence - 1, seed=body.seed, cancel=cancel)
    try:
        return take_of(await unless_gone(request, partial(in_turn, request, caller, say)))
    finally:
        cancel.cancel()


@router.delete("/takes/{take}", tags=["takes"], status_code=204, summary="Delete it; for an hour it can be restored")
def delete_take(take: str, caller: Asking) -> None:
    caller.session.takes.delete(_take(caller, take).id)


@router.post("/takes/{take}/restore", tags=["takes"], summary="Bring a deleted one back")
def restore_take(take: str, caller: Asking) -> dict[str, Any]:
    return take_of(caller.session.takes.restore(_take(caller, take).id))


# ----------------------------------------------------------------------------------------------------------- narrations


@router.get("/narrations", tags=["narrations"], summary="The documents that are narrated, the newest first")
def narrations(caller: Asking) -> list[dict[str, Any]]:
    caller.require("keep")
    return [book_of(book) for book in caller.session.books.list() if _may_use(caller, book)]


@router.post("/narrations", tags=["narrations"], status_code=201, summary="Hand in a document")
def put_narration(
    caller: Asking,
    document: Annotated[UploadFile, File(description="txt, md, html, docx, epub, srt or vtt; at most 1 MB")],
    title: Annotated[Text, Form()] = "",
) -> dict[str, Any]:
    caller.require("keep")
    name = Path(document.filename or "")
    kind = name.suffix.lower().lstrip(".")
    data = document.file.read(MAX_DOCUMENT + 1)
    book = caller.session.books.put(data, kind, title or name.stem, insist=bool(title))
    return {**book_of(book), "speakers": caller.session.books.look(book.id)["speakers"]}


@router.get("/narrations/{narration}", tags=["narrations"], summary="How far it is, and who reads")
def one_narration(narration: str, caller: Asking) -> dict[str, Any]:
    book = _book(caller, narration)
    if not book.whole:
        return {**book_of(book), "roles": {}, "doubted": []}
    project = caller.session.books.open(book.id)
    doubted = [sentence.number for sentence in project.sentences(doubted=True)]
    return {**book_of(book), "roles": project.roles, "doubted": doubted}


@router.post("/narrations/{narration}/begin", tags=["narrations"], summary="Say who reads, and cut it into sentences")
def begin(narration: str, body: Begin, caller: Asking) -> dict[str, Any]:
    book = _book(caller, narration)
    voices = {role: caller.voice(name).id for role, name in {**body.roles, "": body.voice}.items()}
    caller.session.books.begin(book.id, voices, language=body.language, speed=body.speed)
    heard = {sentence.role for sentence in caller.session.books.open(book.id).sentences()}
    return {**book_of(caller.session.books.get(book.id)), "unheard": [role for role in body.roles if role not in heard]}


@router.post(
    "/narrations/{narration}/go-on",
    tags=["narrations"],
    responses=_EVENTS,
    response_class=StreamingResponse,
    summary="Speak what is left: an event for each sentence; who leaves stops it, and it goes on another time",
)
async def go_on(
    narration: str,
    request: Request,
    caller: Asking,
    doubted: Annotated[bool, Query(description="instead say once more what may have come out wrong")] = False,
) -> Response:
    book = await to_thread.run_sync(_book, caller, narration)
    project = await to_thread.run_sync(caller.session.books.open, book.id)
    steps = _spoken(request, caller, project, doubted=doubted)
    return Stopping(steps, steps, "text/event-stream", {})


@router.get("/narrations/{narration}/sentences", tags=["narrations"], summary="Its sentences, a hundred at a time")
def sentences(narration: str, caller: Asking, after: Annotated[int, Field(ge=0, lt=2**31)] = 0) -> list[dict[str, Any]]:
    found = caller.session.books.open(_book(caller, narration).id).sentences(after=after)
    return [sentence_of(each) for each, _ in zip(found, range(100), strict=False)]


@router.get(
    "/narrations/{narration}/sentences/{number}/file",
    tags=["narrations"],
    responses=_FILE,
    response_class=Response,
    summary="How one sounds, as flac",
)
def sentence_file(narration: str, number: Number, caller: Asking, take: Number | None = None) -> Response:
    project = caller.session.books.open(_book(caller, narration).id)
    sentence = project.sentence(number)
    return Response(project.flac(number, take or sentence.chosen or sentence.takes), media_type=_MEDIA["flac"])


@router.post("/narrations/{narration}/sentences/{number}/again", tags=["narrations"], summary="Say one once more")
async def say_again(narration: str, number: Number, request: Request, caller: Asking) -> dict[str, Any]:
    return await _changed(narration, number, request, caller, None)


@router.put(
    "/narrations/{narration}/sentences/{number}",
    tags=["narrations"],
    summary="Give one another text, or let an earlier take of it be heard",
)
async def edit(
    narration: str, number: Number, body: SentenceChange, request: Request, caller: Asking
) -> dict[str, Any]:
    return await _changed(narration, number, request, caller, body)


@router.get(
    "/narrations/{narration}/file",
    tags=["narrations"],
    responses=_FILE,
    response_class=Response,
    summary="The book, when every sentence was said, or its words as subtitles",
)
async def book_file(
    narration: str,
    request: Request,
    caller: Asking,
    format: Literal[_BOOKS] = "m4b",  # type: ignore[valid-type]
) -> Response:
    book, cancel = await to_thread.run_sync(_book, caller, narration), CancelToken()
    kind = "flac" if format in SUBTITLES else format
    out = Path(request.app.state.folder) / f"{book.id}-{id(cancel):x}.{kind}"

    def made() -> bytes:
        project = caller.session.books.open(book.id)
        built = caller.session.narration.build(project, out, title=book.title, cancel=cancel)
        return SUBTITLES[format](built.subtitles).encode() if format in SUBTITLES else out.read_bytes()

    try:
        data = await unless_gone(request, partial(in_turn, request, caller, made))
    finally:
        cancel.cancel()
        out.unlink(missing_ok=True)
    return Response(data, media_type=_MEDIA.get(format, _TEXT), headers={"Cache-Control": "no-store"})


@router.delete("/narrations/{narration}", tags=["narrations"], status_code=204, summary="Delete it with its takes")
def delete_narration(narration: str, caller: Asking) -> None:
    caller.session.books.delete(_book(caller, narration).id)


# -------------------------------------------------------------------------------------------------------------- private


def _take(caller: Caller, take_id: str) -> Take:
    """A take of a voice that the program may use; any other is as if it did not exist."""
    caller.require("keep")
    take = caller.session.takes.get(take_id)
    if not caller.may_use(take.voice):
        raise MissingError("This take is not here any more.", "GET /api/takes lists those that are.")
    return take


def _book(caller: Caller, book_id: str) -> Book:
    caller.require("keep")
    book = caller.session.books.get(book_id)
    if book.deleted or not _may_use(caller, book):
        raise MissingError("This narration is not here any more.", "Begin it anew.")
    return book


def _may_use(caller: Caller, book: Book) -> bool:
    """Whether every voice that reads is the program's; what was not begun yet is everybody's of the person."""
    return not book.whole or all(map(caller.may_use, caller.session.books.open(book.id).roles.values()))


async def _changed(
    narration: str, number: int, request: Request, caller: Caller, change: SentenceChange | None
) -> dict[str, Any]:
    book, cancel = await to_thread.run_sync(_book, caller, narration), CancelToken()

    def do() -> dict[str, Any]:
        project = caller.session.books.open(book.id)
        if change and change.take is not None:
            project.choose(number, change.take)
        elif change and change.text is not None:
            caller.session.narration.edit(project, number, change.text, cancel=cancel)
        else:
            caller.session.narration.redo(project, number, cancel=cancel)
        return sentence_of(project.sentence(number))

    try:
        return await unless_gone(request, partial(in_turn, request, caller, do))
    finally:
        cancel.cancel()


async def _spoken(request: Request, caller: Caller, project: Project, *, doubted: bool) -> AsyncGenerator[bytes]:
    """An event after each sentence, and one at the end or for a failure. Each takes its turn with what others ask."""
    cancel, last = CancelToken(), 0
    say = caller.session.narration.say
    try:
        await to_thread.run_sync(caller.session.narration.note, project)
        while True:
            left = project.sentences(untaken=not doubted, doubted=doubted, after=last)
            sentence = await to_thread.run_sync(next, left, None)
            if sentence is None:
                break
            await in_turn(request, caller, partial(say, project, sentence, cancel))
            last = sentence.number
            whole, done = await to_thread.run_sync(project.count)
            yield event({"type": "sentence", "number": sentence.number, "done": done, "whole": whole})
            await asyncio.sleep(0)
        yield event({"type": "done"})
    except VoiceError as error:
        yield event({"type": "error", **shape(request, error)})
    finally:
        cancel.cancel()


def take_of(take: Take) -> dict[str, Any]:
    """A take as programs see it."""
    shown = ("id", "voice", "voice_name", "version", "text", "language", "speed", "pause", "seed", "created", "seconds")
    lines = [
        {"text": take.text[each.start : each.end], "from": each.seconds_from, "to": each.seconds_to}
        for each in take.lines
    ]
    return {**{name: getattr(take, name) for name in (*shown, "name", "starred")}, "sentences": lines}


def book_of(book: Book) -> dict[str, Any]:
    """A narration as programs see it."""
    shown = ("id", "title", "kind", "created", "whole", "done")
    return {name: getattr(book, name) for name in shown}


def sentence_of(sentence: Sentence) -> dict[str, Any]:
    return {name: getattr(sentence, name) for name in ("number", "chapter", "role", "text", "takes", "chosen", "doubt")}
