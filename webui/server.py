"""Serves the pages on this machine and nowhere else: both languages, behind the guard, files only from one folder."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from gpt_sovits.errors import BusyError, InputError
from webui import i18n
from webui.fence import Fence, user_of
from webui.guard import MAX_UPLOAD, Guard
from webui.page import Page
from webui.reach import names_token
from webui.sessions import Sessions
from webui.turns import Turns

if TYPE_CHECKING:
    from fastapi import FastAPI

    from gpt_sovits.studio import Studio

log = logging.getLogger(__name__)
_PORTS_TO_TRY = 50
_DAY = 24 * 3600.0
SPEAKING = 2  # pieces of speech that are computed at the same time, whoever they are for


def prepare(cache: Path) -> Path:
    """Make a private folder for what the browser uploads and plays, and keep Gradio quiet and at home.

    Gradio reads these from the environment when its parts are made, so this comes before ``create_app``.
    """
    for left in cache.glob("browser-*-*"):
        if _abandoned(left):
            clean(left)
    folder = cache / f"browser-{os.getpid()}-{secrets.token_hex(6)}"
    folder.mkdir(parents=True, mode=0o700)
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_EXAMPLES_CACHE"] = str(folder / "examples")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    return folder


def _abandoned(folder: Path) -> bool:
    """Whether the process that made the folder is gone without having cleaned up."""
    process = int(folder.name.split("-")[1])
    if process == os.getpid():
        return True  # an earlier process with the same number, as in a container
    if os.name != "posix":  # there, asking about a process would end it
        return time.time() - folder.stat().st_mtime > _DAY
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def clean(folder: Path) -> None:
    """Remove what the browser left behind."""
    shutil.rmtree(folder, ignore_errors=True)


def create_app(
    studio: Studio,
    folder: Path,
    *,
    host: str = "127.0.0.1",
    names: Iterable[str] = (),
    users: bool = False,
    token: str = "",
) -> FastAPI:
    """The ASGI app: ``/`` goes to the person's language, ``/en/`` and ``/zh/`` are the pages.

    ``users``: everybody has to sign in first, and sees only what is theirs. ``token``: where nobody has an account,
    everybody has to name it first.
    """
    import gradio as gr  # late: it takes seconds, and reads the environment that ``prepare`` writes
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError
    from gradio.route_utils import FnIndexInferError

    from webui.api import Doors, create_api, refused
    from webui.books import BookRoutes
    from webui.house import HouseRoutes
    from webui.learning import LearningRoutes
    from webui.live import Live
    from webui.mix import MixTab
    from webui.people import PeopleRoutes
    from webui.reading import ReadingRoutes
    from webui.recording import RecordingRoutes
    from webui.tabs import build
    from webui.takes import TakeRoutes
    from webui.theme import CSS_FILES, theme

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(RequestValidationError, unreadable)  # FastAPI's own would say all of it again

    @app.get("/")
    def home(request: Request, language: str = "") -> Response:
        asked = language if language in i18n.LANGUAGES else ""
        place = f"/{asked or i18n.chosen(request)}/"
        answer = RedirectResponse(place, status_code=307, headers={"Cache-Control": "no-store"})
        if asked:
            answer.set_cookie(i18n.COOKIE, asked, max_age=10 * 365 * 24 * 3600, httponly=True, samesite="strict")
        return answer

    turns = {"speech": Turns(SPEAKING), "passphrase": Turns(1)}
    live = Live(studio, users=users, turns=turns["speech"])
    own: tuple[Any, ...] = (
        live,
        ReadingRoutes(live),
        MixTab(live),
        TakeRoutes(live),
        BookRoutes(live, folder),
        RecordingRoutes(live),
    )
    own = (*own, HouseRoutes(live, whole=not users))
    for routes in (*own, LearningRoutes(live), PeopleRoutes(live, folder, turns["passphrase"])):
        app.include_router(routes.router())
    look, pages = theme(), {}
    stumbles = dict.fromkeys(
        (TypeError, ValueError, LookupError, AttributeError, RecursionError, FnIndexInferError), unreadable
    )
    for language in i18n.LANGUAGES:
        page = build(studio, language, folder, users=users, live=live)
        pages[language] = page.sharing(turns)
        app = gr.mount_gradio_app(
            app,
            page,
            path=f"/{language}",
            theme=look,
            css_paths=CSS_FILES,
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            mcp_server=False,
            ssr_mode=False,
            pwa=False,
            show_error=False,
            allowed_paths=[],
            max_file_size=MAX_UPLOAD,
            auth_dependency=user_of if users else None,
            app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None, "exception_handlers": stumbles},
        )
        page.app = app.routes[-1].app  # type: ignore[attr-defined]  # the one that is served
    app.add_middleware(Page)

    def waiting(owner: str) -> int:
        return sum(page.waiting(owner) for page in pages.values())

    def forget(opened: str) -> None:
        for page in pages.values():
            page.forget(opened)

    door: dict[str, Any] = {}
    if users:
        door = {"check": studio.users.sign_in, "sessions": Sessions(studio.users.mark)}
    elif token:
        door = {"check": names_token(token), "sessions": Sessions(lambda user: "named the token"), "named": False}
    app.add_middleware(Fence, folder=folder, waiting=waiting, forget=forget, **door)
    app.add_middleware(Doors, api=create_api(studio, folder, door.get("sessions"), turns["speech"]))
    app.add_middleware(Guard, host=host, names=tuple(names), say=refused)
    return app


def create_headless(
    studio: Studio,
    folder: Path,
    *,
    host: str = "127.0.0.1",
    names: Iterable[str] = (),
    users: bool = False,
    token: str = "",
) -> Starlette:
    """The HTTP doors without any page, for a computer that only serves programs. Where others than this computer can
    ask, or people have accounts, every program needs a token, as there is no page to sign in at."""
    from webui.api import Doors, create_api, refused

    sessions = Sessions(studio.users.mark) if users or token else None
    app = Starlette()
    app.add_middleware(Doors, api=create_api(studio, folder, sessions))
    app.add_middleware(Guard, host=host, names=tuple(names), say=refused)
    return app


async def unreadable(request: Request, error: Exception) -> Response:
    """What a route of the framework stumbles over is a request that no page sends; our handlers do not pass here."""
    log.warning("%s %s could not be read (%s)", request.method, request.url.path[:80], type(error).__name__)
    return JSONResponse({"detail": "This request could not be read."}, 422 if hasattr(error, "errors") else 400)


def listen(host: str, port: int, tries: int = _PORTS_TO_TRY) -> socket.socket:
    """A listening socket on ``port``, or on the next free one of ``tries``. Port 0 lets the system choose."""
    if not 0 <= port <= 65535:
        raise InputError(f"{port} is not a port.", "Choose a number from 1 to 65535.")
    last: OSError | None = None
    for candidate in range(port, min(port + tries, 65536)) if port else (0,):
        try:
            return _bound(host, candidate)
        except PermissionError as error:
            raise InputError(
                f"The system does not let this program use port {candidate}.", "Choose 1024 or more."
            ) from error
        except socket.gaierror as error:
            raise InputError(f"{host} is not an address of this computer.", "Use 127.0.0.1.") from error
        except OSError as error:
            last = error
    raise BusyError(f"No port from {port} to {port + tries - 1} is free on {host}.", "Choose another --port.") from last


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # on Windows this option would share a port that is in use
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made
