"""Odd arguments, names, environments and damaged folders: each is one sentence, and nothing of the person's is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpt_sovits.cli.main import main
from gpt_sovits.cli.terminal import ask_secret
from gpt_sovits.errors import InputError, VoiceError
from gpt_sovits.files import flows
from gpt_sovits.settings import Settings
from gpt_sovits.storage.registry import Registry
from gpt_sovits.studio import Studio
from gpt_sovits.voices.ids import check_name
from tests.storage.conftest import make_voice, stage

LONG = "x" * 300
ROOT = Path(__file__).resolve().parent.parent


class Mute:
    """Stands for the networks."""

    def speak(self, *given: object, **more: object) -> object:
        return iter(())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the voice Ana."""
    folder, recording = tmp_path / "data", tmp_path / "r.wav"
    recording.write_bytes(bytes(range(256)) * 8)
    Registry(folder / "registry").admit("local", "Ana", stage(folder / "jobs", make_voice(1), recording))
    return folder


def run(data: Path, *words: str) -> int:
    return main([*words, "--data", str(data)], lambda settings: Studio(settings, synthesizer=Mute()))  # type: ignore[arg-type]


def one_sentence(capsys: pytest.CaptureFixture[str], code: int) -> None:
    said = capsys.readouterr().err.strip()
    assert code == 2 and said and "Traceback" not in said and len(said) < 600, said


@pytest.mark.parametrize(
    "words",
    [
        ["speak", "Ana", "Hello.", "--language", "xx", "--out", "a.wav"],
        ["speak", "Ana", "--text-file", LONG],
        ["speak", "Ana", "--text-file", "."],
        ["speak", "Ana", "--text-file", "/dev/zero"],
        ["speak", "Hello.", "--clip", LONG],
        ["speak", "Hello.", "--clip", "/dev/zero"],
        ["train", "Ben", LONG, "--consent-who", "B", "--consent-purpose", "x"],
        ["voices", "import", LONG],
        ["voices", "import", "/dev/zero"],
        ["voices", "import", "."],
        ["voices", "rename", "Ana", "a\u202eb"],
        ["voices", "rename", "Ana", "\u200b"],
        ["voices", "rename", "Ana", LONG],
        ["voices", "freeze", ""],
        ["voices", "delete", "\ud800"],
        ["lexicon", "import", LONG],
        ["lexicon", "import", "/dev/zero"],
        ["lexicon", "add", "\ud800", "a"],
        ["restore", LONG, "--passphrase-file", "/dev/null"],
        ["restore", ".", "--passphrase-file", "/dev/null"],
        ["jobs", "log", "../../x"],
        ["jobs", "stop", LONG],
        ["users", "add", "../x"],
    ],
    ids=lambda words: " ".join(words)[:40].encode("ascii", "replace").decode().replace("\0", "0"),
)
def test_odd_arguments_are_one_sentence(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    one_sentence(capsys, run(data, *words))
    assert [card.name for card in Registry(data / "registry").cards("local")] == ["Ana"]


@pytest.mark.parametrize("name", ["/dev/no-such-thing", "/dev/fd/99", "/proc/self/fd/99", "/sys/kernel/x"])
def test_no_file_takes_a_place_among_the_systems_names(name: str) -> None:
    with pytest.raises(InputError, match="no place"):  # /dev/stderr was one, where 2> made it lead to a file
        flows(Path(name))
    assert flows(Path("/dev/null")) and not flows(Path("/dev/shm/x"))


@pytest.mark.parametrize("seed", ["99999999999999999999", "-1", "x", "1e3", str(2**63)])
def test_a_seed_is_a_number_that_fits(data: Path, capsys: pytest.CaptureFixture[str], seed: str) -> None:
    one_sentence(capsys, run(data, "speak", "Ana", "Hi.", "--seed", seed))


@pytest.mark.parametrize(
    "environment",
    [
        {"GPT_SOVITS_DEVICE": "zzz"},
        {"GPT_SOVITS_DEVICE": "cuda:999999"},
        {"GPT_SOVITS_DEVICE": "CPU;ls"},
        {"GPT_SOVITS_THREADS": "99999999"},
        {"GPT_SOVITS_THREADS": "²"},
        {"GPT_SOVITS_THREADS": "9" * 5000},
        {"GPT_SOVITS_THREADS": "-1"},
        {"GPT_SOVITS_PRECISION": "best"},
    ],
    ids=str,
)
def test_odd_environments_are_one_sentence(environment: dict[str, str]) -> None:
    with pytest.raises(InputError):
        Settings.load("/tmp/x", {"GPT_SOVITS_DEVICE": "cpu", **environment})


@pytest.mark.parametrize("number", ["²", "9" * 5000, "-1", "１"])
def test_an_odd_number_of_a_launcher_is_none(number: str) -> None:
    odd = {name: number for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")}
    settings = Settings.load("/tmp/x", {"GPT_SOVITS_DEVICE": "cuda", **odd})
    assert (settings.rank, settings.processes, settings.device) == (0, 1, "cuda")


def test_a_card_that_is_not_here_is_one_sentence(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(InputError, match="no cuda"):
        Studio(Settings(tmp_path, device="cuda")).speech.warm_up()


def folder_instead(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


DAMAGES = {
    "voice.json is a folder": lambda voice, version: folder_instead(voice / "voice.json"),
    "version.json is a folder": lambda voice, version: folder_instead(version / "version.json"),
    "key is a folder": lambda voice, version: folder_instead(voice / "key"),
    "key is lost": lambda voice, version: (voice / "key").unlink(),
    "key is short": lambda voice, version: (voice / "key").write_bytes(b"x"),
    "a file is a folder": lambda voice, version: folder_instead(version / "delta.safetensors"),
    "parents is a number": lambda voice, version: replaced(version / "version.json", '"kind"', '"parents": 5, "kind"'),
    "empty": lambda voice, version: (voice / "voice.json").write_bytes(b""),
    "zeros": lambda voice, version: (version / "version.json").write_bytes(bytes(4096)),
    "no versions": lambda voice, version: shutil.rmtree(voice / "versions"),
    "voices is a file": lambda voice, version: (shutil.rmtree(voice), voice.write_bytes(b"x")),
}


def replaced(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_damaged_costs_itself_only(data: Path, tmp_path: Path, name: str) -> None:
    registry = Registry(data / "registry")
    other = make_voice(2)
    registry.admit("local", "Ben", stage(data / "jobs", other, tmp_path / "r.wav"))
    folder = next(path for path in (data / "registry/users/local/voices").iterdir() if path.name != other.id)
    DAMAGES[name](folder, next((folder / "versions").iterdir()))
    registry.tidy()
    with pytest.raises(VoiceError) as error:
        registry.load("local", folder.name)
    assert "locked" not in str(error.value)
    assert "Ben" in [card.name for card in registry.cards("local")] and registry.load("local", other.id)
    assert registry.verify("local") and not any("Ben" in each for each in registry.verify("local"))


def test_an_index_that_is_a_folder_is_made_anew(data: Path) -> None:
    registry = Registry(data / "registry")
    registry.cards("local")
    folder_instead(data / "registry/index.sqlite3")
    assert [card.name for card in registry.cards("local")] == ["Ana"]


@pytest.mark.parametrize(
    "name", ["\u200b", "a\u202eb", "\u2066x", "a\u00adb", "\ufeff", "x\u061cy", "a\ue000b", "\u3164"]
)
def test_a_name_is_what_a_person_can_see(name: str) -> None:
    with pytest.raises(InputError):
        check_name(name)


@pytest.mark.parametrize("name", ["می‌خواهم", "👨‍👩‍👧", "क्‍ष", "Zoë", "小明", "O’Brien", "مريم"])
def test_names_of_any_script_pass(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0 and not shutil.which("setpriv"), reason="needs rights")
def test_a_reader_that_has_seen_enough_is_no_failure(data: Path) -> None:
    command = f'"{sys.executable}" -m gpt_sovits voices list --data "{data}" | true; exit ${{PIPESTATUS[0]}}'
    ended = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in ended.stderr and ended.returncode in (0, 141)


def test_closed_streams_and_a_shell_that_asks_nothing_are_no_crash(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as closed:
        closed.setattr(sys, "stdin", None)
        one_sentence(capsys, run(data, "speak", "Ana", "-", "--out", str(data / "a.wav")))
        closed.setattr(sys, "stdout", None)
        assert run(data, "speak", "Ana", "Hi.", "--out", "-") in (0, 2)
    capsys.readouterr()
    monkeypatch.setenv("_GPT_SOVITS_COMPLETE", "complete_bash")
    one_sentence(capsys, main([]))
    monkeypatch.setenv("_GPT_SOVITS_COMPLETE", "")
    assert run(data, "voices", "list") == 0


def test_what_a_terminal_cannot_show_a_loop_of_links_and_no_input_are_no_crash(data: Path, tmp_path: Path) -> None:
    assert run(data, "voices", "rename", "Ana", "声音") == 0
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    plain = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "gpt_sovits", "voices", "list", "--data"]
    shown = subprocess.run([*command, str(data)], capture_output=True, text=True, env=plain, cwd=ROOT)
    assert shown.returncode == 0 and "\\u58f0" in shown.stdout
    with pytest.raises(OSError, match="loop"):
        Settings.load(tmp_path / "loop", {"GPT_SOVITS_DEVICE": "cpu"})
    with pytest.raises(InputError, match="too large"):
        ask_secret("?", Path("/dev/zero"))
