"""The command `demandcast`: one file per command.

Nothing here imports TensorFlow, TFX, Beam or Polars before a command needs it,
so that `--help` answers at once.
"""

from demandcast.pipeline.cli.main import cli, invoke, main

__all__ = ["cli", "invoke", "main"]
