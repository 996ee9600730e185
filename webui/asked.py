"""What a request asks for and whose it is: the same for the fence around the pages and for the pages themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.requests import Request

OWNER = "studio_owner"  # key of the scope


def owner_of(request: Any) -> str | None:
    """Whose request it is: a user's, or where nobody signs in a browser's."""
    found = request.scope.get(OWNER) if isinstance(request, Request) else None
    return str(found) if found else None


def texts_in(value: Any) -> Iterator[tuple[str, str]]:
    """Every (key, text) at any depth of what a browser sent."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from ((key, text) for key, text in each.items() if isinstance(text, str))
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each


def files_in(value: Any, hosts: Collection[str] | None = None) -> Iterator[str]:
    """The file that each "path" and "url" names, at any depth of what a browser sent; "" for an address elsewhere.

    A page names its files by path, and by an address of its own, on one of ``hosts`` (default: any), that ends so.
    """
    for key, text in texts_in(value):
        if key == "path":
            yield text
        elif key == "url":
            yield _file_of(text, hosts)


def _file_of(url: str, hosts: Collection[str] | None) -> str:
    before, found, path = url.partition("/gradio_api/file=")
    if not found or (hosts is not None and urlsplit(before).netloc not in hosts):
        return ""
    return unquote(path)
