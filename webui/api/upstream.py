"""A door for programs that were written for upstream's ``api_v2``: its addresses and forms, with voices by name.

Where such a program sends the path of a file (a reference, weights), the name in it is looked for among the voices;
no file is ever opened. It is off unless asked for, listens on this computer only, speaks for the one local user, and
can do nothing but speak. Programs that run in a browser reach it from the pages (origins) that were named, and from no
other one.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gpt_sovits.errors import InputError, MissingError, RefusedError, VoiceError
from gpt_sovits.studio import Studio
from gpt_sovits.versions import EMBEDDED
from gpt_sovits.voices.manifest import VoiceCard
from gpt_sovits.voices.voice import Voice
from webui import i18n
from webui.api import bounded
from webui.api.callers import Caller, Limits
from webui.api.openai import Manner, Sampling, spoken
from webui.api.speaking import Speaker
from webui.guard import STOPPING, Guard, until_stopped
from webui.server import listen
from webui.wire import Wire

PORT = 9880
_MOST_MORE = 7  # further references
_FORMATS = {"wav": "wav", "raw": "raw", "ogg": "ogg", "aac": "aac", "mp3": "mp3", "flac": "flac"}
_YES = frozenset(("true", "ture", "yes", "on"))  # "ture": as Open-LLM-VTuber sends it
_LANGUAGES = {"all_zh": "zh", "all_yue": "yue", "all_ja": "ja", "all_ko": "ko", "auto_yue": "auto_yue"}
# What such programs send without anybody having chosen it: the voice's own model then draws in its own way, and the
# embedded one cuts in its own (of clauses one by one Whisper understood 81 of 128 Chinese characters, of ours 100).
_USUAL_CUT = "cut5"
_USUAL = {"top_k": (15, 5), "top_p": (1,), "temperature": (1,), "repetition_penalty": (1.35,)}


class _Manner(Manner):
    """Upstream's words as ours."""

    response_format: Any = "wav"
    cut: Any = ""
    mark: Any = False

    def way(self) -> str:
        return self.stream_format or "whole"


def create_upstream(studio: Studio, *, origins: Collection[str] = ()) -> ASGIApp:
    """The ASGI app for ``PORT``. ``origins``: pages of other programs of this computer that may ask, as
    "http://127.0.0.1:8000". ``InputError`` where people sign in: nobody could say who asks."""
    if studio.users.names():
        raise InputError("The door for upstream's programs has no sign-in.", "Let them use /v1 with a token.")
    for origin in origins:
        if not re.fullmatch(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", origin):
            raise InputError(f"{origin[:80]!r} is no page of this computer.", "Write it as http://127.0.0.1:8000.")
    app = FastAPI(title="api_v2", docs_url=None, redoc_url=None, openapi_url=None)
    door = _Door(studio)
    app.state.speaker = Speaker()
    for path in ("/tts", "/"):
        app.add_api_route(path, door.speak, methods=["GET", "POST"] if path == "/tts" else ["POST"])
    for name in ("set_gpt_weights", "set_sovits_weights", "set_refer_audio"):
        app.add_api_route(f"/{name}", door.choose, methods=["GET"])
    app.add_api_route("/speakers", door.speakers, methods=["GET"])
    app.add_exception_handler(VoiceError, _failed)
    app.add_exception_handler(HTTPException, _failed)
    app.add_middleware(CORSMiddleware, allow_origins=list(origins), allow_methods=["GET", "POST"], allow_headers=["*"])
    return _Near(app, origins)


@contextmanager
def serving(studio: Studio, port: int, *, origins: Collection[str] = ()) -> Iterator[int]:
    """The door for as long as it is wanted, in a thread of its own; gives its port. ``BusyError`` for one in use."""
    import uvicorn

    app = create_upstream(studio, origins=origins)
    bound = listen("127.0.0.1", port, tries=1)
    server = uvicorn.Server(uvicorn.Config(app, http=Wire, log_level="warning", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        yield int(bound.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        bound.close()


class _Near:
    """The guard, which lets the pages through that were named; nobody else's request is read."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app, self._guarded, self._origins = app, Guard(app, say=_refused), frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._guarded(scope, receive, send)
            return
        request = Request(scope, receive)
        named = request.headers.get("origin") in self._origins
        site = request.headers.get("sec-fetch-site", "none")
        if not named and site not in ("none", "same-origin"):
            await _refused(request, "This request came from another web page.")(scope, receive, send)
            return
        if named:  # the origin was looked at; the host still has to be ours
            headers = [(n, v) for n, v in scope["headers"] if n not in (b"origin", b"sec-fetch-site")]
            if Guard(self._app).refusal(Request({**scope, "headers": headers}).headers, scope["path"]):
                named = False
        if named:
            await until_stopped(self._app, scope, bounded(receive), send, _refused)
        else:
            await self._guarded(scope, bounded(receive), send)


class _Door:
    """``_chosen``: the id of the voice that the last request for weights named."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._limits, self._chosen = studio, Limits(), ""

    def _caller(self) -> Caller:
        if self._studio.users.names():
            raise RefusedError("People sign in here now.", "Let programs use /v1 with a token.")
        self._limits.count("")
        return Caller(self._studio.session(), "", self._limits)

    async def speak(self, request: Request) -> Response:
        asked = await _asked(request)
        caller = self._caller()
        text = str(asked.get("text") or "")
        if not text.strip():
            raise InputError("The text is missing.", "Send it as text.")
        card = await to_thread.run_sync(self._voice, caller, str(asked.get("ref_audio_path") or ""))
        manner = _manner(asked, card.base)
        return await spoken(request, caller, manner, text, partial(_loaded, caller, card, asked))

    async def choose(self, request: Request) -> Response:
        """Weights or a reference by name: from now on that voice speaks where a request names none."""
        query = request.query_params
        named = query.get("weights_path") or query.get("refer_audio_path") or ""
        caller = self._caller()
        self._chosen = (await to_thread.run_sync(_named, caller, named)).id
        return JSONResponse({"message": "success"})

    async def speakers(self) -> list[dict[str, str]]:
        cards = await to_thread.run_sync(self._caller().cards)
        return [{"name": card.name, "voice_id": card.name} for card in cards]

    def _voice(self, caller: Caller, named: str) -> VoiceCard:
        try:
            if named:
                return _named(caller, named)
        except MissingError:
            if not self._chosen:
                raise
        cards = caller.cards()
        found = next((card for card in cards if card.id == self._chosen), cards[0] if cards else None)
        if found is None:
            raise MissingError("There is no voice yet.", "Make one in the studio.")
        return found


def _loaded(caller: Caller, card: VoiceCard, asked: Mapping[str, Any]) -> Voice:
    """The voice; with further references that are voices' names its timbre is the middle of all, as upstream's is."""
    more = asked.get("aux_ref_audio_paths") or ()
    ids = [card.id]
    for path in [more] if isinstance(more, str) else list(more)[:_MOST_MORE] if isinstance(more, list | tuple) else ():
        with suppress(MissingError):  # upstream leaves out what it does not find
            ids.append(_named(caller, str(path)).id)
    ids = list(dict.fromkeys(ids))
    if len(ids) == 1:
        return caller.session.voices.load(card.id)
    return caller.session.voices.blend(ids, [1.0] * len(ids), manners=[1.0, *[0.0] * (len(ids) - 1)])


def _named(caller: Caller, path: str) -> VoiceCard:
    """The voice whose name stands in a path: as its file without the ending, or as a folder on the way to it.

    Upstream's names of weights end in epochs and steps (Ana-e15.ckpt, Ana_e8_s200.pth), which say nothing here.
    """
    parts = [part for part in PurePosixPath(path.replace("\\", "/")).parts if part not in ("/", ".", "..")]
    stem = parts[-1].rpartition(".")[0] or parts[-1] if parts else ""
    for name in (path, *parts[-1:], stem, re.sub(r"[-_]e\d+(_s\d+)?(_l\d+)?$", "", stem), *reversed(parts[:-1])):
        try:
            return caller.voice(name)
        except VoiceError:
            continue
    raise MissingError(f"There is no voice named {stem[:80]!r}.", "Put a voice's name where the path is expected.")


async def _asked(request: Request) -> Mapping[str, Any]:
    if request.method == "GET":
        return dict(request.query_params)
    try:
        body = json.loads(await request.body())
        json.dumps(body, ensure_ascii=False).encode()  # half a character is none
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise InputError("The request is no JSON object.", "Send text, text_lang and the name of a voice.")
    return body


def _manner(asked: Mapping[str, Any], base: str) -> _Manner:
    language = str(asked.get("text_lang") or "auto").lower()
    kind = str(asked.get("media_type") or "wav").lower()
    if kind not in _FORMATS:
        raise InputError(f"Sound cannot be written as {kind[:40]!r}.", f"Please use one of: {', '.join(_FORMATS)}.")
    stream = str(asked.get("streaming_mode") or "").strip().lower()
    streaming = stream in _YES or (stream.isdecimal() and int(stream[:9]) > 0)
    seed = int(_number(asked, "seed", -1))
    cut = str(asked.get("text_split_method") or "")
    numbers = {name: _number(asked, name, usual[0]) for name, usual in _USUAL.items()}
    wished: Any = {n: int(x) if n == "top_k" else x for n, x in numbers.items() if x not in _USUAL[n]}
    return _Manner(
        cut="" if cut == _USUAL_CUT and base == EMBEDDED else cut,
        sampling=Sampling.model_construct(**wished),
        language=_LANGUAGES.get(language, language)[:20],
        speed=_number(asked, "speed_factor", _number(asked, "speed", 1.0)),
        pause=_number(asked, "fragment_interval", 0.3),
        seed=seed if 0 <= seed < 2**53 else None,
        response_format=_FORMATS[kind],
        stream_format="audio" if streaming else None,
    )


def _number(asked: Mapping[str, Any], name: str, usual: float) -> float:
    value = asked.get(name)
    try:
        number = usual if value in (None, "") else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not -1e15 < number < 1e15:
        raise InputError(f"{name} is not a number.", "Leave it out, or send a number.")
    return number


async def _failed(request: Request, error: Exception) -> JSONResponse:
    """As upstream says it: 400 with a message; what stopped it stands under Exception."""
    if isinstance(error, HTTPException):
        status = error.status_code
        return _said(request, MissingError("There is nothing at this address."), status)
    assert isinstance(error, VoiceError)
    return _said(request, error, getattr(error, "status", 400))


def _refused(request: Request, reason: str) -> JSONResponse:
    return _said(request, RefusedError(reason), 503 if reason == STOPPING else 403)


def _said(request: Request, error: VoiceError, status: int) -> JSONResponse:
    said = i18n.load(i18n.chosen(request)).error(error)
    return JSONResponse({"message": said, "Exception": said}, status)
