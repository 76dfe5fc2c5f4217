"""TensorFlow Serving's own files: what its documentation shows, and what is wrong with others."""

import logging
from pathlib import Path

import pytest
from google.protobuf import text_format

from demandcast.schema.errors import ConfigurationError
from demandcast.serving import messages
from demandcast.serving.server.config import (
    AccessConfig,
    ModelConfig,
    PredictionLogConfig,
    ServerConfig,
    VersionPolicy,
)
from demandcast.serving.server.config_files import (
    model_configs,
    read_batching,
    read_models,
    read_monitoring,
    read_ssl,
)

# Source: https://www.tensorflow.org/tfx/serving/serving_config, "Model Server Configuration".
DOCUMENTED = """
model_config_list {
  config {
    name: 'my_first_model'
    base_path: '/tmp/my_first_model/'
    model_platform: 'tensorflow'
    model_version_policy {
      specific {
        versions: 42
        versions: 43
      }
    }
    version_labels {
      key: 'stable'
      value: 42
    }
    version_labels {
      key: 'canary'
      value: 43
    }
  }
  config {
    name: 'my_second_model'
    base_path: '/tmp/my_second_model/'
    model_platform: 'tensorflow'
  }
}
"""
MODELS = (
    ModelConfig(
        name="my_first_model",
        base_path=Path("/tmp/my_first_model"),  # noqa: S108 - as it is documented
        policy=VersionPolicy(kind="specific", versions=(42, 43)),
        labels={"stable": 42, "canary": 43},
    ),
    ModelConfig(name="my_second_model", base_path=Path("/tmp/my_second_model")),  # noqa: S108
)


@pytest.fixture
def write(tmp_path):
    def write(text, name="the.config"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def one(text):
    return f"model_config_list {{ config {{ name: 'm' base_path: '/m' {text} }} }}"


def test_the_documented_models(write):
    assert read_models(write(DOCUMENTED)) == MODELS


@pytest.mark.slow
def test_both_ways_with_the_published_stubs(write):
    from tensorflow_serving.config import model_server_config_pb2

    theirs = text_format.Parse(DOCUMENTED, model_server_config_pb2.ModelServerConfig())
    assert read_models(write(text_format.MessageToString(theirs))) == MODELS
    ours = text_format.Parse(DOCUMENTED, messages.ModelServerConfig())
    again = model_server_config_pb2.ModelServerConfig()
    assert text_format.Parse(text_format.MessageToString(ours), again) == theirs


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", VersionPolicy()),
        ("model_version_policy {}", VersionPolicy()),
        ("model_version_policy { latest {} }", VersionPolicy()),
        ("model_version_policy { latest { num_versions: 3 } }", VersionPolicy(count=3)),
        ("model_version_policy { all {} }", VersionPolicy(kind="all")),
        (
            "model_version_policy { specific { versions: 7 } }",
            VersionPolicy(kind="specific", versions=(7,)),
        ),
    ],
)
def test_policies(write, text, policy):
    assert read_models(write(one(text))) == (
        ModelConfig(name="m", base_path=Path("/m"), policy=policy),
    )


def test_no_model_at_all(write):
    assert read_models(write("model_config_list {}")) == read_models(write("")) == ()


def test_a_log_of_its_own(write):
    text = (
        "logging_config { log_collector_config { type: 'file' filename_prefix: '/logs' } "
        "sampling_config { sampling_rate: 0.25 } }"
    )
    (model,) = read_models(write(one(text)))
    assert model.prediction_log == PredictionLogConfig(directory=Path("/logs"), sampling_rate=0.25)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model_config_list {", r", line 1: is no ModelServerConfig in text format: "),
        (one("nonsense: 1"), r"no field named \"nonsense\""),
        ("custom_model_config {}", r": custom_model_config is not supported$"),
        (one("model_platform: 'other'"), r"model 'm': model_platform is 'other'; allowed: tensor"),
        (
            "model_config_list { config { name: 'm' base_path: 'relative' } }",
            r"Expected model m to have an absolute path or URI; got base_path\(\)=relative$",
        ),
        (
            "model_config_list { config { name: 'm' base_path: 'gs://b/m' } }",
            r"base_path\(\)=gs://b/m; remote directories are not read by this server$",
        ),
        ("model_config_list { config { base_path: '/m' } }", r": name: String should have at lea"),
        (
            one("model_version_policy { specific {} }"),
            r"'specific' lists versions, and nothing else does",
        ),
        (
            one(
                "logging_config { log_collector_config { filename_prefix: '/l' } "
                "sampling_config { sampling_rate: 1.5 } }"
            ),
            r": sampling_rate: Input should be less than or equal to 1$",
        ),
    ],
)
def test_models_that_cannot_be_served(write, text, message):
    path = write(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_models(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", [read_models, read_monitoring, read_batching, read_ssl])
def test_files_that_cannot_be_read(tmp_path, read):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ConfigurationError, match=f"{path} cannot be read: "):
            read(path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="bytes cannot be read: "):
        read(tmp_path / "bytes")


def test_a_reload_says_where_it_comes_from():
    config = messages.ModelServerConfig()
    config.model_config_list.config.add(name="m", base_path="m")
    with pytest.raises(ConfigurationError, match=r"^a reload: Expected model m"):
        model_configs(config, source="a reload")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'prometheus_config { enable: true, path: "/monitoring/prometheus/metrics" }',
            {"metrics": True, "metrics_path": "/monitoring/prometheus/metrics"},
        ),
        ("prometheus_config { enable: true }", {"metrics": True}),
        ("prometheus_config { enable: false }", {"metrics": False}),
        ("", {"metrics": False}),
    ],
)
def test_monitoring(write, text, expected):
    found = read_monitoring(write(text))
    assert found == expected
    ServerConfig(serving_directory=Path("d"), **found)


# Source: https://github.com/tensorflow/serving, serving/batching/README.md, "Batch Scheduling
# Parameters and Tuning".
BATCHING = """
max_batch_size { value: 128 }
batch_timeout_micros { value: 0 }
max_enqueued_batches { value: 100 }
num_batch_threads { value: 8 }
"""


def test_batching(write, caplog):
    path = write(BATCHING + "allowed_batch_sizes: 1 allowed_batch_sizes: 128")
    with caplog.at_level(logging.INFO):
        found = read_batching(path)
    assert found == {
        "max_batch_rows": 128,
        "max_waiting_rows": 100 * 128,
        "model_workers": 8,
    }
    ServerConfig(serving_directory=Path("d"), **found)
    assert sorted(caplog.messages) == [
        f"{path}: allowed_batch_sizes has no effect: batches are not padded",
        f"{path}: batch_timeout_micros has no effect: a request never waits for others",
    ]


def test_batching_that_says_nothing(write):
    assert read_batching(write("")) == {}


def test_certificates(write):
    text = "server_key: 'the\\nkey' server_cert: 'the cert' custom_ca: 'the ca' client_verify: true"
    found = read_ssl(write(text))
    assert found == AccessConfig(
        certificate="the cert",
        private_key="the\nkey",
        client_ca="the ca",
        require_client_certificate=True,
    )


@pytest.mark.parametrize(
    "text",
    [
        "server_key: 'hush'",
        "server_cert: 'hush'",
        "server_key: 'hush' server_cert: 'hush' client_verify: true",
        "server_key: 'hush' server_cert: 'hush' hush: 1",
        "server_key: 'hush",
        "server_key: hush",
        "server_key: 'ok'\nserver_cert 'hush'",
    ],
)
def test_certificates_that_are_not_whole_are_never_shown(write, text):
    path = write(text)
    with pytest.raises(ConfigurationError) as caught:
        read_ssl(path)
    error = caught.value
    assert str(error).startswith(str(path))
    assert "hush" not in str(error)
    # Nor in what a traceback would add.
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
