"""Lets schemathesis throw requests at every route of the description: no 5xx, no status and form that it does not name.

python -m tests.tools.doors [schemathesis's options]        (pip install schemathesis)

The voices hum, so that what is tried is the doors; registry, jobs, tokens and rights are the program's own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.dataset.test_build import listening
from tests.jobs.fake_worker import fake_parts
from tests.webui.hum import humming
from tests.webui.serving import served


def main() -> int:
    from starlette.applications import Starlette

    from webui.api import Doors, callers, create_api, refused
    from webui.guard import Guard

    callers.PER_MINUTE = 10**9  # every request of the tool would be the same program's
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        studio, _, _ = humming(
            folder,
            "local",
            "local2",
            parts=lambda each: fake_parts(each, 0.0),
            check_recording=lambda path: None,
            find_base=lambda name: None,
        )
        base, _ = listening(folder)
        studio.core.base = lambda name: base  # type: ignore[method-assign]
        app = Guard(Doors(Starlette(), api=create_api(studio, folder)), say=refused)
        with served(app) as address:
            command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{address}/api/openapi.json"]
            # what has the right form may still be refused: a text without words, a name that nobody can see
            command += ["--exclude-checks", "positive_data_acceptance"]
            return subprocess.run([*command, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
