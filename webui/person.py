"""Who sent the request that is being answered, and the studio as that person sees it."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

from gradio.context import LocalContext
from starlette.requests import Request

from gpt_sovits.errors import RefusedError
from gpt_sovits.studio import LOCAL_USER
from webui.asked import owner_of
from webui.fence import user_of


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


class ForPerson:
    """A studio whose every call is made for the present person, whatever ``user`` the caller names.

    The one place where a page learns whose voices it may touch: no handler can forget it.
    """

    def __init__(self, studio: Any, who: Callable[[], str] = present) -> None:
        self._studio = studio
        self._who = who

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._studio, name)
        if inspect.ismethod(found) or inspect.isfunction(found):
            return self._for_person(found)
        ours = type(found).__module__.startswith("gpt_sovits.") and not dataclasses.is_dataclass(found)
        return ForPerson(found, self._who) if ours else found

    def _for_person(self, deed: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(deed)
        if "user" not in signature.parameters:
            return deed

        def done(*arguments: Any, **options: Any) -> Any:
            bound = signature.bind_partial(*arguments, **options)
            bound.arguments["user"] = self._who()
            return deed(*bound.args, **bound.kwargs)

        return done
