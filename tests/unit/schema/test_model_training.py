"""What a model says about its training."""

import datetime

import pytest
from pydantic import ValidationError

from demandcast.schema.model_training import MODEL_TRAINING_FILE, ModelTraining


def test_it_is_read_as_it_was_written():
    training = ModelTraining(seen_until=datetime.date(2024, 5, 1))
    assert training.model_dump_json() == '{"seen_until":"2024-05-01","settings":null}'
    assert ModelTraining.model_validate_json(training.model_dump_json()) == training


def test_it_lies_where_servers_do_not_look():
    assert MODEL_TRAINING_FILE.startswith("assets.extra/")


@pytest.mark.parametrize("text", ["{}", '{"seen_until": "soon"}'])
def test_anything_else_is_refused(text):
    with pytest.raises(ValidationError, match="seen_until"):
        ModelTraining.model_validate_json(text)
