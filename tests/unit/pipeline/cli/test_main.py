import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from demandcast.pipeline.cli import main as package_main
from demandcast.pipeline.cli.main import cli, invoke, main
from demandcast.pipeline.cli.options import print_json
from demandcast.schema.errors import AnomalyError, ContractError, NotBlessedError, ServingError

COMMANDS = [
    [],
    ["sample-data"],
    ["config"],
    ["validate"],
    ["schema"],
    ["schema", "infer"],
    ["schema", "show"],
    ["run"],
    ["runs"],
    ["runs", "list"],
    ["runs", "show"],
    ["runs", "compare"],
    ["runs", "prune"],
    ["report"],
    ["forecast"],
    ["backtest"],
    ["replenish"],
    ["allocate"],
    ["simulate"],
    ["orders"],
    ["orders", "list"],
    ["orders", "review"],
    ["orders", "approve"],
    ["orders", "reject"],
    ["orders", "change"],
    ["orders", "export"],
    ["orders", "log"],
    ["orders", "score"],
    ["serve"],
    ["promote"],
    ["smoke-test"],
    ["rollback"],
    ["compile"],
    ["submit"],
    ["schedule"],
    ["quickstart"],
]
HEAVY = {"tensorflow", "tfx", "apache_beam", "polars", "pyarrow", "pandas", "grpc", "numpy"}


@pytest.fixture
def command():
    """Registers a command that raises what a test wants; removed afterwards."""
    names = []

    def register(error):
        @click.command("raises")
        def raises():
            raise error

        cli.add_command(raises)
        names.append("raises")
        return ["raises"]

    yield register
    for name in names:
        cli.commands.pop(name, None)


def test_the_entry_point_is_where_the_package_says():
    assert package_main is main


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_help_has_a_summary_and_an_example(arguments, capsys):
    assert invoke([*arguments, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(" ".join(["Usage: demandcast", *arguments]))
    assert f"  demandcast {' '.join(arguments)}" in text


def test_the_list_of_commands_is_complete(capsys):
    assert set(cli.commands) == {names[0] for names in COMMANDS if names}
    invoke(["--help"])
    text = capsys.readouterr().out
    assert all(name in text for name in cli.commands)


def test_exit_codes_are_documented(capsys):
    invoke(["--help"])
    text = capsys.readouterr().out
    for error in (ContractError, AnomalyError, NotBlessedError, ServingError):
        assert f"\n    {error.exit_code}  " in text


def test_the_walk_names_the_quickstart(capsys):
    invoke(["--help"])
    walk = capsys.readouterr().out.partition("A first walk:")[2].partition("Exit codes")[0]
    assert "demandcast quickstart --config" in walk


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from demandcast.pipeline.cli import invoke\n"
        f"for arguments in {COMMANDS!r}: assert invoke([*arguments, '--help']) == 0\n"
        f"print(sorted(set(sys.modules) & {HEAVY!r}), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    assert result.stderr == "[]\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ContractError("column 'price': 3 values are no numbers"), 2),
        (AnomalyError("column 'store': unexpected values"), 3),
        (NotBlessedError("not blessed"), 4),
        (ServingError("no model is in service"), 5),
    ],
)
def test_errors_on_purpose_are_said_without_a_traceback(command, capsys, error, code):
    assert invoke(command(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"error: {error}\n"


def test_a_bug_is_one_line_and_a_log_with_the_traceback(command, capsys):
    assert invoke(command(ZeroDivisionError("division by zero\nmore"))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ZeroDivisionError: division by zero (traceback: ")
    log = Path(line.removesuffix(")").rsplit(" ", 1)[1])
    assert "Traceback (most recent call last)" in log.read_text()
    log.unlink()


def test_a_bug_inside_a_run_names_the_log_of_the_run(command, capsys):
    error = ZeroDivisionError("x")
    error.log_file = "/runs/run.log"
    assert invoke(command(error)) == 1
    assert "(traceback: /runs/run.log)" in capsys.readouterr().err


def test_an_interrupt_is_said_and_has_its_own_code(command, capsys):
    assert invoke(command(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err.strip() == "error: interrupted"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["run"], "Missing option '--config'"),
        (["config"], "give either --example or --config FILE"),
        (["config", "--example", "--config", "x.yaml"], "give either"),
        (["forecast", "--config", "x", "--output", "y", "--format", "xls"], "Invalid value"),
    ],
)
def test_wrong_arguments_are_bad_input(capsys, arguments, message):
    assert invoke(arguments) == 2
    assert message in capsys.readouterr().err


def test_version(capsys):
    assert invoke(["--version"]) == 0
    assert capsys.readouterr().out.startswith("demandcast, version ")


def test_json_is_never_not_a_number():
    with pytest.raises(ValueError, match="JSON compliant"):
        print_json({"wape": float("nan")})
