"""Speech as an answer: whole or in chunks, encoded while the rest is made, and stopped when nobody listens any more."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from gpt_sovits.encoding import FORMATS, Encoder, format_of
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.labels import Label
from webui.api.callers import Caller
from webui.api.failures import AskedError, shape
from webui.turns import Turns

if TYPE_CHECKING:
    from gpt_sovits import Speech
    from gpt_sovits.audio import Audio

MAX_TEXT = 20_000  # characters: about twenty minutes of speech; longer texts are narrated
_THREADS = 4  # that speak for the HTTP doors, so that the pages keep theirs
SPOKEN: dict[int | str, dict[str, Any]] = {
    200: {
        "description": 'The sound; with `stream_format` "sse" events that hold it in base64. What may have come out '
        "wrong or was left out stands in `X-Studio-Doubt` of a whole answer (places in the text), or the last event.",
        "content": {
            **{kind.media_type: {"schema": {"type": "string", "format": "binary"}} for kind in FORMATS.values()},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    }
}
MOST_TOLD = 50  # places in doubt in one header
_T = TypeVar("_T")
Begin = Callable[[CancelToken], "Iterator[Speech]"]


@dataclass(frozen=True)
class Wanted:
    """How an answer is to sound: ``name`` of the format, and ``way``: whole, chunks or sse."""

    name: str
    way: str
    label: Label
    headers: dict[str, str]
    characters: int = 0
    doubts: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, piece: Speech) -> Audio:
        """Note what is doubtful about a piece; its sound."""
        place = {"start": piece.start, "end": piece.end}
        if piece.doubt:
            self.doubts.append({**place, "doubt": piece.doubt})
        if piece.left_out:
            self.doubts.append({**place, "left_out": list(piece.left_out)})
        return piece.audio

    def told(self) -> dict[str, str]:
        """The headers of a whole answer: those given, and which characters are in doubt or were left out."""
        said = [f"{each['start']}-{each['end']} {each.get('doubt', 'left-out')}" for each in self.doubts[:MOST_TOLD]]
        return {**self.headers, "X-Studio-Doubt": ", ".join(said)} if said else self.headers


def check_text(text: str) -> None:
    """``AskedError`` 413 for more than one request may ask for."""
    if len(text) > MAX_TEXT:
        raise AskedError(
            413, "length", f"The text has more than {MAX_TEXT} characters.", "Send it in parts, or narrate it."
        )


class Speaker:
    """Runs what speaks in a few threads of its own, a piece at a time, in turns with everybody else."""

    def __init__(self, turns: Turns | None = None) -> None:
        self._turns = turns or Turns(_THREADS)
        self._threads: CapacityLimiter | None = None  # belongs to the loop that first speaks

    async def answer(self, request: Request, caller: Caller, begin: Begin, wanted: Wanted) -> Response:
        """What ``begin`` speaks. A failure before the first sound is an answer of its own."""
        format_of(wanted.name)
        sounds = self._pieces(caller, begin)
        if wanted.way == "whole":
            data = await unless_gone(request, partial(_whole, sounds, wanted))
            return Response(data, media_type=FORMATS[wanted.name].media_type, headers=wanted.told())
        try:
            first = await unless_gone(request, partial(_first, sounds, wanted))
        except BaseException:
            await sounds.aclose()
            raise
        if first is None:
            raise InputError("There is nothing to say.", "Type a text with words in it.")
        chunks = _encoded(first, sounds, wanted)
        if wanted.way == "sse":
            return Stopping(_events(request, chunks, wanted), sounds, "text/event-stream", wanted.headers)
        return Stopping(chunks, sounds, FORMATS[wanted.name].media_type, wanted.headers)

    async def _pieces(self, caller: Caller, begin: Begin) -> AsyncGenerator[Speech]:
        """The pieces of a speech; whoever stops asking for them stops the work."""
        if self._threads is None:
            self._threads = CapacityLimiter(_THREADS)
        cancel = CancelToken()
        async with caller.turn():
            try:
                in_thread = partial(to_thread.run_sync, limiter=self._threads, abandon_on_cancel=True)
                owner = caller.session.user
                async with self._turns.of(owner):
                    pieces = await in_thread(begin, cancel)
                while True:
                    async with self._turns.of(owner):
                        piece = await in_thread(next, pieces, None)
                    if piece is None:
                        return
                    yield piece
            finally:
                cancel.cancel()

    async def once(self, caller: Caller, do: Callable[[], _T]) -> _T:
        """One piece of work in its turn."""
        if self._threads is None:
            self._threads = CapacityLimiter(_THREADS)
        async with caller.turn(), self._turns.of(caller.session.user):
            return await to_thread.run_sync(do, limiter=self._threads, abandon_on_cancel=True)


async def in_turn(request: Request, caller: Caller, do: Callable[[], _T]) -> _T:
    """What ``do`` gives, computed when it is this program's turn to speak."""
    return await speaker_of(request).once(caller, do)


def speaker_of(request: Request) -> Speaker:
    speaker: Speaker = request.app.state.speaker
    return speaker


class Stopping(StreamingResponse):
    """Ends the work with the answer, however that ends."""

    def __init__(
        self, chunks: AsyncGenerator[bytes], work: AsyncGenerator[Any], media_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(chunks, media_type=media_type, headers={"Cache-Control": "no-store", **headers})
        self._to_end = (chunks, work)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                for each in self._to_end:
                    await each.aclose()


async def unless_gone(request: Request, work: Callable[[], Awaitable[_T]]) -> _T:
    """The result of ``work``, which is given up as soon as nobody waits for the answer."""
    found: list[_T] = []
    failed: list[Exception] = []
    async with anyio.create_task_group() as group:

        async def leave() -> None:
            while (await request.receive())["type"] != "http.disconnect":
                continue
            group.cancel_scope.cancel()

        group.start_soon(leave)
        try:
            found.append(await work())
        except Exception as error:  # noqa: BLE001  # raised below, outside of the group, which would wrap it
            failed.append(error)
        group.cancel_scope.cancel()
    if failed:
        raise failed[0]
    if not found:
        raise AskedError(409, "stopped", "The work was stopped.", "It can be started again at any time.")
    return found[0]


async def _first(sounds: AsyncGenerator[Speech], wanted: Wanted) -> Speech | None:
    """The first piece that can be heard; None where nothing can."""
    async for piece in sounds:
        if len(piece.audio.samples):
            return piece
        wanted.hear(piece)
    return None


async def _whole(sounds: AsyncGenerator[Speech], wanted: Wanted) -> bytes:
    encoder: Encoder | None = None
    async with aclosing(sounds):
        async for piece in sounds:
            sound = wanted.hear(piece)
            if len(sound.samples):
                encoder = encoder or Encoder(wanted.name, sound.rate, label=wanted.label, streaming=False)
                encoder.add(sound)
    if encoder is None:
        raise InputError("There is nothing to say.", "Type a text with words in it.")
    return encoder.end()


async def _encoded(first: Speech, rest: AsyncGenerator[Speech], wanted: Wanted) -> AsyncGenerator[bytes]:
    encoder = Encoder(wanted.name, first.audio.rate, label=wanted.label)
    yield encoder.add(wanted.hear(first))
    async with aclosing(rest):
        async for piece in rest:
            yield encoder.add(wanted.hear(piece))
    yield encoder.end()


async def _events(request: Request, chunks: AsyncGenerator[bytes], wanted: Wanted) -> AsyncGenerator[bytes]:
    """OpenAI's events: speech.audio.delta with base64, at the end speech.audio.done, or one error."""
    try:
        async for chunk in chunks:
            if chunk:
                yield event({"type": "speech.audio.delta", "audio": base64.b64encode(chunk).decode()})
    except VoiceError as error:
        yield event({"type": "error", **shape(request, error)})
        return
    usage = {"input_tokens": wanted.characters, "output_tokens": 0, "total_tokens": wanted.characters}
    yield event({"type": "speech.audio.done", "usage": usage, "doubts": wanted.doubts})


def event(value: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"
