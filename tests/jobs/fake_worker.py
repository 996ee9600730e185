"""A worker whose training counts to a number, slowly, with a checkpoint per step: to be killed by tests.

Every step appends its number to ``steps.txt`` in the data folder. Requests whose script is "stubborn" never look at
the cancel token, "broken" raise what nobody expects, "deadly" end their process, "poor" refuse with a sentence.
torch is imported by the last step only, so that a process which is killed earlier costs little.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gpt_sovits.errors import InputError
from gpt_sovits.events import Event
from gpt_sovits.jobs import worker
from gpt_sovits.jobs.acceptance import Scores, check_sound
from gpt_sovits.jobs.run import Parts
from gpt_sovits.settings import Settings

STEP_SECONDS = 0.02


@dataclass(frozen=True)
class FakePlan:
    acoustic_steps: int = 30
    semantic_steps: int = 10
    minutes_estimate: float = 0.02
    seed: int = 1


def fake_parts(settings: Settings, step_seconds: float = STEP_SECONDS) -> Parts:
    def build_dataset(
        recording: Path,
        script: str,
        language: str,
        encoder: Any,
        *,
        version: str,
        work_dir: Path,
        anyway: bool,
        on_event,
        cancel,
    ) -> Any:
        on_event(Event("slice", "Cutting.", 1, 2))
        (work_dir / "slice.wav").write_bytes(recording.read_bytes()[:1000])
        if script == "poor":
            raise InputError("The recording cannot be used.", "Record again.")
        return SimpleNamespace(seconds=61.0, script=script)

    def finetune(base: Any, dataset: Any, plan: FakePlan, *, work_dir: Path, on_event, cancel, on_quarter) -> Any:
        total = plan.acoustic_steps + plan.semantic_steps
        checkpoint = work_dir / "step.txt"
        first = int(checkpoint.read_text()) if checkpoint.exists() else 0
        for step in range(first + 1, total + 1):
            if dataset.script == "stubborn":
                time.sleep(60)
            if dataset.script == "broken":
                raise ZeroDivisionError("the fake is broken")
            if dataset.script == "deadly":
                os.kill(os.getpid(), 9)
            cancel.check()
            time.sleep(step_seconds)
            with (settings.data_dir / "steps.txt").open("a") as file:
                file.write(f"{step}\n")
            aside = work_dir / "step.part"
            aside.write_text(str(step))
            os.replace(aside, checkpoint)
            acoustic = step <= plan.acoustic_steps
            on_event(
                Event("acoustic", "", step, plan.acoustic_steps, {"loss": 1.0 / step})
                if acoustic
                else Event("semantic", "", step - plan.acoustic_steps, plan.semantic_steps, {"loss": 1.0 / step})
            )
        import torch

        from gpt_sovits.features.reference import Reference

        reference = Reference(
            style=torch.ones(1, 8, 1), codes=torch.arange(20), phones=(1, 2, 3), text="hello", language="en"
        )
        return SimpleNamespace(
            delta={"acoustic.w": torch.ones(4), "semantic.w": torch.full((2, 2), float(total))},
            reference=reference,
            metrics={"loss": 0.5},
            steps=total,
        )

    def speak(voice: Any, text: str, language: str, cancel: Any) -> Any:
        import numpy as np

        from gpt_sovits.audio import Audio

        assert float(voice.delta["acoustic.w"].sum()) == 4.0
        return Audio(np.sin(np.arange(32000, dtype=np.float32) / 10) * 0.3, 32000)

    def prove(folder: Path, aside: Path, cancel: Any) -> Any:
        from gpt_sovits.audio import wav_bytes
        from gpt_sovits.storage import versions
        from gpt_sovits.voices.manifest import VoiceManifest, read_version

        manifest = read_version(folder)
        voice = versions.load(folder, VoiceManifest(manifest.voice, "", "", manifest.created))
        audio = speak(voice, "Hello.", "en", cancel)
        check_sound(audio, 10)
        return wav_bytes(audio), Scores(audio.seconds, 0, 0.1, 0.2, 0.9, 0.8)

    return Parts(
        load_base=lambda name: SimpleNamespace(name=name, ear=object(), release="r1", symbols_version="v2"),
        build_dataset=build_dataset,
        plan=lambda seconds, base: FakePlan(),
        finetune=finetune,
        speak=speak,
        settle=lambda base, dataset, tuned, **how: (tuned, None),
        prove=prove,
    )


if __name__ == "__main__":
    sys.exit(worker.main(parts=fake_parts, command=(sys.executable, "-m", "tests.jobs.fake_worker")))
