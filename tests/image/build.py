"""Runs the steps of the Dockerfile in folders, where there is no Docker: `make test-image`.

    python tests/image/build.py BASE OUTPUT --target cpu

Each stage is a folder: a copy of its base, in which RUN is called by chroot. The base image is a
Debian 13 made by debootstrap, with this machine's Python bound in. Has to run as root in a mount
namespace of its own (`tests/image/run`).
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import string
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile import Instruction, Stage, parse

__all__ = ["Image", "build", "enter"]

REPOSITORY = Path(__file__).parents[2]
_HOST_FILES = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/pip.conf",
    "/root/.config/pip/pip.conf",
    "/etc/uv/uv.toml",
    "/root/.config/uv/uv.toml",
    "/etc/ssl/certs/ca-certificates.crt",
)
"""How this machine reaches its package registries."""


@dataclass
class Image:
    """A stage that was built.

    Attributes:
        root: Its files.
        environment: Variables.
        folder: Working directory.
        user: As USER says; empty is root.
        entry_point: Command.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    folder: str = "/"
    user: str = ""
    entry_point: tuple[str, ...] = ()

    def save(self) -> None:
        """Writes what is not in the files beside them."""
        values = {
            "environment": self.environment,
            "folder": self.folder,
            "user": self.user,
            "entry_point": self.entry_point,
        }
        self.root.with_suffix(".json").write_text(json.dumps(values, indent=2))

    @classmethod
    def load(cls, root: Path) -> Image:
        """Reads what `save` wrote."""
        values = json.loads(root.with_suffix(".json").read_text())
        return cls(root, **{**values, "entry_point": tuple(values["entry_point"])})


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def build(target: str, base: Path, output: Path, cache: Path) -> Image:
    """Builds a stage and those that it needs.

    Args:
        target: Name of the stage.
        base: Folder that stands for the base image.
        output: Folder for the stages; those of a call before are replaced.
        cache: For `RUN --mount=type=cache`.
    """
    stages = parse((REPOSITORY / "Dockerfile").read_text(encoding="utf-8"))
    built: dict[str, Image] = {}
    for name in _needed(target, stages):
        stage = stages[name]
        print(f"FROM {stage.base} AS {name}", flush=True)
        below = built.get(stage.base) or Image(base)
        image = _copy_of(below, output / name)
        for instruction in stage.instructions:
            begin = time.monotonic()
            _apply(instruction, image, built, cache)
            shown = f"  {instruction.name} {instruction.text}"[:96]
            print(f"{shown:98}{time.monotonic() - begin:6.1f} s", flush=True)
        image.save()
        built[name] = image
    return built[target]


def _needed(target: str, stages: dict[str, Stage]) -> list[str]:
    """Names of the stages that a target needs, those first on which others build."""
    stage = stages[target]
    below = [stage.base] if stage.base in stages else []
    below += [step.options["from"] for step in stage.instructions if "from" in step.options]
    order: list[str] = []
    for name in below:
        order += [other for other in _needed(name, stages) if other not in order]
    return [*order, target]


def _copy_of(below: Image, root: Path) -> Image:
    if root.exists():
        shutil.rmtree(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    # As a whole, with owners and links; shared blocks where the disk can.
    subprocess.run(["cp", "-a", "--reflink=auto", below.root, root], check=True)
    return Image(root, dict(below.environment), below.folder, below.user, below.entry_point)


def _apply(step: Instruction, image: Image, built: dict[str, Image], cache: Path) -> None:
    if step.name == "ENV":
        for assignment in shlex.split(step.text):
            name, _, value = assignment.partition("=")
            image.environment[name] = string.Template(value).safe_substitute(image.environment)
    elif step.name == "WORKDIR":
        image.folder = step.text
        (image.root / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif step.name == "USER":
        image.user = step.text
    elif step.name == "ENTRYPOINT":
        image.entry_point = tuple(json.loads(step.text))
    elif step.name == "COPY":
        _copy(step, image, built)
    elif step.name == "RUN":
        _run(step, image, cache)


def _copy(step: Instruction, image: Image, built: dict[str, Image]) -> None:
    *sources, target = step.text.split()
    place = image.root / os.path.join(image.folder, target).lstrip("/")  # noqa: PTH118
    for source in sources:
        if "from" in step.options:
            _into(built[step.options["from"]].root / source.lstrip("/"), place)
        else:
            for name in _context(source):
                inner = Path(name).relative_to(source) if name != source else Path(source).name
                file = place / inner
                file.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / name, file)


def _into(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--reflink=auto", source, place], check=True)


def _context(source: str) -> list[str]:
    """Files of the repository below a path: a fresh clone's, and new ones that git would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", source],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    names = [name for name in listed.split("\0") if name and (REPOSITORY / name).exists()]
    if not names:
        raise SystemExit(f"COPY {source}: not in the repository")
    return names


def _run(step: Instruction, image: Image, cache: Path) -> None:
    binds: dict[str, Path] = {}
    for mount in filter(None, [step.options.get("mount")]):
        values = dict(part.split("=", 1) for part in mount.split(","))
        folder = cache / values["target"].strip("/").replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        binds[values["target"]] = folder
    command = enter(image, ["/bin/sh", "-ec", step.text], binds=binds, network=True)
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"RUN {step.text}\nexit code {done.returncode}\n{done.stdout[-4000:]}")


def enter(
    image: Image, command: list[str], *, binds: dict[str, Path], network: bool = False
) -> list[str]:
    """Makes the command that runs another one inside of an image; words may be added to it.

    Args:
        image: Where.
        command: What; each word as it is.
        binds: Folders of this machine, by their place inside.
        network: Whether it may use this machine's way to the package registries.
    """
    python = Path(sys.base_prefix)
    places = {"/proc": Path("/proc"), "/dev": Path("/dev"), str(python): python}
    places |= binds
    if network:
        places |= {name: Path(name) for name in _HOST_FILES if Path(name).exists()}
    variables = {"HOME": "/root" if not image.user else "/home/demandcast", "LC_ALL": "C.UTF-8"}
    if network:
        variables |= {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("PIP_", "UV_", "SSL_")) or name.lower().endswith("_proxy")
        }
    variables |= image.environment
    script = ["set -e"]
    for place, source in places.items():
        target = shlex.quote(f"{image.root}{place}")
        make = f"mkdir -p {target}"
        if not source.is_dir():
            make = f"mkdir -p $(dirname {target}); [ -e {target} ] || touch {target}"
        script += [make, f"mount --rbind {shlex.quote(str(source))} {target}"]
    user = f"--userspec={image.user}" if image.user else ""
    inner = f'cd {shlex.quote(image.folder)} && exec "$@"'
    assignments = " ".join(shlex.quote(f"{name}={value}") for name, value in variables.items())
    script.append(
        f"exec chroot {user} {shlex.quote(str(image.root))} /usr/bin/env -i {assignments} "
        f'/bin/sh -c {shlex.quote(inner)} sh "$@"'
    )
    unshare = ["unshare", "--mount", "--propagation", "private"]
    return [*unshare, "bash", "-c", "\n".join(script), "bash", *command]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--target", default="cpu")
    options = parser.parse_args()
    begin = time.monotonic()
    image = build(
        options.target, options.base.resolve(), options.output.resolve(), options.cache.resolve()
    )
    print(f"built {options.target} in {time.monotonic() - begin:.0f} s: {image.root}")


if __name__ == "__main__":
    main()
