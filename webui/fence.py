"""Keeps people and browsers apart: signing in, and whose files, sessions and uploads are whose.

Behind it every request has an owner, in ``scope[OWNER]``: the user where people sign in (also ``scope[USER]``),
otherwise the browser, which a cookie tells. What one uploads or hears is served to no other, and no request may name a
file or an address that was not made for its owner, though the pages' framework would take and give any file.
"""

from __future__ import annotations

import hashlib
import html
import json
import logging
import re
import secrets
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gpt_sovits.errors import BusyError, VoiceError
from gpt_sovits.storage import sounds
from gpt_sovits.storage.accounts import asking_from
from webui import i18n
from webui.asked import OWNER, files_in, texts_in
from webui.plain import plain_page
from webui.sessions import Sessions
from webui.uploads import Uploads

log = logging.getLogger(__name__)

USER = "studio_user"  # key of the scope
COOKIE = "studio-session"
BROWSER = "studio-browser"  # the cookie of a browser where nobody signs in
_UPLOADS = frozenset(f"/{language}/gradio_api/upload" for language in i18n.LANGUAGES)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
MOST_WAITING = 16  # of one owner: wishes that have not ended
MOST_OPEN = 128  # of one owner: requests at once, those that listen included
_MOST_PAGES = 64  # of one owner: opened pages that are remembered
_MOST_OWNERS = 4096
_MOST_SIGNING_IN = 20
_MAX_FORM = 8 * 2**10
_MAX_JSON = 16 * 2**20
_MAX_NAMES = 10_000  # of one user
_LONGEST_NAME = 200
# The part of an address behind "#" is never sent; with it the start's own address signs in by itself.
_FROM_THE_ADDRESS = """<script>if (location.hash.length > 1) {
document.querySelector('input').value = decodeURIComponent(location.hash.slice(1));
history.replaceState(null, '', location.pathname);
document.querySelector('form').submit();}</script>"""


class Fence:
    """ASGI middleware. ``check(name, password)`` returns the user or raises; ``folder`` holds the pages' sounds.

    Without ``check`` and ``sessions`` nobody signs in; unless ``named``, people sign in with a token and no name.
    ``waiting(owner)``: how many of an owner's wishes have not ended; ``forget(page)`` is told of an owner's oldest.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        folder: Path,
        check: Callable[[str, str], str] | None = None,
        sessions: Sessions | None = None,
        named: bool = True,
        waiting: Callable[[str], int] = lambda owner: 0,
        forget: Callable[[str], object] = lambda page: None,
    ) -> None:
        self._app = app
        self._check = check
        self._sessions = sessions
        self._page = partial(_page, named=named)
        self._folder = folder
        self._waiting, self._forget = waiting, forget
        self._signing_in, self._two = 0, CapacityLimiter(2)
        self._uploads = Uploads(folder)
        self._owners: dict[str, str] = {}  # of the pages' sessions, events and uploads
        self._names: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()  # of each; what was used last at the end
        self._pages: dict[str, OrderedDict[str, None]] = {}
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":  # the pages use none
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        if self._sessions is None:
            token = request.cookies.get(BROWSER, "")
            if not _TOKEN.fullmatch(token):
                token = secrets.token_urlsafe(32)
                send = _with_cookie(token, request.url.scheme == "https", send)
            await self._pass(_owner_of(token), scope, request, send)
            return
        if scope["path"] in ("/sign-in", "/sign-out"):
            answer = await (self._sign_in(request) if scope["path"] == "/sign-in" else self._sign_out(request))
            await answer(scope, receive, send)
            return
        user = self._sessions.user(request.cookies.get(COOKIE, ""))
        if user is None:
            page = scope["method"] == "GET" and scope["path"].strip("/") in ("", *i18n.LANGUAGES)
            refusal = RedirectResponse("/sign-in", 303) if page else PlainTextResponse("Please sign in.", 401)
            refusal.headers["Cache-Control"] = "no-store"
            await refusal(scope, receive, send)
            return
        await self._pass(user, {**scope, USER: user}, request, send)

    async def _pass(self, owner: str, scope: Scope, request: Request, send: Send) -> None:
        """Let a request of ``owner`` through, unless there are too many of them."""
        if self._open[owner] >= MOST_OPEN:
            await PlainTextResponse("Too many of your pages are open.", 503)(scope, request.receive, send)
            return
        self._open[owner] += 1
        try:
            await self._pass_one(owner, scope, request, send)
        except RuntimeError as error:  # an answer that had begun, to a request for what is not there
            if not isinstance(error.__cause__, HTTPException):
                raise
            log.warning("%s ended early (%s)", request.url.path[:80], error.__cause__.status_code)
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    async def _pass_one(self, owner: str, scope: Scope, request: Request, send: Send) -> None:
        """Let a request through, unless it names what is not the owner's."""
        upload = scope["method"] == "POST" and scope["path"] in _UPLOADS
        body = b"" if upload else await _read(request, _MAX_JSON)
        if body is None or not self._may(owner, request, body):
            await PlainTextResponse("There is no such thing.", 404)(scope, request.receive, send)
            return
        asks = scope["method"] == "POST" and _route(scope).startswith(("queue/join", "call/"))
        if asks and self._waiting(owner) >= MOST_WAITING:
            await JSONResponse({"detail": "Too much of yours is waiting."}, 503)(scope, request.receive, send)
            return
        scope = {**scope, OWNER: owner}
        if upload:
            await self._uploads.take(owner, request, partial(self._app, scope), self._claiming(owner, send))
            return
        await self._app(scope, _again(body, request.receive), self._claiming(owner, send) if asks else send)

    # ------------------------------------------------------------------------------------------------ whose is what

    def _may(self, user: str, request: Request, body: bytes) -> bool:
        scope = request.scope
        try:
            given = json.loads(body) if body else None
            words = list(texts_in(given))
            files = list(files_in(given, _hosts(request)))
        except (ValueError, RecursionError):
            return False  # the pages send nothing but JSON, whatever type the request gives it
        names, asked = _asked(_route(scope), scope["method"] == "POST")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        names += [name for key in ("session_hash", "upload_id") for name in query.get(key, [])]
        names += [text for key, text in words if key in ("session_hash", "event_id")]
        if any(len(name) > _LONGEST_NAME for name in names):
            return False
        if not all(sounds.may_read(self._folder, user, Path(file)) for file in asked + files):
            return False
        if not all(self._owner(name, user) == user for name in names):
            return False
        for page in {text for key, text in words if key == "session_hash"}:
            self._opened(page, user)
        return True

    def _opened(self, page: str, user: str) -> None:
        """Of each owner the pages used last are remembered: the pages' framework keeps some 100 kB of each for ever."""
        pages = self._pages.setdefault(user, OrderedDict())
        pages[page] = None
        pages.move_to_end(page)
        while len(pages) > _MOST_PAGES:
            self._forget(pages.popitem(last=False)[0])

    def _owner(self, name: str, user: str) -> str:
        """Whose a name of the page is: it belongs to who used it first, and nobody's names push out another's."""
        owner = self._owners.setdefault(name, user)
        names = self._names.setdefault(owner, OrderedDict())
        self._names.move_to_end(owner)
        while len(self._names) > _MOST_OWNERS:  # browsers of long ago
            left, gone = self._names.popitem(last=False)
            self._pages.pop(left, None)
            for each in gone:
                del self._owners[each]
        names[name] = None
        names.move_to_end(name)
        while len(names) > _MAX_NAMES:
            del self._owners[names.popitem(last=False)[0]]
        return owner

    def _claiming(self, user: str, send: Send) -> Send:
        """Read the answer, the list of where the uploaded files lie or the id of an event, and remember whose it is."""
        held: list[Message] = []

        async def claim(message: Message) -> None:
            held.append(message)
            if message["type"] == "http.response.start" or message.get("more_body"):
                return
            try:
                answer = json.loads(b"".join(each.get("body", b"") for each in held))
            except ValueError:
                answer = None
            for place in answer if isinstance(answer, list) else []:
                sounds.claim(self._folder, user, Path(str(place)))
            if isinstance(answer, dict) and "event_id" in answer:
                self._owner(str(answer["event_id"]), user)
            for each in held:
                await send(each)

        return claim

    # ------------------------------------------------------------------------------------------------------ sign-in

    async def _sign_in(self, request: Request) -> Response:
        assert self._sessions is not None and self._check is not None
        words = i18n.load(i18n.chosen(request))
        if self._sessions.user(request.cookies.get(COOKIE, "")):
            return RedirectResponse("/", 303)
        if request.method != "POST":
            return self._page(words, "")
        body = await _read(request, _MAX_FORM)
        fields = parse_qs((body or b"").decode("utf-8", "replace"))
        name, password = (fields.get(key, [""])[0] for key in ("name", "password"))
        if self._signing_in >= _MOST_SIGNING_IN:
            return self._page(
                words, words.error(BusyError("Many people are signing in.", "Try again in a minute.")), 503
            )
        self._signing_in += 1
        asking_from.set(request.client.host if request.client else "")
        try:
            user = await to_thread.run_sync(self._check, name.strip(), password, limiter=self._two)
        except VoiceError as error:
            return self._page(words, words.error(error), 403)
        finally:
            self._signing_in -= 1
        answer = RedirectResponse("/", 303, headers={"Cache-Control": "no-store"})
        secure = request.url.scheme == "https"
        token = self._sessions.begin(user)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure)
        return answer

    async def _sign_out(self, request: Request) -> Response:
        assert self._sessions is not None
        if request.method != "POST":
            return RedirectResponse("/", 303)
        self._sessions.end(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/sign-in", 303, headers={"Clear-Site-Data": '"cache"'})
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer


async def _read(request: Request, most: int) -> bytes | None:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                return None
    except ClientDisconnect:  # the page was left while it sent
        return None
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Give the body once more to who comes next."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _with_cookie(token: str, secure: bool, send: Send) -> Send:
    """Tell the browser who it is, with the answer."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer = Response()
            answer.set_cookie(BROWSER, token, httponly=True, samesite="strict", secure=secure)
            MutableHeaders(scope=message).append("set-cookie", answer.headers["set-cookie"])
        await send(message)

    return told


def _owner_of(token: str) -> str:
    """The name of a browser: it cannot be the name of a user's folder unless somebody finds a hash's origin."""
    return "b" + hashlib.sha256(token.encode()).hexdigest()[:31]


def _route(scope: Scope) -> str:
    """What a request asks of the pages' framework, such as "queue/join"; empty for anything else."""
    return str(scope["path"]).partition("/gradio_api/")[2].lstrip("/")


def _asked(route: str, posted: bool) -> tuple[list[str], list[str]]:
    """The names and the files in a route."""
    kind, _, rest = route.partition("/")
    if kind in ("heartbeat", "stream"):
        return [rest.split("/")[0]], []
    if kind == "call" and not posted:  # its last part is an event, or the session of one
        return [rest.rstrip("/").rpartition("/")[2]], []
    if kind == "file":
        return [], [rest]
    return [], [route.removeprefix("file=")] if route.startswith("file=") else []


def _hosts(request: Request) -> set[str]:
    """What this server is called in the addresses that it gave the browser."""
    return {"", *request.headers.getlist("host"), *request.headers.getlist("x-forwarded-host")}


def _page(words: i18n.Words, trouble: str, status: int = 200, *, named: bool = True) -> Response:
    keys = ("name", "password", "token", "button", "text", "token_text")
    said = {key: html.escape(words(f"signin.{key}")) for key in keys}
    notice = f'<p class="problem" role="alert">{html.escape(trouble)}</p>' if trouble else ""
    title = html.escape(words("app.title"))
    password = '<input name="password" type="password" autocomplete="current-password" required'
    if named:
        text = said["text"]
        fields = f"""<label>{said["name"]}<input name="name" autocomplete="username" required autofocus maxlength="32">
</label><label>{said["password"]}{password}></label>"""
    else:
        text, fields = said["token_text"], f"<label>{said['token']}{password} autofocus></label>"
    form = f"""<form method="post" action="/sign-in"><h1>{title}</h1><p>{text}</p>{notice}
{fields}<button>{said["button"]}</button></form>{"" if named or trouble else _FROM_THE_ADDRESS}"""
    return plain_page(words, form, status=status)


def user_of(request: Any) -> str | None:
    """The user whom the fence let through; what Gradio asks for each of its requests."""
    found = request.scope.get(USER)
    return str(found) if found else None
