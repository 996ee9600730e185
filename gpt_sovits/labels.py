"""What a sound file says of itself: that a machine spoke, with which voice, and by whose consent.

The words lie in the metadata of the file, where programs look and nobody hears them. ``AIGC`` is the implicit label of
the Chinese standard GB 45438-2025 (JSON with its seven fields), ``GPT_SOVITS`` names voice, version, consent and
program, and the comment says it to a person in two languages. Whoever wants to can remove them: they inform, they do
not protect.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

PROGRAM = "GPT-SoVITS Studio"
COMMENT = "AI-generated speech. 本音频由人工智能合成。"
STANDARD, OWN = "AIGC", "GPT_SOVITS"  # keys of the metadata


@dataclass(frozen=True)
class Label:
    """``consent``: SHA-256 of the consent that the voice carries, "" without one (an invented voice, a clip).

    ``heard``: the sound ends with a mark that people hear (``encoding.audible_mark``).
    """

    voice: str = ""
    version: str = ""
    consent: str = ""
    program: str = PROGRAM
    heard: bool = False

    def metadata(self, *, title: str = "") -> dict[str, str]:
        """Key and text as they go into a file; each call is one production, with a number of its own."""
        standard = {
            "Label": "1",
            "ContentProducer": self.program,
            "ProduceID": secrets.token_hex(16),
            "ReservedCode1": "",
            "ContentPropagator": "",
            "PropagateID": "",
            "ReservedCode2": "",
        }
        own = {name: text for name, text in asdict(self).items() if name != "heard"}
        found = {STANDARD: _json(standard), OWN: _json(own), "comment": COMMENT}
        return {"title": title, **found} if title else found


@dataclass(frozen=True)
class Found:
    """What a file says: the standard's fields and ours, both empty where it says nothing."""

    standard: Mapping[str, Any]
    own: Mapping[str, Any]
    comment: str = ""

    @property
    def synthetic(self) -> bool:
        return str(self.standard.get("Label", "")) in ("1", "2", "3") or bool(self.own)


def read(metadata: Mapping[str, str]) -> Found:
    """The label in a file's metadata; the keys' case does not count."""
    by_key = {key.upper(): value for key, value in metadata.items()}
    comment = by_key.get("COMMENT") or by_key.get("DESCRIPTION") or by_key.get("ICMT", "")
    lines = dict(line.partition("=")[::2] for line in comment.splitlines())
    standard = by_key.get(STANDARD) or lines.get(STANDARD, "")
    own = by_key.get(OWN) or by_key.get("GSVS") or lines.get(OWN, "")
    return Found(_object(standard), _object(own), comment.partition("\n")[0])


def in_comment(metadata: Mapping[str, str]) -> dict[str, str]:
    """The same with the label's fields as lines of the comment, for formats that know no keys but their own."""
    found = {key: text for key, text in metadata.items() if key not in (STANDARD, OWN)}
    lines = [found.get("comment", ""), *(f"{key}={metadata[key]}" for key in (STANDARD, OWN) if key in metadata)]
    return {**found, "comment": "\n".join(filter(None, lines))}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
