"""Narrating long texts for one person: a project on the disk, spoken sentence by sentence, and made into a book."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpt_sovits.audio import Audio, concatenate, silence
from gpt_sovits.errors import InputError, MissingError
from gpt_sovits.events import CancelToken, Event, EventSink, ignore
from gpt_sovits.labels import Label
from gpt_sovits.narration.books import read_book
from gpt_sovits.narration.master import Made, build
from gpt_sovits.narration.project import SENTENCE_PAUSE, Project, Sentence
from gpt_sovits.services.core import Core
from gpt_sovits.services.speech import SpeechService
from gpt_sovits.services.voices import VoiceService

if TYPE_CHECKING:
    from gpt_sovits.synthesis import Speech

__all__ = ["Made", "NarrationService", "Project", "Sentence"]


class NarrationService:
    """``user``'s narrations. They lie where the person wants them, plain, as the text did."""

    def __init__(self, core: Core, user: str) -> None:
        self._core = core
        self._user = user
        self._speech = SpeechService(core, user)
        self._voices = VoiceService(core, user)

    def begin(
        self,
        folder: Path,
        document: Path,
        voice: str,
        *,
        roles: Mapping[str, str] | None = None,
        language: str = "auto",
        speed: float = 1.0,
        seed: int = 0,
        title: str = "",
    ) -> Project:
        """A new project in ``folder``, split into sentences; nothing is spoken yet.

        ``voice`` is the narrator's name or id, ``roles`` those of the people who speak in lines like "Anna: …".
        ``title`` is for a document that names none.
        """
        if not 0.5 <= speed <= 2.0:
            raise InputError(f"A speed of {speed:g} is not possible.", "Choose between 0.5 and 2.")
        cast = {role: self._voices.find(name).id for role, name in {"": voice, **(roles or {})}.items()}
        loaded = {role: self._core.voice(self._user, voice_id) for role, voice_id in cast.items()}

        def split(text: str, role: str) -> list[tuple[str, float | None]]:
            lines = self._speech.lines(text, loaded[role], language=language)
            return [(line.text, line.pause) for line in lines]

        book = read_book(document, [role for role in cast if role])
        if title and book.title == document.stem:
            book.title = title
        about = {"roles": json.dumps(cast), "language": language, "speed": str(speed), "seed": str(seed)}
        if book.left_out:
            about["left_out"] = " ".join(dict.fromkeys(book.left_out))[:500]
        project = Project.create(folder, book, split, **about)
        if book.cover:
            (folder / "cover").write_bytes(book.cover)
        return project

    def open(self, folder: Path) -> Project:
        """``MissingError`` where there is none."""
        return Project(folder)

    def go_on(self, project: Project, *, on_event: EventSink = ignore, cancel: CancelToken | None = None) -> None:
        """Speak every sentence that has no take yet."""
        self.note(project)
        whole, done = project.count()
        for sentence in project.sentences(untaken=True):
            self.say(project, sentence, cancel or CancelToken())
            done += 1
            on_event(Event("narrate", sentence.text, done, whole))

    def note(self, project: Project) -> None:
        """Write into the journal that what is left is going to be spoken."""
        whole, done = project.count()
        for voice_id in dict.fromkeys(project.roles.values()):
            if done < whole:
                self._core.registry.note(self._user, "narrated", voice_id, sentences=whole - done)

    def redo(self, project: Project, number: int, *, cancel: CancelToken | None = None) -> None:
        """One more take of a sentence, which is heard from now on; the earlier ones stay and can be chosen again."""
        self.say(project, project.sentence(number), cancel or CancelToken())

    def edit(self, project: Project, number: int, text: str, *, cancel: CancelToken | None = None) -> None:
        """Give a sentence another text and say it."""
        self._speech.lines(text, project.roles[project.sentence(number).role])
        project.edit(number, text)
        self.redo(project, number, cancel=cancel)

    def build(
        self,
        project: Project,
        out: Path,
        *,
        title: str = "",
        author: str = "",
        cover: Path | None = None,
        cancel: CancelToken | None = None,
        mark: bool = False,
    ) -> Made:
        """Write the book as m4b, m4a, mp3, flac or wav. ``MissingError`` while a sentence has no take.

        ``mark``: end it with a signal that people hear: a machine spoke.
        """
        heard = dict.fromkeys(project.roles[sentence.role] for sentence in project.sentences())
        labels = [self._speech.label(voice_id) for voice_id in heard]
        label = Label(
            " ".join(each.voice for each in labels),
            " ".join(each.version for each in labels),
            " ".join(each.consent for each in labels).strip(),
        )
        named = {"title": title or project.about["title"], "artist": author or project.about["author"]}
        named |= {"album": named["title"], "genre": "Audiobook"}
        kept = project.folder / "cover"
        picture = cover or (kept if kept.is_file() else None)
        return build(
            project,
            out,
            metadata={**{key: text for key, text in named.items() if text}, **label.metadata()},
            cover=picture.read_bytes() if picture else b"",
            check=(cancel or CancelToken()).check,
            starts=partial(self._speech.starts, language=project.about["language"]),
            mark=mark,
        )

    def say(self, project: Project, sentence: Sentence, cancel: CancelToken) -> None:
        """A take of one sentence."""
        voice_id, language = project.roles[sentence.role], project.about["language"]
        if not voice_id:
            raise MissingError("The voice of this role was destroyed.", "Begin the narration anew with another voice.")
        voice = self._core.voice(self._user, voice_id)
        seed = int(project.about["seed"]) + 1009 * sentence.number + project.next_take(sentence)
        parts: list[Audio] = []
        told: list[Speech] = []
        lines = self._speech.lines(sentence.text, voice, language=language)
        for line in lines:
            cancel.check()
            if parts:
                parts.append(silence(line.pause_after(SENTENCE_PAUSE), parts[0].rate))
            speed = float(project.about["speed"])
            way = {"language": language, "speed": speed, "seed": seed}
            parts.append(self._speech.say(line, voice, **way, cancel=cancel, told=told.append))  # type: ignore[arg-type]
        lacking = "left-out" if any(piece.left_out for piece in told) else ""
        doubt = next((piece.doubt for piece in told if piece.doubt), lacking)
        project.add(sentence, concatenate(parts), seed=seed, label=self._speech.label(voice), doubt=doubt)
