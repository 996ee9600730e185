"""The words of the pages: one JSON file per language, the same keys in each (a test compares them)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request

from gpt_sovits.errors import VoiceError

FOLDER = Path(__file__).parent
LANGUAGES = {"en": "English", "zh": "中文"}
COOKIE = "studio-language"  # what a person chose


@dataclass(frozen=True)
class Words:
    """All sentences of one language: ``words("speak.button")``; values fill in the blanks."""

    language: str
    sentences: Mapping[str, str]
    failures: tuple[tuple[re.Pattern[str], str], ...] = ()

    def __call__(self, key: str, **values: object) -> str:
        text = self.sentences[key]
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        return key in self.sentences

    def sentence(self, english: str) -> str:
        """What the studio said in English, one sentence or two, in this language where a translation is known."""
        return self._translated(english) or self._in_two(english) or english

    def _in_two(self, english: str) -> str | None:
        for end in re.finditer(r"[.?!](?= )", english):
            first, second = self._translated(english[: end.end()]), self._translated(english[end.end() + 1 :])
            if first is not None and second is not None:
                return first + second
        return None

    def _translated(self, english: str) -> str | None:
        for pattern, translation in self.failures:
            found = pattern.fullmatch(english)
            if found:
                return translation.format(*found.groups())
        return None

    def lines(self, english: str) -> str:
        """Lines of a name and, after a colon, a failure of the studio's: what went wrong, and what to do."""
        parts = (line.partition(": ") for line in english.splitlines())
        return "\n".join(name + colon + (self._in_two(said) or self.sentence(said)) for name, colon, said in parts)

    def error(self, error: VoiceError) -> str:
        """What went wrong and what to do about it, as one short text."""
        parts = [self.sentence(part) for part in (error.message, error.action) if part]
        return ("" if self.language == "zh" else " ").join(parts)


def pattern_of(template: str) -> re.Pattern[str]:
    """A pattern for the sentences that an English template makes; ``{}`` stands for what is filled in."""
    return re.compile("(.+?)".join(re.escape(part) for part in template.split("{}")), re.DOTALL)


@lru_cache(maxsize=len(LANGUAGES))
def load(language: str) -> Words:
    """The words of one of ``LANGUAGES``; ``failures.<language>.json`` holds the studio's own sentences, translated."""
    sentences = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    failures_file = FOLDER / f"failures.{language}.json"
    failures = json.loads(failures_file.read_text(encoding="utf-8")) if failures_file.exists() else {}
    exact = sorted(failures.items(), key=lambda pair: -len(pair[0].replace("{}", "")))  # the sentence that says most
    return Words(language, sentences, tuple((pattern_of(key), value) for key, value in exact))


def preferred(accept_language: str) -> str:
    """The first of our languages in an Accept-Language header, by its weights; English when there is none."""
    wanted: list[tuple[float, int, str]] = []
    for order, part in enumerate(accept_language.split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            quality = 0.0
        wanted.append((-quality, order, tag.split("-")[0].lower()))
    return next((tag for _, _, tag in sorted(wanted) if tag in LANGUAGES), "en")


def chosen(request: Request) -> str:
    """The language that a person chose before, or else the one that their browser asks for."""
    kept = request.cookies.get(COOKIE, "")
    return kept if kept in LANGUAGES else preferred(request.headers.get("accept-language", ""))
