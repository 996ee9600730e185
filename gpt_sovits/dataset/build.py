"""Recording and script in, training set out: assessed, cleaned where needed, aligned, cut, written as 32 kHz pieces.

Two roads. With the text that was read, words are aligned with the content encoder's phone posteriors and each piece
gets the words inside it; a piece whose words do not fit what is heard is dropped and reported. Without a text the
phones that the encoder hears are the transcript (``Report.transcript`` is "phones"), so training is still possible,
with a weaker result.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gpt_sovits.audio import Audio, fade, normalize, resample, write_wav
from gpt_sovits.dataset.align import FRAME_SECONDS, Alignment, align, greedy, joint_confidence, sister_groups
from gpt_sovits.dataset.assess import Assessment, open_recording
from gpt_sovits.dataset.clean import clean
from gpt_sovits.dataset.slice import slice_speech
from gpt_sovits.dataset.training_set import Dropped, Report, Slice, TrainingSet
from gpt_sovits.dataset.transcript import ScriptWord, heard_phones, read_text, remarks, script_words, sentence_ends
from gpt_sovits.dataset.vad import Span
from gpt_sovits.errors import InputError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.text import phonemize, symbols

RATE = 32_000  # of the pieces
LISTEN_RATE = 16_000  # of the encoder
LOUDNESS = -23.0  # dB, of the speech in the whole recording
CONFIDENT = 0.035  # pieces whose words fit worse are dropped: 2 of 100 right ones, nearly half of the wrong ones
FITTING = 0.055  # a recording whose words fit worse all in all says something else
FOREIGN = 0.5  # share of a piece's speech that may be missing from the text
ENOUGH = 0.3  # share of the speech that must fit the text, else the text is wrong
_WINDOW, _CONTEXT = 20.0, 1.0  # seconds that the encoder hears at a time, and around


class PhoneListener(Protocol):
    """What is needed of a content encoder: log-probabilities [1, T, V + 1] at 50 Hz of a wave [1, L] at 16 kHz."""

    def phone_logits(self, wave: Tensor) -> Tensor: ...


def build_dataset(
    recording: Path | str,
    script: str,
    language: str,
    encoder: PhoneListener,
    *,
    work_dir: Path | str,
    version: str = "v2",
    on_event: EventSink = ignore,
    cancel: CancelToken | None = None,
) -> TrainingSet:
    """Make the training set of ``recording`` in the folder ``work_dir``.

    ``script`` is what was read ("" when nobody knows), ``language`` its language or "auto", ``version`` the phone table
    of the base that will be trained. A set that was finished in this folder for the same input is loaded, so an
    interrupted job can go on. Raises ``InputError`` when the recording or the text cannot be used, ``CancelledError``.
    """
    cancel, work_dir, recording = cancel or CancelToken(), Path(work_dir), Path(recording)
    on_event(Event("assess", "Listening to the recording."))
    audio, assessment = open_recording(recording)
    fingerprint = _fingerprint(recording, script, language, version)
    finished = TrainingSet.load_if_finished(work_dir, fingerprint)
    if finished is not None:
        return finished
    cancel.check()
    cleaned = clean(audio, assessment, cancel=cancel)
    audio = normalize(cleaned.audio, LOUDNESS)
    log_probs = listen(resample(audio, LISTEN_RATE), encoder, on_event=on_event, cancel=cancel)
    words = script_words(script, language) if script.strip() else []
    spans = list(assessment.spans)
    if words:
        on_event(Event("align", "Finding the words in the recording."))
        slices, report = _with_text(audio, spans, log_probs, script, words, language, version, assessment, cancel)
    elif script.strip():
        raise InputError("The text holds no word that can be read.", "Please give the text that was read, or none.")
    else:
        slices, report = _without_text(audio, spans, log_probs, version, assessment)
    report = replace(report, cleaned=cleaned.steps)
    on_event(Event("slice", f"{len(slices)} pieces were cut.", len(slices), len(slices)))
    return _write(audio, slices, report, work_dir, fingerprint, cancel)


@torch.inference_mode()
def listen(
    audio: Audio, encoder: PhoneListener, *, on_event: EventSink = ignore, cancel: CancelToken | None = None
) -> np.ndarray:
    """Phone log-probabilities of a 16 kHz recording, float16 [T, V + 1]; windows with context bound the memory."""
    cancel = cancel or CancelToken()
    hop = round(FRAME_SECONDS * LISTEN_RATE)
    frames = -(-len(audio.samples) // hop)
    samples = np.pad(audio.samples, (0, frames * hop - len(audio.samples)))
    size, context = round(_WINDOW / FRAME_SECONDS), round(_CONTEXT / FRAME_SECONDS)
    device = next((p.device for p in encoder.parameters()), None) if isinstance(encoder, torch.nn.Module) else None
    pieces = []
    for first in range(0, frames, size):
        cancel.check()
        on_event(Event("listen", "Listening for the sounds of the words.", first, frames))
        last = min(frames, first + size)
        begin, end = max(0, first - context), min(frames, last + context)
        wave = torch.from_numpy(samples[begin * hop : end * hop])[None].to(device)
        found = encoder.phone_logits(wave)[0].float().cpu().numpy()
        if len(found) < end - begin:  # encoders may give a frame less at the end
            found = np.pad(found, ((0, end - begin - len(found)), (0, 0)), mode="edge")
        pieces.append(found[first - begin : last - begin].astype(np.float16))
    return np.concatenate(pieces)


def _with_text(
    audio: Audio,
    spans: list[Span],
    log_probs: np.ndarray,
    script: str,
    words: list[ScriptWord],
    language: str,
    version: str,
    assessment: Assessment,
    cancel: CancelToken,
) -> tuple[list[Slice], Report]:
    alignment = align(
        log_probs, [word.ids for word in words], sisters=sister_groups(symbols("v2").names), cancel=cancel
    )
    times = [(word.start, word.end) for word in alignment.words if not word.skipped]
    pieces = slice_speech(audio, spans, words=times, sentence_ends=sentence_ends(script, words, alignment))
    slices, dropped = [], []
    for piece in pieces:
        inside = [w for w in alignment.words if not w.skipped and piece.start <= (w.start + w.end) / 2 < piece.end]
        text = read_text(script, words, [w.index for w in inside])
        confidence = joint_confidence(inside)
        reason = _doubt(piece, spans, alignment, confidence, bool(inside))
        if reason:
            dropped.append(Dropped(piece.start, piece.end, text, reason))
            continue
        phones = phonemize(text, language, version)
        slices.append(Slice(Path(), text, language, phones, piece.start, piece.end, confidence))
    kept, spoken = sum(s.seconds for s in slices), sum(span.seconds for span in spans)
    if alignment.confidence < FITTING:
        raise InputError(
            "The recording does not fit the text: other words are heard.",
            "Please check that this text was read, or leave the text empty.",
        )
    if kept < ENOUGH * spoken:
        raise InputError(
            f"The recording does not fit the text: only {kept:.0f} of {spoken:.0f} seconds were found in it.",
            "Please check that this text was read, or leave the text empty.",
        )
    notes = remarks(script, words, alignment)
    return slices, Report("text", assessment, tuple(notes), tuple(dropped), alignment.confidence)


def _doubt(piece: Span, spans: list[Span], alignment: Alignment, confidence: float, any_words: bool) -> str:
    """Why a piece must not be trained on; empty when it may."""
    if not any_words:
        return "no word of the text was found in it"
    spoken = sum(max(0.0, min(s.end, piece.end) - max(s.start, piece.start)) for s in spans)
    added = sum(max(0.0, min(b, piece.end) - max(a, piece.start)) for a, b in alignment.foreign)
    if added > FOREIGN * max(spoken, 0.1):
        return "something was said that is not in the text"
    return "its words do not fit what is heard" if confidence < CONFIDENT else ""


def _without_text(
    audio: Audio, spans: list[Span], log_probs: np.ndarray, version: str, assessment: Assessment
) -> tuple[list[Slice], Report]:
    slices, dropped = [], []
    best = np.exp(log_probs.max(axis=1).astype(np.float32))
    for piece in slice_speech(audio, spans):
        ids = greedy(log_probs, start=piece.start, end=piece.end)
        first, last = round(piece.start / FRAME_SECONDS), round(piece.end / FRAME_SECONDS)
        if len(ids) < 2:
            dropped.append(Dropped(piece.start, piece.end, "", "no sounds of speech were found in it"))
            continue
        phones = heard_phones(ids, version)
        confidence = float(best[first:last].mean())
        slices.append(Slice(Path(), "", "auto", phones, piece.start, piece.end, confidence))
    if not slices:
        raise InputError("No words were heard in the recording.", "Please record somebody who speaks.")
    mean = float(np.mean([s.confidence for s in slices]))
    return slices, Report("phones", assessment, (), tuple(dropped), mean)


def _write(
    audio: Audio, slices: list[Slice], report: Report, folder: Path, fingerprint: str, cancel: CancelToken
) -> TrainingSet:
    held_out = hold_out(slices)
    written = []
    for number, piece in enumerate(slices):
        cancel.check()
        path = folder / f"{number:04d}.wav"
        write_wav(path, fade(resample(audio.between(piece.start, piece.end), RATE)))
        written.append(piece.replaced(audio_path=path, holdout=number == held_out))
    result = TrainingSet(tuple(written), sum(piece.seconds for piece in written), report)
    result.save(folder, fingerprint)
    return result


def hold_out(slices: list[Slice]) -> int | None:
    """The piece that is kept from training to judge it: a confident one of ordinary length. None of fewer than 4."""
    if len(slices) < 4:
        return None
    ordinary = sorted(range(len(slices)), key=lambda i: abs(slices[i].seconds - 4.5))[: max(2, len(slices) // 3)]
    return max(ordinary, key=lambda i: slices[i].confidence)


def _fingerprint(recording: Path, *settings: Any) -> str:
    digest = hashlib.sha256(repr(settings).encode())
    with recording.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
