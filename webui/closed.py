"""Gradio's pages, closed: no input of a component may name a file that was not uploaded here, nor any address.

Gradio checks paths only once it has started its own server. Mounted in another app it never does, and then a text box
that is sent ``{"path": "/etc/passwd", ...}`` would copy that file to where the browser may read it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import gradio as gr
from gradio.exceptions import InvalidPathError
from gradio.utils import get_upload_folder


class ClosedBlocks(gr.Blocks):
    """``gr.Blocks`` whose check of paths is on, and which looks at every input itself before Gradio does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.has_launched = True  # what Gradio asks before it checks a path

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> Any:
        """What Gradio makes of the inputs; ``InvalidPathError`` where one names what this server did not make."""
        for file in files_in(inputs):
            if not _is_in(file, get_upload_folder()):
                raise InvalidPathError("This is no file of the page.")
        return await super().preprocess_data(block_fn, inputs, state, explicit_call)


def files_in(value: Any, hosts: Collection[str] | None = None) -> Iterator[str]:
    """The file that each "path" and "url" names, at any depth of what a browser sent; "" for an address elsewhere.

    A page names its files by path, and by an address of its own, on one of ``hosts`` (default: any), that ends so.
    """
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if isinstance(each.get("path"), str):
                yield each["path"]
            if isinstance(each.get("url"), str):
                yield _file_of(each["url"], hosts)
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each


def _file_of(url: str, hosts: Collection[str] | None) -> str:
    before, found, path = url.partition("/gradio_api/file=")
    if not found or (hosts is not None and urlsplit(before).netloc not in hosts):
        return ""
    return unquote(path)


def _is_in(path: str, folder: str) -> bool:
    """Whether a path lies below a folder, links and ".." resolved."""
    try:
        return bool(path) and Path(folder).resolve() in Path(path).resolve().parents
    except (OSError, ValueError, RuntimeError):
        return False
