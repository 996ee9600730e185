"""Who asks through the HTTP doors, and what they may: one object a request, made from a token, a sign-in or neither.

A token speaks for its person, within its deeds and voices. Where people sign in, the cookie of their browser does so
too, for what the browser's own pages ask. Where nobody signs in, programs of this computer may do what the page may
do, which asks nobody either; once a token was made, only programs that show one may. Nobody from another computer is
ever let in without a token or a sign-in.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from weakref import WeakValueDictionary

from anyio import to_thread
from fastapi import Depends
from starlette.requests import Request

from gpt_sovits.errors import MissingError, RefusedError
from gpt_sovits.services.session import Session
from gpt_sovits.services.tokens import Token
from gpt_sovits.storage.starters import KIND as INVENTED
from gpt_sovits.storage.starters import refuse
from gpt_sovits.studio import Studio
from gpt_sovits.voices.ids import LOCAL_USER
from gpt_sovits.voices.manifest import VoiceCard
from webui.api.failures import AskedError
from webui.fence import COOKIE
from webui.sessions import Sessions

AT_ONCE, WAITING, PER_MINUTE, MOST_OPEN = 2, 8, 600, 64  # of one program
_OURS = "gsv_"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_MOST_KNOWN = 10_000


@dataclass(frozen=True)
class Caller:
    """``key`` tells programs apart for what they may do at once; ``token`` is None for a person at the page."""

    session: Session
    key: str
    limits: Limits
    token: Token | None = None

    def require(self, deed: str) -> None:
        """Refuse what this program was not made for."""
        if self.token is not None and deed not in self.token.deeds:
            raise AskedError(403, "deed", f"This program may not do that ({deed}).", "Make a token that may.")

    def may_use(self, voice_id: str | None) -> bool:
        return self.token is None or self.token.voices is None or voice_id in self.token.voices

    def require_every_voice(self) -> None:
        """Refuse a program that may use some voices only what would make another one."""
        if self.token is not None and self.token.voices is not None:
            raise AskedError(403, "deed", "This program may use some voices only.", "Make a token for all voices.")

    def cards(self) -> list[VoiceCard]:
        """The person's voices and then the invented ones, as far as the program may use them."""
        voices = self.session.voices
        return [card for card in (*voices.list(), *voices.invented()) if self.may_use(card.id)]

    def voice(self, name_or_id: str) -> VoiceCard:
        """A voice that the program may use; any other is as if it did not exist."""
        only = None if self.token is None else self.token.voices
        return self.session.voices.find(name_or_id, only)

    def own(self, name_or_id: str) -> VoiceCard:
        """The same for what only a person's own voice can do."""
        card = self.voice(name_or_id)
        if card.kind == INVENTED:
            raise refuse(card)
        return card

    def turn(self) -> Turn:
        """To be held while something is spoken."""
        return self.limits.turn(self.key)


class Turn:
    """Of one program ``AT_ONCE`` run and ``WAITING`` wait; ``AskedError`` for more."""

    def __init__(self) -> None:
        self._running, self._waiting = asyncio.Semaphore(AT_ONCE), 0

    async def __aenter__(self) -> None:
        if self._waiting >= WAITING:
            raise AskedError(429, "rate", "This program asks for too much at once.", "Wait for an answer.", wait=2.0)
        self._waiting += 1
        try:
            await self._running.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(self, *error: object) -> None:
        self._running.release()


class Limits:
    """How much of one program runs, waits and comes in a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turns: WeakValueDictionary[str, Turn] = WeakValueDictionary()
        self._open: Counter[str] = Counter()
        self._buckets: dict[str, tuple[float, float]] = {}  # what is left of the minute, and when that was so

    def count(self, key: str) -> None:
        """One request more; ``AskedError`` 429 beyond ``PER_MINUTE``, which come back evenly."""
        left, at = self._buckets.pop(key, (float(PER_MINUTE), self._clock()))
        now = self._clock()
        left = min(float(PER_MINUTE), left + (now - at) * PER_MINUTE / 60.0)
        if len(self._buckets) >= _MOST_KNOWN:
            del self._buckets[next(iter(self._buckets))]
        self._buckets[key] = (max(0.0, left - 1.0), now)
        if left < 1.0:
            raise AskedError(429, "rate", "There were too many requests in a minute.", "Try again soon.", wait=1.0)

    @contextmanager
    def open(self, key: str) -> Iterator[None]:
        """A request that is being answered; ``AskedError`` 429 where ``MOST_OPEN`` of one program are."""
        if self._open[key] >= MOST_OPEN:
            raise AskedError(429, "rate", "This program asks for too much at once.", "Wait for an answer.", wait=2.0)
        self._open[key] += 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]

    def turn(self, key: str) -> Turn:
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = Turn()
        return turn


class Callers:
    """Tells who sends a request. ``sessions`` holds who signed in, where people do."""

    def __init__(self, studio: Studio, sessions: Sessions | None) -> None:
        self._studio = studio
        self._sessions = sessions
        self._limits = Limits()

    def of(self, request: Request) -> Caller:
        """``AskedError`` for whoever may not ask at all, or not so often."""
        if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise AskedError(403, "origin", "This request came from another web page.")
        caller = self._known(request)
        self._limits.count(caller.key)
        return caller

    def _known(self, request: Request) -> Caller:
        shown = _shown(request)
        if shown.startswith(_OURS):
            return self._of_token(shown)
        if self._sessions is not None:
            user = self._sessions.user(request.cookies.get(COOKIE, ""))
            if user is None:
                raise AskedError(401, "token", "This needs a token.", "Make one: python -m gpt_sovits tokens add NAME")
            return Caller(self._studio.session(user), user, self._limits)
        page = request.headers.get("sec-fetch-site") == "same-origin"
        if not _is_near(request) or (self._studio.users.has_tokens(LOCAL_USER) and not page):
            raise AskedError(401, "token", "This needs a token.", "Make one: python -m gpt_sovits tokens add NAME")
        return Caller(self._studio.session(), "", self._limits)

    def _of_token(self, shown: str) -> Caller:
        try:
            token = self._studio.users.of_token(shown)
        except RefusedError as error:
            raise AskedError(401, "token", error.message, error.action) from error
        return Caller(self._studio.session(token.user), token.id, self._limits, token)


async def _asking(request: Request) -> AsyncIterator[Caller]:
    """Who asks; as long as the answer lasts it is one of the requests of theirs that are open."""
    callers: Callers = request.app.state.callers
    caller = await to_thread.run_sync(callers.of, request)
    with caller.limits.open(caller.key):
        yield caller


Asking = Annotated[Caller, Depends(_asking)]  # what a route takes to know who asks


def of_job(caller: Caller, job_id: str) -> str:
    """The id of a job whose voice the program may use; ``MissingError`` for any other."""
    job = caller.session.jobs.get(job_id)
    if not caller.may_use(job.voice_id):
        raise MissingError(f"There is no job {job_id}.", "Choose one from the list of jobs.")
    return job.id


def _shown(request: Request) -> str:
    kind, _, words = request.headers.get("authorization", "").partition(" ")
    return words.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key", "")


def _is_near(request: Request) -> bool:
    """Whether it came from this computer itself, and not by way of a program that passes on what others ask."""
    try:
        near = request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
    return near and not any(name in request.headers for name in _FORWARDED)
