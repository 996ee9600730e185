"""Texts for commands: from files of any kind that is read aloud, from a pipe, or typed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.files import in_a_sentence, read_whole

MAX_TEXT_FILE = 4 * 2**20  # bytes
_DOCUMENTS = (".docx", ".epub", ".html", ".htm", ".srt", ".vtt")

_DOUBTS = {
    "silent": "nothing can be heard",
    "other": "words may be missing or wrong",
    "held": "a sound or a pause lasts too long",
    "cap": "it does not end",
    "short": "it is very short",
    "long": "it is very long",
    "left-out": "something in it cannot be read",
}


def doubt_said(doubt: str) -> str:
    """What may be wrong, in words."""
    return _DOUBTS.get(doubt, "a part is repeated")


def read_texts(paths: Sequence[Path]) -> str:
    """The texts of the files, one after the other; "-" is the standard input."""
    return "\n\n".join(_document(path) if path.suffix.lower() in _DOCUMENTS else read_text(path) for path in paths)


def read_text(path: Path) -> str:
    """``MissingError`` or ``InputError`` where there is no text."""
    try:
        data = _typed() if str(path) == "-" else read_whole(path, MAX_TEXT_FILE)
        if len(data) > MAX_TEXT_FILE:
            raise InputError(f"The file {path} is too large for a text.", "Speak it in parts.")
        from gpt_sovits.narration.books import decoded

        return decoded(path, data)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingError(f"There is no text file {path}.", "Check its name.") from error
    except OSError as error:
        raise in_a_sentence(error) from error


def _typed() -> bytes:
    if sys.stdin.isatty():
        print("Type the text; end it with Ctrl-D on a line of its own.", file=sys.stderr)
    return sys.stdin.buffer.read(MAX_TEXT_FILE + 1)


def _document(path: Path) -> str:
    from gpt_sovits.narration.books import read_book

    paragraphs = (each.text for chapter in read_book(path).chapters for each in chapter.paragraphs)
    return "\n\n".join(paragraphs)
