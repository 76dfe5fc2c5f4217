"""Command of every container: TFX's own, with what Kubeflow Pipelines and TFX disagree on settled.

    python -m demandcast.pipeline.kubeflow.entry_point --executor_class_path ... [Beam options]
        --json_serialized_invocation_args {{$}} --json_serialized_inputs_spec_args ...

The arguments are those that TFX compiles. On Vertex, which is what TFX was written for, only the
run-time parameters are put in their places.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from demandcast.pipeline.beam_flags import is_local
from demandcast.pipeline.kubeflow.executor_input import (
    is_vertex,
    localised,
    output_places,
    output_uris,
    returned,
)
from demandcast.pipeline.kubeflow.markers import remove_markers
from demandcast.pipeline.kubeflow.parameters import take_parameters
from demandcast.pipeline.runners.errors import purposeful_error
from demandcast.schema.errors import ConfigurationError, exit_code_of

__all__ = ["ROOT_VARIABLE", "main", "run"]

ROOT_VARIABLE = "DEMANDCAST_KFP_ROOT"
"""Environment variable with a folder under which the emulator keeps /gcs, /s3 and /minio."""

_SHARED = "gs://"


def main(arguments: Sequence[str], *, root: str = "") -> int:
    """Runs an executor; says errors on standard error.

    Args:
        arguments: Those of the container.
        root: Put before the launcher's folders.

    Returns:
        The exit code: as of `demandcast` itself.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        run(arguments, root=root)
    except BaseException as error:
        purposeful = purposeful_error(error)
        if purposeful is None:
            traceback.print_exc()
        else:
            logging.getLogger(__name__).error("%s", purposeful)
        return exit_code_of(purposeful or error)
    return 0


def run(arguments: Sequence[str], *, root: str = "") -> None:
    """Runs an executor.

    Args:
        arguments: Those of the container.
        root: Put before the launcher's folders.

    Raises:
        DemandcastError: A stage stopped on purpose; maybe as the cause of another exception.
        Exception: What else the executor raised.
    """
    options, beam_args = _parse(arguments)
    message: dict[str, Any] = json.loads(options.json_serialized_invocation_args)
    if is_vertex(message):
        inputs = message.setdefault("inputs", {})
        inputs["parameterValues"] = take_parameters(inputs.get("parameterValues", {}))
        _execute(options, beam_args, message)
        return
    shared = () if is_local(beam_args) else (_SHARED,)
    fit = localised(
        message,
        json.loads(options.json_serialized_inputs_spec_args or "{}"),
        root=root,
        shared=shared,
    )
    if shared:
        _refuse_unshared(fit.remote)
    _execute(options, beam_args, fit.message)
    if shared:
        remove_markers(output_uris(fit.message))
    for place in output_places(message, root=root):
        if not Path(place).exists():
            Path(place).mkdir(parents=True)
    file = Path(message["outputs"]["outputFile"])
    output = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(returned(output, fit.remote)), encoding="utf-8")


def _parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    return parser.parse_known_args(arguments)


def _execute(options: argparse.Namespace, beam_args: list[str], message: dict[str, Any]) -> None:
    """Lets TFX run the executor on a message."""
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    options.json_serialized_invocation_args = json.dumps(message)
    kubeflow_v2_run_executor.main((options, beam_args))


def _refuse_unshared(remote: Mapping[str, str]) -> None:
    """Refuses remote workers where artifacts lie in a store that they cannot use.

    Raises:
        ConfigurationError: The root of the artifacts is not in gs://.
    """
    if remote:
        uri = next(iter(remote.values()))
        raise ConfigurationError(
            f"kubeflow.pipeline_root: {uri} is out of reach of Beam's remote workers; a runner "
            f"other than the DirectRunner needs a root in {_SHARED}"
        )


if __name__ == "__main__":
    code = main(sys.argv[1:], root=os.environ.get(ROOT_VARIABLE, ""))
    sys.stdout.flush()
    sys.stderr.flush()
    # B8: TensorFlow's threads may call into objects that are gone at a normal exit ("pure virtual
    # method called"), which fails a step whose work is done.
    os._exit(code)
