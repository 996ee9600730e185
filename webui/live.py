"""Speech for who is still writing: the page sends its text, the lines that changed come back as they are spoken.

    POST <language>/own/live     {"page", "text", "voice" or "blend", ...} -> frames, see ``frame``
    GET  <language>/own/voices   whom the person can speak with
    GET, PUT <language>/own/desk/<part>    what the person typed and chose, see ``services.desk``

The newest wish of a page ends the one before it, also while that is being computed. Lines of all pages take turns.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from anyio import to_thread
from fastapi import APIRouter, Body, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from gpt_sovits.audio import Audio, concatenate, silence, to_int16
from gpt_sovits.errors import CancelledError, InputError, MissingError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.files import in_a_sentence
from gpt_sovits.services.lines import Line
from gpt_sovits.services.models import EMBEDDED
from gpt_sovits.services.session import Session
from gpt_sovits.services.takes import MOST_CHARACTERS
from gpt_sovits.storage.takes import Take, TakeLine
from gpt_sovits.studio import Studio
from gpt_sovits.voices.ids import LOCAL_USER
from gpt_sovits.voices.voice import Voice
from webui import i18n
from webui.api.speaking import Stopping
from webui.asked import OWNER
from webui.fence import MOST_WAITING, USER
from webui.turns import Turns

if TYPE_CHECKING:
    from gpt_sovits import Speech

log = logging.getLogger(__name__)
SAMPLES = {"speak": "speak.starter", "mix": "mix.text_value"}  # the text of a part that nobody changed
_CLIPS = 4  # voices from a clip that are remembered for each person
_MOST_OWNERS = 256
Language = Literal["en", "zh"]
Number = Annotated[int, Path(ge=0, lt=2**31)]  # of a sentence, a take or a piece, in an address
Answer = TypeVar("Answer")


class Blend(BaseModel):
    """A voice between two, of which ``part`` may be a third one; ``manner`` of None follows ``ratio``."""

    model_config = ConfigDict(extra="forbid")
    first: str
    second: str
    ratio: float
    manner: float | None = None
    third: str = ""
    part: float = Field(default=0.0, ge=0.0, le=1.0)


class Wish(BaseModel):
    """What a page wants to hear. ``skip``: keys of lines that it has; ``only``: the one line that is spoken.

    ``plan``: it wants to know the lines, and hear none of them. ``keep``: what is spoken becomes a take. ``number``:
    the newest wish of a page has the highest, in whatever order they arrive.
    """

    model_config = ConfigDict(extra="forbid")
    page: str = Field(max_length=64)
    number: int = Field(default=0, ge=0, lt=2**53)
    text: str
    voice: str = ""
    blend: Blend | None = None
    language: str = "auto"
    speed: float = 1.0
    pitch: float = 0.0
    pause: float = Field(default=0.3, ge=0.0, le=10.0)
    seed: int = Field(default=0, ge=0, lt=2**31)
    skip: list[str] = []
    only: int | None = None
    plan: bool = False
    keep: bool = False


@dataclass(frozen=True)
class Asker:
    """Who sent a request, and what they can ask for."""

    session: Session
    owner: str


class Clips:
    """Voices straight from a clip, in memory, each known to the person who gave it."""

    def __init__(self) -> None:
        self._voices: OrderedDict[str, OrderedDict[str, Voice]] = OrderedDict()

    def put(self, owner: str, voice: Voice) -> str:
        """The name under which ``get`` finds it."""
        mine = self._voices.setdefault(owner, OrderedDict())
        self._voices.move_to_end(owner)
        token = f"clip-{secrets.token_hex(8)}"
        mine[token] = voice
        while len(mine) > _CLIPS:
            mine.popitem(last=False)
        while len(self._voices) > _MOST_OWNERS:
            self._voices.popitem(last=False)
        return token

    def get(self, owner: str, token: str) -> Voice:
        found = self._voices.get(owner, OrderedDict()).get(token)
        if found is None:
            raise MissingError("The clip is no longer here.", "Choose it again.")
        return found


class Live:
    """The routes, and what they remember of each page while it wants something."""

    def __init__(self, studio: Studio, *, users: bool = False, turns: Turns | None = None) -> None:
        self._studio = studio
        self._users = users
        self._running: dict[tuple[str, str], tuple[int, CancelToken]] = {}
        self._turns = turns or Turns(1)
        self.clips = Clips()

    def asker(self, request: Request) -> Asker:
        user = str(request.scope.get(USER) or "") if self._users else LOCAL_USER
        return Asker(self._studio.session(user), str(request.scope.get(OWNER) or user))

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own")
        routes.add_api_route("/live", self.live, methods=["POST"])
        routes.add_api_route("/voices", self.voices, methods=["GET"])
        routes.add_api_route("/invented", self.offer, methods=["POST"])
        routes.add_api_route("/desk/{part}", self.read, methods=["GET"])
        routes.add_api_route("/desk/{part}", self.write, methods=["PUT"])
        return routes

    # -------------------------------------------------------------------------------------------------------- routes

    async def live(self, language: Language, wish: Wish, request: Request) -> Response:
        asker = self.asker(request)
        if sum(owner == asker.owner for owner, _ in self._running) >= MOST_WAITING:
            return JSONResponse({"detail": "Too much of yours is waiting."}, 503)
        place, token = (asker.owner, wish.page), CancelToken()

        async def frames() -> AsyncGenerator[bytes]:
            number, before = self._running.get(place, (0, None))
            if number > wish.number:  # it was overtaken on its way here
                yield frame({"dropped": True})
                return
            if before is not None:
                before.cancel()
            self._running[place] = (wish.number, token)
            try:
                async for each in self.spoken(asker, wish, token, i18n.load(language)):
                    yield each
            finally:
                token.cancel()
                if self._running.get(place, (0, None))[1] is token:
                    del self._running[place]

        found = frames()
        return Stopping(found, found, "application/octet-stream", {})

    def voices(self, language: Language, request: Request) -> dict[str, Any]:
        """The person's own voices and the invented ones, by name; which are locked or may not be mixed."""
        voices = self.asker(request).session.voices
        return {
            kind: [
                {
                    "id": card.id,
                    "name": card.name,
                    "day": card.created[:10],
                    "closed": not voices.is_open(card.id),
                    "mixes": card.terms.mix,
                    "pitched": card.base == EMBEDDED,
                }
                for card in cards
            ]
            for kind, cards in (("own", voices.list()), ("invented", voices.invented()))
        }

    def offer(self, language: Language, request: Request) -> dict[str, Any]:
        """Show the invented voices again."""
        return answered(language, partial(self.asker(request).session.voices.offer_invented, True))

    def read(self, language: Language, part: str, request: Request) -> dict[str, Any]:
        """What is kept of a part; a sample sentence that nobody changed is in the language of the page."""

        def kept() -> dict[str, Any]:
            found, key = self.asker(request).session.desk.read(part), SAMPLES.get(part)
            if key and found.get("text") in [i18n.load(code)(key) for code in i18n.LANGUAGES]:
                found["text"] = i18n.load(language)(key)
            return found

        return answered(language, kept)

    def write(
        self, language: Language, part: str, value: Annotated[dict[str, Any], Body()], request: Request
    ) -> dict[str, Any]:
        return answered(language, partial(self.asker(request).session.desk.write, part, value))

    # ---------------------------------------------------------------------------------------------------- the speech

    async def spoken(self, asker: Asker, wish: Wish, token: CancelToken, words: i18n.Words) -> AsyncIterator[bytes]:
        """The frames of a wish; a last one says how it ended."""
        try:
            voice, lines = await self.turn(asker, partial(self.plan, asker, wish), token)
            yield frame({"lines": places(wish.text, lines)})
            sounds: list[Audio] = []
            for number in _wanted(wish, lines):
                say = partial(asker.session.speech.say, lines[number], voice, language=wish.language)
                told: list[Speech] = []
                do = partial(say, speed=wish.speed, pitch=wish.pitch, seed=wish.seed, cancel=token, told=told.append)
                audio = await self.turn(asker, do, token)
                pause = 0.0 if number == len(lines) - 1 else lines[number].pause_after(wish.pause)
                yield line_frame(number, audio, pause, _warnings(told, words))
                if wish.keep:
                    sounds.append(concatenate([audio, silence(pause, audio.rate)]))
            if wish.keep:
                keep = partial(kept, asker.session, voice, wish, lines, sounds)
                yield frame({"take": await self.turn(asker, keep, token)})
            yield frame({"done": True})
        except CancelledError:
            yield frame({"dropped": True})
        except VoiceError as error:
            yield frame({"problem": words.error(error)})
        except Exception:
            log.exception("a text could not be spoken")
            yield frame({"problem": words("app.unexpected")})

    def plan(self, asker: Asker, wish: Wish) -> tuple[Voice, tuple[Line, ...]]:
        """The voice that a wish names, and the lines of its text."""
        if wish.keep and len(wish.text) > MOST_CHARACTERS:
            raise InputError(f"The text has more than {MOST_CHARACTERS} characters.", "Speak it in parts.")
        voice = self.voice(asker, wish)
        return voice, asker.session.speech.lines(wish.text, voice, language=wish.language)

    def voice(self, asker: Asker, wish: Wish) -> Voice:
        if wish.blend is not None:
            return blended(asker.session, wish.blend)
        if wish.voice.startswith("clip-"):
            return self.clips.get(asker.owner, wish.voice)
        return asker.session.voices.load(wish.voice)

    async def turn(self, asker: Asker, do: Callable[[], Answer], token: CancelToken) -> Answer:
        """Do one thing in a thread when the asker's turn has come, unless nobody wants it by then."""
        async with self._turns.of(asker.owner):
            token.check()
            return await to_thread.run_sync(do, abandon_on_cancel=True)


def blended(session: Session, blend: Blend) -> Voice:
    if len({blend.first, blend.second, blend.third}) < 3:
        raise InputError("A mix needs two different voices.", "Choose another one at one of the ends.")
    if not blend.third:
        return session.voices.mix(blend.first, blend.second, blend.ratio, manner=blend.manner)
    if not 0.0 <= blend.ratio <= 1.0:
        raise InputError(f"The ratio {blend.ratio} is not between 0 and 1.", "Move the slider between the two voices.")
    timbre, manner = (
        [(1 - ratio) * (1 - blend.part), ratio * (1 - blend.part), blend.part]
        for ratio in (blend.ratio, blend.ratio if blend.manner is None else blend.manner)
    )
    return session.voices.blend([blend.first, blend.second, blend.third], timbre, manners=manner)


def kept(session: Session, voice: Voice, wish: Wish, lines: tuple[Line, ...], sounds: list[Audio]) -> dict[str, Any]:
    """What was spoken as a take, and what the page shows of it."""
    spoken = [TakeLine(line.start, line.end, 0.0, 0.0, wish.seed) for line in lines]
    manner: dict[str, Any] = {"language": wish.language, "speed": wish.speed, "pause": wish.pause, "seed": wish.seed}
    manner["pitch"] = wish.pitch
    return card(session.takes.keep(voice, wish.text, spoken, sounds, **manner))


def card(take: Take) -> dict[str, Any]:
    """A take as the page shows it."""
    shown = ("id", "voice", "voice_name", "text", "created", "seconds", "name", "starred", "speed", "pause", "seed")
    lines = [
        {"text": take.text[line.start : line.end], "from": line.seconds_from, "to": line.seconds_to}
        for line in take.lines
    ]
    return {**{name: getattr(take, name) for name in shown}, "lines": lines}


def answered(language: str, do: Callable[[], dict[str, Any] | None]) -> dict[str, Any]:
    """What ``do`` gives, or the sentence that says why it cannot."""
    try:
        return do() or {}
    except VoiceError as error:
        return {"problem": i18n.load(language).error(error)}
    except OSError as error:
        return {"problem": i18n.load(language).error(in_a_sentence(error))}


def _wanted(wish: Wish, lines: tuple[Line, ...]) -> Iterator[int]:
    """Numbers of the lines that are to be spoken."""
    known = Counter(wish.skip)
    for number, line in enumerate(lines):
        if wish.plan or wish.only is not None:
            if wish.only == number:
                yield number
        elif known[line.key] > 0:
            known[line.key] -= 1
        else:
            yield number


def _warnings(told: Iterable[Speech], words: i18n.Words) -> list[str]:
    """What a listener should know: words that may have come out wrong, and what nobody here can read."""
    found = []
    for piece in told:
        if piece.doubt:
            found.append(words("speak.doubt", text=shortened(piece.text)))
        if piece.left_out:
            found.append(words("speak.left_out", text=shortened(" … ".join(piece.left_out))))
    return found


def shortened(text: str, most: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def places(text: str, lines: tuple[Line, ...]) -> list[dict[str, Any]]:
    """Where each line is in the text, counted as a browser counts: characters beyond U+FFFF are two."""
    found, at, place = [], 0, 0
    for line in lines:
        start = place + units(text[at : line.start])
        place = start + units(text[line.start : line.end])
        at = line.end
        found.append({"start": start, "end": place, "key": line.key})
    return found


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def line_frame(number: int, audio: Audio, pause: float, told: Sequence[str] = ()) -> bytes:
    head = {"line": number, "rate": audio.rate, "pause": pause, "told": list(told)}
    return frame(head, to_int16(audio).astype("<i2").tobytes())


def frame(said: dict[str, Any], sound: bytes = b"") -> bytes:
    """4 bytes: length of the JSON (little endian), 4 bytes: length of the sound, the JSON, 16-bit mono samples."""
    head = json.dumps(said, ensure_ascii=False).encode()
    return len(head).to_bytes(4, "little") + len(sound).to_bytes(4, "little") + head + sound
