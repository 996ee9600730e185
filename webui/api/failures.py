"""Every failure of the HTTP doors in one shape, OpenAI's: an id for programs, a sentence for the person who asks."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gpt_sovits.errors import (
    BusyError,
    CancelledError,
    InputError,
    MissingError,
    RefusedError,
    ResourceError,
    UnfitError,
    VoiceError,
)
from webui import i18n


class Problem(BaseModel):
    message: str
    type: str
    code: str
    param: str | None = None


class Failure(BaseModel):
    """``code`` is for programs and stays, ``message`` is for people, in the language of ``Accept-Language``."""

    error: Problem


class AskedError(VoiceError):
    """What only a request can do wrong, with the HTTP status that says so."""

    def __init__(self, status: int, code: str, message: str, action: str = "", *, wait: float = 0.0) -> None:
        super().__init__(message, action)
        self.status, self.code, self.wait = status, code, wait


_KINDS: tuple[tuple[type[VoiceError], int, str], ...] = (
    (UnfitError, 400, "unfit"),
    (InputError, 400, "input"),
    (MissingError, 404, "missing"),
    (RefusedError, 403, "refused"),
    (BusyError, 409, "busy"),
    (CancelledError, 409, "stopped"),
    (ResourceError, 424, "resource"),
)
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    503: "server_error",
}
_SENTENCES = {
    404: ("missing", "There is nothing at this address.", ""),
    405: ("method", "This cannot be done at this address.", ""),
    413: ("length", "This is too large.", "Send it in parts."),
    422: ("form", "The request does not have the right form.", "The page /api/docs shows it."),
}
_OTHER = ("form", "The request could not be read.", "The page /api/docs shows its form.")
DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": text}
    for status, text in {
        400: "It cannot be said or used like this (`input`, `unfit`), or the request could not be read (`form`).",
        401: "No token, or one that is not valid (`token`).",
        403: "This person, voice or program may not (`refused`, `deed`), or it came from another web page (`origin`).",
        404: "There is no such thing, or it is not yours (`missing`).",
        409: "Something else is at work (`busy`).",
        413: "Too long or too large (`length`).",
        422: "The request does not have this form (`form`); `param` names the field.",
        424: "The computer lacks what it needs: disk, memory or a package (`resource`).",
        429: "Too many requests at once or in a minute (`rate`); `Retry-After` says when to come back.",
        503: "The studio is being stopped (`stopping`).",
    }.items()
}


def failure(request: Request, error: VoiceError, param: str | None = None) -> JSONResponse:
    """The answer for an expected failure."""
    if isinstance(error, AskedError):
        status, code = error.status, error.code
    else:
        status, code = next((status, code) for kind, status, code in _KINDS if isinstance(error, kind))
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status in (429, 503):
        headers["Retry-After"] = str(max(1, round(getattr(error, "wait", 1.0))))
    return JSONResponse(shape(request, error, status, code, param), status, headers)


def shape(
    request: Request, error: VoiceError, status: int = 400, code: str = "input", param: str | None = None
) -> dict[str, Any]:
    words = i18n.load(i18n.chosen(request))
    kind = _TYPES.get(status, "invalid_request_error")
    return {"error": {"message": words.error(error), "type": kind, "code": code, "param": param}}


def handle(app: FastAPI) -> None:
    """Let every failure of ``app`` take the shape."""

    @app.exception_handler(VoiceError)
    async def expected(request: Request, error: VoiceError) -> JSONResponse:
        return failure(request, error)

    @app.exception_handler(RequestValidationError)
    async def wrong_form(request: Request, error: RequestValidationError) -> JSONResponse:
        code, sentence, advice = _SENTENCES[422]
        places = [str(part) for part in (error.errors() or [{}])[0].get("loc", ())[1:]]
        fields = [part for part in places if re.fullmatch(r"[a-z_]+|\d+", part)]  # without what pydantic calls a form
        named = ".".join(fields)[:100] if fields and not fields[0].isdigit() else None
        return failure(request, AskedError(422, code, sentence, advice), named)

    @app.exception_handler(HTTPException)
    async def of_the_framework(request: Request, error: HTTPException) -> JSONResponse:
        code, sentence, advice = _SENTENCES.get(error.status_code, _OTHER)
        answer = failure(request, AskedError(error.status_code, code, sentence, advice))
        answer.headers.update(error.headers or {})
        if error.status_code == 405:
            answer.headers["Allow"] = ", ".join(sorted(_methods(app, request)))
        return answer

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        said = VoiceError("Something went wrong inside the studio.", "Its log says what.")
        return JSONResponse(shape(request, said, 500, "internal"), 500)


def _methods(app: FastAPI, request: Request) -> set[str]:
    """What can be done at the address of a request."""
    path = request.scope["path"]
    found = app.openapi()["paths"].items()
    return {
        method.upper()
        for template, ways in found
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path)
        for method in ways
    }
