"""requirements.txt holds exactly what the program imports, each at one version."""

from __future__ import annotations

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.test_architecture import imports, sources

ROOT = Path(__file__).resolve().parent.parent
OWN = {"gpt_sovits", "webui", "app"}
COMES_ALONG = {"httpx", "httpx2"}  # huggingface_hub brings one of the two; the downloader uses the same
# Japanese; several processes; a queue for several machines: asking for one without it names the command to install it
ON_REQUEST = {"pyopenjtalk", "accelerate", "redis", "onnxruntime"}
# extras of requirements-dev.txt, named in lab/evaluation/optional.py
JUDGES = {"resemblyzer", "pocketsphinx", "speechmos", "faster-whisper"}


def pinned(file: str) -> dict[str, str]:
    """Distribution (normalised) -> version."""
    found = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        line = line.partition("#")[0].strip()
        if not line or line.startswith("-"):
            continue
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line), f"{file}: {line!r} is not one exact version"
        name, _, version = line.partition("==")
        found[normal(name)] = version
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> set[str]:
    """Top-level packages that the program imports, standard library and itself aside."""
    names = {module.split(".")[0] for file in sources() for module, _ in imports(file)}
    return names - set(sys.stdlib_module_names) - OWN


def test_every_import_is_a_pinned_requirement() -> None:
    known = packages_distributions()
    users = pinned("requirements.txt")
    missing = {
        name
        for name in imported() - COMES_ALONG - ON_REQUEST
        if not {normal(distribution) for distribution in known.get(name, [name])} & set(users)
    }
    assert not missing


def test_every_requirement_is_used() -> None:
    known = packages_distributions()
    used = {normal(d) for name in imported() for d in known.get(name, [name])}
    source = "".join(file.read_text(encoding="utf-8") for file in sources())
    by_name = {name for name in pinned("requirements.txt") if f'"{name.replace("-", "_")}"' in source}
    idle = set(pinned("requirements.txt")) - used - by_name
    assert not idle


def test_nothing_of_a_user_is_a_judge_or_a_test_tool() -> None:
    users = pinned("requirements.txt")
    assert not {"pytest", "ruff", "mypy", "playwright", "librosa", "onnxruntime", *JUDGES} & set(users)
    assert users["torch"] == "2.13.0"


def test_wheels_only() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "--only-binary :all:" in text
    assert re.findall(r"--no-binary (\S+)", text) == ["jieba"], "pure Python, but published as a source archive only"
