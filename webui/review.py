"""The look over a recording before it is learned from: its verdict and picture, and its pieces as a table."""

from __future__ import annotations

import html
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr

from gpt_sovits.errors import InputError, VoiceError
from webui.i18n import Words
from webui.parts import new_place, notice, pcm, problem, save_wav
from webui.person import Ask

SCRIPT = (Path(__file__).parent / "review.js").read_text(encoding="utf-8")
LANGUAGES = ("auto", "zh", "en")


@dataclass(frozen=True)
class Review:
    """``draft``: id of the review that is open, or empty; ``close`` puts it away when what it was made from changes."""

    button: gr.Button
    draft: gr.State
    trouble: gr.HTML
    about: gr.HTML
    table: gr.HTML
    panel: gr.Column

    @property
    def view(self) -> list[Any]:
        return [self.draft, self.trouble, self.about, self.table, self.panel]


def build(ask: Ask, words: Words, folder: Path) -> Review:
    button = gr.Button(words("review.button"), elem_id="review-start")
    trouble = notice(elem_id="review-problem")
    with gr.Column(visible=False, elem_classes="plain", elem_id="review") as panel:
        about = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="review-about")
        table = _table(ask, words, folder)
    return Review(button, gr.State(""), trouble, about, table, panel)


def open_review(
    ask: Ask, words: Words, folder: Path, recording: str | None, script: str, language: str
) -> tuple[Any, ...]:
    """Values of ``Review.view`` for a recording: a fresh draft, or why there is none."""
    try:
        if not recording:
            raise InputError(words("create.need_recording"))
        draft = ask().jobs.reviews.prepare(Path(recording), script=script, language=language, base=ask().models.chosen)
        about = _about(ask, words, folder, draft)
    except VoiceError as error:
        return "", problem(words, error), "", None, gr.update(visible=False)
    rows = [_row(words, piece) for piece in draft.pieces]
    return draft.id, "", about, {"id": draft.id, "rows": rows, "words": _words(words)}, gr.update(visible=True)


def closed() -> tuple[Any, ...]:
    """Values of ``Review.view`` without a draft."""
    return "", "", "", None, gr.update(visible=False)


def _table(ask: Ask, words: Words, folder: Path) -> gr.HTML:
    def correct(change: dict[str, Any]) -> dict[str, Any]:
        asked = {key: change[key] for key in ("text", "language", "kept") if key in change}
        try:
            if asked.get("language", "auto") not in LANGUAGES:
                raise InputError(words("review.unknown_language"))
            return _row(words, ask().jobs.reviews.correct(str(change["draft"]), int(change["number"]), **asked))
        except VoiceError as error:
            return {"problem": words.error(error)}

    def sound(which: dict[str, Any]) -> dict[str, Any]:
        try:
            data = ask().jobs.reviews.sound(str(which["draft"]), int(which["number"])).read_bytes()
        except (VoiceError, OSError):
            return {"file": None}
        path = new_place(folder) / f"{secrets.token_hex(8)}.wav"
        path.write_bytes(data)
        return {"file": str(path)}

    heads = [words("review.listen"), words("review.text"), words("review.language"), words("review.use")]
    head = "".join(f'<th scope="col">{html.escape(each)}</th>' for each in heads)
    return gr.HTML(
        None,
        html_template=f"""
<div class="review" hidden>
  <h4>{html.escape(words("review.pieces"))}</h4>
  <p class="review-hint">{html.escape(words("review.hint"))}</p>
  <table><thead><tr>{head}</tr></thead><tbody></tbody></table>
  <div class="review-pager" hidden>
    <button type="button" class="review-back">{html.escape(words("review.back"))}</button>
    <span class="review-count"></span>
    <button type="button" class="review-on">{html.escape(words("review.on"))}</button>
  </div>
  <p class="review-sum" aria-live="polite"></p>
  <audio hidden></audio>
</div>""",
        js_on_load=SCRIPT,
        server_functions=[correct, sound],
        apply_default_css=False,
        elem_id="review-table",
    )


def _words(words: Words) -> dict[str, Any]:
    """The sentences that the table's script fills in."""
    return {
        "sure": words("review.sure"),
        "unsure": words("review.unsure"),
        "doubtful": words("review.doubtful"),
        "out": words("review.out"),
        "play": words("review.play"),
        "text": words("review.text_of"),
        "no_text": words("review.no_text"),
        "language": words("review.language_of"),
        "keep": words("review.keep"),
        "wrong": words("review.wrong", words="{words}"),
        "more": words("review.more"),
        "sum": words("review.sum", count="{count}", seconds="{seconds}"),
        "unfit": words("review.reason_unfit"),
        "languages": {code: words(f"language.{code}") for code in LANGUAGES} | {"auto": words("review.automatic")},
    }


def _row(words: Words, piece: Any) -> dict[str, Any]:
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


def _about(ask: Ask, words: Words, folder: Path, draft: Any) -> str:
    """Verdict, advice, what was not found, the picture, and before and after where something was cleaned."""
    verdicts = {
        "good": words("review.verdict_good"),
        "usable": words("review.verdict_usable"),
        "record_again": words("review.verdict_record_again"),
    }
    lines = [words.sentence(advice) for advice in draft.advice]
    if draft.skipped:
        lines.append(words("review.skipped", words="; ".join(f"“{_short(text)}”" for text in draft.skipped[:5])))
    if draft.transcript == "phones":
        lines.append(words("review.no_words"))
    if draft.transcript == "recognised":
        lines.append(words("review.recognised"))
    points = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    picture = new_place(folder) / "recording.png"
    picture.write_bytes(ask().jobs.reviews.picture(draft.id))
    parts = [
        f'<p class="verdict {html.escape(draft.verdict)}">{html.escape(verdicts[draft.verdict])}</p>',
        f"<ul>{points}</ul>" if points else "",
        f'<figure><img src="{_address(picture)}" alt="{html.escape(words("review.picture_alt"))}">'
        f"<figcaption>{html.escape(words('review.picture'))}</figcaption></figure>",
    ]
    heard = ask().jobs.reviews.before_and_after(draft.id) if draft.cleaned else None
    if heard is not None:
        parts.append(f"<p>{html.escape(words('review.cleaned'))}</p>")
        for label, audio in zip((words("review.before"), words("review.after")), heard, strict=True):
            file = save_wav(folder, "heard", [pcm(audio.samples)], audio.rate)
            parts.append(
                f'<p class="compare"><span>{html.escape(label)}</span>'
                f'<audio controls preload="none" aria-label="{html.escape(label)}" src="{_address(file)}"></audio></p>'
            )
    return "".join(parts)


def _address(path: Path) -> str:
    return f"./gradio_api/file={quote(path.as_posix())}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"
