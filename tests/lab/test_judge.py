"""The judging as a whole, on a studio and judges without networks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gpt_sovits.audio import Audio, read_audio, write_wav
from gpt_sovits.errors import InputError
from gpt_sovits.lab.evaluation.folder import read_folder
from gpt_sovits.lab.evaluation.judge import Judges, Options, evaluate, read_sentences
from gpt_sovits.lab.evaluation.listening import MOST, ListeningPage
from gpt_sovits.lab.evaluation.naturalness import Opinion
from gpt_sovits.lab.evaluation.report import Report
from gpt_sovits.lab.evaluation.trial import Sentence, prompt_of
from gpt_sovits.services.jobs import TrainingRequest
from tests.lab.fakes import FakeStudio, embed, pitch_of, tone, write_voices


def judges() -> Judges:
    return Judges(
        embed=embed,
        hear=lambda audio, language: "A red house." if language == "en" else "红房子。",
        recognize_phones=lambda audio: ["AH", "R", "EH", "D", "HH", "AW", "S"],
        rate=lambda audio: Opinion(3.0, 3.5, 4.0),
    )


def report_of(tmp_path: Path, options: Options, studio: FakeStudio | None = None) -> Report:
    return evaluate(studio or FakeStudio(), read_folder(write_voices(tmp_path)), judges(), options)


def test_each_speaker_has_a_row_of_each_kind(tmp_path: Path) -> None:
    report = report_of(tmp_path, Options(train=True))
    assert [(score.speaker, score.kind) for score in report.scores] == [
        (name, kind) for name in ("low", "middle", "high") for kind in ("real", "zero-shot", "tuned")
    ]


def test_a_voice_nearer_to_its_speaker_scores_higher(tmp_path: Path) -> None:
    report = report_of(tmp_path, Options(train=True))
    real, zero, tuned = (report.of(kind)[1] for kind in ("real", "zero-shot", "tuned"))
    assert zero.similarity < tuned.similarity <= 1.0 + 1e-6
    assert real.similarity == pytest.approx(1.0, abs=0.01)
    assert zero.margin < tuned.margin
    assert tuned.rank == zero.rank == 1
    assert zero.nearest == "high", "a third above 440 Hz lies nearer to 880 than to 220"


def test_another_speaker_that_is_nearer_shows_in_rank_and_margin(tmp_path: Path) -> None:
    class Impostor(FakeStudio):
        def reference_voice(self, *given: object, **named: object) -> float:
            return 880.0

    score = report_of(tmp_path, Options(), Impostor()).of("zero-shot")[0]
    assert (score.speaker, score.nearest, score.first) == ("low", "high", 0.0)
    assert score.rank > 1
    assert score.margin < 0


def test_word_errors_count_over_all_sentences(tmp_path: Path) -> None:
    score = report_of(tmp_path, Options()).of("zero-shot")[0]
    assert score.wer == pytest.approx(3 / 6), "one sentence right, the other one wrong in each of its three words"


def test_mandarin_counts_syllables_with_and_without_tones(tmp_path: Path) -> None:
    """What is heard is 红房子, hong2 fang2 zi5; a homophone is no error, another tone is one of tone only."""
    for text, syllables, tones in (
        ("红房子", 0.0, 0.0),
        ("宏房子", 0.0, 0.0),
        ("轰房子", 0.0, 1 / 3),
        ("红房", 1 / 2, 1 / 2),
    ):
        score = report_of(tmp_path, Options(texts=(Sentence("zh", text),))).of("zero-shot")[0]
        assert (score.wer, score.syllables, score.tones) == (None, pytest.approx(syllables), pytest.approx(tones))


def test_the_teacher_is_judged_in_the_same_sentences(tmp_path: Path) -> None:
    asked: list[Sentence] = []

    def teacher(sentence: Sentence) -> Audio:
        asked.append(sentence)
        return tone(440.0)

    score = report_of(tmp_path, Options(only=("low",), teacher=teacher)).of("teacher")[0]
    assert asked == [Sentence("en", "a red house"), Sentence("en", "the old sea")]
    assert (score.wer, score.similarity) == (pytest.approx(3 / 6), None)


def test_training_gets_the_joined_train_clips_and_their_words(tmp_path: Path) -> None:
    studio = FakeStudio()
    report_of(tmp_path, Options(train=True, max_steps=7, only=("low",)), studio)
    assert list(studio.trained) == ["low"]
    given = studio.trained["low"]
    assert given["seconds"] == pytest.approx(8.5, abs=0.05)
    assert (given["script"], given["language"], given["max_steps"]) == ("a red house the old sea", "en", 7)
    assert given["consent"].checked()


def test_refused_silent_and_runaway_sentences_count_as_failed(tmp_path: Path) -> None:
    texts = tuple(Sentence("en", text) for text in ("fine words", "unspeakable", "silent", "runaway"))
    score = report_of(tmp_path, Options(texts=texts)).of("zero-shot")[0]
    assert (score.clips, score.failed) == (1, 3)


def test_a_voice_that_cannot_be_made_is_noted_and_the_others_go_on(tmp_path: Path) -> None:
    class Refusing(FakeStudio):
        def run(self, request: TrainingRequest) -> float:
            if request.name == "middle":
                raise InputError("There is too little speech.", "Record more.")
            return super().run(request)

    report = report_of(tmp_path, Options(train=True), Refusing())
    assert [score.speaker for score in report.of("tuned")] == ["low", "high"]
    assert report.notes == ("middle, tuned: There is too little speech. Record more.",)


def test_judges_left_out_leave_their_figures_empty(tmp_path: Path) -> None:
    report = evaluate(FakeStudio(), read_folder(write_voices(tmp_path)), Judges(), Options())
    score = report.of("zero-shot")[0]
    assert (score.similarity, score.rank, score.wer, score.per, score.mos) == (None,) * 5
    assert "-" in report.to_table()


def test_the_prompt_is_never_a_test_clip_and_lasts_3_to_10_s(tmp_path: Path) -> None:
    for speaker in read_folder(write_voices(tmp_path)):
        assert prompt_of(speaker) in speaker.train


def test_table_and_json_tell_the_same(tmp_path: Path) -> None:
    report = report_of(tmp_path, Options(train=True))
    value = json.loads(report.to_json())
    assert value["summary"]["tuned"]["ranked_first"] == 1.0
    assert len(value["speakers"]) == 9
    table = report.to_table().splitlines()
    assert "ranked first, tuned: 3 of 3 speakers" in table
    assert f"{value['summary']['zero-shot']['similarity']:.3f}" in next(
        line for line in table if line.startswith("mean") and "zero-shot" in line
    )


def test_a_page_lets_hear_what_was_judged(tmp_path: Path) -> None:
    """Every sound that it names lies beside it and is the kind's own; what a sentence says is no markup."""
    page = ListeningPage(tmp_path / "page")
    texts = tuple(Sentence("en", f"A <b>red</b> house, number {n}.") for n in range(MOST + 1))
    report = report_of(tmp_path, Options(page=page, only=("high",), train=True, texts=texts))
    shown = page.write(report).read_text(encoding="utf-8")
    named = re.findall(r'(?:src)="([^"]+)"', shown)
    assert sorted({*named, "index.html"}) == sorted(file.name for file in (tmp_path / "page").iterdir())
    assert len([name for name in named if "tuned" in name]) == len([n for n in named if "zero-shot" in n]) > MOST
    tuned = next(name for name in named if "tuned" in name and name.endswith("mp3"))
    assert pitch_of(read_audio(tmp_path / "page" / tuned)) == pytest.approx(880.0, rel=0.01)
    assert "<b>" not in shown
    assert "http" not in shown


def test_sentences_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "texts.tsv"
    file.write_text("en\tGood morning.\n\nzh\t早上好。\n", encoding="utf-8")
    assert read_sentences(file) == (Sentence("en", "Good morning."), Sentence("zh", "早上好。"))


def test_real_clips_are_compared_with_the_speakers_other_clips(tmp_path: Path) -> None:
    """A clip that is not like its speaker's others must not score well by being compared with itself."""
    folder = write_voices(tmp_path)
    write_wav(read_folder(folder)[0].test[0].path, tone(1760.0, 4.0))
    report = evaluate(FakeStudio(), read_folder(folder), Judges(embed=embed), Options())
    assert report.of("real")[0].similarity < 0.2
