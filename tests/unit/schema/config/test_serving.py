import pytest
from configurations import parse

from demandcast.schema.config import ServingConfig
from demandcast.schema.config.serving import PLACEHOLDERS, filled_in
from demandcast.schema.errors import ConfigurationError

NEEDED = "{port} {model_name} {model_base_path}"


def test_a_real_binary_drops_in():
    words = ("tensorflow_model_server", *(f"--{name}={{{name}}}" for name in PLACEHOLDERS))
    values = {name: name.upper() for name in PLACEHOLDERS}
    assert filled_in(ServingConfig(command=words).command, values) == [
        "tensorflow_model_server",
        "--port=PORT",
        "--rest_api_port=REST_API_PORT",
        "--model_name=MODEL_NAME",
        "--model_base_path=MODEL_BASE_PATH",
    ]


def test_our_own_server_is_the_default_and_needs_every_placeholder():
    command = ServingConfig().command
    assert command[:2] == ("demandcast", "serve")
    assert {word.partition("{")[2].rstrip("}") for word in command[2:]} == set(PLACEHOLDERS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("serve", NEEDED, "{host}"), r"no such placeholder \['host'\]; allowed: \{port\}, "),
        (("serve", NEEDED, "{port:04d}"), r"no such placeholder \['port:04d'\]"),
        (("serve", NEEDED, "{port!r}"), r"no such placeholder \['port!r'\]"),
        (("serve", NEEDED, "{port.real}"), r"no such placeholder \['port\.real'\]"),
        (("serve", NEEDED, "{}"), r"no such placeholder \[''\]"),
        (("serve", NEEDED, "{port"), r"expected '}' before end of string"),
        (("serve", "{port}"), r"\{model_name\}, \{model_base_path\} must stand in it"),
        (("bin/serve", NEEDED), r"absolute path, or the name of a program"),
        (("", NEEDED), r"absolute path, or the name of a program"),
        ((), r"at least 1 item"),
    ],
)
def test_a_command_that_cannot_be_filled_in_is_refused(words, message):
    with pytest.raises(ValueError, match=message):
        ServingConfig(command=words)


def test_a_brace_that_is_meant_is_written_twice():
    command = ServingConfig(command=("serve", NEEDED, "{{port}}")).command
    assert filled_in(command, dict.fromkeys(PLACEHOLDERS, "1"))[-1] == "{port}"


@pytest.mark.parametrize("address", ["demand", "demand:", ":8500", "demand:http", "demand:70000"])
def test_an_address_has_a_host_and_a_port(address):
    with pytest.raises(ValueError, match="HOST:PORT, such as"):
        ServingConfig(address=address)
    assert ServingConfig(address="demand.serving:8500").address == "demand.serving:8500"


def test_a_wrong_command_is_a_configuration_error_that_names_the_key():
    with pytest.raises(ConfigurationError, match=r"serving\.command: got .*no such placeholder"):
        parse(**{"serving.command": ["serve", "--port={prot}"]})
