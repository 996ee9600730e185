"""The command line with a small studio behind it: what it prints, writes and refuses."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

from gpt_sovits.audio import Audio
from gpt_sovits.cli import main as cli
from gpt_sovits.cli.speaking import in_a_row
from gpt_sovits.errors import CancelledError
from gpt_sovits.services.core import Core
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.synthesis import Speech
from gpt_sovits.voices.ids import is_id

from .dataset.test_build import SCRIPT, listening
from .jobs.fake_worker import fake_parts


class HummingSynthesizer:
    """One second of a tone per sentence; the louder, the more of the second voice is in it."""

    def speak(self, voice, text, **manner):
        def pieces():
            for index, part in enumerate(part for part in text.split("|") if part.strip()):
                if part == "STOP":
                    raise CancelledError("The work was stopped.")
                samples = np.sin(np.arange(32000, dtype=np.float32) / 20) * 0.5
                doubt, lacking = ("other" if "?" in part else None), (("мир",) if "мир" in part else ())
                yield Speech(Audio(samples, 32000), part, 0, len(part), float(index), (), doubt=doubt, left_out=lacking)

        return pieces()

    def forget(self, voice_id: str) -> None:
        pass


def make_studio(settings: Settings) -> Studio:
    return Studio(
        settings,
        synthesizer=HummingSynthesizer(),  # type: ignore[arg-type]
        parts=lambda each: fake_parts(each, 0.0),
        check_recording=lambda path: None,
        find_base=lambda name: None,
    )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "recording.m4a"
    path.write_bytes(b"sound" * 100)
    return path


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def call(*words: str) -> tuple[int, str, str]:
        code = cli.main([*words, "--data", str(tmp_path / "data")], make_studio)
        printed = capsys.readouterr()
        return code, printed.out.strip(), printed.err.strip()

    return call


def train(run, recording: Path, name: str) -> str:
    words = ("--script", "en-kitchen", "--consent", "I am this person.")
    code, printed, errors = run("train", name, str(recording), *words)
    assert code == 0, errors
    return printed


def seconds(path: Path) -> float:
    with wave.open(str(path), "rb") as file:
        return file.getnframes() / file.getframerate()


def test_train_speak_mix_and_delete_as_the_readme_does(run, recording, tmp_path):
    out = tmp_path / "out.wav"
    voice_id = train(run, recording, "My voice")
    assert is_id(voice_id)
    train(run, recording, "Her voice")

    code, printed, _ = run("speak", "my voice", "Good morning!|How are you?", "--out", str(out))
    assert code == 0 and "2.0 s" in printed and seconds(out) == 2.0
    assert run("speak", "--voice", voice_id, "Hello.", "--out", str(out))[0] == 0 and seconds(out) == 1.0
    assert not list(tmp_path.glob("*.part"))

    code, mixed, _ = run("mix", "My voice", "Her voice", "0.4", "--save", "Ours", "--text", "Hi.", "--out", str(out))
    assert code == 0 and is_id(mixed.splitlines()[-1])
    rows = json.loads(run("voices", "list", "--json")[1])
    assert [(row["name"], row["kind"]) for row in rows] == [
        ("Her voice", "trained"),
        ("My voice", "trained"),
        ("Ours", "mix"),
    ]
    table = run("voices")[1].splitlines()
    assert len(table) == 5 and "My voice" in table[2] and "Ada" in table[4]

    assert run("voices", "rename", "Ours", "Both of us")[0] == 0
    shown = json.loads(run("voices", "show", "Both of us")[1])
    assert shown["kind"] == "mix" and shown["consent"]["sources"]
    assert run("voices", "verify")[0] == 0
    code, _, error = run("voices", "delete", "My voice")
    assert code == 2 and "--yes" in error
    code, _, error = run("voices", "delete", "My voice", "--yes")
    assert code == 2 and "Both of us" in error
    assert run("voices", "delete", "Both of us", "--yes")[0] == 0
    assert run("voices", "delete", "My voice", "--yes")[0] == 0
    assert len(json.loads(run("voices", "--json")[1])) == 1


def test_a_voice_is_trained_again_and_a_version_pinned(run, recording):
    voice_id = train(run, recording, "Ana")
    options = ("--consent", "I agree again.", "--again")
    assert run("train", "ana", str(recording), *options)[1] == voice_id
    assert run("train", "ana", str(recording), *options, "--queue")[0] == 0
    assert run("train", "nobody", str(recording), *options)[0] == 2
    versions = json.loads(run("voices", "show", "Ana")[1])["versions"]
    assert [version["number"] for version in versions] == [1, 2]
    assert run("voices", "pin", "Ana", versions[0]["id"])[0] == 0
    assert json.loads(run("voices", "show", "Ana")[1])["default_version"] == versions[0]["id"]
    assert run("voices", "pin", "Ana", "newest")[0] == 0
    assert json.loads(run("voices", "show", "Ana")[1])["default_version"] == versions[1]["id"]


def test_a_voice_is_frozen_shared_and_destroyed(run, recording, tmp_path):
    voice_id = train(run, recording, "Ana")
    assert run("speak", "Ana", "Hello.", "--out", str(tmp_path / "a.wav"))[0] == 0
    thaw = tmp_path / "thaw.txt"
    thaw.write_text("melt me slowly")
    assert run("voices", "freeze", "Ana", "--passphrase-file", str(thaw))[0] == 0
    code, _, error = run("voices", "destroy", "Ana", "--yes")
    assert code == 2 and "frozen" in error
    code, _, error = run("voices", "unfreeze", "Ana", "--passphrase-file", str(tmp_path / "none.txt"))
    assert code == 2
    assert run("voices", "unfreeze", "Ana", "--passphrase-file", str(thaw))[0] == 0
    lines = run("voices", "journal", "Ana")[1].splitlines()
    assert "trained" in lines[0] and "spoke  characters=6" in lines[1] and "frozen" in lines[2]

    secret, out = tmp_path / "secret.txt", tmp_path / "ana.gsvoice"
    secret.write_text("correct horse battery\n")
    options = ("--passphrase-file", str(secret))
    assert run("voices", "export", "Ana", "--out", str(out), "--forbid", "mix", "export", *options)[0] == 0
    code, received, _ = run("voices", "import", str(out), "--name", "Copy", *options)
    assert code == 0 and is_id(received)
    code, _, error = run("mix", "Ana", "Copy", "0.5", "--save", "x")
    assert code == 2 and "may not be mixed" in error
    secret.write_text("wrong horse battery")
    code, _, error = run("voices", "import", str(out), *options)
    assert code == 2 and len(error.splitlines()) == 1
    assert run("voices", "key")[1].startswith("age1")

    assert run("voices", "destroy", "Copy", "--yes")[0] == 1, "Ana holds the same weights"
    code, printed, _ = run("voices", "destroy", "Ana", "--yes")
    assert code == 0 and "looked through: clean\n" in printed
    assert run("voices", "verify-destroyed", voice_id)[0] == 0
    assert run("voices", "verify-destroyed", received)[0] == 0
    assert run("voices", "verify-destroyed", "v" + "0" * 20)[0] == 2


def test_who_sends_a_mix_is_told_what_it_holds(run, recording, tmp_path):
    train(run, recording, "Ana")
    train(run, recording, "Ben")
    assert run("mix", "Ana", "Ben", "0.5", "--save", "Both")[0] == 0
    secret = tmp_path / "secret.txt"
    secret.write_text("correct horse battery\n")
    told = {}
    for name in ("Ana", "Both"):
        options = ("--out", str(tmp_path / f"{name}.gsvoice"), "--passphrase-file", str(secret))
        code, told[name], _ = run("voices", "export", name, *options)
        assert code == 0
    assert "each voice in the mix" in told["Both"] and "timbre" not in told["Ana"]


def test_a_long_text_from_a_file_with_subtitles(run, recording, tmp_path):
    train(run, recording, "Ana")
    text = tmp_path / "text.txt"
    text.write_text("One.|Two.|Three.", encoding="utf-8-sig")
    out, subtitles = tmp_path / "long.wav", tmp_path / "long.srt"
    assert run("speak", "Ana", "--text-file", str(text), "--out", str(out), "--subtitles", str(subtitles))[0] == 0
    assert seconds(out) == 3.0
    assert "00:00:02,000 --> 00:00:03,000\nThree." in subtitles.read_text()
    assert run("speak", "Ana", "Hello.", "--out", str(tmp_path / "a.flac"))[0] == 0
    text.write_text("the dog\n\n---\ngood-bye / 再见\n")
    assert run("speak", "Ana", "--text-file", str(text), "--lines", str(tmp_path / "words"), "--format", "wav")[0] == 0
    assert sorted(os.listdir(tmp_path / "words")) == ["01-the-dog.wav", "02-good-bye-再见.wav"]
    assert (tmp_path / "a.flac").read_bytes().startswith(b"fLaC")


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch):
    """What comes in at the standard input; gives what goes out, in bytes."""

    def pipe(data: bytes) -> io.BytesIO:
        out = io.BytesIO()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(out, write_through=True))
        return out

    return pipe


def test_text_comes_from_pipes_and_documents_and_sound_goes_into_pipes(run, recording, tmp_path, piped):
    train(run, recording, "Ana")
    for name in ("wav", "mp3", "opus", "flac", "aac", "m4a", "pcm", "raw"):
        out = piped(b"One.|Two.")
        code, _, errors = run("speak", "Ana", "--out", "-", "--format", name, "--json")
        sound = out.getvalue()
        told = json.loads(errors)
        assert code == 0 and told["seconds"] == 2.0 and told["format"] == name and len(told["sentences"]) == 2
        assert len(sound) in (96_000, 128_000) if name in ("pcm", "raw") else len(sound) > 5000, name
    book = tmp_path / "letter.docx"
    docx = pytest.importorskip("docx").Document()
    docx.add_paragraph("Dear|Ana")
    docx.save(str(book))
    (tmp_path / "more.html").write_text("<p>More|Three</p>")
    out = tmp_path / "odd.name"
    words = (
        "speak",
        "Ana",
        "--text-file",
        str(book),
        str(tmp_path / "more.html"),
        "--out",
        str(out),
        "--format",
        "wav",
    )
    piped(b"")
    assert run(*words)[0] == 0 and seconds(out) == 3.0
    os.mkfifo(tmp_path / "to-a-player.wav")  # what is there as a pipe or a device stays one
    (tmp_path / "notepad.txt").write_bytes("Five.".encode("utf-16"))
    words = ("speak", "Ada", "--text-file", str(tmp_path / "notepad.txt"), "--out", str(tmp_path / "to-a-player.wav"))
    os.mkfifo(tmp_path / "words.srt")
    heard, read = (
        subprocess.Popen(["cat", str(tmp_path / name)], stdout=subprocess.PIPE)
        for name in ("to-a-player.wav", "words.srt")
    )
    assert run(*words, "--subtitles", str(tmp_path / "words.srt"))[0] == 0
    assert len(heard.communicate(timeout=20)[0]) > 64_000 and b"Five." in read.communicate(timeout=20)[0]
    assert (tmp_path / "to-a-player.wav").is_fifo() and (tmp_path / "words.srt").is_fifo()


def test_it_is_played_and_kept_as_a_take(run, recording, tmp_path, monkeypatch):
    train(run, recording, "Ana")
    heard, player = tmp_path / "heard.raw", tmp_path / "bin" / "paplay"
    player.parent.mkdir()
    player.write_text(f"#!/bin/sh\ncat > {heard}\n")
    player.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{player.parent}:/usr/bin:/bin")
    words = (
        "speak",
        "Ana",
        "Good morning to all of you in the kitchen. How are you today, and who has slept well?",
        "--seed",
        "3",
        "--json",
    )
    code, printed, _ = run(*words, "--play", "--keep", "Greeting")
    told = json.loads(printed)
    assert code == 0 and heard.stat().st_size == 2 * round(32000 * told["seconds"]) and told["file"] is None
    row = json.loads(run("takes", "--json")[1])[0]
    assert row["id"] == told["take"] and row["name"] == "Greeting" and row["sentences"] == 2
    assert run("takes", "save", row["id"], str(tmp_path / "t.srt"))[0] == 0
    assert "How are you today" in (tmp_path / "t.srt").read_text()
    assert run("takes", "save", row["id"], str(tmp_path / "t.mp3"))[0] == 0
    code, again, _ = run("takes", "again", row["id"], "2")
    assert code == 0 and len(json.loads(run("takes", "--json")[1])) == 2
    assert run("takes", "delete", again)[0] == 0 and len(json.loads(run("takes", "--json")[1])) == 1
    assert run("takes", "restore", again)[0] == 0 and run("takes", "star", again)[0] == 0
    player.write_text("#!/bin/sh\nexit 3\n")
    assert run(*words, "--play")[0] == 2
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no program that plays" in run(*words, "--play")[2]


def test_watch_says_what_is_copied_or_written(run, recording, tmp_path, monkeypatch):
    import pyperclip

    train(run, recording, "Ana")
    copied = iter(["old", "old", "New one.|And more.", "New one.|And more.", "Last."])
    monkeypatch.setattr(pyperclip, "paste", lambda: next(copied))
    watching = ("watch", "clipboard", "--voice", "Ana", "--out", str(tmp_path), "--format", "wav", "--most", "2")
    assert run(*watching)[0] == 0 and (tmp_path / "0001.wav").exists()

    log = tmp_path / "chat.txt"
    log.write_text("old line\n")
    thread = threading.Timer(0.4, lambda: log.open("a").write("first|new\nhalf a li"))
    thread.start()
    (tmp_path / "f").mkdir()
    code, printed, _ = run("watch", str(log), *watching[2:5], str(tmp_path / "f"), "--format", "wav", "--most", "1")
    assert code == 0 and seconds(tmp_path / "f" / "0001.wav") == 2.0
    assert run("watch", str(tmp_path / "none"), "--voice", "Ana", "--out", str(tmp_path))[0] == 2
    os.truncate(log, 2**40)  # it is not read whole
    assert "too large" in run("watch", str(log), "--voice", "Ana", "--out", str(tmp_path))[2]
    assert in_a_row("a\x1b]0;b\x07\u202e c") == "a ]0;b c"


def test_listing_is_light_and_the_shell_completes(run):
    code = "import sys, gpt_sovits.cli.main; print([m for m in ('torch', 'numpy', 'av') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    for shell in ("bash", "zsh", "fish", "powershell"):
        code, script, _ = run("completion", shell)
        assert code == 0 and "gpt-sovits" in script and "_GPT_SOVITS_COMPLETE" in script


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("gpt-sovits na", ["narrate"]),
        ("gpt-sovits voices verify", ["verify", "verify-destroyed"]),
        ("gpt-sovits speak --text", ["--text-file"]),
        ("gpt-sovits speak Ana --format o", ["opus", "ogg"]),
        ("gpt-sovits voices --data x export Ana --fo", ["--forbid"]),
    ],
)
def test_the_shell_is_told_what_may_come_next(monkeypatch, capsys, typed, offered):
    asked = {"_GPT_SOVITS_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        cli.main([])
    assert capsys.readouterr().out.split() == offered


def test_a_long_text_that_is_stopped_keeps_what_was_spoken_and_says_how_to_go_on(run, recording, tmp_path):
    train(run, recording, "Ana")
    out, subtitles = tmp_path / "part.wav", tmp_path / "part.srt"
    asked = ("speak", "Ana", "One.|Two.|STOP|Four.", "--after", "7", "--subtitles", str(subtitles))
    code, _, told = run(*asked, "--out", str(out))
    assert code == 2 and seconds(out) == 2.0 and "Two." in subtitles.read_text()
    assert "--after 9" in told and "2.0 s" in told


def test_what_is_in_doubt_or_left_out_is_told(run, recording, tmp_path):
    train(run, recording, "Ana")
    code, _, told = run("speak", "Ana", "Who?|Hello мир.|Fine.", "--out", str(tmp_path / "a.wav"))
    assert code == 0 and "In doubt (words may be missing or wrong): Who?" in told and "cannot read: мир" in told
    assert "Fine" not in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["speak", "Nobody", "Hello."], "no voice named 'Nobody'"),
        (["speak", "Hello."], "who should speak"),
        (["speak", "Ana", "|", "--out", "OUT"], "nothing to say"),
        (["speak", "Ana", "--text-file", "missing.txt"], "no text file"),
        (["speak", "a", "b", "c"], "too many words"),
        (["speak", "Ana", "Hello.", "--out", "speech.xyz"], "cannot be written"),
        (["train", "Ben", "RECORDING", "--consent", "yes", "--script-text", "Hi", "--language", "xx"], "no language"),
        (["mix", "Ana", "Ana", "3", "--save", "x"], "between 0 and 1"),
        (["mix", "Ana", "Ana", "0.5"], "nothing to do"),
        (["train", "Ben", "missing.wav", "--consent", "yes"], "no recording"),
        (["train", "Ben", "RECORDING"], "consent is not given"),
        (["jobs", "show", "j123"], "no job"),
        (["jobs", "stop", "../x"], "no job"),
        (["voices", "rename", "Ana", " "], "no name"),
    ],
)
def test_mistakes_are_one_sentence_and_exit_code_2(run, recording, tmp_path, words, sentence):
    train(run, recording, "Ana")
    places = {"OUT": str(tmp_path / "never.wav"), "RECORDING": str(recording)}
    code, printed, error = run(*[places.get(word, word) for word in words])
    assert code == 2 and printed == ""
    assert sentence in error and len(error.splitlines()) == 1
    assert not (tmp_path / "never.wav").exists()


def test_jobs_can_be_queued_listed_stopped_resumed_here_and_deleted(run, recording):
    assert run("jobs")[1] == "There are no jobs."
    code, job_id, _ = run("train", "Ana", str(recording), "--consent", "I agree.", "--queue")
    assert code == 0 and json.loads(run("jobs", "--json")[1])[0]["state"] == "queued"
    assert run("jobs", "stop", job_id)[0] == 0
    assert json.loads(run("jobs", "show", job_id, "--json")[1])["state"] == "stopped"
    code, voice_id, _ = run("jobs", "resume", job_id, "--here")
    assert code == 0 and json.loads(run("voices", "--json")[1])[0]["id"] == voice_id
    shown = run("jobs", "show", job_id)[1]
    assert "The voice is ready." in shown and "semantic step" in shown and "loss" in shown
    assert run("jobs", "show", job_id, "--follow")[1] == voice_id
    assert run("jobs", "delete", job_id)[0] == 0 and run("jobs")[1] == "There are no jobs."


def test_the_command_line_can_what_the_page_can(run, recording, tmp_path, monkeypatch):
    base, sound = listening(tmp_path)
    monkeypatch.setattr(Core, "base", lambda self, name: base)
    (tmp_path / "read.txt").write_text(SCRIPT)
    code, told, _ = run("review", "new", str(sound), "--script", str(tmp_path / "read.txt"), "--language", "en")
    assert code == 0 and "s are kept" in told
    pieces = json.loads(run("review", "show", "--json")[1])
    number = str(pieces[0]["number"])
    assert "left out" in run("review", "correct", number, "--leave-out")[1]
    assert run("review", "save", number, str(tmp_path / "piece.wav"))[0] == 0
    assert abs(seconds(tmp_path / "piece.wav") - (pieces[0]["end"] - pieces[0]["start"])) < 0.01
    assert run("train", "Eve", str(sound), "--reviewed")[0] == 2, "one or the other"
    assert run("train", "Eve", "--reviewed", "--queue", "--consent", "I am this person.")[0] == 0
    assert run("review")[0] == 2 and "en-kitchen" in run("scripts")[1] and "kettle" in run("scripts", "en-kitchen")[1]

    voice_id = train(run, recording, "Ana")
    assert run("voices", "sample", "Ana", "--out", str(tmp_path / "said.wav"))[0] == 0
    assert seconds(tmp_path / "said.wav") == 1.0 and run("voices", "statement", "Ana")[0] == 2
    studio = make_studio(Settings(tmp_path / "data"))
    studio.voices.put_away(voice_id)
    assert run("voices", "show", "Ana")[0] == 2 and run("voices", "restore", "Ana")[0] == 0
    assert run("voices", "restore", "Ana")[0] == 2 and run("voices", "show", "Ana")[0] == 0
    assert "intake" in json.loads(run("storage")[1])["places"]
    kept = studio.session().books.put(b"Good morning.", "txt", "Mornings").id
    studio.session().books.begin(kept, {"": voice_id})
    assert "Mornings" in run("books")[1] and "Good morning." in run("narrate", kept, "--list")[1]
    assert run("books", "delete", kept)[0] == 0 and "Mornings" not in run("books")[1]


def test_every_command_explains_itself(capsys):
    for command in ("speak", "train", "mix", "voices", "jobs", "models"):
        assert cli.main([command, "--help"]) == 0
        assert f"Usage: gpt_sovits {command}" in capsys.readouterr().out
    assert cli.main(["--help"]) == 0
    top = capsys.readouterr().out
    assert all(command in top for command in (*cli.HANDED_ON, "speak", "train", "mix", "voices", "jobs"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("speak Nobody hi", "没有叫 'Nobody' 的声音。"),
        ("speak Ada hi --nope", "没有选项 --nope"),
        ("speak Ada hi --seed x", "'--seed' 的值应为整数。"),
        ("nosuch", "没有命令 'nosuch'。在命令后面加 --help 可以看到说明。"),
    ],
)
def test_failures_are_said_in_the_terminals_language(
    words: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert cli.main([*words.split(), *(("--data", str(tmp_path)) if " " in words else ())]) == 2
    assert said in capsys.readouterr().err
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    cli.main([*words.split(), *(("--data", str(tmp_path)) if " " in words else ())])
    assert capsys.readouterr().err.isascii()
