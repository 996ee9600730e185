"""Fine-tuning by several processes: the first one leads a job, the others follow with the files that it prepared."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from gpt_sovits.dataset.training_set import TrainingSet
from gpt_sovits.errors import MissingError
from gpt_sovits.families.base import Base, load_base
from gpt_sovits.jobs.store import open_store
from gpt_sovits.settings import Settings
from gpt_sovits.training.distributed import Processes, processes_of
from gpt_sovits.training.finetune import Tuned, finetune
from gpt_sovits.training.plan import TrainingPlan

DATASET, TRAINING = "dataset", "training"  # folders of a job


def lead(
    processes: Processes, base: Base, dataset: TrainingSet, plan: TrainingPlan, *, work_dir: Path, **watching: Any
) -> Tuned:
    """``finetune`` in this process and in those that ``follow``; ``work_dir`` is ``training`` in the job's folder."""
    processes.tell({"base": base.name, "job": work_dir.parent.name, "plan": asdict(plan)})
    return finetune(base, dataset, plan, work_dir=work_dir, processes=processes, **watching)


def follow(settings: Settings) -> bool:
    """Take part in the job that process 0 leads. False when it had none for us.

    Raises ``MissingError`` where this machine does not see process 0's files.
    """
    processes = processes_of(settings)
    told = processes.tell()
    if told is None:
        return False
    folder = open_store(settings).work_dir(told["job"])
    if not folder.is_dir():
        raise MissingError(
            f"The job's folder {folder} is not here.", "All machines need the same data folder, on shared storage."
        )
    finetune(
        load_base(told["base"], settings),
        TrainingSet.load(folder / DATASET),
        TrainingPlan(**told["plan"]),
        work_dir=folder / TRAINING,
        processes=processes,
    )
    return True
