import pytest
from google.protobuf import text_format
from label_servers import models_config

from demandcast.schema.errors import BadInputError
from demandcast.serving.messages import POOL, ModelServerConfig
from demandcast.serving.models_file import (
    Placement,
    comments_lost,
    read_placement,
    write_placement,
)

TWO_MODELS = """\
# Read by every server.
# Ask before you change it.

model_config_list {
  config {
    name: "demand"
    base_path: "gs://bucket/serving"  # The pipeline's.
    model_platform: "tensorflow"
    model_version_policy { latest { num_versions: 2 } }
    version_labels { key: "stable" value: 5 }
  }
  config {
    name: "other # one"
    base_path: "/models/other"
    model_version_policy { all {} }
  }
}
"""


def parse(text):
    return text_format.Parse(text, ModelServerConfig(), descriptor_pool=POOL)


@pytest.mark.parametrize(
    "placement",
    [
        Placement(),
        Placement(frozenset({5})),
        Placement(frozenset({5, 6}), {"canary": 6, "stable": 5}),
        Placement(frozenset({0, 2**63 - 1}), {"stable": 2**63 - 1}),
    ],
)
def test_what_is_written_is_read(placement):
    text = models_config(placement)
    assert read_placement(text, "demand", source="file") == placement
    if placement.versions is not None:
        again = write_placement(text, "demand", placement, source="file")
        assert read_placement(again, "demand", source="file") == placement


def test_a_rule_is_no_list_of_versions():
    placement = read_placement(TWO_MODELS, "demand", source="file")
    assert placement == Placement(None, {"stable": 5})
    assert placement.numbers == frozenset()


def test_everything_else_stays():
    new = Placement(frozenset({5, 6}), {"canary": 6})
    text = write_placement(TWO_MODELS, "demand", new, source="file")
    before, after = parse(TWO_MODELS), parse(text)
    assert read_placement(text, "demand", source="file") == new
    assert after.model_config_list.config[0].base_path == "gs://bucket/serving"
    assert after.model_config_list.config[0].model_platform == "tensorflow"
    assert after.model_config_list.config[1] == before.model_config_list.config[1]


def test_the_heading_stays_and_other_comments_are_counted():
    text = write_placement(TWO_MODELS, "demand", Placement(frozenset({5})), source="file")
    assert text.startswith("# Read by every server.\n# Ask before you change it.\n\nmodel_config")
    assert "The pipeline's" not in text
    assert comments_lost(TWO_MODELS) == 1
    assert comments_lost(text) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_config_list { conf", "models.config: not a file for --model_config_file"),
        ('model_config_list { config { nam: "demand" } }', 'has no field named "nam"'),
        ("", "no model 'demand' in it; there are []"),
        (TWO_MODELS.replace('"demand"', '"sales"'), "there are ['other # one', 'sales']"),
    ],
)
def test_another_file_is_refused(text, message):
    for call in (
        lambda: read_placement(text, "demand", source="models.config"),
        lambda: write_placement(text, "demand", Placement(), source="models.config"),
    ):
        with pytest.raises(BadInputError) as error:
            call()
        assert message in str(error.value)
