"""Which model is meant: the one in service, another version, or that of a run."""

from __future__ import annotations

from demandcast.components.publishing.pointer import read_history
from demandcast.components.publishing.push import is_complete, versions_in
from demandcast.components.storage.files import join
from demandcast.pipeline.chosen_model import ChosenModel, chosen_model, find_in_service
from demandcast.pipeline.history import History, serving_files
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError, ServingError

__all__ = ["ChosenModel", "model_in_service", "model_of_run", "model_of_version"]


def model_in_service(config: RunConfig) -> ChosenModel:
    """Finds the model that the pointer names.

    Raises:
        ServingError: No model is in service, or its folder is not there.
    """
    directory = str(config.push.serving_directory)
    found = find_in_service(directory, serving_files(directory))
    if found is None:
        raise ServingError(f"{directory}: no model is in service; 'demandcast run' pushes one")
    return found


def model_of_version(config: RunConfig, version: int) -> ChosenModel:
    """Finds a version in the serving directory.

    Raises:
        BadInputError: There is no such version; the message lists those that there are.
    """
    directory = str(config.push.serving_directory)
    files = serving_files(directory)
    there = sorted(
        number
        for number in versions_in(directory, files)
        if is_complete(join(directory, str(number)), files)
    )
    if version not in there:
        raise BadInputError(f"--model: got {version}; in {directory} there are {there}")
    runs = {pointer.version: pointer.run_id for pointer in read_history(directory, files)}
    folder = join(directory, str(version))
    return chosen_model(folder, files, version=version, run_id=runs.get(version) or None)


def model_of_run(config: RunConfig, reference: str) -> ChosenModel:
    """Finds the model that a run trained, blessed or not.

    Args:
        config: The run; paths are absolute.
        reference: What `pipeline.history.History.resolve` takes: a run id or its beginning,
            `latest`, ...

    Raises:
        BadInputError: There is no such run, or it trained no model.
        ServingError: The model was removed since.
    """
    past = History(config).resolve(reference)
    model = past.report.artifact("Trainer", "model")
    if model is None:
        raise BadInputError(f"run {past.run_id}: {past.outcome}; it trained no model")
    from tfx.utils import path_utils

    folder = str(path_utils.serving_model_path(model.uri))
    return chosen_model(folder, serving_files(folder), version=None, run_id=past.run_id)
