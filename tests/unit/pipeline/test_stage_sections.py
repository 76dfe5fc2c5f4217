"""What a stage is given says the same as the whole configuration, and no more."""

import json

import pytest
from configurations import parse
from supply_world import supply_config

from demandcast.pipeline.stage_sections import config_of_sections, sections_of
from demandcast.schema.config import parse_config, resolve_paths
from demandcast.schema.config.example import example_yaml

WEEKLY = {"forecast.frequency": "W-MON", "forecast.horizon": 8, "features.lags": [52]}


@pytest.fixture(params=["example", "weekly", "supply"])
def config(request, tmp_path):
    made = {
        "example": lambda: parse_config(example_yaml()),
        "weekly": lambda: parse(**WEEKLY),
        "supply": lambda: supply_config(tmp_path),
    }
    return resolve_paths(made[request.param](), tmp_path)


def test_sections_come_back_as_they_were(config):
    found = config_of_sections(
        sections_of(config, "beam", "replenishment"), serving_directory="/srv/serving"
    )
    for name in ("name", "data", "forecast", "sampling", "features", "beam", "replenishment"):
        assert getattr(found, name) == getattr(config, name), name
    assert found.series == config.series
    assert found.push.serving_directory == "/srv/serving"


def test_other_sections_leave_the_properties_as_they_are(config):
    changed = config.model_copy(
        update={
            "workspace": "/other",
            "training": config.training.model_copy(update={"epochs": 3}),
            "retention": config.retention.model_copy(update={"runs": 3}),
        }
    )
    assert sections_of(changed, "beam") == sections_of(config, "beam")


def test_the_snapshot_of_a_run_is_in_a_property_of_its_own(tmp_path):
    """`kubeflow.parameters` writes it there."""
    config = parse(**{"data.sales": "{snapshot}/s.csv", "data.snapshot": "1"})
    properties = sections_of(config)
    properties["data"] = json.dumps(json.loads(properties["data"]) | {"snapshot": "2"})
    assert config_of_sections(properties).data.snapshot == "2"
