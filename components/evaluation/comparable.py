"""Whether the model in service is a measure for a new one: the same kind, and nothing seen."""

from __future__ import annotations

from tfx.dsl.io import fileio

from demandcast.components.evaluation.answers import agree, shapes_of
from demandcast.components.evaluation.unseen import eval_cutoffs, seen_reason, seen_until
from demandcast.schema.artifact_names import SUMMARY_FILE
from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.model_series import MODEL_SERIES_FILE, misfits
from demandcast.schema.model_training import MODEL_TRAINING_FILE

__all__ = ["not_comparable", "seen_in_training"]


def not_comparable(examples: str, *, in_service: str, candidate: str) -> str | None:
    """Words why a new model cannot be compared with the one in service; None if it can.

    Args:
        examples: Folder of the examples, with a split `eval`.
        in_service: Folder of the `saved_model.pb` that serves.
        candidate: The same of the new model.
    """
    differences = _misfits(in_service, candidate)
    if differences:
        return f"another kind of model is in service ({'; '.join(differences)})"
    old, new = shapes_of(in_service), shapes_of(candidate)
    if not agree(old, new):
        return f"the model in service answers {old}, this one {new}"
    seen = seen_in_training(examples, in_service)
    # Its loss is better than it would be on sales that it does not know.
    return f"the model in service is no measure ({seen})" if seen else None


def seen_in_training(examples: str, model: str) -> str | None:
    """Words that a model has seen what judges it; None if it has not, or does not tell.

    Args:
        examples: Folder of the examples, with a split `eval`.
        model: Folder of its `saved_model.pb`.
    """
    summary, training = f"{examples}/{SUMMARY_FILE}", f"{model}/{MODEL_TRAINING_FILE}"
    if not (fileio.exists(summary) and fileio.exists(training)):
        return None
    until = seen_until(_read(training), source=training)
    return seen_reason(until, eval_cutoffs(_read(summary), source=summary))


def _misfits(*folders: str) -> list[str]:
    """Compares what two models were trained on; nothing if one of them does not say."""
    specs = []
    for folder in folders:
        path = f"{folder}/{MODEL_SERIES_FILE}"
        if not fileio.exists(path):
            return []
        specs.append(SeriesSpec.model_validate_json(_read(path)))
    return misfits(*specs)


def _read(path: str) -> str:
    with fileio.open(path, "r") as file:
        return str(file.read())
