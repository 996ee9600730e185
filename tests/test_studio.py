"""The facade with fakes for what is heavy: what it refuses, what it stores, and what it leaves behind."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gpt_sovits.audio import Audio, write_wav
from gpt_sovits.errors import BusyError, CancelledError, InputError, MissingError, RefusedError, VoiceError
from gpt_sovits.events import CancelToken
from gpt_sovits.files import sha256_of
from gpt_sovits.services.jobs import TrainingRequest
from gpt_sovits.settings import Settings
from gpt_sovits.studio import Studio
from gpt_sovits.voices.consent import Consent
from gpt_sovits.voices.voice import Voice

from .jobs.fake_worker import fake_parts

CONSENT = Consent(who="Ana", purpose="tests", statement="I agree.")
SECRET = b"this minute of speech belongs to Ana, and it must not stay behind anywhere. " * 40


class FakeSynthesizer:
    def __init__(self) -> None:
        self.spoken: list[tuple[Voice, str]] = []
        self.forgotten: list[str] = []

    def speak(self, voice, text, **manner):
        if not text.strip():
            raise InputError("There is nothing to say.", "Type a text.")
        self.spoken.append((voice, text))
        return iter([SimpleNamespace(text=text)])

    def forget(self, voice_id: str) -> None:
        self.forgotten.append(voice_id)


def refuse_short(path: Path) -> None:
    if path.stat().st_size < 100:
        raise InputError("There are only 2 seconds of speech.", "Record more.")


def only_mini(name: str) -> None:
    if name != "mini":
        raise MissingError(f"There is no base named {name!r}.", "Use mini.")


@pytest.fixture
def synthesizer() -> FakeSynthesizer:
    return FakeSynthesizer()


@pytest.fixture
def studio(settings: Settings, synthesizer: FakeSynthesizer) -> Studio:
    return Studio(
        settings,
        synthesizer=synthesizer,  # type: ignore[arg-type]
        parts=lambda each: fake_parts(each, 0.0),
        check_recording=refuse_short,
        find_base=only_mini,
    )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "Ana's minute.webm"
    path.write_bytes(SECRET)
    return path


def train(studio: Studio, recording: Path, name: str = "Ana") -> str:
    return studio.jobs.run(TrainingRequest(name, recording, script="hello", language="en", consent=CONSENT))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_trained_voice_is_there_with_all_that_belongs_to_it(studio, recording, synthesizer):
    voice_id = train(studio, recording, " Ana ")
    (card,) = studio.voices.list()
    assert (card.id, card.name, card.base, card.kind) == (voice_id, "Ana", "mini", "trained")
    assert card.seconds_of_speech == 61
    assert card.consent.who == "Ana" and card.consent.recording_sha256
    assert studio.voices.sample(voice_id).startswith(b"RIFF")
    assert [job.state for job in studio.jobs.list()] == ["done"]
    assert not studio.settings.jobs_dir.joinpath(studio.jobs.list()[0].id).exists()

    assert [piece.text for piece in studio.speech.speak("Good morning.", voice_id)] == ["Good morning."]
    list(studio.speech.speak("Again.", voice_id))
    first, second = (voice for voice, _ in synthesizer.spoken)
    assert first is second, "a voice is loaded once"
    assert studio.voices.find("ana").id == studio.voices.find(voice_id).id == voice_id


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"name": " "}, InputError),
        ({"consent": Consent(who="", purpose="x", statement="y")}, RefusedError),
        ({"consent": Consent(who="a", purpose="x", statement="")}, RefusedError),
        ({"consent": Consent(who="a", purpose="x", statement="y", recording_sha256="0" * 64)}, RefusedError),
        ({"base": "v9"}, MissingError),
        ({"recording": Path("/nonexistent/file.wav")}, MissingError),
        ({"further": (Path("/nonexistent/file.wav"),)}, MissingError),
        ({"short": True}, InputError),
        ({"user": "../other"}, InputError),
        ({"max_steps": 0}, InputError),
        ({"script": "x" * 200_000}, InputError),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_stored(studio, recording, changes, error):
    if changes.pop("short", False):
        recording.write_bytes(b"short")
    arguments = {"name": "Ana", "recording": recording, "script": "hello", "consent": CONSENT, **changes}
    user = arguments.pop("user", "local")
    for create in ("create", "run"):
        with pytest.raises(error) as caught:
            getattr(studio.session(user).jobs, create)(TrainingRequest(**arguments))
        assert caught.value.message and caught.value.action
    assert not [name for name in everything(studio.settings.data_dir) if "recording" in name]
    assert studio.voices.list() == [] and studio.jobs.list() == []


def test_several_recordings_make_one_voice_and_leave_no_copy(studio, tmp_path):
    paths = [tmp_path / "one.wav", tmp_path / "two.wav"]
    for path in paths:
        write_wav(path, Audio(np.sin(np.arange(16_000, dtype=np.float32) / 9) * 0.1, 16_000))
    request = TrainingRequest("Ana", paths[0], script="hello", consent=CONSENT, further=(paths[1],))
    voice_id = studio.jobs.run(request)
    (card,) = studio.voices.list()
    assert card.id == voice_id and card.consent.recording_sha256 not in {sha256_of(path) for path in paths}
    assert not list((studio.settings.data_dir / "drafts").rglob("*.wav"))


def test_a_deleted_voice_leaves_no_byte_of_its_recording(studio, recording, synthesizer):
    voice_id = train(studio, recording)
    piece = SECRET[100:164]
    recording.unlink()
    plain = [b"".join(content.read()) for content in studio.core.registry.contents_of("local", voice_id)]
    assert any(piece in data for data in plain), "the voice holds the recording"
    found = [name for name, data in everything(studio.settings.data_dir).items() if piece in data]
    assert found == [], "on the disk it is encrypted, and the job left nothing"
    hidden = studio.settings.data_dir / "hidden"
    hidden.write_bytes(b"x" + SECRET)
    assert any(piece in data for data in everything(studio.settings.data_dir).values()), "the test would find it"
    hidden.unlink()
    weights = next(data for name, data in everything(studio.settings.data_dir).items() if "delta" in name)

    studio.voices.delete(voice_id)

    left = everything(studio.settings.data_dir)
    assert not [name for name, data in left.items() if piece in data or weights[-64:] in data or voice_id in name]
    kept = [Path(name).name for name, data in left.items() if voice_id.encode() in data]
    assert kept == ["journal.jsonl"], "only the journal remembers the id, and no name"
    assert studio.voices.list() == [] and studio.jobs.list() == [] and voice_id in synthesizer.forgotten
    with pytest.raises(MissingError):
        studio.speech.speak("Hello.", voice_id)
    with pytest.raises(MissingError):
        studio.voices.delete(voice_id)


def test_a_destroyed_voice_is_looked_for_and_a_left_over_is_found(studio, tmp_path):
    noise = random.Random(0)
    recording = tmp_path / "noise.wav"
    recording.write_bytes(noise.randbytes(200_000))
    a, b = train(studio, recording, "A"), studio.jobs.run(TrainingRequest("B", tmp_path / "noise.wav", consent=CONSENT))
    mixed = studio.voices.save(studio.voices.mix(a, b, 0.5), "Both")
    deeper = studio.voices.save(studio.voices.mix(mixed, b, 0.5), "Both again")
    upload = studio.settings.cache_dir / "browser-1-a" / "upload.wav"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(recording.read_bytes())
    with pytest.raises(RefusedError, match="Both"):
        studio.voices.destroy(a)
    scan = studio.voices.destroy(a, mixes=True)
    assert not scan.clean and "a piece of a file, a whole file" in {reason for _, reason in scan.found}
    assert all(b in path for path, _ in scan.found), "only B, which was made of the same recording, still holds it"
    assert not upload.exists() and [card.id for card in studio.voices.list()] == [b]

    scan = studio.voices.destroy(b)
    assert scan.clean and scan.files > 3
    assert studio.voices.verify_destroyed(a).clean
    hidden = studio.settings.data_dir / "somewhere.bin"
    hidden.write_bytes(b"other bytes" * 77 + recording.read_bytes()[50_000:70_000] + b"more")
    assert studio.voices.verify_destroyed(a).found == ((str(hidden), "a piece of a file"),)
    hidden.write_bytes(b"voice=" + mixed.encode())
    assert studio.voices.verify_destroyed(a).found == ((str(hidden), "an id"),)
    assert studio.voices.verify_destroyed(b).clean and deeper not in {card.id for card in studio.voices.list()}
    with pytest.raises(MissingError):
        studio.voices.verify_destroyed(deeper)


def test_a_deleted_recording_is_removed_from_the_pages_uploads_too(studio, recording):
    voice_id = train(studio, recording)
    folder = studio.settings.cache_dir / "browser-1-a" / "gradio"
    folder.mkdir(parents=True)
    (folder / "same.webm").write_bytes(SECRET)
    (folder / "next.webm").write_bytes(b"the next recording")
    studio.voices.delete(voice_id)
    assert [path.name for path in folder.iterdir()] == ["next.webm"]


def test_a_voice_goes_out_in_a_file_and_comes_back(studio, recording):
    voice_id = train(studio, recording)
    data = studio.voices.export_file(voice_id, recipient=studio.session("ben").voices.public_key())
    received = studio.session("ben").voices.import_file(data, name="Ana's voice")
    assert [card.name for card in studio.session("ben").voices.list()] == ["Ana's voice"]
    assert list(studio.session("ben").speech.speak("Hello.", received))
    assert studio.session("ben").voices.list()[0].terms == studio.voices.list()[0].terms


def test_mixing_from_a_to_b_and_saving_it(studio, recording):
    a, b = train(studio, recording, "A"), train(studio, recording, "B")
    assert studio.voices.mix(a, b, 0.0).delta.keys() == studio.voices.load(a).delta.keys()
    mixed = studio.voices.save(studio.voices.mix(a, b, 0.3), "Both")
    card = studio.voices.find("Both")
    assert card.id == mixed and card.kind == "mix" and card.parents == (a, b)
    with pytest.raises(RefusedError, match="Both"):
        studio.voices.delete(a)
    with pytest.raises(InputError):
        studio.voices.save(studio.voices.mix(a, b, 0.3), "")
    with pytest.raises(InputError, match="between 0 and 1"):
        studio.voices.mix(a, b, 2.0)
    with pytest.raises(InputError, match="is a mix"):
        studio.jobs.create(TrainingRequest("", recording, consent=CONSENT, voice_id=mixed))


def test_a_clip_without_consent_can_be_heard_but_not_saved(studio, recording):
    known = studio.voices.load(train(studio, recording))
    clip = Voice("", "clip", "", "mini", None, known.reference)
    list(studio.speech.speak("Hello.", clip))
    list(studio.speech.speak("Hello.", studio.voices.mix(known, clip, 0.5)))
    with pytest.raises(RefusedError):
        studio.voices.save(studio.voices.mix(known, clip, 0.5), "stolen")


def test_the_journal_counts_what_was_said_but_does_not_keep_it(studio, recording):
    a, b = train(studio, recording, "A"), train(studio, recording, "B")
    studio.speech.speak("A very private sentence.", a)
    studio.speech.speak("Together.", studio.voices.mix(a, b, 0.5))
    assert [entry.what for entry in studio.voices.journal()] == ["trained", "trained", "spoke", "spoke", "spoke"]
    assert studio.voices.journal(voice_id=a)[1].details == {"characters": 24}
    assert studio.voices.journal(voice_id=b)[1].details == {"characters": 9}
    assert not [name for name, data in everything(studio.settings.data_dir).items() if b"very private" in data]


def test_a_frozen_voice_speaks_but_is_not_retrained(studio, recording):
    voice_id = train(studio, recording)
    studio.voices.freeze(voice_id, passphrase="melt me slowly")
    assert list(studio.speech.speak("Hello.", voice_id))
    with pytest.raises(RefusedError, match="frozen"):
        studio.jobs.create(TrainingRequest("", recording, consent=CONSENT, voice_id=voice_id))
    with pytest.raises(RefusedError, match="frozen"):
        studio.voices.delete(voice_id)
    with pytest.raises(RefusedError, match="wrong"):
        studio.voices.unfreeze(voice_id, secret="melt me quickly")
    studio.voices.unfreeze(voice_id, secret="melt me slowly")
    studio.voices.delete(voice_id)


def test_versions_can_be_heard_side_by_side(studio, recording, settings):
    voice_id = train(studio, recording)
    studio.voices.freeze(voice_id, passphrase="melt me slowly")
    studio.voices.unfreeze(voice_id, secret="melt me slowly")  # and what is added speaks
    studio.jobs.create(TrainingRequest("", recording, script="hello", consent=CONSENT, voice_id=voice_id))
    job = next(job for job in studio.jobs.list() if job.state == "queued")
    studio.jobs._run(job.id, lambda event: None, None, CancelToken())
    first, second = studio.voices.versions(voice_id)
    assert studio.voices.load(voice_id).version_id == second.id
    assert studio.voices.load(voice_id, first.id).version_id == first.id
    studio.voices.pin(voice_id, first.id)
    assert studio.voices.load(voice_id).version_id == first.id
    with pytest.raises(MissingError):
        studio.voices.load(voice_id, "r" + "0" * 20)


def test_jobs_wait_for_each_other_and_can_be_cancelled(studio, recording):
    cancel = CancelToken()
    seen = []

    def watch(event):
        seen.append(event.kind)
        cancel.cancel()

    with studio.core.store.runner_lock(), pytest.raises(CancelledError):
        studio.jobs.run(TrainingRequest("Ana", recording, consent=CONSENT), on_event=watch, cancel=cancel)
    assert seen == ["queued"] and studio.jobs.list() == []


def test_stopped_training_continues_with_resume(studio, recording):
    cancel = CancelToken()

    def stop_half_way(event):
        if event.kind == "acoustic" and event.step == 10:
            cancel.cancel()

    with pytest.raises(CancelledError):
        studio.jobs.run(
            TrainingRequest("Ana", recording, script="hello", consent=CONSENT), on_event=stop_half_way, cancel=cancel
        )
    (job,) = studio.jobs.list()
    assert job.state == "stopped" and studio.voices.list() == []
    progress = []
    voice_id = studio.jobs.resume_here(job.id, on_progress=lambda state: progress.append(state.fraction))
    assert studio.voices.list()[0].id == voice_id
    assert progress == sorted(progress) and progress[-1] > 0.9
    steps = (studio.settings.data_dir / "steps.txt").read_text().split()
    assert len(steps) == 40, "no step is taken twice"


def test_a_voice_that_does_not_speak_is_a_failed_job(settings, recording):
    from dataclasses import replace

    import numpy as np

    from gpt_sovits.audio import Audio
    from gpt_sovits.jobs.acceptance import check_sound

    silent = lambda *_: check_sound(Audio(np.zeros(32000, np.float32), 32000), 10)  # noqa: E731
    studio = Studio(
        settings,
        parts=lambda each: replace(fake_parts(each, 0.0), prove=silent),
        check_recording=refuse_short,
        find_base=only_mini,
    )
    with pytest.raises(VoiceError, match="does not speak"):
        train(studio, recording)
    assert studio.voices.list() == [] and studio.jobs.list()[0].state == "failed"
    assert "does not speak" in studio.jobs.list()[0].error
    studio.jobs.delete(studio.jobs.list()[0].id)
    assert not [name for name, data in everything(settings.data_dir).items() if SECRET[:64] in data]


def test_users_cannot_reach_each_other(studio, recording):
    voice_id = train(studio, recording)
    job_id = studio.jobs.list()[0].id
    assert studio.session("ben").voices.list() == [] and studio.session("ben").jobs.list() == []
    for action in (
        lambda: studio.session("ben").voices.load(voice_id),
        lambda: studio.session("ben").voices.sample(voice_id),
        lambda: studio.session("ben").voices.delete(voice_id),
        lambda: studio.session("ben").speech.speak("Hello.", voice_id),
        lambda: studio.session("ben").voices.mix(voice_id, voice_id, 0.5),
        lambda: studio.session("ben").jobs.get(job_id),
        lambda: studio.session("ben").jobs.stop(job_id),
        lambda: studio.session("ben").jobs.delete(job_id),
    ):
        with pytest.raises(MissingError):
            action()


def test_a_voice_in_training_cannot_be_deleted(studio, recording):
    voice_id = train(studio, recording)
    job_id = studio.jobs.create(TrainingRequest("", recording, consent=CONSENT, voice_id=voice_id))
    with pytest.raises(BusyError):
        studio.voices.delete(voice_id)
    with pytest.raises(BusyError):
        studio.jobs.delete(job_id)
    studio.jobs.stop(job_id)
    studio.voices.delete(voice_id)
    assert studio.jobs.list() == []


def test_two_people_train_at_once_and_both_get_their_voice(studio, recording):
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda name=name: results.append(train(studio, recording, name))) for name in ("A", "B")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(card.name for card in studio.voices.list()) == ["A", "B"] and len(results) == 2


def test_importing_and_listing_needs_no_torch():
    code = (
        "import sys, tempfile, pathlib, gpt_sovits\n"
        "from gpt_sovits import Studio, Settings, VoiceError\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "studio = Studio(Settings(folder)); studio.voices.list(); studio.jobs.list()\n"
        "import gpt_sovits.jobs.worker\n"
        "print('torch' in sys.modules, 'numpy' in sys.modules, sorted(gpt_sovits.__all__))\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.startswith("False False ['Audio'"), printed


def test_the_first_sentence_after_a_warm_up_imports_and_loads_nothing_more():
    code = (
        "import dataclasses, pathlib, sys, tempfile, torch\n"
        "from gpt_sovits import Studio, Settings, Voice\n"
        "from gpt_sovits.features.reference import Reference\n"
        "studio = Studio(Settings(pathlib.Path(tempfile.mkdtemp()))); studio.speech.warm_up()\n"
        "reference = Reference(torch.zeros(1, 192, 1), torch.zeros(0, dtype=torch.long), ())\n"
        "voice = Voice('', 'A', 'local', 'mini', None, reference)\n"
        "before, opened = set(sys.modules), []\n"
        "sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == 'open' else None)\n"
        "said = [piece.audio.seconds for piece in studio.speech.speak('Good morning. 早上好。', voice, seed=0)]\n"
        "read = [name for name in opened if name.endswith(('.safetensors', '.txt', '.gz', '.json', '.py', '.pyc'))]\n"
        "packages = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(len(said) > 0, read, sorted(packages))\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "True [] []\n"
