"""TFX component: the push of a blessed model."""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from demandcast.components.publishing.push import Judged, ModelToPush, Push, push_model
from demandcast.components.storage.files import Files, join
from demandcast.components.storage.tfx_files import files_of
from demandcast.schema.artifact_names import PUSH_FILE, VERDICT_FILE
from demandcast.schema.carried_increase import CarriedIncrease
from demandcast.schema.data_profile import PROFILE_FILE
from demandcast.schema.model_properties import BASELINE_DIGEST, MODEL_DIGEST, REASON

__all__ = ["Pusher"]

_LOG = logging.getLogger(__name__)

_UNCHECKED = "not checked: nobody looked whether a server can serve the model"
_UNCOSTED = "not judged: gate.cost is off"

Artifacts = dict[str, list[types.Artifact]]


class _PusherExecutor(base_executor.BaseExecutor):
    """Pushes a blessed model."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `pushed_model` and, if blessed, the serving directory."""
        files = files_of(exec_properties["serving_directory"])
        pushed_model = artifact_utils.get_single_instance(output_dict["pushed_model"])
        blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
        infrastructure = _optional(input_dict, "infra_blessing")
        cost = _optional(input_dict, "cost_blessing")
        refusal = _refusal(blessing, cost, infrastructure)
        checked = {
            "cost": _UNCOSTED if cost is None else _reason_of(cost),
            "infrastructure": _UNCHECKED if infrastructure is None else _reason_of(infrastructure),
        }
        if refusal is not None:
            _LOG.info("%s: nothing is pushed", refusal)
            _record(pushed_model, None, refusal, checked=checked, files=files)
            return
        push = push_model(
            ModelToPush(
                folder=_folder(input_dict, infrastructure),
                run_id=exec_properties["run_id"] or self._run_id(),
                metrics=_metrics(input_dict.get("evaluation", []), files),
                profile=_profile(input_dict.get("examples", []), files),
                judged=_judged(blessing),
            ),
            exec_properties["serving_directory"],
            files=files,
            now=datetime.datetime.now(datetime.UTC),
        )
        _LOG.info("%s", push.reason)
        _record(pushed_model, push, push.reason, checked=checked, files=files)

    def _run_id(self) -> str:
        """Returns the run that TFX names; only its own orchestrators do."""
        run_id = None if self._context is None else self._context.pipeline_run_id
        return "" if run_id is None else str(run_id)


def _optional(input_dict: Artifacts, name: str) -> types.Artifact | None:
    """Finds the verdict of a check; None if nobody looked."""
    found = input_dict.get(name)
    return artifact_utils.get_single_instance(found) if found else None


def _reason_of(blessing: types.Artifact) -> str:
    return str(blessing.get_string_custom_property(REASON))


def _refusal(
    blessing: types.Artifact, cost: types.Artifact | None, infrastructure: types.Artifact | None
) -> str | None:
    """Says why nothing may be pushed; None if it may."""
    if not model_utils.is_model_blessed(blessing):
        return "the model did not pass the gate"
    if cost is not None and not model_utils.is_model_blessed(cost):
        return f"the model did not pass the cost check: {_reason_of(cost)}"
    if infrastructure is not None and not model_utils.is_infra_validated(infrastructure):
        return f"the model did not pass the infrastructure check: {_reason_of(infrastructure)}"
    return None


def _folder(input_dict: Artifacts, infrastructure: types.Artifact | None) -> str:
    """Folder of the model: the copy with a warm-up, if the check made one."""
    if infrastructure is not None and infrastructure.get_int_custom_property("has_model") == 1:
        return str(path_utils.stamped_model_path(infrastructure.uri))
    model = artifact_utils.get_single_instance(input_dict["model"])
    return str(path_utils.serving_model_path(model.uri))


def _judged(blessing: types.Artifact) -> Judged | None:
    """Reads what was blessed, and against what; nothing in a blessing of TFX's own Evaluator."""
    if not blessing.has_custom_property(MODEL_DIGEST):
        return None
    return Judged(
        digest=blessing.get_string_custom_property(MODEL_DIGEST),
        baseline_digest=blessing.get_string_custom_property(BASELINE_DIGEST),
    )


def _profile(examples: list[types.Artifact], files: Files) -> str | None:
    """Finds the profile beside the examples, if there are any with one."""
    paths = [join(artifact.uri, PROFILE_FILE) for artifact in examples]
    return next((path for path in paths if files.exists(path)), None)


def _metrics(evaluations: list[types.Artifact], files: Files) -> Mapping[str, float]:
    """Reads the overall metrics that the gate wrote beside TFMA's files, if it did.

    With them goes what the gate carries from push to push.
    """
    for evaluation in evaluations:
        path = join(evaluation.uri, VERDICT_FILE)
        if files.exists(path):
            verdict = json.loads(files.read(path))
            overall = [part["candidate"] for part in verdict["slices"] if part["name"] == "overall"]
            metrics = {
                name: float(value)
                for part in overall
                for name, value in part.items()
                if value is not None
            }
            return metrics | CarriedIncrease(**verdict.get("carried", {})).to_metrics()
    return {}


def _record(
    pushed_model: types.Artifact,
    push: Push | None,
    reason: str,
    *,
    checked: Mapping[str, str],
    files: Files,
) -> None:
    """Writes what was done as the artifact's properties (TFX's own names) and content."""
    pushed = push is not None and push.pushed
    pushed_model.set_int_custom_property("pushed", int(pushed))
    pushed_model.set_string_custom_property("reason", reason)
    content: dict[str, Any] = {"pushed": pushed, "reason": reason, **checked}
    if push is not None and push.serves:
        pushed_model.set_string_custom_property("pushed_destination", push.pointer.uri)
        pushed_model.set_string_custom_property("pushed_version", str(push.pointer.version))
    if push is not None:
        content["in_service"] = json.loads(push.pointer.to_json())
    files.write(join(pushed_model.uri, PUSH_FILE), json.dumps(content, indent=2).encode())


class _PusherSpec(ComponentSpec):
    PARAMETERS: ClassVar = {
        "serving_directory": ExecutionParameter(type=str),
        "run_id": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "cost_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
        "examples": ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }
    OUTPUTS: ClassVar = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}


class Pusher(base_component.BaseComponent):
    """Puts a blessed model into service; without each blessing it does nothing.

    Runners must not cache this node (`pipeline.dag.NEVER_CACHED`): the serving directory
    may have changed since, and a model that serves already is recognised by its digest.

    Outputs:
        pushed_model: `PushedModel` with custom properties `pushed` (0 or 1), `reason`,
            `pushed_destination`, `pushed_version`, and the file `push.json`.
    """

    SPEC_CLASS = _PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_PusherExecutor)

    def __init__(  # noqa: PLR0913 - one per input
        self,
        *,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        serving_directory: str,
        cost_blessing: types.BaseChannel | None = None,
        infra_blessing: types.BaseChannel | None = None,
        evaluation: types.BaseChannel | None = None,
        examples: types.BaseChannel | None = None,
        run_id: str = "",
    ) -> None:
        """Describes the node.

        Args:
            model: Candidate from the Trainer.
            model_blessing: Verdict of the gate; a model without blessing is never pushed.
            serving_directory: Directory that the server watches.
            cost_blessing: Verdict on the cost of stock; without it nobody looked at that.
            infra_blessing: Verdict of the infrastructure check, with the copy that is pushed;
                without it nobody looked whether the model can be served.
            evaluation: Evaluation whose metrics the pointer shall carry.
            examples: Examples whose profile is kept for the next run's comparison.
            run_id: Run that pushes; empty where TFX itself tells the executor.
        """
        super().__init__(
            _PusherSpec(
                model=model,
                model_blessing=model_blessing,
                cost_blessing=cost_blessing,
                infra_blessing=infra_blessing,
                evaluation=evaluation,
                examples=examples,
                serving_directory=serving_directory,
                run_id=run_id,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
