"""What README.md and the Dockerfile tell people to type exists and parses; CI runs README's own test command."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import app
from gpt_sovits.audio import read_audio
from gpt_sovits.cli import main as cli
from gpt_sovits.encoding import inspect
from gpt_sovits.lab.evaluation import bench, heldout, judge
from gpt_sovits.lab.evaluation.optional import INSTALL

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = ".venv/bin/python"


def script(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_command", ROOT / path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COMMANDS = script(".ci/readme_command.py").commands(README)


def typed() -> list[str]:
    """Every single command in README's bash blocks."""
    lines = "\n".join(re.findall(r"```bash\n(.*?)\n```", README, flags=re.DOTALL)).splitlines()
    return [step.strip() for line in lines for step in re.split(r"&&|\| (?=\.venv)", line)]


def read_by_commands(command: Any, words: list[str], above: Any = None) -> None:
    """Let a command and those in it read their words, without running any; it raises where it does not understand."""
    context = command.make_context(command.name or "gpt_sovits", words, parent=above)
    if hasattr(command, "commands"):
        _, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        read_by_commands(inner, rest, context)


def parse(words: list[str]) -> None:
    """Let the right parser read a command; it exits or raises where it does not understand."""
    if words[:2] == ["-m", "gpt_sovits.lab.evaluation.heldout"]:
        heldout.parser().parse_args(words[2:])
    elif words[:2] == ["-m", "gpt_sovits"] and words[2] in cli.HANDED_ON:
        parsers = {"evaluate": judge.parser, "bench": bench.parser}
        parsers[words[2]]().parse_args(words[3:])
    elif words[:2] == ["-m", "gpt_sovits"]:
        read_by_commands(cli.program(), words[2:])
    elif words[0] == "app.py":
        app.arguments(words[1:])
    else:
        assert words == ["-m", "pytest"], words


@pytest.mark.parametrize("line", [line for line in typed() if line.startswith(f"{PYTHON} ")])
def test_every_python_command_parses(line: str) -> None:
    parse(shlex.split(line.partition(" > ")[0])[1:])


def test_there_are_two_commands_to_copy() -> None:
    assert set(COMMANDS) == {"start", "test"}
    for command in COMMANDS.values():
        assert "\n" not in command, "one line to paste"
        for file in re.findall(r"-r (\S+)", command):
            assert (ROOT / file).is_file()
    assert COMMANDS["start"].endswith(f"{PYTHON} app.py")
    assert COMMANDS["test"].endswith(f"{PYTHON} -m pytest")


def test_ci_runs_the_test_command_as_written() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert ".ci/readme_command.py test" in ci
    assert "pip install" not in ci, "what is to be installed stands in README"


def test_judges_are_installed_the_way_an_error_says() -> None:
    assert INSTALL["resemblyzer"].split(" && ")[1] in COMMANDS["test"]


def test_every_subcommand_is_mentioned_and_no_other() -> None:
    listed = README.split("explains itself with `--help`:")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", listed)) == set(cli.program().commands)


def test_files_that_are_named_exist() -> None:
    named = re.findall(r"`((?:tests|pretrained_models|\.ci)/[\w./-]+)`", README)
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_image_runs_as_an_ordinary_user_and_reports_its_health() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (.+)$", text, flags=re.MULTILINE) for name in line.split()[:-1]]
    assert copied and all((ROOT / name).exists() for name in copied)
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert all(f"!{name}" in allowed for name in copied)
    assert text.index("USER studio") < text.index("HEALTHCHECK")
    start = re.search(r'^CMD \["python", (.+)\]$', text, flags=re.MULTILINE)
    assert start
    parse(re.findall(r'"([^"]+)"', start.group(1)))


SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_what_security_names_exists() -> None:
    """Every file, command and option that SECURITY.md counts on."""
    named = re.findall(r"`([\w./-]+\.(?:py|lock|md)|tests/[\w./-]+)[^`]*`", SECURITY)
    assert len(named) > 15
    assert not [path for path in named if not (ROOT / path).exists()]
    options = re.findall(r'"(--[\w-]+)"', (ROOT / "app.py").read_text(encoding="utf-8"))
    assert set(re.findall(r"`(--[\w-]+)", SECURITY)) <= set(options)
    for command in ("models download", "users add", "voices key"):
        assert f"`{command}`" in SECURITY
        parse(["-m", "gpt_sovits", *command.split(), *{"models": ["v2"], "users": ["ana"]}.get(command.split()[0], [])])


def test_the_lines_of_python_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (lines,) = re.findall(r"```python\n(.*?)\n```", README, flags=re.DOTALL)
    assert len(lines.splitlines()) <= 12
    monkeypatch.setenv("GPT_SOVITS_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(lines, "README.md", "exec"), names)
    assert inspect(tmp_path / "morning.mp3").own["voice"] == "invented1"
    assert read_audio(tmp_path / "morning.mp3").seconds > 1.0 and "0.0 s: Good morning!" in capsys.readouterr().out
    shown = names["piece"]._repr_html_()  # in a notebook
    assert "<audio controls" in shown and "<svg" in shown and "The kettle is on." in shown
