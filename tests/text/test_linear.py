"""No text takes longer than its length allows: four times the text, about four times the steps."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gpt_sovits.text import en_normalize, split_text
from gpt_sovits.text.documents import clean
from gpt_sovits.text.tracked import Tracked

UNITS = (
    "1", "-", "a", "A ", "1,", "1.", "1-", "1/", "1:", "$1", "(", "[", "<", "&", "*", "**a", "_a", "`", "~", "^1^", "|",
    "\n", "a\n", "- a\n", "# ", "> ", "http://a", "a.b", "a@", "/a", "\\", "'", '"', "A. ", "IV ", "Mr. ", "May 5 ",
    "1h ", "a1", "1 x ", "=", "--> ", "[a|", "[a](", "![", "<!--", "中", "。", "😀", " ", "5%-", "½", "²", "…", "—",
    "AB/", "0800 ", "555-", "+1 ", "12:", "aB()", "[0]", "1 kg ", "STOP ", "CPUs ", "'90s ", "| a | b |\n",
)  # fmt: skip
_SIZES = (1_000, 4_000)


def seconds(work: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    work(text)
    return time.process_time() - start


@pytest.mark.parametrize(
    "work",
    [lambda t: clean(Tracked.of(t)), lambda t: en_normalize.normalize(Tracked.of(t)), split_text],
    ids=["documents", "English", "splitting"],
)
def test_time_grows_with_the_text_and_no_faster(work: Callable[[str], object]) -> None:
    slow = []
    for unit in UNITS:
        short, long = ((unit * size)[:size] for size in _SIZES)
        if seconds(work, long) > 12 * seconds(work, short) + 0.05:  # a square would take 16 times as long
            slow.append(unit)
    assert not slow
