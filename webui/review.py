"""What the page shows of the look over a recording: its verdict, and its pieces with what is doubtful in them."""

from __future__ import annotations

from typing import Any

from gpt_sovits.errors import MissingError
from gpt_sovits.services.session import Session
from webui.i18n import Words

LANGUAGES = ("auto", "zh", "en")
DOUBTFUL = "doubtful"


def shown_review(session: Session, words: Words, draft_id: str) -> dict[str, Any] | None:
    """The verdict with its reasons, the rows, and whether something was cleaned; None where nothing was looked over."""
    try:
        draft = session.jobs.reviews.open(draft_id) if draft_id else None
    except MissingError:
        draft = None
    if draft is None:
        return None
    verdicts = {
        "good": words("review.verdict_good"),
        "usable": words("review.verdict_usable"),
        "record_again": words("review.verdict_record_again"),
    }
    lines = [words.sentence(advice) for advice in draft.advice]
    doubtful = draft.transcript != "phones" and sum(piece.kept and piece.level == DOUBTFUL for piece in draft.pieces)
    if doubtful:
        lines.append(words("review.some_doubtful", count=doubtful, all=len(draft.pieces)))
    if draft.skipped:
        lines.append(words("review.skipped", words="; ".join(f"“{_short(text)}”" for text in draft.skipped[:5])))
    if draft.transcript == "phones":
        lines.append(words("review.no_words"))
    if draft.transcript == "recognised":
        lines.append(words("review.recognised"))
    verdict = "usable" if doubtful and draft.verdict == "good" else draft.verdict
    return {
        "id": draft.id,
        "verdict": verdict,
        "said": words("review.verdict_words") if verdict != draft.verdict else verdicts[verdict],
        "lines": lines,
        "cleaned": bool(draft.cleaned),
        "rows": [row(words, piece) for piece in draft.pieces],
    }


def row(words: Words, piece: Any) -> dict[str, Any]:
    return {
        "number": piece.number,
        "start": piece.start,
        "end": piece.end,
        "text": piece.text,
        "language": piece.language if piece.language in LANGUAGES else "auto",
        "kept": piece.kept,
        "level": piece.level,
        "wrong": [list(stretch) for stretch in piece.wrong],
        "more": piece.more,
        "reason": _reason(words, piece.reason),
    }


def _reason(words: Words, reason: str) -> str:
    """Why the studio left a piece out; nothing for what the person did."""
    reasons = {
        "no word of the text was found in it": words("review.reason_no_word"),
        "something was said that is not in the text": words("review.reason_added"),
        "its words do not fit what is heard": words("review.reason_unfit"),
        "no sounds of speech were found in it": words("review.reason_no_speech"),
        "better pieces are enough": words("review.reason_enough"),
    }
    return reasons.get(reason, "")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"
