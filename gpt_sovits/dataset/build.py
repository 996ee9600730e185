"""Recording and script in, training set out: assessed, cleaned where needed, aligned, cut, written as 32 kHz pieces.

Two roads. With the text that was read, words are aligned with the content encoder's phone posteriors and each piece
gets the words inside it; a piece whose words do not fit what is heard is dropped and reported. Without a text a
``Scribe`` writes one, where there is a model for it (``Report.transcript`` is "recognised"); else the phones that the
encoder hears are the transcript ("phones"), so training is still possible, with a weaker result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gpt_sovits.audio import Audio, fade, normalize, resample, write_wav
from gpt_sovits.dataset.align import FRAME_SECONDS, Alignment, align, sister_groups
from gpt_sovits.dataset.assess import MIN_SPEECH, Assessment, open_recording
from gpt_sovits.dataset.clean import clean
from gpt_sovits.dataset.ears import Ears, PhoneListener
from gpt_sovits.dataset.handed_in import in_order_of_reading, plain_script
from gpt_sovits.dataset.piece import Heard, hear
from gpt_sovits.dataset.proof import Proof, Thresholds, fitting_share, shares, softened, unbiased
from gpt_sovits.dataset.recognise import Scribe, Written
from gpt_sovits.dataset.rhythm import said_again
from gpt_sovits.dataset.slice import slice_speech
from gpt_sovits.dataset.tongues import languages_of, within
from gpt_sovits.dataset.training_set import Dropped, Report, Slice, TrainingSet
from gpt_sovits.dataset.transcript import (
    Remark,
    ScriptWord,
    heard_phones,
    read_text,
    remarks,
    says_the_same,
    script_words,
    sentence_ends,
)
from gpt_sovits.dataset.vad import Span
from gpt_sovits.errors import InputError, UnfitError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.features.phone_decoding import decode_phones
from gpt_sovits.text import phonemize, symbols
from gpt_sovits.versions import PHONES

RATE = 32_000  # of the pieces
LISTEN_RATE = 16_000  # of the encoder
LOUDNESS = -23.0  # dB, of the speech in the whole recording
DOUBTED = 0.5  # pieces of less confidence are left out; ``Thresholds`` say what that means with this encoder
FOREIGN = 0.5  # share of a piece's speech that may be missing from the text
ENOUGH = 0.3  # share of the speech that must fit the text, or MIN_SPEECH of it, else nothing is left to learn from
PHONE = 0.08  # seconds of speech that a phone takes
AGAIN = 0.4  # share of the speech that says what was said before; two sentences are never that like
PLENTY = 540.0  # seconds of speech; of more the best are kept, as training takes no more steps (training/plan.py)
MOST = 0.6  # share of the speech below which another order of the text is looked for
_WINDOW, _CONTEXT = 20.0, 1.0  # seconds that the encoder hears at a time, and around


def build_dataset(
    recording: Path | str,
    script: str,
    language: str,
    encoder: PhoneListener | Ears,
    *,
    work_dir: Path | str,
    version: str = PHONES,
    scribe: Scribe | None = None,
    anyway: bool = False,
    on_event: EventSink = ignore,
    cancel: CancelToken | None = None,
) -> TrainingSet:
    """Make the training set of ``recording`` in the folder ``work_dir``.

    ``script`` is what was read ("" when nobody knows), ``language`` its language or "auto", ``version`` the phone table
    of the base that will be trained. Doubt means what the ``Ears`` that are given as ``encoder`` say; where they doubt
    the whole text the ``scribe`` is asked, and ``anyway`` says that the person knows better: their text is believed. A
    set that was finished in this folder for the same input is loaded, so an interrupted job can go on. Raises
    ``InputError`` when the recording or the text cannot be used, ``UnfitError`` when other words are heard than the
    text has, ``CancelledError``.
    """
    cancel, work_dir, recording = cancel or CancelToken(), Path(work_dir), Path(recording)
    ears = encoder if isinstance(encoder, Ears) else Ears(encoder)
    on_event(Event("assess", "Listening to the recording."))
    audio, assessment = open_recording(recording)
    fingerprint = fingerprint_of(recording, script, language, version)
    finished = TrainingSet.load_if_finished(work_dir, fingerprint)
    if finished is not None:
        return finished
    cancel.check()
    cleaned = clean(audio, assessment, cancel=cancel)
    audio = normalize(cleaned.audio, LOUDNESS)
    heard = listen(resample(audio, LISTEN_RATE), ears, on_event=on_event, cancel=cancel)
    spans = list(assessment.spans)
    if said_again(heard, slice_speech(audio, spans), FRAME_SECONDS) > AGAIN:
        assessment = assessment.repeated()
    share = shares(heard)
    if script.strip():
        script = plain_script(script)
        words = script_words(script, language)
        if not words:
            raise InputError("The text holds no word that can be read.", "Please give the text that was read, or none.")
        on_event(Event("align", "Finding the words in the recording."))
        source, share = _source(audio, spans, heard, script, words, language, version)
        try:
            slices, spare, report = _in_any_order(source, assessment, ears.thresholds, cancel)
        except UnfitError:
            written = None if anyway else _written(audio, language, scribe, on_event, cancel)
            if not anyway and (written is None or not says_the_same(script, written.text)):
                raise
            slices, spare, report = _with_text(source, assessment, ears.thresholds, cancel, True)
    else:
        written = _written(audio, language, scribe, on_event, cancel)
        found = None
        if written is not None:
            words = script_words(written.text, written.language)
            source, told = _source(audio, spans, heard, written.text, words, written.language, version)
            found = _with_words_of_a_machine(source, assessment, ears.thresholds, cancel)
            share = told if found else share
        slices, spare, report = found or _without_text(audio, spans, heard, version, assessment)
    slices, spare = _best(slices, spare)
    report = replace(report, cleaned=cleaned.steps, share=tuple(round(float(x), 5) for x in share))
    on_event(Event("slice", f"{len(slices)} pieces were cut.", len(slices), len(slices)))
    return _write(audio, slices, spare, report, work_dir, fingerprint, cancel)


@torch.inference_mode()
def listen(
    audio: Audio, encoder: PhoneListener | Ears, *, on_event: EventSink = ignore, cancel: CancelToken | None = None
) -> np.ndarray:
    """Phone log-probabilities of a 16 kHz recording, float16 [T, V + 1]; windows with context bound the memory."""
    cancel = cancel or CancelToken()
    hop = round(FRAME_SECONDS * LISTEN_RATE)
    frames = -(-len(audio.samples) // hop)
    samples = np.pad(audio.samples, (0, frames * hop - len(audio.samples)))
    size, context = round(_WINDOW / FRAME_SECONDS), round(_CONTEXT / FRAME_SECONDS)
    ears = encoder if isinstance(encoder, Ears) else Ears(encoder)
    pieces = []
    for first in range(0, frames, size):
        cancel.check()
        on_event(Event("listen", "Listening for the sounds of the words.", first, frames))
        last = min(frames, first + size)
        begin, end = max(0, first - context), min(frames, last + context)
        wave = torch.from_numpy(samples[begin * hop : end * hop])[None]
        found = ears.phone_logits(wave)[0].float().cpu().numpy()
        if len(found) < end - begin:  # encoders may give a frame less at the end
            found = np.pad(found, ((0, end - begin - len(found)), (0, 0)), mode="edge")
        pieces.append(found[first - begin : last - begin].astype(np.float16))
    return np.concatenate(pieces)


@dataclass(frozen=True)
class _Source:
    """A recording and its text; ``unbiased``: what was heard of the text's languages."""

    audio: Audio
    spans: list[Span]
    unbiased: np.ndarray
    script: str
    words: list[ScriptWord]
    language: str
    version: str


def _source(
    audio: Audio,
    spans: list[Span],
    heard: np.ndarray,
    script: str,
    words: list[ScriptWord],
    language: str,
    version: str,
) -> tuple[_Source, np.ndarray]:
    """The source, and the ``shares`` of what was heard of the text's languages."""
    told = within(heard, languages_of(script, language))
    share = shares(told)
    return _Source(audio, spans, unbiased(told, share), script, words, language, version), share


def _in_any_order(
    source: _Source, assessment: Assessment, thresholds: Thresholds, cancel: CancelToken
) -> tuple[list[Slice], list[Slice], Report]:
    """As ``_with_text``; where little is found, also with the text's parts in the order in which they were read."""

    def attempt(of: _Source) -> tuple[list[Slice], list[Slice], Report] | UnfitError:
        try:
            return _with_text(of, assessment, thresholds, cancel)
        except UnfitError as error:
            return error

    found = attempt(source)
    if isinstance(found, UnfitError) or _seconds(found[0]) < MOST * assessment.speech_seconds:
        script = in_order_of_reading(source.script, source.language, softened(source.unbiased), cancel=cancel)
        if script is not None:
            other = attempt(replace(source, script=script, words=script_words(script, source.language)))
            if isinstance(found, UnfitError):
                found = other
            elif not isinstance(other, UnfitError) and _seconds(other[0]) > 1.2 * _seconds(found[0]):
                found = other
    if isinstance(found, UnfitError):
        raise found
    return found


def _seconds(slices: Sequence[Slice]) -> float:
    return sum(piece.seconds for piece in slices)


def _with_text(
    source: _Source, assessment: Assessment, thresholds: Thresholds, cancel: CancelToken, believed: bool = False
) -> tuple[list[Slice], list[Slice], Report]:
    """Pieces with their words, those that are left out, and the report. ``believed``: a weak fit is no reason."""
    script, words, spans = source.script, source.words, source.spans
    sisters = sister_groups(symbols().names)
    alignment = align(softened(source.unbiased), [word.ids for word in words], sisters=sisters, cancel=cancel)
    times = [(word.start, word.end) for word in alignment.words if not word.skipped]
    pieces = slice_speech(source.audio, spans, words=times, sentence_ends=sentence_ends(script, words, alignment))
    slices: list[Slice] = []
    spare: list[Slice] = []
    dropped, found = [], []
    proofs: list[Proof] = []
    for piece in pieces:
        cancel.check()
        inside = [w for w in alignment.words if not w.skipped and piece.start <= (w.start + w.end) / 2 < piece.end]
        text = read_text(script, words, [w.index for w in inside])
        speech = sum(max(0.0, min(s.end, piece.end) - max(s.start, piece.start)) for s in spans)
        heard = hear(source.unbiased, piece.start, piece.end, text, source.language, thresholds, speech=speech)
        reason = _doubt(piece, spans, alignment, heard.confidence, bool(inside))
        if believed and inside:
            reason = ""
        spoken = phonemize(text, source.language, source.version)
        made = Slice(
            Path(), text, source.language, spoken, piece.start, piece.end, heard.confidence,
            remarks=heard.remarks, reason=reason,
        )  # fmt: skip
        (spare if reason else slices).append(made)
        if inside:
            proofs.append(heard.proof)
            found += _in_script(heard, words, [w.index for w in inside], text)
        if reason:
            dropped.append(Dropped(piece.start, piece.end, text, reason))
    kept, total = sum(s.seconds for s in slices), sum(span.seconds for span in spans)
    long_enough = max(MIN_SPEECH, PHONE * sum(len(word.ids) for word in words))  # a part of the text fits as well
    if not believed and fitting_share(proofs, min(total, long_enough), thresholds) < thresholds.fitting:
        raise UnfitError(
            "The recording does not fit the text: other words are heard.",
            "If it is what was read, look the recording over and go on (on the command line: --anyway).",
        )
    if kept < min(ENOUGH * total, MIN_SPEECH):
        raise UnfitError(
            f"The recording does not fit the text: only {kept:.0f} of {total:.0f} seconds were found in it.",
            "Please check that this text was read, or leave the text empty.",
        )
    notes = remarks(script, words, alignment, found)
    return slices, spare, Report("text", assessment, tuple(notes), tuple(dropped), _mean(slices))


def _in_script(heard: Heard, words: list[ScriptWord], numbers: list[int], text: str) -> list[Remark]:
    """A piece's remarks with the places they have in the script instead of in the piece's own text."""
    out = []
    for remark in heard.remarks:
        spelled = sum(not c.isspace() for c in text[: remark.start])
        now = 0
        number = numbers[-1]
        for each in numbers:  # the word of the script at which this much has been spelled
            now += sum(not c.isspace() for c in words[each].text)
            if now > spelled:
                number = each
                break
        start = words[number].start
        end = start + len(remark.text)
        out.append(replace(remark, start=start, end=end))
    return out


def _doubt(piece: Span, spans: list[Span], alignment: Alignment, confidence: float, any_words: bool) -> str:
    """Why a piece must not be trained on; empty when it may."""
    if not any_words:
        return "no word of the text was found in it"
    spoken = sum(max(0.0, min(s.end, piece.end) - max(s.start, piece.start)) for s in spans)
    added = sum(max(0.0, min(b, piece.end) - max(a, piece.start)) for a, b in alignment.foreign)
    if added > FOREIGN * max(spoken, 0.1):
        return "something was said that is not in the text"
    return "its words do not fit what is heard" if confidence < DOUBTED else ""


def _written(
    audio: Audio, language: str, scribe: Scribe | None, on_event: EventSink, cancel: CancelToken
) -> Written | None:
    """What the scribe understood; None without one, or when it holds no word."""
    if scribe is None:
        return None
    on_event(Event("write", "Writing down the words."))
    written = scribe(audio, language, cancel)
    return written if script_words(written.text, written.language) else None


def _with_words_of_a_machine(
    source: _Source, assessment: Assessment, thresholds: Thresholds, cancel: CancelToken
) -> tuple[list[Slice], list[Slice], Report] | None:
    """As ``_with_text``; None when what was written down does not fit what is heard."""
    try:
        slices, spare, report = _with_text(source, assessment, thresholds, cancel)
    except UnfitError:
        return None
    return slices, spare, replace(report, transcript="recognised")


def _without_text(
    audio: Audio, spans: list[Span], log_probs: np.ndarray, version: str, assessment: Assessment
) -> tuple[list[Slice], list[Slice], Report]:
    slices, dropped = [], []
    best = np.exp(log_probs.max(axis=1).astype(np.float32))
    for piece in slice_speech(audio, spans):
        first, last = round(piece.start / FRAME_SECONDS), round(piece.end / FRAME_SECONDS)
        ids = decode_phones(log_probs[first:last].astype(np.float32), log_probs.shape[1] - 1)
        if len(ids) < 2:
            dropped.append(Dropped(piece.start, piece.end, "", "no sounds of speech were found in it"))
            continue
        phones = heard_phones(ids, version)
        confidence = float(best[first:last].mean())
        slices.append(Slice(Path(), "", "auto", phones, piece.start, piece.end, confidence))
    if not slices:
        raise InputError("No words were heard in the recording.", "Please record somebody who speaks.")
    return slices, [], Report("phones", assessment, (), tuple(dropped), _mean(slices))


def _best(slices: list[Slice], spare: list[Slice]) -> tuple[list[Slice], list[Slice]]:
    """Of more than ``PLENTY`` the surest pieces, and those that are left out."""
    seconds, taken = 0.0, set()
    for number in sorted(range(len(slices)), key=lambda k: (bool(slices[k].remarks), -slices[k].confidence)):
        seconds += slices[number].seconds
        if seconds <= PLENTY:
            taken.add(number)
    rest = [each.replaced(reason="better pieces are enough") for k, each in enumerate(slices) if k not in taken]
    return [each for k, each in enumerate(slices) if k in taken], spare + rest


def _mean(slices: list[Slice]) -> float:
    return float(np.mean([piece.confidence for piece in slices])) if slices else 0.0


def _write(
    audio: Audio,
    slices: list[Slice],
    spare: list[Slice],
    report: Report,
    folder: Path,
    fingerprint: str,
    cancel: CancelToken,
) -> TrainingSet:
    held_out = hold_out(slices)
    written = []
    for number, piece in enumerate([*slices, *spare]):
        cancel.check()
        path = folder / f"{number:04d}.wav"
        write_wav(path, fade(resample(audio.between(piece.start, piece.end), RATE)))
        written.append(piece.replaced(audio_path=path, holdout=number == held_out))
    kept = tuple(written[: len(slices)])
    result = TrainingSet(kept, sum(piece.seconds for piece in kept), report, tuple(written[len(slices) :]))
    result.save(folder, fingerprint)
    return result


def hold_out(slices: list[Slice]) -> int | None:
    """The piece that is kept from training to judge it: a confident one of ordinary length. None of fewer than 4."""
    if len(slices) < 4:
        return None
    ordinary = sorted(range(len(slices)), key=lambda i: abs(slices[i].seconds - 4.5))[: max(2, len(slices) // 3)]
    return max(ordinary, key=lambda i: slices[i].confidence)


def fingerprint_of(recording: Path, *settings: Any) -> str:
    """Names the input of a training set: the recording's content and (script, language, phone table)."""
    digest = hashlib.sha256(repr(settings).encode())
    with recording.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
