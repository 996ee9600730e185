"""A book is spoken sentence by sentence, goes on after it was stopped, and comes out even, with chapters and words."""

from __future__ import annotations

import io
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from gpt_sovits.audio import Audio, read_audio
from gpt_sovits.cli.main import main
from gpt_sovits.encoding import inspect
from gpt_sovits.errors import CancelledError, InputError, MissingError
from gpt_sovits.events import CancelToken
from gpt_sovits.narration import master
from gpt_sovits.services.narration import NarrationService, Project
from gpt_sovits.studio import Studio
from tests.webui.hum import humming

TEXT = """# One

It was a **dark** night. The rain fell in torrents, except at occasional intervals, when it was checked by the wind.

Anna: Who is there? [pause 2]

## Two

Nobody answered her, and so she went home and slept until the next morning.
"""
pyloudnorm = pytest.importorskip("pyloudnorm")


def png() -> bytes:
    sink = io.BytesIO()
    with av.open(sink, "w", format="image2pipe") as out:
        stream = out.add_stream("png")
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb24"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 90, np.uint8), format="rgb24")))
        out.mux(stream.encode(None))
    return sink.getvalue()


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return humming(tmp_path, "local", "local2")[0]


@pytest.fixture
def narration(studio: Studio) -> NarrationService:
    return studio.session().narration


@pytest.fixture
def project(narration: NarrationService, tmp_path: Path) -> Project:
    (tmp_path / "book.md").write_text(TEXT)
    roles = {"Anna": "voice of local2"}
    return narration.begin(tmp_path / "book", tmp_path / "book.md", "voice of local", roles=roles)


def heard(path: Path) -> tuple[float, float, float]:
    sound = read_audio(path)
    loud = pyloudnorm.Meter(sound.rate).integrated_loudness(sound.samples.astype(float))
    return sound.seconds, loud, 20 * np.log10(np.abs(sound.samples).max())


def test_it_goes_on_where_it_was_stopped_and_says_each_sentence_once(
    narration: NarrationService, project: Project
) -> None:
    token = CancelToken()
    with pytest.raises(CancelledError):
        narration.go_on(project, on_event=lambda event: token.cancel() if event.step == 2 else None, cancel=token)
    again = narration.open(project.folder)
    whole, done = again.count()
    assert done == 2 < whole
    with pytest.raises(MissingError):
        narration.build(again, project.folder / "early.wav")
    (again.folder / "takes" / "00003-1.flac").write_bytes(b"half a take that a crash left")
    narration.go_on(again)
    assert again.count() == (whole, whole) and all(each.takes == 1 for each in again.sentences())
    words = " ".join(" ".join(each.text.split()) for each in again.sentences())
    assert words.startswith("One It was a **dark** night.") and words.endswith("until the next morning.")
    assert [each.role for each in again.sentences()].count("Anna") == 1
    narrated = [entry for entry in narration._core.registry.journal("local").entries() if entry.what == "narrated"]
    assert len(narrated) == 4  # two voices, two times


@pytest.mark.parametrize("kind", [kind for kind in master.FORMATS if kind != "m4a"])  # which is an m4b
def test_a_book_is_even_and_has_its_chapters_cover_and_words(
    narration: NarrationService, project: Project, tmp_path: Path, kind: str
) -> None:
    narration.go_on(project)
    (tmp_path / "cover.png").write_bytes(png())
    out = tmp_path / f"book.{kind}"
    made = narration.build(project, out, title="The night", author="A. Writer", cover=tmp_path / "cover.png")
    seconds, loud, peak = heard(out)
    assert abs(seconds - made.seconds) < 0.1 and abs(loud + 16) < 0.5 and peak < -1.0 and made.peak <= -1.0
    assert inspect(out).synthetic and not list(tmp_path.glob(".part-*"))
    assert [title for title, _ in made.chapters] == ["One", "Two"]
    assert made.cues[1].text == "It was a dark night." and "[pause" not in " ".join(cue.text for cue in made.cues)
    with av.open(str(out)) as book:
        if kind in ("m4b", "m4a", "mp3"):
            starts = [round(float(each["start"] * each["time_base"]), 2) for each in book.chapters()]
            assert starts == [round(start, 2) for _, start in made.chapters]
            assert book.metadata["title"] == "The night" and book.metadata["artist"] == "A. Writer"
        assert (len(book.streams.video) == 1) == (kind != "wav")
    anna = next(n for n, each in enumerate(project.sentences()) if each.role == "Anna")
    assert made.cues[anna + 1].start - made.cues[anna].end >= 1.9


def test_a_sentence_is_said_again_chosen_and_changed(narration: NarrationService, project: Project) -> None:
    narration.go_on(project)
    first = project.take(project.sentence(2))
    narration.redo(project, 2)
    assert project.sentence(2).takes == 2 and project.take(project.sentence(2)) != first
    project.choose(2, 1)
    assert project.take(project.sentence(2)) == first
    narration.edit(project, 2, "It was a bright night.")
    assert project.sentence(2).takes == 1 and project.take(project.sentence(2))[2] == "It was a bright night."
    for wrong in (lambda: project.choose(2, 9), lambda: project.sentence(99), lambda: narration.redo(project, 0)):
        with pytest.raises(MissingError):
            wrong()
    with pytest.raises(InputError):
        narration.edit(project, 2, "...")
    assert project.sentence(2).text == "It was a bright night."


def test_subtitles_are_heard_at_their_times(narration: NarrationService, tmp_path: Path) -> None:
    (tmp_path / "x.srt").write_text(
        "1\n00:00:02,000 --> 00:00:03,000\nHello.\n\n2\n00:00:05,000 --> 00:00:06,000\nBye.\n"
    )
    project = narration.begin(tmp_path / "x", tmp_path / "x.srt", "voice of local")
    narration.go_on(project)
    made = narration.build(project, tmp_path / "x.flac")
    assert [round(cue.start, 2) for cue in made.cues] == [2.0, 5.0]
    quiet = read_audio(tmp_path / "x.flac").between(0, 1.9)
    assert np.abs(quiet.samples).max() < 1e-3


def test_two_at_once_do_it_one_after_the_other(narration: NarrationService, project: Project, tmp_path: Path) -> None:
    sentence = next(project.sentences())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: narration.redo(project, sentence.number), range(4)))
        begun = [
            pool.submit(narration.begin, tmp_path / "two", tmp_path / "book.md", "voice of local") for _ in range(4)
        ]
    assert [take for take, *_ in project.takes(sentence.number)] == [1, 2, 3, 4]
    assert sorted(type(each.exception()) is InputError for each in begun) == [False, True, True, True]


def test_silence_and_odd_wishes(narration: NarrationService, project: Project, tmp_path: Path) -> None:
    for sentence in project.sentences():
        project.add(
            sentence, Audio(np.zeros(3200, np.float32), 32000), seed=0, label=narration._speech.label(project.roles[""])
        )
    assert narration.build(project, tmp_path / "silent.wav").peak < -100
    narration.build(project, tmp_path / "marked.wav", mark=True)
    lengths = [read_audio(tmp_path / name).seconds for name in ("silent.wav", "marked.wav")]
    assert lengths[1] - lengths[0] == pytest.approx(1.4)
    with pytest.raises(InputError, match="cannot be written"):
        narration.build(project, tmp_path / "book.exe")
    (tmp_path / "cover.gif").write_bytes(b"GIF89a")
    with pytest.raises(InputError, match="cover"):
        narration.build(project, tmp_path / "book.mp3", cover=tmp_path / "cover.gif")
    with pytest.raises(InputError, match="already"):
        narration.begin(project.folder, tmp_path / "book.md", "voice of local")
    with pytest.raises(MissingError):
        narration.begin(tmp_path / "new", tmp_path / "book.md", "nobody")
    (project.folder / "project.sqlite3").write_bytes(b"damaged" * 100)
    with pytest.raises(InputError, match="damaged"):
        narration.open(project.folder)


def test_what_is_in_doubt_is_listed_and_said_again(
    studio: Studio, narration: NarrationService, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    hum: Any = studio.core.synthesizer
    whole, doubts = hum.speak, {"dark": "other", "Nobody": "loop"}

    def doubting(voice: Any, text: str, **manner: Any) -> Any:
        doubt = next((doubt for word, doubt in doubts.items() if word in text), None)
        return (replace(piece, doubt=doubt) for piece in whole(voice, text, **manner))

    hum.speak = doubting
    with closing(sqlite3.connect(project.folder / "project.sqlite3")) as base:
        base.execute("ALTER TABLE takes DROP COLUMN doubt")  # a project that was begun by an older program
    narration.go_on(narration.open(project.folder))
    told = [(each.text.strip().split()[0], each.doubt) for each in project.sentences(doubted=True)]
    assert told == [("It", "other"), ("Nobody", "loop")]
    assert main(["narrate", str(project.folder), "--list"], lambda settings: studio) == 0
    assert "(words may be missing or wrong)" in capsys.readouterr().out
    del doubts["dark"]
    assert main(["narrate", str(project.folder), "--redo", "doubted"], lambda settings: studio) == 0
    left = [each.number for each in project.sentences(doubted=True)]
    assert len(left) == 1 and f"In doubt: {left[0]}." in capsys.readouterr().err
    assert [each.takes for each in project.sentences() if each.takes != 1] == [2, 2]
    project.choose(2, 1)
    assert project.sentence(2).doubt == "other", "the doubt is that of the take that is heard"


def test_the_command_line_narrates(studio: Studio, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = tmp_path / "story.txt"
    book.write_text("Good morning.\n\nThis is a story.")
    words = ["narrate", str(book), "--voice", "voice of local", "--out", str(tmp_path / "s.mp3"), "--json"]
    words += ["--role", "Zed=voice of local", "--subtitles", str(tmp_path / "s.vtt")]
    assert main(words, lambda settings: studio) == 0
    told = capsys.readouterr()
    assert '"sentences": 2' in told.out and "as: Zed." in told.err
    assert "Good morning." in (tmp_path / "s.vtt").read_text()
    assert main(["narrate", str(tmp_path / "story.narration"), "--list"], lambda settings: studio) == 0
    assert "This is a story." in capsys.readouterr().out
    assert main(["narrate", str(book), "--redo", "1", "--edit", "2", "Changed."], lambda settings: studio) == 0
    assert main(["narrate", str(tmp_path / "none.txt")], lambda settings: studio) == 2
