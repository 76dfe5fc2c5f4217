"""The schemas of whole providers, out of the packages that are installed, cached under build/."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from schema_provider.overrides import OVERRIDES, corrected
from schema_provider.recovery import recover
from schema_provider.schema import Block, ProviderSchema

__all__ = ["PROVIDERS", "NoPackageError", "load", "recover_package"]

PROVIDERS = ("google", "helm", "kubernetes")

CACHE = Path(__file__).parents[3] / "build" / "schema-provider"


class NoPackageError(Exception):
    """The package that a provider's schema comes from is not installed."""


def load(name: str, *, cache: Path = CACHE) -> ProviderSchema:
    """The schema of a provider, recovered once per release of its package.

    Args:
        name: One of `PROVIDERS`.
        cache: Folder for what was recovered; the file's name has the release of the package and
            a digest of the code and of the overrides, so that nothing stale is read.

    Raises:
        NoPackageError: Its package is not installed.
    """
    release, archive = _installed(name)
    file = cache / f"{name}-{release}-{_digest()}.json"
    if not file.exists():
        _write(file, _as_json(corrected(recover_package(name, archive))))
    data = json.loads(file.read_text(encoding="utf-8"))
    return ProviderSchema(
        name,
        data["version"],
        Block.from_json(data["provider"]),
        Blocks(data["resources"]),
        Blocks(data["data_sources"]),
    )


class Blocks(Mapping[str, Block]):
    """Blocks by name, made out of JSON when they are asked for: there are a thousand."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._made: dict[str, Block] = {}

    def __getitem__(self, name: str) -> Block:
        if name not in self._made:
            self._made[name] = Block.from_json(self._data[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


def _installed(name: str) -> tuple[str, Path]:
    """Release and archive of the package of a provider."""
    package = f"cdktf-cdktf-provider-{name}"
    try:
        files = importlib.metadata.files(package) or []
        release = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise NoPackageError(
            f"the schema of {name} comes from the package {package}, which this Python has not: "
            "make terraform-tools installs it into build/terraform"
        ) from None
    (archive,) = (file for file in files if file.name.endswith(".jsii.tgz"))
    return release, Path(str(archive.locate()))


def recover_package(name: str, archive: Path) -> ProviderSchema:
    """Reads all of a provider out of the archive of its package; seconds."""
    texts, version = _read(archive)
    provider, resources, data_sources = Block(), {}, {}
    for folder, text in texts.items():
        found = re.search(r"terraformResourceType: '(\w+)'", text)
        if found is None:
            continue
        block = recover(text)
        if folder == "provider":
            provider = block
        elif folder.startswith("data-"):
            data_sources[found[1]] = block
        else:
            resources[found[1]] = block
    return ProviderSchema(name, version, provider, resources, data_sources)


def _read(archive: Path) -> tuple[dict[str, str], str]:
    """JavaScript by folder, and the version of the provider that it was made from."""
    texts: dict[str, list[str]] = defaultdict(list)
    version = ""
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda one: one.name):
            parts = PurePosixPath(member.name).parts
            handle = tar.extractfile(member) if member.isfile() else None
            if handle is None:
                continue
            if parts == ("package", "package.json"):
                version = json.load(handle)["cdktf"]["provider"]["version"]
            elif parts[:2] == ("package", "lib") and len(parts) > 3 and parts[-1].endswith(".js"):
                texts[parts[2]].append(handle.read().decode("utf-8"))
    return {folder: "\n".join(found) for folder, found in texts.items()}, version


def _digest() -> str:
    """Of what the cached result depends on, besides the package."""
    here = Path(__file__).parent
    sources = [here / name for name in ("schema.py", "recovery.py", "packages.py", "overrides.py")]
    text = b"".join(path.read_bytes() for path in [*sources, OVERRIDES])
    return hashlib.sha256(text).hexdigest()[:12]


def _as_json(schema: ProviderSchema) -> dict[str, Any]:
    return {
        "version": schema.version,
        "provider": schema.provider.as_json(),
        "resources": {name: block.as_json() for name, block in schema.resources.items()},
        "data_sources": {name: block.as_json() for name, block in schema.data_sources.items()},
    }


def _write(file: Path, data: Mapping[str, Any]) -> None:
    """Writes aside, then renames: another process may be doing the same."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as aside:
        json.dump(data, aside, separators=(",", ":"))
    Path(aside.name).replace(file)
