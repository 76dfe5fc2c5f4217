"""What a model was made from, kept beside it: what it has seen, and with which settings."""

from __future__ import annotations

import datetime

from demandcast.schema.config.base import Section
from demandcast.schema.model_settings import ModelSettings

__all__ = ["MODEL_TRAINING_FILE", "ModelTraining"]

MODEL_TRAINING_FILE = "assets.extra/training.json"
"""File in the folder of a SavedModel: the JSON of its `ModelTraining`. Servers leave it alone."""


class ModelTraining(Section):
    """What a model was made from.

    Attributes:
        seen_until: Start of the last period whose target was used to train the model or to stop
            its training. A forecast from this cutoff or a later one is one into the unknown.
        settings: Network and training, with what the Tuner chose.
    """

    seen_until: datetime.date
    settings: ModelSettings | None = None
