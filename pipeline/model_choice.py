"""Which model is meant: the one in service, another version, or that of a run."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from demandcast.components.publishing.pointer import read_history, read_pointer
from demandcast.components.publishing.push import is_complete, versions_in
from demandcast.components.storage.files import join
from demandcast.components.storage.model_digest import model_digest
from demandcast.pipeline.history import History, serving_files
from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError, DemandcastError, ServingError
from demandcast.schema.model_training import MODEL_TRAINING_FILE, ModelTraining

__all__ = ["ChosenModel", "model_in_service", "model_of_run", "model_of_version"]


@dataclass(frozen=True)
class ChosenModel:
    """A model and where it comes from.

    Attributes:
        folder: Folder that holds its `saved_model.pb`.
        version: Number in the serving directory; None of a model of a run.
        run_id: Run that made it; None where nobody wrote that down.
        digest: Digest of its content.
        seen_until: Start of the last period whose target it has seen in training; None: it does
            not say.
    """

    folder: str
    version: int | None
    run_id: str | None
    digest: str
    seen_until: datetime.date | None


def model_in_service(config: RunConfig) -> ChosenModel:
    """Finds the model that the pointer names.

    Raises:
        ServingError: No model is in service, or its folder is not there.
    """
    directory = str(config.push.serving_directory)
    pointer = read_pointer(directory, serving_files(directory))
    if pointer is None:
        raise ServingError(f"{directory}: no model is in service; 'demandcast run' pushes one")
    folder = join(directory, str(pointer.version))
    return _chosen(folder, version=pointer.version, run_id=pointer.run_id or None)


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
    return _chosen(folder, version=version, run_id=runs.get(version) or None)


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
    return _chosen(folder, version=None, run_id=past.run_id)


def _chosen(folder: str, *, version: int | None, run_id: str | None) -> ChosenModel:
    """Reads what a model says about itself."""
    files = serving_files(folder)
    if not is_complete(folder, files):
        raise ServingError(f"{folder}: no {SAVED_MODEL_FILE} here; the model was removed")
    path = join(folder, MODEL_TRAINING_FILE)
    seen_until = None
    if files.exists(path):
        try:
            seen_until = ModelTraining.model_validate_json(files.read(path)).seen_until
        except ValueError as error:
            raise DemandcastError(
                f"{path}: not what the Trainer writes; expected the date seen_until: {error}"
            ) from error
    return ChosenModel(folder, version, run_id, model_digest(folder, files), seen_until)
