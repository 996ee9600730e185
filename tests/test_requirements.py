"""requirements.txt holds exactly what the program imports, each at one version."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

from tests.test_architecture import imports, sources

ROOT = Path(__file__).resolve().parent.parent
OWN = {"gpt_sovits", "webui", "app"}
COMES_ALONG = {"httpx", "httpx2", "h11"}  # huggingface_hub brings one of the two, uvicorn the third
# Japanese; several processes; a queue for several machines; signed statements: asking for one without it says how to
# install it
ON_REQUEST = {"pyopenjtalk", "accelerate", "redis", "c2pa"}
# extras of requirements-dev.txt, named in lab/evaluation/optional.py
JUDGES = {"resemblyzer", "pocketsphinx", "speechmos"}


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
    assert not {"pytest", "ruff", "mypy", "playwright", "librosa", *JUDGES} & set(users)
    assert users["torch"] == "2.13.0"


def test_wheels_only() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "--only-binary :all:" in text
    assert re.findall(r"--no-binary (\S+)", text) == ["jieba"], "pure Python, but published as a source archive only"


def locked(file: str) -> dict[str, set[str]]:
    """Package to the versions that a lock file names; every entry has a hash of SHA-256."""
    found: dict[str, set[str]] = {}
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line.startswith(("#", "-")) or not line.strip():
            continue
        entry = re.match(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.]*)( |$)", line)
        assert entry and re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), f"{file}: {line[:80]}"
        found.setdefault(normal(entry[1]), set()).add(entry[2])
    return found


def test_the_lock_holds_what_is_required_and_all_that_this_needs() -> None:
    """Made anew by `python .ci/supply.py lock`; `check` compares with what the registry would give."""
    lock, cuda = locked("requirements.lock"), locked("requirements-cuda.lock")
    assert {name: {version} for name, version in pinned("requirements.txt").items()}.items() <= lock.items()
    assert not set(lock) & set(cuda) and all(re.match("nvidia-|cuda-|triton$", name) for name in cuda)
    options = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line.startswith("--")]
    for name in lock:
        try:
            needs = requires(name) or []
        except PackageNotFoundError:
            continue  # of another system
        for line in needs:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                assert normal(need.name) in {**lock, **cuda}, f"{name} needs {need.name}: make the lock anew"
    for file in ("requirements.lock", "requirements-cuda.lock"):
        assert all(line in (ROOT / file).read_text(encoding="utf-8").splitlines() for line in options)


def test_the_image_is_made_from_the_lock() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert text.count("pip install") == text.count("--require-hashes") + 1, "torch's CPU build is the one exception"
    assert re.search(r"^FROM \$\{PYTHON_IMAGE\}$", text, flags=re.MULTILINE)
    versions = {name: version for name, version in pinned("requirements.txt").items()}
    assert f"torch=={versions['torch']}" in text
