"""Drafts: a recording that was looked over and waits for its person. Its pieces are heard, corrected, and trained with.

A person has one of the page and one of the programs at a time. A token needs the deed "train" and every voice.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import Response

from gpt_sovits.errors import BusyError
from gpt_sovits.events import CancelToken
from gpt_sovits.jobs.review import MAX_TEXT, PROGRAM, Draft, Reviews
from gpt_sovits.jobs.submission import MAX_SCRIPT
from webui.api.callers import Asking, Caller
from webui.api.failures import DOCUMENTED
from webui.api.openai import LANGUAGES, Plain
from webui.api.speaking import in_turn, unless_gone

router = APIRouter(prefix="/api/drafts", tags=["drafts"], responses=DOCUMENTED)
Number = Annotated[int, Field(ge=0, lt=2**31)]
_WAV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}}
}


class PieceChange(BaseModel):
    """What is left out stays. A new text or language is listened for in this piece."""

    text: Annotated[Plain, Field(max_length=MAX_TEXT)] | None = None
    language: Annotated[Plain, Field(max_length=20, json_schema_extra={"enum": [*LANGUAGES]})] | None = None
    kept: bool | None = Field(None, description="Whether it is learnt from.")


@router.get("", summary="The recordings that wait, the program's before the page's")
def drafts(caller: Asking) -> list[dict[str, Any]]:
    return [asdict(draft) for draft in _of(caller).all()]


@router.post("", status_code=201, summary="Look a recording over: its pieces, and which of them are in doubt")
async def create(
    request: Request,
    caller: Asking,
    recording: Annotated[UploadFile, File(description="10 seconds to 30 minutes of one person")],
    script: Annotated[Plain, Form(max_length=MAX_SCRIPT, description="what was read")] = "",
    language: Annotated[Plain, Form(max_length=20)] = "auto",
    base: Annotated[Plain, Form(max_length=200)] = "",
) -> dict[str, Any]:
    reviews, cancel = _of(caller), CancelToken()
    place = Path(tempfile.mkdtemp(prefix="api-", dir=request.app.state.folder))

    def looked_over(path: Path) -> Draft:
        if reviews.all(PROGRAM):
            raise BusyError("There is a draft already.", "Train with it, or delete it first.")
        chosen = base or caller.session.models.chosen
        return reviews.prepare(path, script=script, language=language, base=chosen, cancel=cancel)

    try:
        path = await kept_upload(recording, place / "recording")
        work = partial(in_turn, request, caller, partial(looked_over, path))
        return asdict(await unless_gone(request, work))
    finally:
        cancel.cancel()
        await to_thread.run_sync(partial(shutil.rmtree, place, ignore_errors=True))


@router.get("/{draft}", summary="One draft with its pieces")
def one(draft: str, caller: Asking) -> dict[str, Any]:
    return asdict(_of(caller).open(draft))


@router.delete("/{draft}", status_code=204, summary="Remove it with its recording")
def delete(draft: str, caller: Asking) -> None:
    _of(caller).discard(draft)


@router.patch("/{draft}/pieces/{piece}", summary="Correct a piece, or leave it out")
async def correct(draft: str, piece: Number, body: PieceChange, request: Request, caller: Asking) -> dict[str, Any]:
    change = partial(_of(caller).correct, draft, piece, text=body.text, language=body.language, kept=body.kept)
    return asdict(await in_turn(request, caller, change))


@router.get("/{draft}/pieces/{piece}/file", responses=_WAV, response_class=Response, summary="How a piece sounds")
def piece_file(draft: str, piece: Number, caller: Asking) -> Response:
    return Response(_of(caller).sound(draft, piece).read_bytes(), media_type="audio/wav")


async def kept_upload(upload: UploadFile, path: Path) -> Path:
    """An upload as a file with a name of ours; the suffix stays, since people know their files by it."""
    suffix = Path(upload.filename or "").suffix
    path = path.with_suffix(suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 6 else "")

    def copy() -> None:
        with path.open("wb") as out:
            shutil.copyfileobj(upload.file, out)

    await to_thread.run_sync(copy)
    return path


def _of(caller: Caller) -> Reviews:
    caller.require("train")
    caller.require_every_voice()
    return caller.session.jobs.reviews
