"""How a text will be read, in plain words first, and putting a word right by writing it as it sounds.

POST <language>/own/reading   {"text", "voice", "language"} -> {"words": [...]}
POST <language>/own/other     {"word", "sounds", "language"} -> {"other": [...]}, further readings of the word
POST <language>/own/word      {"word", "sounds", "language", "keep"} -> {"mark": "[word|=sounds]"}
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from gpt_sovits.errors import InputError
from gpt_sovits.events import CancelToken
from gpt_sovits.text import Reading
from gpt_sovits.text.alternatives import alternatives
from gpt_sovits.text.reading import parse_reading
from webui.live import Language, Live, answered, units

_SHOWN = 600  # words of a long text
_READ = 20_000  # characters of it, which have more words than that
_AS_IT_IS = re.compile(r"spell|=.*|/.*/|.*\d.*", re.DOTALL)  # a reading for those who know how: ARPAbet, IPA, pinyin


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str
    voice: str = ""
    language: str = "auto"


class Correction(BaseModel):
    model_config = ConfigDict(extra="forbid")
    word: str = Field(max_length=80)
    sounds: str = Field(max_length=200)
    language: str = Field(max_length=3)
    keep: bool = False


class ReadingRoutes:
    """The routes; ``live`` knows who asks. What reads a text takes its turn, so that one's many hold up nobody."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def router(self) -> APIRouter:
        routes = APIRouter(prefix="/{language}/own")
        routes.add_api_route("/reading", self.reading, methods=["POST"])
        routes.add_api_route("/other", self.other, methods=["POST"])
        routes.add_api_route("/word", self.word, methods=["POST"])
        return routes

    async def reading(self, language: Language, asked: Asked, request: Request) -> dict[str, Any]:
        asker = self._live.asker(request)
        voice = asked.voice if asked.voice and not asked.voice.startswith("clip-") else None

        def explained() -> dict[str, Any]:
            text = asked.text[:_READ]
            found = asker.session.speech.explain(text, language=asked.language, voice=voice)
            words = spoken_words(text, found)
            more = max(0, len(words) - _SHOWN)
            return {"words": words[:_SHOWN], "more": more or int(len(text) < len(asked.text))}

        return await self._live.turn(asker, partial(answered, language, explained), CancelToken())

    def other(self, language: Language, wish: Correction) -> dict[str, Any]:
        return {"other": alternatives(wish.word, wish.language, wish.sounds)}

    def word(self, language: Language, wish: Correction, request: Request) -> dict[str, Any]:
        """The mark that makes a word be read so; with ``keep`` it goes to the person's word list too."""
        lexicon = self._live.asker(request).session.lexicon

        def corrected() -> dict[str, Any]:
            word, sounds = " ".join(wish.word.split()), as_reading(wish.sounds, wish.language)
            if not any(map(str.isalnum, sounds)):
                raise InputError("There is no reading yet.", "Write how the word sounds.")
            parse_reading(sounds, word)
            if wish.keep:
                lexicon.add(word, sounds, wish.language if wish.language in ("zh", "en") else "")
            return {"mark": f"[{word}|{sounds}]"}

        return answered(language, corrected)


def as_reading(sounds: str, language: str) -> str:
    """What a person wrote as it sounds, as the reading that the text's marks and the word list take."""
    sounds = " ".join(sounds.split())
    plain = not sounds.isascii() if language == "zh" else not (sounds.isupper() and " " in sounds)
    toned = language == "zh" and bool(re.search("[āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ]", sounds))
    return sounds if not sounds or _AS_IT_IS.fullmatch(sounds) or toned or not plain else f"={sounds}"


def spoken_words(text: str, found: tuple[Reading, ...]) -> list[dict[str, Any]]:
    """What stands in the text, what is said for it, and how that sounds; what is written as one is one (9:45)."""
    groups: list[list[Reading]] = []
    for reading in found:
        if groups and reading.start < max(each.end for each in groups[-1]):
            groups[-1].append(reading)
        else:
            groups.append([reading])
    words, at, place = [], 0, 0
    for group in groups:
        start, end = group[0].start, max(each.end for each in group)
        first = place + units(text[at:start])
        place, at = first + units(text[start:end]), end
        said = ("" if group[0].language in ("zh", "yue", "ja") else " ").join(each.text for each in group)
        same = said.casefold() == text[start:end].casefold() or group[0].why in ("markup", "lexicon")
        words.append(
            {
                "start": first,
                "end": place,
                "said": text[start:end] if same else said,
                "same": same,
                "sounds": " · ".join(each.reading for each in group),
                "why": group[0].why,
                "language": group[0].language,
                "notice": next((each.notice for each in group if each.notice), ""),
            }
        )
    return words
