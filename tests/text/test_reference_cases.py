"""The reference cases: phones exactly the checkpoints' where those are right, the better reading where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpt_sovits.text import ja
from tests.text_cases import score_file

CASES = Path(__file__).parents[3] / "shared" / "reference" / "text"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="needs ../shared/reference/text")

# Lines without a flag whose reference value is one of the defects of TEXT.md section 6 all the same.
EXPECTED_WRONG = {"cases_zh": 2, "cases_en": 1, "cases_mixed": 2, "cases_split": 1}  # a comma that is lost


@needs_cases
@pytest.mark.parametrize(
    "name", ["cases_zh", "cases_zh_norm", "cases_en", "cases_mixed", "cases_yue", "cases_ko", "cases_split"]
)
def test_lines_without_a_flag_are_exact(name: str) -> None:
    score = score_file(CASES / f"{name}.jsonl")
    assert score.total["plain"] - score.right["plain"] <= EXPECTED_WRONG.get(name, 0)
    assert not score.total["better"] or score.right["better"] >= 0.9 * score.total["better"]


@needs_cases
def test_japanese_when_it_is_installed() -> None:
    if not ja.available():
        pytest.skip("needs pyopenjtalk-plus")
    score = score_file(CASES / "cases_ja.jsonl")
    assert score.right["plain"] >= 0.99 * score.total["plain"]


@needs_cases
def test_polyphones() -> None:
    score = score_file(CASES / "polyphones.jsonl")
    assert score.right["plain"] >= 0.9 * score.total["plain"]
