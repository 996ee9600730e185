"""Who sent the request that is being answered, and the services as that person sees them."""

from __future__ import annotations

from collections.abc import Callable

from gradio.context import LocalContext
from starlette.requests import Request

from gpt_sovits.errors import RefusedError
from gpt_sovits.services.session import Session
from gpt_sovits.studio import Studio
from gpt_sovits.voices.ids import LOCAL_USER
from webui.asked import owner_of
from webui.fence import user_of

Ask = Callable[[], Session]


def present() -> str:
    """The user of the present request; the local user where nobody signs in."""
    return _name() or LOCAL_USER


def signed_in() -> str:
    """The user of the present request; ``RefusedError`` without one, so that a slip shows nobody's voices."""
    name = _name()
    if not name:
        raise RefusedError("You are not signed in.", "Open the page again.")
    return name


def owner() -> str:
    """Whose the sounds are that are made now: the user's, or where nobody signs in the browser's."""
    request = _request()
    return (owner_of(request) if request else None) or present()


def _name() -> str:
    request = _request()
    return (user_of(request) if request else None) or ""


def _request() -> Request | None:
    """Gradio gives its own request for an event, and the server's for a part of the page that calls back by itself."""
    request = LocalContext.request.get(None)
    inner = request if isinstance(request, Request) else getattr(request, "request", None)
    return inner if isinstance(inner, Request) else None


def asking(studio: Studio, who: Callable[[], str] = present) -> Ask:
    """What gives every handler the services of the person whose request is being answered, and nobody else's."""

    def ask() -> Session:
        return studio.session(who())

    return ask
