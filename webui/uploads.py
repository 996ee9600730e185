"""What the pages receive: within bounds for each person and for the disk, and nothing left of what broke off."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Send

from gpt_sovits.storage import sounds
from webui.guard import MAX_UPLOAD

MOST_OF_ONE = 4 * MAX_UPLOAD  # bytes that one person's uploads may take together
LEFT_FREE = 512 * 2**20  # bytes of the disk that no upload may take


class Uploads:
    """Uploads into ``folder``, where the pages' framework puts them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, int] = {}  # bytes that are coming, by owner

    async def take(
        self, owner: str, request: Request, app: Callable[[Receive, Send], Awaitable[None]], send: Send
    ) -> None:
        """Let ``app`` read an upload, or refuse it before it is read."""
        length = request.headers.get("content-length", "")
        size = int(length) if length.isdigit() and len(length) < 16 else -1
        refusal = self._refusal(owner, size)
        if refusal is not None:
            await refusal(request.scope, request.receive, send)
            return
        self._running[owner] = self._running.get(owner, 0) + size
        try:
            await app(request.receive, send)
        finally:
            self._running[owner] -= size
            if not any(self._running.values()):
                self._running.clear()
                self._sweep()

    def _refusal(self, owner: str, size: int) -> PlainTextResponse | None:
        if size < 0:
            return PlainTextResponse("The size of the file must be said first.", 411)
        coming = sum(self._running.values())
        if sounds.uploaded(self._folder, owner) + self._running.get(owner, 0) + size > MOST_OF_ONE:
            return PlainTextResponse("Your recordings take too much room. Reload the page later.", 413)
        if shutil.disk_usage(self._folder).free - coming - size < LEFT_FREE:
            return PlainTextResponse("The disk of the studio is nearly full. Free some space.", 507)
        return None

    def _sweep(self) -> None:
        """Remove what uploads that broke off have left; a whole one lies in a folder of its own."""
        for left in self._folder.glob("tmp*"):
            if left.is_file():
                left.unlink(missing_ok=True)
