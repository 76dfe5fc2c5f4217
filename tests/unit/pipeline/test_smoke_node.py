"""What the executor does is in `test_smoke.py`, beside the server that both need."""

import pytest

from demandcast.schema.config import ServingConfig

pytestmark = pytest.mark.slow


def test_the_node_reads_what_was_pushed_and_is_given_the_whole_section():
    from tfx.types import channel_utils, standard_artifacts

    from demandcast.pipeline.smoke_node import SmokeTest

    config = ServingConfig(address="demand:8500")
    node = SmokeTest(
        pushed_model=channel_utils.as_channel([standard_artifacts.PushedModel()]),
        serving_directory="/srv/serving",
        model_name="demand",
        serving=config,
    )
    assert node.id == "SmokeTest"
    assert set(node.inputs) == {"pushed_model"}
    assert ServingConfig.model_validate_json(node.exec_properties["serving"]) == config
    assert node.outputs["result"].type is standard_artifacts.ModelEvaluation
