"""What tests of terraform/ start with: the program, its environment, providers on this machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from missing_tools import missing

__all__ = [
    "ROOT",
    "TREE",
    "mirror_config",
    "provider_mirror",
    "terraform",
    "terraform_env",
    "tool",
]

ROOT = Path(__file__).parents[2]
TREE = ROOT / "terraform"
REGISTRY = Path("registry.terraform.io", "hashicorp")

QUIET = {
    "CHECKPOINT_DISABLE": "1",
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "TF_CLI_ARGS": "-no-color",
}
"""No question to who runs the test, none to HashiCorp about newer versions, no colours."""


def tool(name: str, *, target: str = "terraform-tools", folder: str = "terraform") -> Path:
    """A program out of `make terraform-tools`, or of another target's folder below build/."""
    path = ROOT / "build" / folder / "bin" / name
    if not path.exists():
        missing(name, f"make {target}")
    return path


def terraform() -> str:
    """The terraform program of this machine."""
    path = shutil.which("terraform")
    if path is None:
        missing("terraform", "install 1.11 or later", from_make=False)
    return str(path)


def terraform_env(cli_config: Path | None = None) -> dict[str, str]:
    """The environment for terraform: nothing of this machine's configuration, nothing asked.

    Args:
        cli_config: A CLI configuration of the test, such as `mirror_config` writes.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return {**ours, **QUIET, "TF_CLI_CONFIG_FILE": str(cli_config or os.devnull)}


def mirror_config(folder: Path, mirror: Path) -> Path:
    """Writes a CLI configuration that takes providers from a mirror, and from nowhere else."""
    path = folder / "mirror.tfrc"
    text = f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n'
    path.write_text(text, encoding="utf-8")
    return path


def provider_mirror(name: str) -> Path | None:
    """A folder that is a filesystem mirror with a real provider of HashiCorp's in it.

    Args:
        name: The provider, such as `aws`.

    Returns:
        `TF_PLUGIN_MIRROR` if it is set, else the first that has the provider among: mirrors of
        this machine's CLI configuration, terraform's implied ones, add-on software. None if
        there is none.
    """
    return next((place for place in _mirrors() if _holds(place, name)), None)


def _holds(mirror: Path, name: str) -> bool:
    return any((mirror / REGISTRY / name).glob("*"))


def _mirrors() -> Iterator[Path]:
    if named := os.environ.get("TF_PLUGIN_MIRROR"):
        yield Path(named)
        return
    for config in (os.environ.get("TF_CLI_CONFIG_FILE"), Path.home() / ".terraformrc"):
        if config and Path(config).is_file():
            text = Path(config).read_text(encoding="utf-8")
            yield from map(Path, re.findall(r'filesystem_mirror\s*{[^}]*?path\s*=\s*"(.+?)"', text))
    yield Path.home() / ".terraform.d" / "plugins"
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    for share in (data, *os.environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":")):
        yield Path(share) / "terraform" / "plugins"
    # Where add-on software goes by the Filesystem Hierarchy Standard, a folder per package.
    yield from (found.parent for found in sorted(Path("/opt").glob(f"*/{REGISTRY.parent}")))
