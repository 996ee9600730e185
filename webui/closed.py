"""Gradio's pages, closed: no input of a component may name a file that was not uploaded here, nor any address; and
one person's many wishes leave room for another's.

Gradio checks paths only once it has started its own server. Mounted in another app it never does, and then a text box
that is sent ``{"path": "/etc/passwd", ...}`` would copy that file to where the browser may read it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import gradio as gr
from gradio.exceptions import InvalidPathError
from gradio.queueing import Queue
from gradio.utils import get_upload_folder

from webui.asked import files_in, owner_of
from webui.turns import Turns

AT_ONCE = 4
AT_ONCE_OF_ALL = 40  # of one kind of wish
MOST_WAITING = 1024  # wishes of all
MOST_BEGUN = 512  # of all; what begins then waits for its turn here, where turns are shared between people


class ClosedBlocks(gr.Blocks):
    """``gr.Blocks`` whose check of paths is on, and which looks at every input itself before Gradio does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.has_launched = True  # what Gradio asks before it checks a path
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self.turns: Mapping[str, Turns] = {}

    def queue(self, *given: Any, **options: Any) -> ClosedBlocks:
        """Gradio's queue for this page, without the app that it makes for each, by which nobody is served."""
        self._queue = Queue(
            live_updates=True,
            concurrency_count=self.max_threads,
            update_intervals=1,
            max_size=MOST_WAITING,
            blocks=self,
            default_concurrency_limit=AT_ONCE_OF_ALL,
        )
        return self

    def sharing(self, turns: Mapping[str, Turns]) -> ClosedBlocks:
        """Let people take turns in all that has one of these ``concurrency_id``s; it needs no limit of Gradio's."""
        self.turns = turns
        self._queue.max_thread_count = MOST_BEGUN
        return self

    async def process_api(  # type: ignore[override]  # Gradio names each of the rest
        self, block_fn: Any, inputs: Any, state: Any = None, request: Any = None, **more: Any
    ) -> Any:
        """One step of one wish, a piece of a speech for example; of one person's, ``AT_ONCE`` run at a time."""
        if not block_fn.queue:  # such as Stop
            return await super().process_api(block_fn, inputs, state, request, **more)
        owner = owner_of(getattr(request, "request", None)) or ""
        own, shared = self._own.setdefault(owner, asyncio.Semaphore(AT_ONCE)), self.turns.get(block_fn.concurrency_id)
        async with shared.of(owner) if shared else nullcontext(), own:
            return await super().process_api(block_fn, inputs, state, request, **more)

    def waiting(self, owner: str) -> int:
        """How many wishes of an owner have not ended."""
        queues = [list(queue.queue) for queue in self._queue.event_queue_per_concurrency_id.values()]
        begun = [events for events in self._queue.active_jobs if events]
        return sum(owner_of(event.request) == owner for events in (*queues, *begun) for event in events)

    def forget(self, session: str) -> None:
        """Drop what is kept of a page that somebody opened once: it is as if it had just been opened."""
        self._queue.pending_messages_per_session.pop(session, None)
        self._queue.pending_event_ids_session.pop(session, None)
        self.state_holder.session_data.pop(session, None)
        self.state_holder.time_last_used.pop(session, None)

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], state: Any, explicit_call: bool = False) -> Any:
        """What Gradio makes of the inputs; ``InvalidPathError`` where one names what this server did not make."""
        for file in files_in(inputs):
            if not _is_in(file, get_upload_folder()):
                raise InvalidPathError("This is no file of the page.")
        try:
            return await super().preprocess_data(block_fn, inputs, state, explicit_call)
        except InvalidPathError:
            raise
        except (TypeError, ValueError, LookupError, AttributeError) as error:  # what no page sends: no trace in the log
            raise gr.Error("This request could not be read.", print_exception=False) from error


def _is_in(path: str, folder: str) -> bool:
    """Whether a path lies below a folder, links and ".." resolved."""
    try:
        return bool(path) and Path(folder).resolve() in Path(path).resolve().parents
    except (OSError, ValueError, RuntimeError):
        return False
