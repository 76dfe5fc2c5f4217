"""Commands: run a program with the providers, serve them, print a schema."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence

from schema_provider.packages import PROVIDERS, NoPackageError, load

__all__ = ["main"]

_ABOUT = """\
Providers for Terraform that know the schemas of the real ones and nothing else.

terraform talks to them by its plugin protocol, so that init, validate, plan, test, show and even
apply run without a network, an account or a provider's binary. Wrong arguments, blocks, types and
references are found by terraform itself. What a cloud would refuse is not: names that are taken,
values out of range, arguments that exclude each other.
"""
_EXAMPLES = """\
examples:
  python -m schema_provider run -- terraform -chdir=terraform/gke/foundation init -backend=false
  python -m schema_provider run -- terraform -chdir=terraform/gke/foundation validate
  python -m schema_provider schema google_storage_bucket
  python -m schema_provider schema data.google_client_config

Schemas come from the packages cdktf-cdktf-provider-* of build/terraform (make terraform-tools);
the first use of a release takes some seconds and leaves its result in build/schema-provider.
init writes .terraform, and a lock file where real providers take part: work on a copy of the
folder, as the tests do.
"""


def main(arguments: Sequence[str]) -> int:
    """Does what a command line says.

    Returns:
        The exit code: of the program for `run`; 2 for what cannot be done.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.do(options))
    except NoPackageError as error:
        print(f"schema_provider: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m schema_provider",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    run = commands.add_parser("run", help="runs a program with the providers in its environment")
    run.add_argument("program", nargs=argparse.REMAINDER, help="after --, with its arguments")
    run.set_defaults(do=_run)
    serve = commands.add_parser(
        "serve",
        help="prints the environment as JSON, then serves until its standard input is closed",
    )
    serve.set_defaults(do=_serve)
    schema = commands.add_parser("schema", help="prints what a resource or data source takes")
    schema.add_argument("name", help="its type, with data. before a data source")
    schema.set_defaults(do=_schema)
    for command in (run, serve):
        command.add_argument(
            "--provider",
            action="append",
            choices=PROVIDERS,
            help="serves only this one; may be repeated; all of them without",
        )
    return parser


def _run(options: argparse.Namespace) -> int:
    from schema_provider.server import serving

    program = options.program[1:] if options.program[:1] == ["--"] else options.program
    if not program:
        print("schema_provider run: which program? Give it after --", file=sys.stderr)
        return 2
    with serving(options.provider or PROVIDERS) as environment:
        return subprocess.run(program, env={**os.environ, **environment}, check=False).returncode


def _serve(options: argparse.Namespace) -> int:
    from schema_provider.server import serving

    with serving(options.provider or PROVIDERS) as environment:
        print(json.dumps(environment), flush=True)
        sys.stdin.read()
    return 0


def _schema(options: argparse.Namespace) -> int:
    provider = options.name.removeprefix("data.").split("_")[0]
    found = None
    if provider in PROVIDERS:
        found = dict(load(provider).parts()).get(options.name)
    if found is None:
        print(
            f"schema_provider: none of {', '.join(PROVIDERS)} has {options.name}", file=sys.stderr
        )
        return 2
    print(json.dumps(found.as_json(), indent=2))
    return 0
