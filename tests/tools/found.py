"""Every case of ../shared/design/found-security.md and whether it is held now: the tests that show it, run.

    python -m tests.tools.found [--only F1 F9]

Prints a row for each case, with what did not pass; exit code 1 unless all are held.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import pytest

CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "F1": ("no input names a file of the disk", ("webui/test_closed.py", "webui/test_fence.py")),
    "F2": ("rights are one place", ("services/test_rights.py", "models/test_cli_models.py")),
    "F3": ("hostile weights end in a sentence", ("models/test_hostile_files.py",)),
    "F4": ("no voice file takes the memory", ("storage/test_age.py", "storage/test_voicefile.py")),
    "F5": ("no text takes longer than its length allows", ("text/test_linear.py",)),
    "F6": (
        "what comes back is checked like what comes in",
        ("storage/test_backup.py", "storage/test_import_checks.py"),
    ),
    "F7": ("a bad line of the journal costs itself", ("storage/test_journal.py",)),
    "F8": (
        "one person leaves room for the others",
        (
            "storage/test_accounts.py",
            "webui/test_turns.py",
            "webui/test_fence.py::test_what_waits_of_one_leaves_room_for_another",
            "webui/test_fence.py::test_a_stranger_shuts_nobody_out",
            "webui/test_fence.py::test_many_who_sign_in_at_once_are_hashed_two_at_a_time",
            "webui/test_wire.py",
        ),
    ),
    "F9": (
        "bad luck loses nothing",
        (
            "test_bad_luck.py",
            "storage/test_crashes.py",
            "jobs/test_worker.py",
            "webui/test_app.py::test_a_worker_that_dies_is_started_again",
            "webui/test_fence.py::test_uploads_are_bounded_for_each_and_for_the_disk",
            "webui/test_fence.py::test_an_upload_that_breaks_off_leaves_nothing",
        ),
    ),
    "F10": (
        "the app goes nowhere",
        (
            "webui/test_closed.py::test_no_function_takes_a_file_or_an_address_of_elsewhere",
            "webui/test_fence.py::test_no_spelling_of_a_file_makes_the_studio_fetch_it_from_elsewhere",
            "test_offline.py",
        ),
    ),
    "F11": ("what a voice says of itself is sealed", ("storage/test_seals.py", "storage/test_lock.py")),
    "F12": ("the receipt says what it looked through", ("test_owning.py", "test_keeping.py")),
    "F13": (
        "no word is a blocked path, no odd argument a traceback",
        ("test_odd.py", "webui/test_guard.py", "webui/test_reach.py"),
    ),
}


class Outcomes:
    """What pytest tells: nodes that passed, and that did not."""

    def __init__(self) -> None:
        self.passed: set[str] = set()
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed.add(report.nodeid)


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", nargs="+", choices=[*CASES], default=[*CASES])
    wanted = options.parse_args(argv).only
    places = dict.fromkeys(f"tests/{test}" for case in wanted for test in CASES[case][1])
    seen = Outcomes()
    pytest.main(["-q", "-p", "no:cacheprovider", *places], plugins=[seen])
    lost = 0
    for case in wanted:
        title, tests = CASES[case]
        own = tuple(f"tests/{test}" for test in tests)
        passed = {node for node in seen.passed if node.startswith(own)}
        failed = sorted(node for node in seen.failed if node.startswith(own))
        empty = [test for test in own if not any(node.startswith(test) for node in passed)]
        held = not failed and not empty
        lost += not held
        sys.stdout.write(f"{case:4} {'held' if held else 'NOT':5} {len(passed):4} passed  {title}\n")
        for each in (*failed, *empty):
            sys.stdout.write(f"          {each}\n")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
