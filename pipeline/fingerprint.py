"""Digest of source code: part of a stage's cache key, and of what a run says of itself.

TFX sees neither what is behind a dotted path nor what that code imports, so
without it an edit would reuse results of the old code.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import platform
from collections.abc import Iterator
from pathlib import Path

__all__ = ["code_digest", "code_digests", "component_digest", "toolchain"]

_COMPONENTS = "demandcast.components"
_SHARED_CODE = ("demandcast.schema", f"{_COMPONENTS}.metrics")

_SOURCE_SUFFIXES = frozenset({".py", ".pbtxt", ".yaml", ".json"})
_IGNORED_FOLDERS = frozenset({"__pycache__", "tests"})
_TOOLCHAIN = (
    "tfx",
    "tensorflow",
    "tensorflow-transform",
    "tensorflow-model-analysis",
    "tfx-bsl",
    "keras",
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


def component_digest(component: str) -> str:
    """Digests the code of a component, and what all components share.

    Args:
        component: Name of its folder, such as `forecasting`.
    """
    return code_digest(f"{_COMPONENTS}.{component}", *_SHARED_CODE)


def code_digests() -> dict[str, str]:
    """Digests the code of every component, by the name of its folder.

    >>> code_digests()["forecasting"] == component_digest("forecasting")
    True
    """
    folders = importlib.import_module(_COMPONENTS).__path__
    return {module.name: component_digest(module.name) for module in pkgutil.iter_modules(folders)}


def code_digest(*packages: str) -> str:
    """Digests the sources of packages or modules, and the versions of the libraries below them.

    Tests, caches and compiled files do not count; the order of the packages does not either.

    Args:
        packages: Dotted names, such as `demandcast.components.forecasting`.

    Returns:
        64 hexadecimal digits.

    Raises:
        ModuleNotFoundError: There is no such package.

    >>> code_digest("demandcast.schema", "demandcast.pipeline") == code_digest(
    ...     "demandcast.pipeline", "demandcast.schema"
    ... )
    True
    """
    total = hashlib.sha256()
    for library in _TOOLCHAIN:
        total.update(f"{library} {_version(library)}\n".encode())
    for package in sorted(set(packages)):
        for name, path in _sources(package):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{package} {name} {content}\n".encode())
    return total.hexdigest()


def _sources(package: str) -> Iterator[tuple[str, Path]]:
    """Yields relative name and path of each source file, sorted."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"no package {package!r}", name=package)
    if spec.submodule_search_locations is None:
        path = Path(str(spec.origin))
        yield path.name, path
        return
    root = Path(next(iter(spec.submodule_search_locations)))
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.suffix in _SOURCE_SUFFIXES and _IGNORED_FOLDERS.isdisjoint(relative.parts):
            yield relative.as_posix(), path


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "none"
