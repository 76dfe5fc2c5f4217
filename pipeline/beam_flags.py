"""Beam options that make a run local, offline and quick to start."""

from __future__ import annotations

from collections.abc import Sequence

from demandcast.schema.errors import ConfigurationError

__all__ = ["beam_flags", "is_local"]

_LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
_DIRECT_RUNNERS = frozenset({"directrunner", "direct", "fnapirunner", _LOCAL_RUNNER.lower()})
_PACKAGING = (
    "--setup_file",
    "--extra_package",
    "--extra_packages",
    "--requirements_file",
    "--sdk_container_image",
    "--worker_harness_container_image",
)


def beam_flags(args: Sequence[str]) -> list[str]:
    """Completes the `beam.args` of a configuration.

    Without a runner, or with the DirectRunner, Beam's in-memory runner is named by its class:
    `DirectRunner` would first try to download Prism, a binary, and `--direct_running_mode` does
    not stop it. And whenever there is a Beam option, TFX wants to know how workers get their
    code, or it packs itself into a source distribution at each node (15 s each); local
    workers share this environment, so an image is named that nobody pulls.

    Args:
        args: Beam options as the user wrote them, `--name=value`.

    Returns:
        The options to give to TFX.

    Raises:
        ConfigurationError: A distributed runner is named, but not how its workers get the code.

    >>> beam_flags([])  # doctest: +NORMALIZE_WHITESPACE
    ['--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner',
     '--sdk_container_image=none-local-workers-share-this-environment']
    """
    runner = _value_of("--runner", args)
    local = is_local(args)
    packaged = any(arg.split("=")[0] in _PACKAGING for arg in args)
    if not local and not packaged:
        raise ConfigurationError(
            f"beam.args: --runner={runner} needs one of {', '.join(_PACKAGING[:5])}, "
            "so that its workers get the code of demandcast and TFX"
        )
    flags = [arg for arg in args if not (local and arg.startswith("--runner="))]
    if local:
        flags.insert(0, f"--runner={_LOCAL_RUNNER}")
    if not packaged:
        flags.append("--sdk_container_image=none-local-workers-share-this-environment")
    return flags


def is_local(args: Sequence[str]) -> bool:
    """Tells whether Beam works in this process.

    >>> is_local([]), is_local(["--runner=DirectRunner"]), is_local(["--runner=DataflowRunner"])
    (True, True, False)
    """
    runner = _value_of("--runner", args)
    return runner is None or runner.lower() in _DIRECT_RUNNERS


def _value_of(flag: str, args: Sequence[str]) -> str | None:
    values = [arg.split("=", 1)[1] for arg in args if arg.startswith(f"{flag}=")]
    return values[-1] if values else None
