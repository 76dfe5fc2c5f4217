"""Flags of tensorflow_model_server, and what they come to."""

from pathlib import Path

import pytest

from demandcast.pipeline.cli.main import invoke
from demandcast.pipeline.cli.serve_flags import TOKEN_VARIABLE
from demandcast.serving import server


@pytest.fixture
def config_of(monkeypatch):
    """Starts a server that does not serve; returns its configuration."""
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)

    def config_of(*arguments):
        configs = []
        monkeypatch.setattr(server, "serve", lambda config, on_started: configs.append(config))
        assert invoke(["serve", *arguments]) == 0
        return configs[0]

    return config_of


@pytest.fixture
def refusal(capsys):
    def refusal(*arguments):
        assert invoke(["serve", *arguments]) == 2
        return capsys.readouterr().err

    return refusal


def test_a_command_line_of_tensorflow_serving(config_of, tmp_path):
    (tmp_path / "monitoring.config").write_text(
        'prometheus_config { enable: true, path: "/metrics" }'
    )
    (tmp_path / "batching").write_text(
        "max_batch_size { value: 32 } max_enqueued_batches { value: 10 } "
        "num_batch_threads { value: 3 } batch_timeout_micros { value: 0 }"
    )
    config = config_of(
        "--port=8600",
        "--rest_api_port=8601",
        "--model_name=demand",
        "--model_base_path=/models/demand",
        "--file_system_poll_wait_seconds=30",
        "--max_num_load_retries=2",
        "--load_retry_interval_micros=5000000",
        "--enable_batching",
        "--batching_parameters_file",
        str(tmp_path / "batching"),
        f"--monitoring_config_file={tmp_path / 'monitoring.config'}",
        "--enable_model_warmup=false",
        "--enable_grpc_healthcheck_service=true",
        "--grpc_channel_arguments=grpc.max_connection_age_ms=60000",
        "--tensorflow_session_parallelism=2",
    )
    assert (config.port, config.rest_port) == (8600, 8601)
    assert (config.serving_directory, config.model_name) == (Path("/models/demand"), "demand")
    assert (config.poll_seconds, config.load_retries, config.load_retry_seconds) == (30, 2, 5)
    assert (config.max_batch_rows, config.max_waiting_rows, config.model_workers) == (32, 320, 3)
    assert (config.metrics, config.metrics_path) == (True, "/metrics")
    assert (config.warm_up, config.max_connection_age_seconds) == (False, 60)
    assert config.model_threads == 2


def test_defaults(config_of):
    config = config_of("--model_base_path=/m")
    assert (config.port, config.rest_port, config.model_name) == (8500, None, "default")
    assert (config.host, config.model_threads, config.max_batch_rows) == ("127.0.0.1", 1, 64)
    assert (config.poll_seconds, config.load_retries, config.load_retry_seconds) == (1, 5, 60)
    assert config.prediction_log.directory is None
    assert not config.access.token.get_secret_value()


def test_zero_is_no_rest_port(config_of):
    assert config_of("--model_base_path=/m", "--rest_api_port=0").rest_port is None


def test_models_of_a_file(config_of, tmp_path):
    file = tmp_path / "models.config"
    file.write_text("")
    config = config_of(f"--model_config_file={file}", "--model_config_file_poll_wait_seconds", "30")
    assert (config.model_config_file, config.model_config_poll_seconds) == (file, 30)


def test_the_directory_in_place_of_that_of_the_configuration(config_of, config_file):
    config = config_of("--config", str(config_file), "--model_base_path=/elsewhere")
    assert (config.serving_directory, config.model_name) == (Path("/elsewhere"), "default")
    config = config_of("--config", str(config_file), "--model_name=other")
    assert (config.serving_directory.name, config.model_name) == ("serving", "other")


@pytest.mark.parametrize(("word", "rows"), [("true", 64), ("false", 1), ("0", 1), ("t", 64)])
def test_words_for_true_and_false(config_of, word, rows):
    config = config_of("--model_base_path=/m", f"--enable_batching={word}")
    assert config.max_batch_rows == rows


def test_the_address_may_come_from_the_environment(config_of, monkeypatch):
    monkeypatch.setenv("DEMANDCAST_SERVE_HOST", "0.0.0.0")  # noqa: S104
    assert config_of("--model_base_path=/m").host == "0.0.0.0"  # noqa: S104


def test_a_token_from_a_file_or_the_environment(config_of, monkeypatch, tmp_path):
    monkeypatch.setenv(TOKEN_VARIABLE, "of the environment")
    config = config_of("--model_base_path=/m")
    assert config.access.token.get_secret_value() == "of the environment"
    (tmp_path / "token").write_text("of the file\n")
    config = config_of("--model_base_path=/m", f"--token_file={tmp_path / 'token'}")
    assert config.access.token.get_secret_value() == "of the file"


def test_what_is_kept_of_the_requests(config_of, tmp_path):
    config = config_of(
        "--model_base_path=/m",
        f"--prediction_log_directory={tmp_path}",
        "--prediction_log_sampling_rate=0.25",
    )
    assert (config.prediction_log.directory, config.prediction_log.sampling_rate) == (
        tmp_path,
        0.25,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give --config, --model_base_path or --model_config_file"),
        (("--model_base_path=gs://b/m",), "this server reads local directories"),
        (("--model_base_path=/m", "--enable_batching=perhaps"), "neither true nor false"),
        (("--model_base_path=/m", "--grpc_channel_arguments=a=1"), "allowed: grpc.max_connection"),
        (("--model_base_path=/m", "--ssl_config_file=/no/file"), "does not exist"),
        (("--model_base_path=/m", "--enable_profiler"), "No such option"),
    ],
)
def test_refused(refusal, arguments, message):
    assert message in refusal(*arguments)


def test_two_things_to_serve(refusal, tmp_path):
    file = tmp_path / "models.config"
    file.write_text("")
    assert "exclude each other" in refusal(f"--model_config_file={file}", "--model_base_path=/m")


def test_an_empty_token(refusal, tmp_path):
    (tmp_path / "token").write_text("\n")
    assert "holds no token" in refusal("--model_base_path=/m", f"--token_file={tmp_path / 'token'}")
