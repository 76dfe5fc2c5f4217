"""Digest of source code: part of a stage's cache key, and of what a run says of itself.

TFX sees neither what is behind a dotted path nor what that code imports, so
without it an edit would reuse results of the old code. A digest covers the
module at which a stage begins and every module of ours that it imports,
directly or not, and no other: an edit runs those stages again that use it.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = [
    "STAGE_CODE",
    "code_digest",
    "code_digests",
    "stage_digest",
    "toolchain",
    "used_sources",
]

STAGE_CODE: Mapping[str, tuple[str, ...]] = {
    "SeriesExampleGen": ("demandcast.components.examples.component",),
    "SchemaImport": ("demandcast.components.validation.component",),
    "AnomalyGate": ("demandcast.components.validation.component",),
    "Transform": ("demandcast.components.preprocessing.module",),
    "Tuner": ("demandcast.components.tuning.component", "demandcast.components.tuning.module"),
    "Trainer": ("demandcast.components.forecasting.module",),
    "DataContinuity": ("demandcast.components.validation.continuity_gate",),
    "ModelInService": ("demandcast.components.publishing.baseline",),
    "Evaluator": ("demandcast.components.evaluation.component",),
    "CostJudge": ("demandcast.pipeline.cost_node",),
    "InfraValidator": ("demandcast.components.infrastructure.component",),
    "BatchForecaster": ("demandcast.pipeline.forecaster_node",),
    "Replenisher": ("demandcast.pipeline.replenisher_node",),
}
"""Modules at which our code of a stage begins. StatisticsGen and ExampleValidator are TFX's."""

_DATA_SUFFIXES = frozenset({".pbtxt", ".yaml", ".json"})
_IGNORED_FOLDERS = frozenset({"__pycache__", "tests"})
_TOOLCHAIN = (
    "tfx",
    "tensorflow",
    "tensorflow-data-validation",
    "tensorflow-transform",
    "tensorflow-model-analysis",
    "tfx-bsl",
    "keras",
    "keras-tuner",
    "apache-beam",
    "numpy",
    "polars",
    "pyarrow",
)


def toolchain() -> dict[str, str]:
    """Lists the versions on which results depend; "none" for what is not installed.

    >>> {"demandcast", "python", "tensorflow", "tfx"} <= set(toolchain())
    True
    """
    ours = {"python": platform.python_version(), "demandcast": _version("demandcast")}
    return ours | {library: _version(library) for library in _TOOLCHAIN}


def code_digests() -> dict[str, str]:
    """Digests the code of every stage that has code of ours and is ever cached.

    >>> code_digests()["Trainer"] == stage_digest("Trainer")
    True
    """
    return {stage: stage_digest(stage) for stage in STAGE_CODE}


def stage_digest(stage: str) -> str:
    """Digests the code of a stage.

    Args:
        stage: A key of `STAGE_CODE`.

    Returns:
        64 hexadecimal digits.
    """
    return code_digest(*STAGE_CODE[stage])


def code_digest(*roots: str) -> str:
    """Digests the sources behind modules or packages, and the versions of the libraries below.

    Tests, caches and compiled files do not count; the order of the names does not either.

    Args:
        roots: Dotted names; see `used_sources`.

    Returns:
        64 hexadecimal digits.

    Raises:
        ModuleNotFoundError: There is no such module.

    >>> code_digest("demandcast.schema", "demandcast.pipeline") == code_digest(
    ...     "demandcast.pipeline", "demandcast.schema"
    ... )
    True
    """
    total = hashlib.sha256()
    for library in _TOOLCHAIN:
        total.update(f"{library} {_version(library)}\n".encode())
    for name, path in sorted(used_sources(*roots).items()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{name} {content}\n".encode())
    return total.hexdigest()


def used_sources(*roots: str) -> dict[str, Path]:
    """Finds the sources that modules use: themselves and what they import, at any depth.

    Imports inside of functions count, and so do the packages around a module, whose
    `__init__.py` Python runs. Only imports below the roots' own top-level name are followed.
    A data file counts for the modules of its folder that name it.

    Args:
        roots: Dotted names; a package stands for all modules in it.

    Returns:
        Paths by dotted name; data files by their folder's dotted name and `/<file>`.

    Raises:
        ModuleNotFoundError: There is no such module.

    >>> sorted(used_sources("demandcast.components.metrics.baselines"))[-2:]
    ['demandcast.components.metrics.arrays', 'demandcast.components.metrics.baselines']
    """
    found: dict[str, Path] = {}
    waiting = [name for root in roots for name in _modules_of(root)]
    while waiting:
        name = waiting.pop()
        path = _path_of(name)
        if path is None or name in found:
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        imported, texts = _read(path.read_bytes(), package)
        top = f"{name.partition('.')[0]}."
        waiting += [other for other in imported if other.startswith(top)]
        waiting += _packages_around(name)
        for data in path.parent.iterdir():
            if data.suffix in _DATA_SUFFIXES and data.name in texts:
                found[f"{package}/{data.name}"] = data
    return found


@functools.lru_cache(maxsize=4096)
def _read(source: bytes, package: str) -> tuple[frozenset[str], frozenset[str]]:
    """Returns the names that a module imports, or may import, and the texts in it."""
    imported: set[str] = set()
    texts: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: -(node.level - 1) or None] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            # What is imported may be a module of its own, or a name in the one it comes from.
            imported.update([origin, *(f"{origin}.{alias.name}" for alias in node.names)])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
    return frozenset(imported), frozenset(texts)


def _packages_around(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _modules_of(root: str) -> Iterator[str]:
    """Yields a module, or the modules of a package.

    Raises:
        ModuleNotFoundError: There is no such module.
    """
    path = _path_of(root)
    if path is None:
        raise ModuleNotFoundError(f"no package {root!r}", name=root)
    yield root
    if path.name == "__init__.py":
        for source in path.parent.rglob("*.py"):
            relative = source.relative_to(path.parent).with_suffix("")
            if _IGNORED_FOLDERS.isdisjoint(relative.parts):
                yield ".".join([root, *relative.parts]).removesuffix(".__init__")


def _path_of(name: str) -> Path | None:
    """Finds the file of a module; None if there is none of that name.

    Importlib would import the packages around it, and with them TensorFlow.
    """
    parts = name.split(".")
    # The first name may be a namespace of folders that lie apart, as `demandcast` is.
    for length in (1, 2):
        folder = _folder_of(".".join(parts[:length]))
        if folder is not None:
            inner = folder.joinpath(*parts[length:])
            files = (inner / "__init__.py", inner.with_suffix(".py"))
            return next((path for path in files if path.is_file()), None)
    return None


def _folder_of(package: str) -> Path | None:
    """Finds the folder of an outermost package."""
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "none"
