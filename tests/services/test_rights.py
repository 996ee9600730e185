"""What may be done with a voice is decided in one place: every public method that touches one is found by looking, and
has to ask there, or it is named here with the reason why it need not."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gpt_sovits.audio import Audio
from gpt_sovits.errors import InputError, MissingError, RefusedError
from gpt_sovits.events import CancelToken
from gpt_sovits.services.core import Core
from gpt_sovits.services.eraser import Eraser
from gpt_sovits.services.jobs import JobService, TrainingRequest
from gpt_sovits.services.lines import Line
from gpt_sovits.services.narration import NarrationService
from gpt_sovits.services.speech import SpeechService
from gpt_sovits.services.takes import TakeService
from gpt_sovits.services.voices import VoiceService
from gpt_sovits.settings import Settings
from gpt_sovits.storage.registry import Registry
from gpt_sovits.storage.takes import Take, TakeLine
from gpt_sovits.studio import Studio
from gpt_sovits.voices import rights
from gpt_sovits.voices.mixing import blend
from gpt_sovits.voices.terms import Terms
from tests.storage.conftest import make_voice, quick_passphrases, stage  # noqa: F401  # used by name
from tests.storage.older import edit
from tests.test_owning import keeping, put

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "four words are good"
pytestmark = pytest.mark.usefixtures("quick_passphrases")

LOOKS = "tells names, dates, numbers or states only"
ALL = "of the whole program, of no one voice"
INNER = "a step of methods that ask"
FREE: dict[type, dict[str, str]] = {
    VoiceService: {
        **dict.fromkeys(("list", "find", "versions", "journal", "verify", "is_open", "verify_destroyed"), LOOKS),
        **dict.fromkeys(("deeds", "size", "mixes_of", "put_aside", "some_hidden", "receipt"), LOOKS),
        "bring_back": "undoes what asked",
        "statement": "the registry's read_file asks to hear",
        **dict.fromkeys(("invented", "offer_invented", "public_key"), ALL),
        "relock": "closing is always allowed",
        "restore": "a backup is checked as an import is; one of somebody else asks for export",
    },
    SpeechService: {
        "reference_voice": "a clip that somebody holds in their hand",
        "starts": "a sound that somebody holds in their hand",
        "warm_up": ALL,
        "label": LOOKS,
    },
    TakeService: dict.fromkeys(("list", "get", "rename", "star", "delete", "restore"), LOOKS),
    JobService: {
        **dict.fromkeys(("scripts", "list", "get", "latest_step", "samples"), LOOKS),
        **dict.fromkeys(("ahead", "curve", "shown", "writes_down"), LOOKS),
        **dict.fromkeys(("stop", "delete"), "ends a job; a voice stays as it is"),
        **dict.fromkeys(("put_away", "bring_back", "again"), "what was handed in and made no voice"),
        **dict.fromkeys(("resume", "resume_here"), "the job asks when it begins"),
    },
    NarrationService: {
        **dict.fromkeys(("open", "note"), LOOKS),
        "build": "the project lies plain in a folder of the person's choice",
    },
    Registry: {
        **dict.fromkeys(("cards", "card", "versions", "has_version", "version_ids", "parents_of", "holds"), LOOKS),
        **dict.fromkeys(("is_open", "mixes_of", "recordings", "journal", "verify"), LOOKS),
        **dict.fromkeys(("users", "identity", "receipts", "tidy", "remove_user"), ALL),
        **dict.fromkeys(
            ("building", "data_key", "key_at_hand", "contents_of", "note", "keep_receipt", "home_of"), INNER
        ),
        "relock": "closing is always allowed",
        "restore": "a backup is checked as an import is; one of somebody else asks for export",
        "ask": "it is the question",
    },
    Eraser: {
        **dict.fromkeys(("clear_for_lock", "verify", "sweep_sounds", "delete_job"), INNER),
    },
    Core: {**dict.fromkeys(("base", "holds"), LOOKS), **dict.fromkeys(("forget", "close", "close_voice"), INNER)},
}


class Speaker:
    """What would speak."""

    def speak(self, voice: object, text: str, **manner: object) -> Iterator[object]:
        return iter([SimpleNamespace(text=text)])

    def forget(self, voice_id: str) -> None:
        pass


class Scene:
    """A studio with a voice of one's own, another one, and what the calls below need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.studio = keeping(folder)
        self.studio.core._synthesizer = Speaker()  # type: ignore[assignment]
        self.registry, self.core = self.studio.core.registry, self.studio.core
        self.voices, self.speech, self.jobs = self.studio.voices, self.studio.speech, self.studio.jobs
        self.a, self.b = put(self.studio, "A", 1), put(self.studio, "B", 2)
        self.version = self.voices.versions(self.a)[0].id
        self.mixed = blend([self.voices.load(self.a), self.voices.load(self.b)], [1, 1])
        self.line, self.takes = Line(0, 6, "Hello.", "Hello."), self.studio.session().takes
        self.value = self.voices.load(self.a)
        self.narration = self.studio.session().narration
        (folder / "text.md").write_text("Hello.")
        self.book = self.narration.begin(folder / "book", folder / "text.md", "A")
        self.take = self.keep()
        self.recording = folder / "r.wav"
        self.recording.write_bytes(b"a minute" * 100)
        self.key = self.voices.public_key()
        self.file = self.voices.export_file(self.b, recipient=self.key)

    @property
    def place(self) -> Path:
        return self.registry.root / "users/local/voices" / self.a

    def keep(self) -> Take:
        sounds, lines = [Audio(np.zeros(800, np.float32), 8000)], [TakeLine(0, 6, 0.0, 0.1, 1)]
        return self.takes.keep(self.value, "Hello.", lines, sounds, language="en", speed=1.0, pause=0.3, seed=1)

    def request(self) -> TrainingRequest:
        bound = self.registry.versions("local", self.a)[0].consent
        return TrainingRequest("A", self.recording, voice_id=self.a, script="x", language="en", consent=bound)

    def next_version(self) -> Path:
        return stage(self.folder / "data/jobs", make_voice(3, id=self.a), self.recording)


Call = Callable[[Scene], object]
ASKS: dict[type, dict[str, tuple[str, Call]]] = {
    VoiceService: {
        "load": ("speak", lambda s: s.voices.load(s.a)),
        "sample": ("hear", lambda s: s.voices.sample(s.a)),
        "rename": ("rename", lambda s: s.voices.rename(s.a, "C")),
        "pin": ("pin", lambda s: s.voices.pin(s.a, s.version)),
        "delete_version": ("prune", lambda s: s.voices.delete_version(s.a, s.version)),
        "delete": ("remove", lambda s: s.voices.delete(s.a)),
        "destroy": ("remove", lambda s: s.voices.destroy(s.a)),
        "put_away": ("remove", lambda s: s.voices.put_away(s.a)),
        "freeze": ("freeze", lambda s: s.voices.freeze(s.a, passphrase=PASSPHRASE)),
        "unfreeze": ("unfreeze", lambda s: s.voices.unfreeze(s.a, secret=PASSPHRASE)),
        "mix": ("mix", lambda s: s.voices.mix(s.a, s.b, 0.5)),
        "blend": ("mix", lambda s: s.voices.blend([s.b, s.a], [1, 1])),
        "save": ("mix", lambda s: s.voices.save(s.mixed, "M")),
        "lock": ("lock", lambda s: s.voices.lock(s.a, PASSPHRASE)),
        "unlock": ("unlock", lambda s: s.voices.unlock(s.a, PASSPHRASE)),
        "remove_lock": ("unlock", lambda s: s.voices.remove_lock(s.a, PASSPHRASE)),
        "export_file": ("export", lambda s: s.voices.export_file(s.a, recipient=s.key)),
        "import_file": ("speak", lambda s: s.voices.import_file(s.file)),
        "export_for_upstream": ("export", lambda s: s.voices.export_for_upstream(s.a, s.folder / "out")),
        "backup": ("copy", lambda s: s.voices.backup(s.folder / "all", PASSPHRASE)),
    },
    SpeechService: {
        "speak": ("speak", lambda s: s.speech.speak("Hello.", s.a)),
        "explain": ("speak", lambda s: s.speech.explain("12", voice=s.a)),
        "lines": ("speak", lambda s: s.speech.lines("Hello.", s.a)),
        "say": ("speak", lambda s: s.speech.say(s.line, s.a)),
    },
    TakeService: {
        "keep": ("speak", lambda s: s.keep()),
        "again": ("speak", lambda s: s.takes.again(s.take.id, 0, seed=1)),
        "audio": ("hear", lambda s: s.takes.audio(s.take)),
        "words": ("hear", lambda s: s.takes.words(s.take.id)),
        "file": ("hear", lambda s: s.takes.file(s.take.id, "wav")),
    },
    NarrationService: {
        "begin": ("speak", lambda s: s.narration.begin(s.folder / "another book", s.folder / "text.md", "A")),
        "go_on": ("speak", lambda s: s.narration.go_on(s.book)),
        "redo": ("speak", lambda s: s.narration.redo(s.book, 1)),
        "say": ("speak", lambda s: s.narration.say(s.book, s.book.sentence(1), CancelToken())),
        "edit": ("speak", lambda s: s.narration.edit(s.book, 1, "Goodbye.")),
    },
    JobService: {
        "create": ("train", lambda s: s.jobs.create(s.request())),
        "run": ("train", lambda s: s.jobs.run(s.request())),
        "sample": ("hear", lambda s: s.jobs.sample(finished_job(s), 25)),
    },
    Registry: {
        "manifest": ("look", lambda s: s.registry.manifest("local", s.a)),
        "load": ("speak", lambda s: s.registry.load("local", s.a)),
        "read_file": ("hear", lambda s: s.registry.read_file("local", s.a, s.version, "sample.wav")),
        "admit": ("train", lambda s: s.registry.admit("local", "A", s.next_version())),
        "save": ("mix", lambda s: s.registry.save("local", "M", s.mixed)),
        "check_changeable": ("train", lambda s: s.registry.check_changeable("local", s.a)),
        "rename": ("rename", lambda s: s.registry.rename("local", s.a, "C")),
        "set_default": ("pin", lambda s: s.registry.set_default("local", s.a, None)),
        "freeze": ("freeze", lambda s: s.registry.freeze("local", s.a, PASSPHRASE)),
        "unfreeze": ("unfreeze", lambda s: s.registry.unfreeze("local", s.a, PASSPHRASE)),
        "check_lockable": ("lock", lambda s: s.registry.check_lockable("local", s.a, PASSPHRASE)),
        "lock": ("lock", lambda s: s.registry.lock("local", s.a, PASSPHRASE)),
        "unlock": ("unlock", lambda s: s.registry.unlock("local", s.a, PASSPHRASE)),
        "remove_lock": ("unlock", lambda s: s.registry.remove_lock("local", s.a, PASSPHRASE)),
        "check_removable": ("remove", lambda s: s.registry.check_removable("local", [s.a])),
        "delete": ("remove", lambda s: s.registry.delete("local", s.a)),
        "delete_version": ("prune", lambda s: s.registry.delete_version("local", s.a, s.version)),
        "export": ("export", lambda s: s.registry.export("local", s.a, recipient=s.key)),
        "take_in": ("speak", lambda s: s.registry.take_in("local", s.file)),
        "backup": ("copy", lambda s: s.registry.backup(s.folder / "all", PASSPHRASE, "local")),
    },
    Eraser: {
        "delete": ("remove", lambda s: s.core.eraser.delete("local", s.a)),
        "destroy": ("remove", lambda s: s.core.eraser.destroy("local", s.a)),
        "remove_user": ("remove", lambda s: s.core.eraser.remove_user("local")),
    },
    Core: {"voice": ("speak", lambda s: s.core.voice("local", s.a))},
}
CASES = [(kind, name) for kind, calls in ASKS.items() for name in calls]


def finished_job(scene: Scene) -> str:
    job = scene.core.store.add("local", "train", {"name": "A"}, scene.a)
    folder = scene.core.store.work_dir(job.id) / "samples"
    folder.mkdir(parents=True)
    (folder / "25.wav").write_bytes(b"RIFF on the way" * 20)
    scene.core.store.claim(job.id)
    scene.core.store.finish(job.id, "done")
    from gpt_sovits.jobs import samples

    samples.encrypt(folder.parent, scene.registry, "local", scene.a)
    assert b"RIFF" not in (folder / "25.wav").read_bytes()
    return job.id


def test_every_public_method_asks_or_says_why_not() -> None:
    for kind in FREE:
        found = {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}
        assert found == set(FREE[kind]) | set(ASKS[kind]), kind.__name__
        assert not set(FREE[kind]) & set(ASKS[kind])


def test_terms_are_read_in_one_place() -> None:
    """Nobody decides by a term, or by a voice being frozen, but ``voices.rights``."""
    for file in [*(ROOT / "gpt_sovits").rglob("*.py"), *(ROOT / "webui").rglob("*.py")]:
        text = file.read_text(encoding="utf-8")
        if file.name in ("rights.py", "terms.py") or ".terms." not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute):
                shown = set() if "webui" in file.parts else {"speak", "mix", "retrain", "export"}  # pages may show them
                decides = node.value.attr == "terms" and node.attr in {"require"} | shown
                assert not decides, f"{file}:{node.lineno}"


class Asked(BaseException):
    """Ends a call as soon as it has asked, so that nothing is done."""


def test_it_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, real = Scene(tmp_path), rights.require
    for kind, name in CASES:
        wanted, call = ASKS[kind][name]

        def stop(deed: str, voice: Any, today: Any = None) -> None:
            if deed == wanted:  # noqa: B023  # called at once
                raise Asked
            real(deed, voice, today)

        with monkeypatch.context() as patch, pytest.raises(Asked):
            patch.setattr(rights, "require", stop)
            call(scene)
            pytest.fail(f"{kind.__name__}.{name} does not ask for {wanted!r}")


FORBIDS = {
    "frozen": {"train", "rename", "pin", "prune", "remove"},
    "locked": {"hear", "speak", "mix", "train", "export", "pin", "freeze", "unfreeze", "lock"},
    "lent": {"hear", "speak", "mix", "train", "export"},
    "over": {"hear", "speak", "mix", "train", "export"},
    "edited": set(rights.RULES) - {"copy", "look"},
}


@pytest.mark.parametrize("state", FORBIDS)
def test_what_is_forbidden_is_refused_by_everybody(state: str, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    if state == "frozen":
        scene.voices.freeze(scene.a, passphrase=PASSPHRASE)
    elif state == "locked":
        scene.voices.lock(scene.a, PASSPHRASE)
    elif state == "lent":
        edit(scene.place / "voice.json", terms=Terms(False, False, False, False).to_json())
    elif state == "over":
        edit(scene.place / "voice.json", terms=Terms(until="2020-01-01").to_json())
    else:
        manifest = json.loads((scene.place / "voice.json").read_text())
        edit(scene.place / "voice.json", terms=Terms().to_json(), created=manifest["created"][:10])
    before = (scene.place / "voice.json").read_bytes()
    for kind, name in CASES:
        deed, call = ASKS[kind][name]
        beside = kind is Eraser or name in ("import_file", "take_in", "destroy", "sample", "keep") or deed == "unlock"
        if deed in FORBIDS[state] and not beside:
            with pytest.raises((RefusedError, InputError, MissingError)):  # takes of a locked voice are not to be seen
                call(scene)
    assert (scene.place / "voice.json").read_bytes() == before
    if state in ("frozen", "lent", "locked"):
        assert scene.registry.verify("local") == [] or state == "lent"


def test_a_voice_in_memory_ends_with_its_terms(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    voice = scene.voices.load(scene.a)
    edit(scene.place / "voice.json", terms=Terms(until="2020-01-01").to_json())
    with pytest.raises(RefusedError, match="shared until"):
        scene.speech.speak("Hello.", scene.a)
    assert list(Studio(Settings(tmp_path / "data")).voices.list()) and voice.terms == Terms()
