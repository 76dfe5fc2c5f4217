"""What a model has seen in training, kept beside it: scores before that are no forecasts."""

from __future__ import annotations

import datetime

from demandcast.schema.config.base import Section

__all__ = ["MODEL_TRAINING_FILE", "ModelTraining"]

MODEL_TRAINING_FILE = "assets.extra/training.json"
"""File in the folder of a SavedModel: the JSON of its `ModelTraining`. Servers leave it alone."""


class ModelTraining(Section):
    """What a model was made from.

    Attributes:
        seen_until: Start of the last period whose target was used to train the model or to stop
            its training. A forecast from this cutoff or a later one is one into the unknown.
    """

    seen_until: datetime.date
