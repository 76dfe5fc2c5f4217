"""The stage in the DAG: TFX's Tuner, which also writes `trials.json`."""

from __future__ import annotations

from typing import Any

from tfx import v1 as tfx
from tfx.components.tuner import executor as tuner_executor
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

from demandcast.schema.artifact_names import SEARCH_PROPERTY, TRIALS_FILE

__all__ = ["Tuner", "TunerExecutor"]


class TunerExecutor(tuner_executor.Executor):
    """Runs the search and writes the best values, TFX's own list of trials, and ours."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the search; called by TFX."""
        tuner = tuner_executor.search(
            input_dict, exec_properties, self._get_tmp_dir(), print_tuning_summary=False
        )
        tuner_executor.write_best_hyperparameters(tuner, output_dict)
        results = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.TUNER_RESULTS_KEY]
        )
        text = tuner.summary().model_dump_json(indent=2)
        io_utils.write_string_file(f"{results.uri}/{TRIALS_FILE}", text)
        # Retention keeps the trials as long as a run that used their result.
        results.set_string_custom_property(SEARCH_PROPERTY, tuner.project_name)


class Tuner(tfx.components.Tuner):
    """TFX's Tuner with our executor; inputs, outputs and parameters are the same."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TunerExecutor)
