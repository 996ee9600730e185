"""The Create tab: name, page to read, recording, permission; then the running job, and the finished voice."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from gpt_sovits.errors import InputError, RefusedError, VoiceError
from gpt_sovits.services.jobs import Script, TrainingRequest
from gpt_sovits.voices.consent import Consent
from webui import i18n, review
from webui.i18n import Words
from webui.parts import catch, heading, notice, problem, recorder, status_line, unchanged
from webui.person import Ask
from webui.player import player, sample, stored_sound

OWN_TEXT = "own"
ACTIVE = ("queued", "running", "stopping")
TICK = 1.0  # seconds between two looks at the job


@dataclass(frozen=True)
class CreateTab:
    """What the page needs to wire: which voice was finished, and the button that goes on to Speak."""

    finished: gr.State
    speak_with: gr.Button


def build(ask: Ask, passages: Sequence[Script], words: Words, folder: Path, page: gr.Blocks) -> CreateTab:
    scripts = {script.id: script for script in passages}
    first = next((key for key, script in scripts.items() if script.language == words.language), next(iter(scripts), ""))
    choices = [(f"{i18n.LANGUAGES[script.language]} · {script.title}", key) for key, script in scripts.items()] + [
        (words("create.own_text"), OWN_TEXT)
    ]

    with gr.Column(elem_classes="narrow"):
        heading(words("create.title"), words("create.intro"))
        with gr.Column(visible=True, elem_id="create-form") as form:
            with gr.Column(elem_classes="card"):
                heading(words("create.step_name"), level=3)
                name = gr.Textbox(
                    label=words("create.name"),
                    placeholder=words("create.name_hint"),
                    max_length=80,
                    max_lines=1,
                    elem_id="create-name",
                )
            with gr.Column(elem_classes="card"):
                heading(words("create.step_read"), level=3)
                what = gr.Radio(choices, value=first or OWN_TEXT, label=words("create.what"), elem_id="create-what")
                passage = gr.HTML(
                    _passage(scripts.get(first)), js_on_load=None, apply_default_css=False, elem_id="passage"
                )
                with gr.Column(visible=not first, elem_classes="plain") as own:
                    own_text = gr.Textbox(
                        label=words("create.own_text_label"),
                        placeholder=words("create.own_text_hint"),
                        lines=5,
                        elem_id="create-own-text",
                    )
                heading("", words("create.read_hint"))
            with gr.Column(elem_classes="card"):
                heading(words("create.step_record"), words("create.recording_hint"), level=3)
                recording = recorder(words, words("create.recording"), "create-recording")
                looked = review.build(ask, words, folder)
            with gr.Column(elem_classes="card"):
                heading(words("create.step_consent"), level=3)
                with gr.Row():
                    who = gr.Textbox(
                        label=words("create.who"),
                        placeholder=words("create.who_hint"),
                        max_length=200,
                        max_lines=1,
                        elem_id="create-who",
                    )
                    purpose = gr.Textbox(
                        label=words("create.purpose"),
                        value=words("create.purpose_value"),
                        max_length=500,
                        max_lines=1,
                        elem_id="create-purpose",
                    )
                consent = gr.Checkbox(label=words("create.consent"), container=False, elem_id="create-consent")
                other = gr.Checkbox(label=words("create.other"), container=False, elem_id="create-other")
                with gr.Column(visible=False, elem_classes="plain") as saying:
                    heading("", words("create.statement_text"))
                    spoken = recorder(words, words("create.spoken"), "create-spoken")
            trouble = notice(elem_id="create-problem")
            start = gr.Button(words("create.button"), variant="primary", elem_id="create-start")
        with gr.Column(visible=False, elem_classes="card job", elem_id="job") as panel:
            status = status_line(elem_id="job-status")
            bar = gr.HTML("", js_on_load=None, apply_default_css=False, elem_id="job-bar")
            job_trouble = notice(elem_id="job-problem")
            sound = player(words, "create-sample")
            with gr.Row():
                stop = gr.Button(words("job.stop"), visible=False, elem_id="job-stop")
                resume = gr.Button(words("job.resume"), variant="primary", visible=False, elem_id="job-resume")
                speak_with = gr.Button(
                    words("create.speak_with"), variant="primary", visible=False, elem_id="job-speak"
                )
                another = gr.Button(words("create.another"), visible=False, elem_id="job-another")

    shown = gr.State("")  # what of the job this page last drew
    current = gr.State("")  # the id of that job
    finished = gr.State("")  # the voice that it made
    heard = gr.State("")  # the sample on the way that is offered to the ear: job and percent
    dismissed = gr.BrowserState("", storage_key="studio-dismissed-job", secret="not-a-secret")
    timer = gr.Timer(TICK)
    view = [form, panel, status, bar, stop, resume, speak_with, another, shown, current, finished, heard]

    def look(drawn: str, put_away: str) -> list[Any]:
        """Draw the newest job, or nothing new when it looks as before."""
        job = _newest(ask().jobs.list(), put_away)
        samples = {} if job is None or job.state not in ACTIVE else ask().jobs.samples(job.id)
        on_the_way = f"{job.id} {max(samples)}" if job is not None and samples else ""
        picture = "" if job is None else f"{_signature(job)}|{on_the_way}"
        if picture == drawn:
            return unchanged(len(view))
        if job is None:
            return [
                gr.update(visible=True),
                gr.update(visible=False),
                "",
                "",
                *[gr.update(visible=False)] * 4,
                "",
                "",
                "",
                "",
            ]
        over = job.state not in ACTIVE
        done = job.state == "done"
        return [
            gr.update(visible=False),
            gr.update(visible=True),
            _status(words, job),
            _bar(words, job, ask().jobs.latest_step(job.id), max(samples, default=0)),
            gr.update(visible=not over, interactive=job.state != "stopping"),
            gr.update(visible=job.state in ("stopped", "failed")),
            gr.update(visible=done),
            gr.update(visible=over, value=words("create.another") if done else words("job.again")),
            picture,
            job.id,
            job.voice_id if done and job.voice_id else "",
            on_the_way,
        ]

    def text_of(what: str, own_text: str) -> tuple[str, str]:
        """What is read, and its language."""
        return (own_text.strip(), "auto") if what == OWN_TEXT else (scripts[what].text, scripts[what].language)

    def look_over(what: str, own_text: str, recording: str | None) -> tuple[Any, ...]:
        return review.open_review(ask, words, folder, recording, *text_of(what, own_text))

    def put_review_away(draft: str) -> tuple[Any, ...]:
        """Another recording or another text: the pieces that were looked over belong to the one before."""
        if not draft:
            return tuple(unchanged(len(looked.view)))
        ask().jobs.reviews.discard()
        return review.closed()

    def begin(
        name: str,
        what: str,
        own_text: str,
        recording: str | None,
        who: str,
        purpose: str,
        ticked: bool,
        draft: str,
        is_other: bool,
        spoken: str | None,
    ) -> str:
        try:
            if not recording:
                raise InputError(words("create.need_recording"))
            text, language = text_of(what, own_text)
            if not ticked:
                raise RefusedError(words("create.need_consent"))
            permission = Consent(who=who, purpose=purpose, statement=words("create.statement"), own=not is_other)
            request = TrainingRequest(
                name,
                Path(recording),
                permission,
                script=text,
                language=language,
                draft=draft,
                statement=Path(spoken) if is_other and spoken else None,
            )
            ask().jobs.create(request)
        except VoiceError as error:
            return problem(words, error)
        return ""

    def clear(trouble: str) -> list[Any]:
        """An empty form for the next voice, once the job is taken."""
        return unchanged(6) if trouble else ["", None, False, "", False, None]

    def halt(job_id: str) -> str:
        try:
            ask().jobs.stop(job_id)
        except VoiceError as error:
            return problem(words, error)
        return ""

    def go_on(job_id: str) -> str:
        try:
            ask().jobs.resume(job_id)
        except VoiceError as error:
            return problem(words, error)
        return ""

    def put_away(job_id: str) -> tuple[str, str, str]:
        """Back to the form. A job that made no voice goes with its recording; a finished one is only not shown."""
        try:
            if ask().jobs.get(job_id).state != "done":
                ask().jobs.delete(job_id)
            left = _newest(ask().jobs.list(), "")
        except VoiceError as error:
            return "", problem(words, error), ""
        return left.id if left else "", "", ""

    def say_hello(voice_id: str) -> tuple[Any, str]:
        if not voice_id:
            return None, ""
        try:
            return sample(ask, words, folder, voice_id), ""
        except VoiceError as error:
            return None, problem(words, error)

    def let_hear(which: str) -> Any:
        """The player with the newest sample of a voice that is still learning."""
        if not which:
            return gr.skip()
        job_id, percent = which.split()
        try:
            return stored_sound(ask().jobs.sample(job_id, int(percent)), folder)
        except (VoiceError, OSError):  # the job was deleted meanwhile
            return None

    def choose(what: str) -> tuple[str, Any]:
        return _passage(scripts.get(what)), gr.update(visible=what == OWN_TEXT)

    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    what.change(choose, what, [passage, own], **quiet)
    look_inputs = [shown, dismissed]
    timer.tick(look, look_inputs, view, concurrency_limit=None, **quiet)
    page.load(look, look_inputs, view, **quiet)
    asked = looked.button.click(
        look_over, [what, own_text, recording], looked.view, api_visibility="private", show_progress_on=[looked.button]
    )
    catch(asked, words, looked.trouble)
    for part in (recording, what, own_text):
        part.change(put_review_away, looked.draft, looked.view, **quiet)
    fields = [name, what, own_text, recording, who, purpose, consent, looked.draft, other, spoken]
    other.change(lambda shown: gr.update(visible=shown), other, saying, **quiet)
    started = start.click(begin, fields, trouble, api_visibility="private", show_progress_on=[start])
    catch(started, words, trouble)
    started.then(look, look_inputs, view, **quiet)
    started.then(clear, trouble, [name, recording, consent, own_text, other, spoken], **quiet)
    stop.click(halt, current, job_trouble, **quiet).then(look, look_inputs, view, **quiet)
    resume.click(go_on, current, job_trouble, **quiet).then(look, look_inputs, view, **quiet)
    finished.change(say_hello, finished, [sound, job_trouble], **quiet)
    heard.change(let_hear, heard, sound, **quiet)
    another.click(put_away, current, [dismissed, job_trouble, trouble], **quiet).then(look, look_inputs, view, **quiet)
    return CreateTab(finished, speak_with)


def _newest(jobs: Any, put_away: str) -> Any | None:
    """The job that is running or waiting, else the newest one that the person has not put away."""
    jobs = sorted(jobs, key=lambda job: job.created)
    active = [job for job in jobs if job.state in ACTIVE]
    if active:
        return next((job for job in active if job.state != "queued"), active[0])
    return jobs[-1] if jobs and jobs[-1].id != put_away else None


def _signature(job: Any) -> str:
    return "|".join(
        str(part) for part in (job.id, job.state, job.stage, job.message, round(job.fraction * 100), _minutes(job))
    )


def _minutes(job: Any) -> int:
    return -1 if job.seconds_left is None else math.ceil(job.seconds_left / 60 - 0.25)


def _time_left(words: Words, job: Any) -> str:
    minutes = _minutes(job)
    if minutes < 0:
        return words("job.unknown")
    if minutes == 0:
        return words("job.seconds")
    return words("job.one_minute") if minutes == 1 else words("job.minutes", minutes=minutes)


def _stage(words: Words, job: Any) -> str:
    key = f"stage.{job.stage}"
    return words(key) if words.has(key) else words("stage.other")


def _status(words: Words, job: Any) -> str:
    """Heading and sentence of the job's panel. It changes seldom, as it is read aloud when it does."""
    learning = words("job.title_named", name=job.name) if job.name else words("job.title")
    if job.state == "failed":
        title, lines = words("job.failed"), [words.sentence(job.error) if job.error else ""]
    elif job.state == "stopped":
        title, lines = learning, [words("job.stopped")]
    elif job.state == "done":
        title = words("job.done_named", name=job.name) if job.name else words("job.done")
        lines = [words("job.done_text")]
    elif job.state == "stopping":
        title, lines = learning, [words("job.stopping")]
    elif job.state == "queued":
        title, lines = learning, [words("job.waiting"), words("job.leave")]
    else:
        title, lines = learning, [f"{_stage(words, job)}. {_time_left(words, job)}.", words("job.leave")]
    paragraphs = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
    return f'<h3>{html.escape(title)}</h3><div data-state="{html.escape(job.state)}">{paragraphs}</div>'


def _bar(words: Words, job: Any, step: Any | None, heard: int) -> str:
    """The progress bar; below it the step with its error, and which sample the player holds."""
    if job.state not in ACTIVE:
        return ""
    lines = []
    if step is not None and step.kind == job.stage:
        loss = next(iter(step.values.values()), None)
        lines.append(words("job.step", step=step.step, total=step.total))
        lines[0] += "" if loss is None else f" · {words('job.loss', value=f'{loss:.2f}')}"
    if heard:
        lines.append(words("job.heard", percent=heard))
    numbers = "".join(f'<p class="numbers">{html.escape(line)}</p>' for line in lines)
    percent = round(max(0.0, min(1.0, job.fraction)) * 100)
    return (
        f'<label class="bar"><span class="visually-hidden">{html.escape(words("job.progress"))}</span>'
        f'<progress max="100" value="{percent}">{percent} %</progress>'
        f'<span aria-hidden="true">{percent} %</span></label>{numbers}'
    )


def _passage(script: Any | None) -> str:
    if script is None:
        return ""
    paragraphs = "".join(f"<p>{html.escape(part)}</p>" for part in script.text.splitlines() if part.strip())
    return f'<blockquote lang="{html.escape(script.language)}" tabindex="0">{paragraphs}</blockquote>'
