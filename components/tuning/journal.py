"""What came of each trial, kept in the folder of the search until its report is written."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from demandcast.components.tuning.results import TrialReport

__all__ = ["Journal"]


@dataclass(frozen=True)
class Journal:
    """One file per trial, beside what KerasTuner keeps of it.

    Attributes:
        folder: Of the search, on any filesystem that TensorFlow knows.
    """

    folder: str

    def write(self, report: TrialReport) -> None:
        """Writes what came of a trial, aside and then renamed."""
        # By TensorFlow's operations, not `write_whole`: the folder may be remote.
        path = self._path(report.trial)
        tf.io.gfile.makedirs(path.rpartition("/")[0])
        with tf.io.gfile.GFile(f"{path}.new", "w") as file:
            file.write(report.model_dump_json())
        tf.io.gfile.rename(f"{path}.new", path, overwrite=True)

    def read(self, trial: str) -> TrialReport | None:
        """Reads what came of a trial; None if it did not end."""
        if not tf.io.gfile.exists(self._path(trial)):
            return None
        with tf.io.gfile.GFile(self._path(trial)) as file:
            return TrialReport.model_validate_json(file.read())

    def all(self) -> tuple[TrialReport, ...]:
        """Reads all trials that ended, in the order of their names."""
        found = (self.read(name) for name in sorted(self._names()))
        return tuple(report for report in found if report is not None)

    def _names(self) -> list[str]:
        paths = tf.io.gfile.glob(self._path("*"))
        return [path.split("/")[-2].removeprefix("trial_") for path in paths]

    def _path(self, trial: str) -> str:
        return f"{self.folder}/trial_{trial}/report.json"
