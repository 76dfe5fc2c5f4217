"""The group of commands, and what becomes of errors."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence

import click

from demandcast.pipeline.capture import screen
from demandcast.pipeline.cli.allocate import allocate_command
from demandcast.pipeline.cli.backtest import backtest_command
from demandcast.pipeline.cli.compile import compile_command
from demandcast.pipeline.cli.config import config_command
from demandcast.pipeline.cli.forecast import forecast_command
from demandcast.pipeline.cli.orders import orders_group
from demandcast.pipeline.cli.promote import promote_command
from demandcast.pipeline.cli.quickstart import quickstart_command
from demandcast.pipeline.cli.replenish import replenish_command
from demandcast.pipeline.cli.report import report_command
from demandcast.pipeline.cli.rollback import rollback_command
from demandcast.pipeline.cli.run import run_command
from demandcast.pipeline.cli.runs import runs_group
from demandcast.pipeline.cli.sample_data import sample_data_command
from demandcast.pipeline.cli.schema import schema_group
from demandcast.pipeline.cli.serve import serve_command
from demandcast.pipeline.cli.simulate import simulate_command
from demandcast.pipeline.cli.smoke_test import smoke_test_command
from demandcast.pipeline.cli.submit import schedule_command, submit_command
from demandcast.pipeline.cli.validate import validate_command
from demandcast.pipeline.console import console_for
from demandcast.schema.errors import DemandcastError, exit_code_of

__all__ = ["cli", "invoke", "main"]

_HELP = """\
Demand forecasts that systems may act on.

From sales tables to a checked model that answers over gRPC.

\b
A first walk:
  demandcast sample-data data
  demandcast config --example > demand.yaml
  demandcast run --config demand.yaml
  demandcast serve --config demand.yaml
Or all of it at once, up to a forecast, on sample data that it writes if there are none:
  demandcast quickstart --config demand.yaml

\b
Progress goes to standard error, results to standard output. Exit codes:
  0    done
  1    something inside demandcast failed; the log has the traceback
  2    bad input: configuration, data, arguments; a full disk; another run at work
  3    the data contradicts the schema, or does not go on as it was
  4    the model did not pass the gate, or no server can serve it; nothing was pushed
  5    no model is in service (forecast, backtest), or a server failed, refused or answered wrong
  130  interrupted
"""


@click.group(
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="demandcast", prog_name="demandcast")
def cli() -> None:
    """Is the group of all commands; the user reads `_HELP`."""


for command in (
    sample_data_command,
    config_command,
    validate_command,
    schema_group,
    run_command,
    runs_group,
    report_command,
    forecast_command,
    backtest_command,
    replenish_command,
    allocate_command,
    simulate_command,
    orders_group,
    serve_command,
    promote_command,
    smoke_test_command,
    rollback_command,
    compile_command,
    submit_command,
    schedule_command,
    quickstart_command,
):
    cli.add_command(command)


def main() -> None:
    """Runs the command line of this process."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Runs a command line; says errors on standard error.

    Returns:
        The exit code, as the help of the group lists them.
    """
    try:
        result = cli.main(args=list(arguments), prog_name="demandcast", standalone_mode=False)
    except BrokenPipeError:
        # The reader, such as head, has enough; what is left must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:
        return _exit_code(error)
    # Outside of standalone mode click returns the code of --help and the like.
    return result if isinstance(result, int) else 0


def _exit_code(error: BaseException) -> int:
    """Says an error and returns its exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, click.Abort | KeyboardInterrupt):
        _say("interrupted")
        return exit_code_of(KeyboardInterrupt())
    if isinstance(error, DemandcastError):
        _say(str(error))
        return exit_code_of(error)
    log = getattr(error, "log_file", None) or _write_traceback(error)
    _say(f"{type(error).__name__}: {_first_line(error)} (traceback: {log})")
    return exit_code_of(error)


def _say(text: str) -> None:
    with screen() as stream:
        console_for(stream, quiet=False).error(text)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "no message")


def _write_traceback(error: BaseException) -> str:
    """Keeps a traceback in a file of its own, for an error outside of a run."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="demandcast-", suffix=".log", encoding="utf-8", delete=False
    ) as file:
        file.writelines(traceback.format_exception(error))
    return file.name
