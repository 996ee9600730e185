"""The way from a recording to a job, over HTTP: what is recorded, typed and corrected is kept as it arrives.

GET    <language>/own/intake                    all of it: the form, the clips, the look over it
PUT    <language>/own/intake/form               values that changed
POST   <language>/own/intake/clips              {"kind", ...} -> {"clip"}
POST   <language>/own/intake/clips/<id>         {"at", "data" (base64), "done"} -> {"received"}
DELETE <language>/own/intake/clips/<id>         for a day it can be brought back:
POST   <language>/own/intake/clips/<id>/restore
GET    <language>/own/intake/clips/<id>/hear
POST   <language>/own/intake/verdict            is this recording good enough?
POST   <language>/own/intake/pieces             cut up, and matched with its words: see ``shown_review``
POST   <language>/own/intake/pieces/<n>         {"text", "language" or "kept"}
GET    <language>/own/intake/pieces/<n>/hear    also: picture, before, after
POST   <language>/own/intake/away               start over; <...>/back undoes it
POST   <language>/own/intake/learn              -> {"job"}, or {"problems"} by field

No route takes a path, and each answers for the person who asks alone.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
import threading
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Body, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from gpt_sovits.audio import wav_bytes
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.jobs.intake import MOST_PIECE, Clip, Intake
from gpt_sovits.jobs.review import PAGE
from gpt_sovits.jobs.submission import MAX_SCRIPT
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.services.session import Session
from gpt_sovits.voices.consent import Consent
from webui import i18n
from webui.live import Language, Live, Number, answered
from webui.review import LANGUAGES, row, shown_review

PRIVATE = {"Cache-Control": "private, no-store"}


class Form(BaseModel):
    """What is typed and chosen. ``voice``: the id of a voice that learns anew; ``own``: it is the asker's; ``decides``:
    it is somebody's for whom the asker decides, for the reason in ``authority``."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(default="", max_length=200)
    passage: str = Field(default="", max_length=64)
    text: str = Field(default="", max_length=MAX_SCRIPT)
    language: str = Field(default="auto", max_length=8)
    who: str = Field(default="", max_length=200)
    purpose: str = Field(default="", max_length=500)
    own: bool = True
    decides: bool = False
    authority: str = Field(default="", max_length=500)
    agreed: bool = False
    voice: str = Field(default="", max_length=64)
    by_itself: bool = True


class Begun(BaseModel):
    """A new clip, see ``Intake.begin``."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["spoken", "file", "permission"]
    name: str = Field(default="", max_length=200)
    passage: str = Field(default="", max_length=64)
    sentence: int = Field(default=0, ge=0, le=10_000)
    text: str = Field(default="", max_length=MAX_SCRIPT)
    rate: int = 0
    size: int = 0


class Piece(BaseModel):
    """Bytes of a clip from ``at`` on; ``done``: they are the last ones."""

    model_config = ConfigDict(extra="forbid")
    at: int = Field(ge=0)
    data: str = Field(default="", max_length=MOST_PIECE * 4 // 3 + 4)
    done: bool = False


class Correction(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str | None = None
    language: str | None = None
    kept: bool | None = None


class RecordingRoutes:
    """The routes; ``live`` knows who asks."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._looking: dict[str, threading.Lock] = {}  # by person: one look over a recording at a time
        self._handing_in: dict[str, threading.Lock] = {}
        self._one = CapacityLimiter(1)

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own/intake")
        for place, method, route in (
            ("", "GET", self.all), ("/form", "PUT", self.form), ("/clips", "POST", self.begin),
            ("/clips/{clip}", "POST", self.piece), ("/clips/{clip}", "DELETE", self.drop),
            ("/clips/{clip}/restore", "POST", self.restore), ("/clips/{clip}/hear", "GET", self.hear),
            ("/verdict", "POST", self.verdict), ("/pieces", "POST", self.pieces),
            ("/pieces/{number}", "POST", self.correct), ("/pieces/{number}/hear", "GET", self.hear_piece),
            ("/picture", "GET", self.picture), ("/heard/{which}", "GET", self.heard),
            ("/away", "POST", self.away), ("/back", "POST", self.back), ("/learn", "POST", self.learn),
        ):  # fmt: skip
            routes.add_api_route(place, route, methods=[method], response_model=None)
        return routes

    def _session(self, request: Request) -> Session:
        return self._live.asker(request).session

    # ------------------------------------------------------------------------------------------------------- handing in

    def all(self, language: Language, request: Request) -> dict[str, Any]:
        session = self._session(request)
        intake = session.jobs.intake

        def found() -> dict[str, Any]:
            return {
                "form": untouched(form_of(intake)).model_dump(),
                "clips": [card(clip) for clip in intake.clips()],
                "chosen": [clip.id for clip in intake.chosen()],
                "review": shown_review(session, i18n.load(language), self._review(session)),
                "away": intake.is_away(),
                "passages": passages(session, language),
                "free": session.jobs.writes_down(),
            }

        return answered(language, found)

    def form(
        self, language: Language, change: Annotated[dict[str, Any], Body()], request: Request
    ) -> JSONResponse | dict[str, Any]:
        try:
            checked = Form(**change).model_dump(include=set(change))
        except ValueError:
            return JSONResponse({"detail": "This form cannot be read."}, 422)
        return answered(language, partial(self._session(request).jobs.intake.write_form, checked))

    def begin(self, language: Language, wish: Begun, request: Request) -> dict[str, Any]:
        intake = self._session(request).jobs.intake
        return answered(language, lambda: {"clip": card(intake.begin(**wish.model_dump()))})

    def piece(self, language: Language, clip: str, piece: Piece, request: Request) -> JSONResponse | dict[str, Any]:
        intake = self._session(request).jobs.intake
        try:
            data = base64.b64decode(piece.data, validate=True)
        except (binascii.Error, ValueError):
            return JSONResponse({"detail": "This piece cannot be read."}, 422)

        def added() -> dict[str, Any]:
            received = intake.append(clip, piece.at, data)
            if piece.done and received == piece.at + len(data):
                intake.finish(clip)
            return {"received": received}

        return answered(language, added)

    def drop(self, language: Language, clip: str, request: Request) -> dict[str, Any]:
        return answered(language, lambda: {"clip": card(self._session(request).jobs.intake.drop(clip))})

    def restore(self, language: Language, clip: str, request: Request) -> dict[str, Any]:
        return answered(language, lambda: {"clip": card(self._session(request).jobs.intake.restore(clip))})

    def hear(self, language: Language, clip: str, request: Request) -> Response:
        def sent() -> Response:
            path = self._session(request).jobs.intake.path(clip)
            kind = mimetypes.guess_type(path.name)[0] or ""  # what somebody named x.html is no page
            media = kind if kind.startswith(("audio/", "video/")) else "application/octet-stream"
            return FileResponse(path, media_type=media, headers=PRIVATE)

        return _file(language, sent)

    def away(self, language: Language, request: Request) -> dict[str, Any]:
        return answered(language, self._session(request).jobs.intake.put_away)

    def back(self, language: Language, request: Request) -> dict[str, Any]:
        return answered(language, self._session(request).jobs.intake.bring_back)

    # -------------------------------------------------------------------------------------------------- looking it over

    async def verdict(self, language: Language, request: Request) -> dict[str, Any]:
        """What is wrong with the sound, within a second or two; the words are looked at later."""
        intake, words = self._session(request).jobs.intake, i18n.load(language)

        def judged() -> dict[str, Any]:
            found = intake.judged()
            return {"verdict": found.verdict, "advice": [words.sentence(each.advice) for each in found.problems]}

        return await to_thread.run_sync(partial(answered, language, judged))

    async def pieces(self, language: Language, request: Request) -> dict[str, Any]:
        """The recording cut up and matched with its words; what was looked over before is not done again."""
        session = self._session(request)
        lock = self._looking.setdefault(session.user, threading.Lock())

        def looked() -> dict[str, Any]:
            with lock:
                draft = self._review(session) or self._prepared(session)
                return {"review": shown_review(session, i18n.load(language), draft)}

        return await to_thread.run_sync(partial(answered, language, looked), limiter=self._one)

    @staticmethod
    def _prepared(session: Session) -> str:
        jobs = session.jobs
        script, signature = jobs.intake.script(), jobs.intake.signature()
        draft = jobs.reviews.prepare(
            jobs.intake.recording(), script=script, language=language_of(session), base=session.models.chosen, by=PAGE
        )
        jobs.intake.write_form({"review": {"draft": draft.id, "of": signature}})
        return draft.id

    @staticmethod
    def _review(session: Session) -> str:
        """The draft of what lies here now; "" where there is none, or it was made from something else."""
        intake = session.jobs.intake
        kept = intake.form().get("review")
        return str(kept["draft"]) if isinstance(kept, dict) and kept.get("of") == intake.signature() else ""

    async def correct(self, language: Language, number: Number, change: Correction, request: Request) -> dict[str, Any]:
        session, words = self._session(request), i18n.load(language)

        def corrected() -> dict[str, Any]:
            asked = change.model_dump(exclude_none=True)
            if asked.get("language", "auto") not in LANGUAGES:
                raise InputError(words("review.unknown_language"))
            return {"row": row(words, session.jobs.reviews.correct(self._review(session), number, **asked))}

        return await to_thread.run_sync(partial(answered, language, corrected))

    def hear_piece(self, language: Language, number: Number, request: Request) -> Response:
        session = self._session(request)
        return _file(
            language, lambda: FileResponse(session.jobs.reviews.sound(self._review(session), number), headers=PRIVATE)
        )

    def picture(self, language: Language, request: Request) -> Response:
        session = self._session(request)

        def drawn() -> Response:
            return Response(
                session.jobs.reviews.picture(self._review(session)), media_type="image/png", headers=PRIVATE
            )

        return _file(language, drawn)

    def heard(self, language: Language, which: Literal["before", "after"], request: Request) -> Response:
        session = self._session(request)

        def cleaned() -> Response:
            both = session.jobs.reviews.before_and_after(self._review(session))
            return Response(wav_bytes(both[which == "after"]), media_type="audio/wav", headers=PRIVATE)

        return _file(language, cleaned)

    # --------------------------------------------------------------------------------------------------------- learning

    async def learn(self, language: Language, request: Request) -> dict[str, Any]:
        """Queue the training of what lies here; it moves into the job."""
        session, words = self._session(request), i18n.load(language)

        lock = self._handing_in.setdefault(session.user, threading.Lock())

        def queued() -> dict[str, Any]:
            with lock:  # who presses twice gets one
                return made()

        def made() -> dict[str, Any]:
            form = form_of(session.jobs.intake)
            problems = missing(session, words, form)
            if problems:
                return {"problems": problems}
            intake = session.jobs.intake
            taken = intake.clips()
            consent = consent_of(words, form)
            wish = TrainingRequest(
                form.name, intake.recording(), consent, script=intake.script(), language=language_of(session),
                draft=self._review(session), statement=None if form.own else intake.permission(), voice_id=form.voice,
            )  # fmt: skip
            job = session.jobs.create(wish)
            intake.clear(taken)
            return {"job": job}

        return await to_thread.run_sync(partial(answered, language, queued))


def form_of(intake: Intake) -> Form:
    """What was typed, without what cannot be read."""
    found: dict[str, Any] = {}
    for key, value in intake.form().items():
        try:
            found |= Form(**{key: value}).model_dump(include={key})
        except ValueError:  # damaged, or not the form's
            continue
    return Form(**found)


def decides(form: Form) -> bool:
    """Whether the asker decides for the person whose voice it is."""
    return form.decides and not form.own


def consent_of(words: i18n.Words, form: Form) -> Consent:
    """What was ticked, in the words that stood there."""
    if form.own:
        return Consent(form.who, form.purpose, words("create.consent"))
    if not form.decides:
        return Consent(form.who, form.purpose, words("create.consent_other"), own=False)
    return Consent(form.who, form.purpose, words("create.consent_decides"), own=False, authority=form.authority)


def untouched(form: Form) -> Form:
    """The form without a purpose that nobody wrote: the page fills it in, in its own language."""
    offered = {i18n.load(code)("create.purpose_value") for code in i18n.LANGUAGES}
    return form.model_copy(update={"purpose": ""}) if form.purpose in offered else form


def missing(session: Session, words: i18n.Words, form: Form) -> dict[str, str]:
    """What still has to be filled in, by field, all at once."""
    intake = session.jobs.intake
    asked = {
        "record": bool(intake.chosen()),
        "name": bool(form.name.strip() or form.voice),
        "who": bool(form.who.strip()),
        "purpose": bool(form.purpose.strip()),
        "authority": bool(form.authority.strip()) or not decides(form),
        "permission": form.own or intake.permission() is not None,
        "agreed": form.agreed,
    }
    said = {
        "record": words("create.need_recording"),
        "name": words("create.need_name"),
        "who": words("create.need_who"),
        "purpose": words("create.need_purpose"),
        "authority": words("create.need_authority"),
        "permission": words("create.need_statement") if decides(form) else words("create.need_permission"),
        "agreed": words("create.need_consent"),
    }
    return {field: said[field] for field, given in asked.items() if not given}


def passages(session: Session, language: str) -> list[dict[str, str]]:
    """What can be read aloud, in the page's language first."""
    scripts = sorted(session.jobs.scripts(), key=lambda script: script.language != language)
    return [{**asdict(script), "tongue": i18n.LANGUAGES[script.language]} for script in scripts]


def language_of(session: Session) -> str:
    """The language of what was read: of the passages, where nothing else was."""
    passages = {script.id: script.language for script in session.jobs.scripts()}
    found = {passages.get(clip.passage, "") for clip in session.jobs.intake.chosen()}
    if len(found) == 1 and "" not in found:
        return found.pop()
    return str(session.jobs.intake.form().get("language") or "auto")


def card(clip: Clip) -> dict[str, Any]:
    """A clip as the page shows it."""
    shown = ("id", "kind", "name", "passage", "sentence", "size", "done", "received", "seconds", "text")
    return {name: getattr(clip, name) for name in shown}


def _file(language: str, made: Callable[[], Response]) -> Response:
    try:
        return made()
    except VoiceError as error:
        return JSONResponse({"problem": i18n.load(language).error(error)}, 404)
