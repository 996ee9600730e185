"""The Studio tab's routes: long texts that are spoken sentence by sentence, also while nobody looks.

GET    <language>/own/books                           what the person narrates, newest first
POST   <language>/own/books                           {"kind", "title", "data" (base64)} or {"text"}: a document
GET    <language>/own/books/<id>                      what is in it, or once it was begun its sentences of a ``chapter``
POST   <language>/own/books/<id>/begin                {"voices": {role: voice}, "language", "speed"}
POST   <language>/own/books/<id>/go, /stop
POST   <language>/own/books/<id>/sentences/<n>        {"text"} or {"take"} or {}: said again
GET    <language>/own/books/<id>/sentences/<n>/<take>.flac
POST   <language>/own/books/<id>/make                 {"kind", "title", "author"}: one file, at -16 LUFS
GET    <language>/own/books/<id>/made.<kind>          that file, and its words as srt and vtt
DELETE <language>/own/books/<id>                      for an hour POST .../restore brings it back

What was being spoken when the program ended goes on as soon as its person looks.
"""

from __future__ import annotations

import asyncio
import binascii
import logging
import re
from base64 import b64decode
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from gpt_sovits import subtitles
from gpt_sovits.errors import InputError, MissingError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.services.bookshelf import Book, Bookshelf
from gpt_sovits.storage import sounds
from webui import i18n
from webui.live import Asker, Language, Live, Number, answered
from webui.parts import file_name

log = logging.getLogger(__name__)
_TYPES = {"m4b": "audio/mp4", "m4a": "audio/mp4", "mp3": "audio/mpeg", "flac": "audio/flac", "wav": "audio/wav"}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Document(Strict):
    kind: str = Field("", max_length=10)
    title: str = Field("", max_length=300)
    data: str = ""
    text: str = ""

    def content(self) -> tuple[bytes, str, str]:
        """Bytes, kind and a title for a document that has none."""
        if not self.text:
            try:
                return b64decode(self.data, validate=True), self.kind.lower(), self.title
            except (binascii.Error, ValueError) as error:
                raise InputError("The file did not arrive whole.", "Choose it again.") from error
        first = next((line.strip("# \t") for line in self.text.splitlines() if line.strip("# \t")), "")
        marked = re.search(r"^#{1,6} ", self.text, re.MULTILINE)
        timed = re.search(r"^\d\d:\d\d:\d\d[,.]\d{3} --> ", self.text, re.MULTILINE)
        kind = "srt" if timed else "md" if marked else "txt"
        return self.text.encode("utf-8", "replace"), kind, self.title or first[:60]


class Cast(Strict):
    voices: dict[str, str]
    language: str = "auto"
    speed: float = 1.0


class SentenceWish(Strict):
    text: str | None = Field(None, max_length=5000)
    take: int | None = Field(None, ge=0, lt=2**31)


class Making(Strict):
    kind: Literal["m4b", "m4a", "mp3", "flac", "wav"]
    title: str = Field("", max_length=200)
    author: str = Field("", max_length=200)


@dataclass
class Run:
    """One narration that is being spoken, or how the last try ended."""

    token: CancelToken = field(default_factory=CancelToken)
    active: bool = True
    problem: str = ""
    task: asyncio.Task[None] | None = None


class BookRoutes:
    """The routes; ``live`` knows who asks and whose turn it is. ``folder`` takes the files that are made."""

    def __init__(self, live: Live, folder: Path) -> None:
        self._live, self._folder = live, folder
        self._runs: dict[tuple[str, str], Run] = {}
        self._made: dict[tuple[str, str], dict[str, Path]] = {}

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own/books")
        routes.add_api_route("", self.all, methods=["GET"])
        routes.add_api_route("", self.put, methods=["POST"])
        routes.add_api_route("/{book}", self.one, methods=["GET"])
        routes.add_api_route("/{book}", self.delete, methods=["DELETE"])
        routes.add_api_route("/{book}/restore", self.restore, methods=["POST"])
        routes.add_api_route("/{book}/begin", self.begin, methods=["POST"])
        routes.add_api_route("/{book}/go", self.go, methods=["POST"])
        routes.add_api_route("/{book}/stop", self.stop, methods=["POST"])
        routes.add_api_route("/{book}/sentences/{number}", self.sentence, methods=["POST"])
        routes.add_api_route("/{book}/sentences/{number}/{take}.flac", self.sound, methods=["GET"])
        routes.add_api_route("/{book}/make", self.make, methods=["POST"])
        routes.add_api_route("/{book}/made.{kind}", self.file, methods=["GET"])
        return routes

    # ------------------------------------------------------------------------------------------------------- looking

    async def all(self, language: Language, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)
        found = await to_thread.run_sync(asker.session.books.list)
        for book in found:
            if book.going and (asker.session.user, book.id) not in self._runs:
                self._start(asker, book.id, language)
        return {"books": [self._card(asker, book) for book in found]}

    def put(self, language: Language, wish: Document, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)
        return answered(language, lambda: {"book": self._card(asker, asker.session.books.put(*wish.content()))})

    def one(
        self, language: Language, book: str, request: Request, chapter: Annotated[int, Query(ge=-1, lt=2**31)] = 0
    ) -> dict[str, Any]:
        asker = self._live.asker(request)

        def shown() -> dict[str, Any]:
            books = asker.session.books
            found = books.get(book)
            if not found.whole:
                return {"book": self._card(asker, found), "inside": books.look(book)}
            return {"book": self._card(asker, found), **_chapter(books, book, chapter)}

        return answered(language, shown)

    def _card(self, asker: Asker, book: Book) -> dict[str, Any]:
        run = self._runs.get((asker.session.user, book.id))
        made = sorted(self._made.get((asker.session.user, book.id), {}))
        return {
            **asdict(book),
            "going": run is not None and run.active,
            "problem": run.problem if run else "",
            "made": made,
        }

    # ------------------------------------------------------------------------------------------------------ speaking

    def begin(self, language: Language, book: str, wish: Cast, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)

        def begun() -> dict[str, Any]:
            asker.session.books.begin(book, wish.voices, language=wish.language, speed=wish.speed)
            return {"book": self._card(asker, asker.session.books.get(book))}

        return answered(language, begun)

    async def go(self, language: Language, book: str, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)
        try:
            asker.session.books.open(book)
            asker.session.books.mark(book, going=True)
        except VoiceError as error:
            return {"problem": i18n.load(language).error(error)}
        self._start(asker, book, language)
        return {"book": self._card(asker, asker.session.books.get(book))}

    def stop(self, language: Language, book: str, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)

        def stopped() -> dict[str, Any]:
            asker.session.books.mark(book, going=False)
            self._halt(asker, book)
            return {"book": self._card(asker, asker.session.books.get(book))}

        return answered(language, stopped)

    def _halt(self, asker: Asker, book: str) -> None:
        run = self._runs.get((asker.session.user, book))
        if run is not None:
            run.active = False
            run.token.cancel()

    def _start(self, asker: Asker, book: str, language: str) -> None:
        place = (asker.session.user, book)
        if place in self._runs and self._runs[place].active:
            return
        self._forget_made(asker, book)
        run = self._runs[place] = Run()
        run.task = asyncio.create_task(self._speak(asker, book, run, i18n.load(language)))

    async def _speak(self, asker: Asker, book: str, run: Run, words: i18n.Words) -> None:
        """Every sentence that has no take yet; each waits for its turn among all that is spoken."""
        narration, books = asker.session.narration, asker.session.books
        try:
            project = await to_thread.run_sync(books.open, book)
            await to_thread.run_sync(narration.note, project)
            while sentence := await to_thread.run_sync(lambda: next(project.sentences(untaken=True), None)):
                await self._live.turn(asker, partial(narration.say, project, sentence, run.token), run.token)
        except VoiceError as error:
            run.problem = "" if run.token.cancelled else words.error(error)
        except Exception:
            log.exception("a narration stopped")
            run.problem = words("app.unexpected")
        if not run.token.cancelled:
            run.active = False
            await to_thread.run_sync(partial(answered, words.language, partial(books.mark, book, going=False)))

    async def sentence(
        self, language: Language, book: str, number: Number, wish: SentenceWish, request: Request
    ) -> dict[str, Any]:
        asker, token = self._live.asker(request), CancelToken()
        narration, books = asker.session.narration, asker.session.books

        def changed() -> dict[str, Any]:
            project = books.open(book)
            if wish.take is not None:
                project.choose(number, wish.take)
            elif wish.text is not None:
                narration.edit(project, number, wish.text, cancel=token)
            else:
                narration.redo(project, number, cancel=token)
            return {"sentence": _sentence(project, project.sentence(number))}

        self._forget_made(asker, book)
        try:
            return await self._live.turn(asker, partial(answered, language, changed), token)
        finally:
            token.cancel()

    async def sound(self, language: Language, book: str, number: Number, take: Number, request: Request) -> Response:
        books = self._live.asker(request).session.books
        try:
            data = await to_thread.run_sync(lambda: books.open(book).flac(number, take))
        except VoiceError as error:
            return JSONResponse({"problem": i18n.load(language).error(error)}, 404)
        return Response(data, media_type="audio/flac", headers={"Cache-Control": "private, no-store"})

    # ---------------------------------------------------------------------------------------------------- the result

    async def make(self, language: Language, book: str, wish: Making, request: Request) -> dict[str, Any]:
        asker, token = self._live.asker(request), CancelToken()
        try:
            return await to_thread.run_sync(
                partial(answered, language, partial(self._built, asker, book, wish, token)), abandon_on_cancel=True
            )
        finally:
            token.cancel()

    def _built(self, asker: Asker, book: str, wish: Making, token: CancelToken) -> dict[str, Any]:
        project = asker.session.books.open(book)
        out = sounds.new_place(self._folder, asker.owner) / f"book.{wish.kind}"
        made = asker.session.narration.build(project, out, title=wish.title, author=wish.author, cancel=token)
        found: dict[str, Path] = {wish.kind: out}
        for kind, write in (("srt", subtitles.srt), ("vtt", subtitles.vtt)):
            found[kind] = out.with_suffix(f".{kind}")
            found[kind].write_text(write(made.subtitles), encoding="utf-8")
        self._made[asker.session.user, book] = found
        return {"seconds": made.seconds, "loudness": made.loudness, "chapters": len(made.chapters), "made": [*found]}

    def _forget_made(self, asker: Asker, book: str) -> None:
        """What was made is not what is there now."""
        for path in self._made.pop((asker.session.user, book), {}).values():
            path.unlink(missing_ok=True)

    async def file(self, language: Language, book: str, kind: str, request: Request) -> Response:
        asker = self._live.asker(request)
        path = self._made.get((asker.session.user, book), {}).get(kind)
        try:
            title = asker.session.books.get(book).title
            if path is None or not path.is_file():
                raise MissingError("The file is not here any more.", "Make it again.")
        except VoiceError as error:
            return JSONResponse({"problem": i18n.load(language).error(error)}, 404)
        called = quote(f"{file_name(title)}.{kind}")
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{called}",
            "Cache-Control": "private, no-store",
        }
        return FileResponse(path, media_type=_TYPES.get(kind, "text/plain; charset=utf-8"), headers=headers)

    # ------------------------------------------------------------------------------------------------------ deleting

    def delete(self, language: Language, book: str, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)
        self._halt(asker, book)
        return answered(language, lambda: {"book": self._card(asker, asker.session.books.delete(book))})

    def restore(self, language: Language, book: str, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)
        return answered(language, lambda: {"book": self._card(asker, asker.session.books.delete(book, deleted=False))})


def _chapter(books: Bookshelf, book: str, chapter: int) -> dict[str, Any]:
    project = books.open(book)
    shown = [_sentence(project, each) for each in project.sentences() if each.chapter == chapter]
    about = {key: project.about[key] for key in ("title", "author")}
    doubted = [[each.number, each.chapter, each.doubt] for each in project.sentences(doubted=True)]
    return {"chapters": project.chapters(), "chapter": chapter, "sentences": shown, "doubted": doubted, **about}


def _sentence(project: Any, sentence: Any) -> dict[str, Any]:
    takes = [number for number, _, _, _ in project.takes(sentence.number)] if sentence.takes else []
    return {
        "number": sentence.number,
        "chapter": sentence.chapter,
        "role": sentence.role,
        "text": sentence.text.strip(),
        "pause": sentence.pause,
        "doubt": sentence.doubt,
        "takes": takes,
        "heard": sentence.chosen or (takes[-1] if takes else None),
    }
