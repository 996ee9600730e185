"""Gradio's pages, closed: no input of a component may name a file that was not uploaded here, nor any address; and
one person's many wishes leave room for another's.

Gradio checks paths only once it has started its own server. Mounted in another app it never does, and then a text box
that is sent ``{"path": "/etc/passwd", ...}`` would copy that file to where the browser may read it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr
from gradio.exceptions import InvalidPathError
from gradio.utils import get_upload_folder

from webui.asked import files_in, owner_of

AT_ONCE = 4


class ClosedBlocks(gr.Blocks):
    """``gr.Blocks`` whose check of paths is on, and which looks at every input itself before Gradio does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.has_launched = True  # what Gradio asks before it checks a path
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def process_api(  # type: ignore[override]  # Gradio names each of the rest
        self, block_fn: Any, inputs: Any, state: Any = None, request: Any = None, **more: Any
    ) -> Any:
        """One step of one wish; of one person's, ``AT_ONCE`` run at a time."""
        owner = owner_of(getattr(request, "request", None)) or ""
        turn = self._turns.setdefault(owner, asyncio.Semaphore(AT_ONCE))
        async with turn:
            return await super().process_api(block_fn, inputs, state, request, **more)

    def waiting(self, owner: str) -> int:
        """How many wishes of an owner wait for their turn."""
        queues = list(self._queue.event_queue_per_concurrency_id.values())
        return sum(owner_of(event.request) == owner for queue in queues for event in list(queue.queue))

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> Any:
        """What Gradio makes of the inputs; ``InvalidPathError`` where one names what this server did not make."""
        for file in files_in(inputs):
            if not _is_in(file, get_upload_folder()):
                raise InvalidPathError("This is no file of the page.")
        return await super().preprocess_data(block_fn, inputs, state, explicit_call)


def _is_in(path: str, folder: str) -> bool:
    """Whether a path lies below a folder, links and ".." resolved."""
    try:
        return bool(path) and Path(folder).resolve() in Path(path).resolve().parents
    except (OSError, ValueError, RuntimeError):
        return False
