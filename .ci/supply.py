"""What the studio is made of, held fast and told: `python .ci/supply.py lock|check|audit|sbom`. Needs `pip install uv`.

lock    write requirements.lock and requirements-cuda.lock anew from requirements.txt: every package that pip would
        install on any system, with the hash of every file of it that PyPI has
check   say whether they would be written as they are
audit   ask the advisories of PyPI about every locked package; without a network this is skipped, and says so
sbom    write sbom.json (CycloneDX), to lie beside a release

What torch needs for a graphics card alone (CUDA, triton; on Linux) is in the second file: whoever has torch's CPU
build, which comes from another index than PyPI, installs the first one only.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK, CUDA = ROOT / "requirements.lock", ROOT / "requirements-cuda.lock"
TOOLS = {"pip-audit": "pip-audit==2.10.1", "cyclonedx-py": "cyclonedx-bom==7.5.0"}
OLDEST_PYTHON = "3.11"
_ONLY_CUDA = re.compile(r"(nvidia|cuda)-|triton==")
_HEAD = """# Made by `python .ci/supply.py lock` from requirements.txt; do not edit.
# {what}
--only-binary :all:
--no-binary jieba
"""


def locked() -> tuple[str, str]:
    """What both files should hold. Versions that the files name already are kept where requirements.txt allows them."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "all.lock"
        out.write_text("".join(file.read_text(encoding="utf-8") for file in (LOCK, CUDA) if file.exists()), "utf-8")
        command = [_program("uv"), "pip", "compile", "requirements.txt", "--universal", "--generate-hashes", "--quiet"]
        command += ["--no-annotate", "--no-header", "--python-version", OLDEST_PYTHON, "--output-file", str(out)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        entries = re.split(r"^(?=[a-z0-9])", out.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    cuda = [entry for entry in entries if _ONLY_CUDA.match(entry)]
    rest = [entry for entry in entries if entry not in cuda]
    first = _HEAD.format(what="All but what only a graphics card needs; on Linux with PyPI's torch add the other file.")
    second = _HEAD.format(what="What PyPI's torch needs besides requirements.lock on Linux, for a graphics card.")
    return first + "".join(rest), second + "".join(cuda)


def lock() -> int:
    for file, text in zip((LOCK, CUDA), locked(), strict=True):
        file.write_text(text, encoding="utf-8")
    return 0


def check() -> int:
    stale = [
        file.name
        for file, text in zip((LOCK, CUDA), locked(), strict=True)
        if not file.exists() or file.read_text(encoding="utf-8") != text
    ]
    print(f"to be made anew: {', '.join(stale)}" if stale else "the lock files are as they should be")
    return 1 if stale else 0


def audit() -> int:
    command = [*_tool("pip-audit"), "--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--format", "json"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    try:
        packages = json.loads(ended.stdout)["dependencies"]
    except ValueError:
        packages = []
    asked = [each for each in packages if "vulns" in each]
    bad = [f"{each['name']} {each['version']}: {bug['id']}" for each in asked for bug in each["vulns"]]
    if not asked:  # pip-audit itself says "no known vulnerabilities" when it could ask about nothing at all
        said = ended.stderr.replace("No known vulnerabilities found", "").strip()[-200:]
        print(f"skipped: the advisories cannot be reached from here. {said}".strip())
        return 0
    print("\n".join([*bad, f"{len(asked)} of {len(packages)} packages were looked up, {len(bad)} advisories"]))
    return 1 if bad else 0


def sbom() -> int:
    command = [*_tool("cyclonedx-py"), "requirements", "requirements.lock", "--output-reproducible", "--of", "JSON"]
    return subprocess.run([*command, "-o", "sbom.json"], cwd=ROOT).returncode


def _tool(name: str) -> list[str]:
    return [_program("uvx"), "--quiet", "--from", TOOLS[name], name]


def _program(name: str) -> str:
    """A program of uv's, on the path or beside this Python."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        sys.exit(f"{name} is not here: pip install uv")
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("lock", "check", "audit", "sbom"):
        sys.exit(__doc__)
    sys.exit({"lock": lock, "check": check, "audit": audit, "sbom": sbom}[sys.argv[1]]())
