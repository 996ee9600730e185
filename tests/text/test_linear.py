"""No text takes longer than its length allows: four times the text, about four times the steps, in every language."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gpt_sovits.text import en_normalize, ja, ko, split_text, yue, zh_normalize
from gpt_sovits.text.documents import clean
from gpt_sovits.text.segment import segment
from gpt_sovits.text.tracked import Tracked

UNITS = (
    "1", "-", "a", "A ", "1,", "1.", "1-", "1/", "1:", "$1", "(", "[", "<", "&", "*", "**a", "_a", "`", "~", "^1^", "|",
    "\n", "a\n", "- a\n", "# ", "> ", "http://a", "a.b", "a@", "/a", "\\", "'", '"', "A. ", "IV ", "Mr. ", "May 5 ",
    "1h ", "a1", "1 x ", "=", "--> ", "[a|", "[a](", "![", "<!--", "中", "。", "😀", " ", "5%-", "½", "²", "…", "—",
    "AB/", "0800 ", "555-", "+1 ", "12:", "aB()", "[0]", "1 kg ", "STOP ", "CPUs ", "'90s ", "| a | b |\n",
)  # fmt: skip
CLASSES = (
    "1", "-", "(", "[", "中", " ", "a", "あ", "가", "1,", "1.", "1:", "1/", "1中",
    "1 ", "1,000，", "（一）", "2024年", "￥1", "10~", "1개",
)  # fmt: skip
_SIZES = (1_000, 4_000)


def seconds(work: Callable[[str], object], text: str) -> float:
    """Of this process's own work, so that a busy computer changes nothing."""
    start = time.process_time()
    work(text)
    return time.process_time() - start


def grows(work: Callable[[str], object], unit: str) -> bool:
    """Whether four times the text takes more than twelve times the work (a square: sixteen), three times in a row."""
    short, long = ((unit * size)[:size] for size in _SIZES)
    return all(seconds(work, long) > 12 * seconds(work, short) + 0.05 for _ in range(3))


@pytest.mark.parametrize(
    ("work", "units"),
    [
        (lambda t: clean(Tracked.of(t)), UNITS),
        (lambda t: en_normalize.normalize(Tracked.of(t)), UNITS),
        (lambda t: zh_normalize.normalize(Tracked.of(t), ours=True), CLASSES),
        (lambda t: yue.normalize(Tracked.of(t)), CLASSES),
        (lambda t: ja.normalize(Tracked.of(t)), CLASSES),
        (lambda t: ko.normalize(Tracked.of(t)), CLASSES),
        (lambda t: segment(t, codes=True), CLASSES),
        (split_text, UNITS),
    ],
    ids=["documents", "English", "Chinese", "Cantonese", "Japanese", "Korean", "languages", "splitting"],
)
def test_time_grows_with_the_text_and_no_faster(work: Callable[[str], object], units: tuple[str, ...]) -> None:
    assert [unit for unit in units if grows(work, unit)] == []
