"""The models of this computer for programs: what is here, and official files that came in another way.

Where people sign in, its owner keeps them (``python -m gpt_sovits models``).
"""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, File, Form, Request, UploadFile

from gpt_sovits.errors import InputError
from gpt_sovits.services.models import Errand, ModelService
from webui import i18n
from webui.api.callers import Asking
from webui.api.failures import DOCUMENTED, AskedError
from webui.api.openai import Plain
from webui.api.speaking import unless_gone

router = APIRouter(prefix="/api/models", tags=["models"], responses=DOCUMENTED)
_LONGEST = 200  # bytes of a file's name


@router.get("", summary="The models here, and the official ones that are not; sizes in bytes")
def models(caller: Asking) -> list[dict[str, Any]]:
    library = caller.session.models
    shown = ("name", "version", "installed", "size", "missing", "trainable")
    return [
        {**{name: getattr(card, name) for name in shown}, "chosen": card.name == library.chosen}
        for card in library.cards()
    ]


@router.post("", status_code=201, summary="Import files of GPT-SoVITS, or what lies in the folder for imports")
async def take_in(
    request: Request,
    caller: Asking,
    files: Annotated[list[UploadFile], File(description=".pth, .ckpt, .zip ...; none: the folder")] = [],  # noqa: B006
    version: Annotated[Plain, Form(max_length=20, description="v3 or v4, for files that do not say")] = "",
    name: Annotated[Plain, Form(max_length=64, description="of the model; empty: its files give it")] = "",
    replace: Annotated[bool, Form(description="overwrite what is here under that name")] = False,
) -> dict[str, Any]:
    """Answers when all of it is here: the names of what came in, and what was left out and why."""
    caller.require("manage")
    caller.require_every_voice()
    if not request.app.state.whole:
        raise AskedError(403, "refused", "The models are the computer's.", "Its owner imports them.")
    library: ModelService = caller.session.models
    place = Path(tempfile.mkdtemp(prefix="api-", dir=request.app.state.folder))
    try:
        paths = []
        for number, file in enumerate(files):
            paths.append(place / str(number) / _called(file))
            await to_thread.run_sync(partial(_copy, file, paths[-1]))
        begin = partial(library.take_in, paths, version=version, name=name, replace=replace)
        await to_thread.run_sync(begin)
        try:
            errand = await unless_gone(request, partial(to_thread.run_sync, library.wait, abandon_on_cancel=True))
        finally:
            library.stop()
            await to_thread.run_sync(library.wait)
    finally:
        await to_thread.run_sync(partial(shutil.rmtree, place, ignore_errors=True))
    return _result(request, errand)


def _called(file: UploadFile) -> str:
    """A file's own name, which tells what it is; nothing of a path."""
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(char for char in name if char.isprintable()).lstrip(".")
    while len(kept.encode("utf-8", "replace")) > _LONGEST:
        kept = kept[1:]
    return kept or "model"


def _copy(file: UploadFile, path: Path) -> None:
    path.parent.mkdir()
    with path.open("wb") as out:
        shutil.copyfileobj(file.file, out)


def _result(request: Request, errand: Errand | None) -> dict[str, Any]:
    if errand is None or errand.state == "stopped":
        raise AskedError(409, "stopped", "The work was stopped.", "It can be started again at any time.")
    if errand.state == "failed":
        raise InputError(errand.message, errand.action)
    left_out = i18n.load(i18n.chosen(request)).lines(errand.message).splitlines()
    return {"models": [each for each in errand.name.split(", ") if each], "left_out": left_out}
