"""A model and where it comes from; light, because a stage of the pipeline uses it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from demandcast.components.publishing.pointer import read_pointer
from demandcast.components.publishing.push import is_complete
from demandcast.components.storage.files import Files, join
from demandcast.components.storage.model_digest import model_digest
from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.schema.errors import DemandcastError, ServingError
from demandcast.schema.model_training import MODEL_TRAINING_FILE, ModelTraining

__all__ = ["ChosenModel", "chosen_model", "find_in_service"]


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


def find_in_service(serving_directory: str, files: Files) -> ChosenModel | None:
    """Finds the model that the pointer names; None if nothing is in service.

    Args:
        serving_directory: Directory that the server watches.
        files: Its filesystem.

    Raises:
        ServingError: The pointer cannot be understood, or the model was removed.
    """
    pointer = read_pointer(serving_directory, files)
    if pointer is None:
        return None
    folder = join(serving_directory, str(pointer.version))
    return chosen_model(folder, files, version=pointer.version, run_id=pointer.run_id or None)


def chosen_model(
    folder: str, files: Files, *, version: int | None, run_id: str | None
) -> ChosenModel:
    """Reads what a model says about itself.

    Args:
        folder: Folder that holds its `saved_model.pb`.
        files: Its filesystem.
        version: Number in the serving directory, if it lies there.
        run_id: Run that made it, if that is known.

    Raises:
        ServingError: There is no model in the folder.
    """
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
