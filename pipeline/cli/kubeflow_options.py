"""Options of the commands that talk to Kubeflow Pipelines."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from demandcast.schema.errors import BadInputError

if TYPE_CHECKING:
    from demandcast.pipeline.console import Console
    from demandcast.pipeline.kubeflow.compiling import Compiled
    from demandcast.pipeline.kubeflow.reach import TargetName
    from demandcast.pipeline.kubeflow.server_api import KubeflowServer, PipelineVersion
    from demandcast.schema.config import RunConfig

__all__ = [
    "CONNECTION_NAMES",
    "compile_quietly",
    "connection_options",
    "open_server",
    "read_token",
    "submission_options",
    "upload_compiled",
]

F = TypeVar("F", bound=Callable[..., Any])

_TOKEN = "DEMANDCAST_KFP_TOKEN"  # noqa: S105 - the name of a variable
_FILE = click.Path(dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--host",
        envvar="DEMANDCAST_KFP_HOST",
        show_envvar=True,
        help="URL of the API of Kubeflow Pipelines; without it the way goes by kubeconfig.",
    ),
    click.option(
        "--namespace",
        envvar="DEMANDCAST_KFP_NAMESPACE",
        show_envvar=True,
        help="Namespace of the user, where the server has many.",
    ),
    click.option(
        "--token-file",
        type=_FILE,
        envvar="DEMANDCAST_KFP_TOKEN_FILE",
        show_envvar=True,
        help="File with a bearer token. DEMANDCAST_KFP_TOKEN holds one itself.",
    ),
    click.option("--ca-certificate", type=_FILE, help="File with the authority to trust, PEM."),
    click.option("--client-certificate", type=_FILE, help="File with a client certificate, PEM."),
    click.option("--client-key", type=_FILE, help="File with its key, PEM."),
    click.option("--context", help="Context of the kubeconfig, where there is no --host."),
    click.option(
        "--installed-in",
        default="kubeflow",
        show_default=True,
        help="Namespace of the server, where there is no --host.",
    ),
    click.option(
        "--call-timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=30.0,
        show_default=True,
        help="Seconds for each call.",
    ),
)
CONNECTION_NAMES = (
    *("host", "namespace", "token_file", "ca_certificate", "client_certificate", "client_key"),
    *("context", "installed_in", "call_timeout"),
)
"""Names of `connection_options` in a command."""

_SUBMISSION = (
    click.option(
        "--parameter",
        "assignments",
        multiple=True,
        metavar="NAME=VALUE",
        help="Value of a parameter of the run; 'demandcast compile --explain' lists them.",
    ),
    click.option(
        "--experiment", default="demandcast", show_default=True, help="Experiment of the run."
    ),
)


def connection_options(function: F) -> F:
    """Adds --host and the like; the command gets them as `connection`, a mapping."""
    return _with(_OPTIONS, function)


def submission_options(function: F) -> F:
    """Adds --parameter and --experiment."""
    return _with(_SUBMISSION, function)


def _with(options: tuple[Callable[[F], F], ...], function: F) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def open_server(options: Mapping[str, Any]) -> KubeflowServer:
    """Connects to the server that the options name, and asks for its version.

    Args:
        options: Values of `connection_options`; a file with a token wins over the environment.

    Raises:
        BadInputError: A file is not there, or no server is named.
        KubeflowError: It is not there, refuses, or is too old.
    """
    from demandcast.pipeline.kubeflow.server_api import Connection, KubeflowServer

    file = options["token_file"]
    server = KubeflowServer(
        Connection(
            host=options["host"],
            namespace=options["namespace"],
            token=_checked(os.environ.get(_TOKEN), _TOKEN) if file is None else read_token(file),
            ca_certificate=options["ca_certificate"],
            client_certificate=options["client_certificate"],
            client_key=options["client_key"],
            context=options["context"],
            installed_in=options["installed_in"],
            timeout_seconds=options["call_timeout"],
        )
    )
    server.check()
    return server


def compile_quietly(config: RunConfig, target: TargetName, console: Console) -> Compiled:
    """Compiles the pipeline; what TensorFlow prints while it is loaded helps nobody here."""
    from demandcast.pipeline.capture import captured_output

    console.say("loading TensorFlow and TFX")
    with captured_output(Path(os.devnull)):
        from demandcast.pipeline.kubeflow.compiling import compile_pipeline

        return compile_pipeline(config, target)


def upload_compiled(config: RunConfig, server: KubeflowServer, console: Console) -> PipelineVersion:
    """Compiles the pipeline and uploads it, unless the same one is there."""
    from demandcast.pipeline.kubeflow.submitting import version_name

    text = compile_quietly(config, "kubeflow", console).text
    version = server.upload(text, pipeline=config.name, version=version_name(text))
    done = "uploaded" if version.is_new else "on the server already"
    console.say(f"{config.name}, version {version.name}: {done}")
    return version


def read_token(file: Path) -> str | None:
    """Reads the file of --token-file.

    Returns:
        The token; none if the file is empty.

    Raises:
        BadInputError: It cannot be read, or holds more than a token.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise BadInputError(f"--token-file: {file} cannot be read: {reason}") from error
    return _checked(text, f"--token-file: {file}")


def _checked(token: str | None, source: str) -> str | None:
    """Takes a token without the line end that editors and secrets add; never shows it."""
    if token is None or not token.strip():
        return None
    token = token.strip()
    if not re.fullmatch(r"[!-~]+", token):
        raise BadInputError(
            f"{source}: holds no bearer token; expected one word of printable ASCII characters"
        )
    return token
