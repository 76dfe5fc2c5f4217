"""Roots and modules below terraform/, found by themselves, and how terraform is run on copies."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from missing_tools import missing
from terraform_tools import (
    ROOT,
    TREE,
    mirror_config,
    provider_mirror,
    terraform,
    terraform_env,
)

__all__ = [
    "BAD_VALUES",
    "Block",
    "Workspace",
    "blocks",
    "changes",
    "environment",
    "example",
    "has_foundation",
    "modules",
    "messages",
    "name_of",
    "needs_mirror",
    "roots",
    "uses_aws",
    "variants",
]

BAD_VALUES = TREE / "tests" / "bad_values"

# A plan may not write to a bucket: what a test plans has its state beside it.
_OVERRIDE = "local_state_override.tf"
_LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'
_NOT_COPIED = (".terraform", "*.tfstate*", "schema_provider", "__pycache__", "*.lock.hcl")


def roots() -> list[Path]:
    """Folders that are applied: terraform/gke/foundation and the like."""
    found = (path.parent for path in sorted(TREE.glob("*/*/*.tf")))
    return list(dict.fromkeys(path for path in found if path.parent.name in _CLUSTERS))


_CLUSTERS = ("eks", "existing", "gke")


def modules() -> list[Path]:
    """Folders below terraform/modules with code in them."""
    return sorted({path.parent for path in TREE.glob("modules/*/*/*.tf")})


def variants(root: Path) -> list[Path]:
    """The files of values of a root."""
    return sorted(root.glob("*.tfvars"))


def name_of(folder: Path) -> str:
    """A folder as tests name it: `modules/gcp/network`."""
    return folder.relative_to(TREE).as_posix()


def uses_aws(folder: Path) -> bool:
    """Whether the real provider of AWS is needed."""
    texts = (path.read_text(encoding="utf-8") for path in folder.glob("*.tf"))
    return any("hashicorp/aws" in text or "/modules/aws/" in text for text in texts)


def has_foundation(root: Path) -> bool:
    """Whether a root stands on another one, of which it gets the outputs in a variable."""
    return any(block.labels == ("foundation",) for block in blocks(root, "variable"))


@dataclass(frozen=True)
class Block:
    """A block at the left margin of a formatted file.

    Attributes:
        kind: `variable`, `resource` and so on.
        labels: What stands between quotes before the brace.
        file: Name of the file.
        line: Of its first line.
        text: Between its braces.
    """

    kind: str
    labels: tuple[str, ...]
    file: str
    line: int
    text: str

    def value(self, name: str) -> str | None:
        """The text of an argument, such as `description`; None where it is not set."""
        found = re.search(rf"^  {name}\s*= (.*)$", self.text, re.MULTILINE)
        return found[1] if found else None

    def lines_of(self, kind: str) -> list[int]:
        """Lines, in the file, of the blocks of a kind within it."""
        lines = enumerate(self.text.split("\n"), self.line)
        return [number for number, line in lines if re.match(rf'  {kind}( "[^"]+")* \{{', line)]


_BLOCK = re.compile(r'^(\w+)((?: "[^"]+")*) \{(\}|.*?^\})', re.MULTILINE | re.DOTALL)


def blocks(folder: Path, kind: str) -> list[Block]:
    """The blocks of a kind in a folder. `terraform fmt` makes this simple reading right."""
    return [
        Block(
            kind,
            tuple(re.findall(r'"([^"]+)"', match[2])),
            path.name,
            text.count("\n", 0, match.start()) + 1,
            match[3],
        )
        for path in sorted(folder.glob("*.tf"))
        for text in [path.read_text(encoding="utf-8")]
        for match in _BLOCK.finditer(text)
        if match[1] == kind
    ]


def example(module: Path) -> str:
    """The one example of a module's README."""
    text = (module / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^```hcl\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{name_of(module)}/README.md has {len(found)} examples, not one"
    return str(found[0])


class Workspace:
    """A copy of terraform/ in which terraform may write, beside links to the other folders."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        mock_of_aws: Callable[[str], Mapping[str, str]],
    ) -> None:
        self.tree = folder / "terraform"
        self._environment = environment
        self._mock_of_aws = mock_of_aws
        shutil.copytree(TREE, self.tree, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        for path in ROOT.iterdir():
            # Roots read manifests and examples of the repository.
            if path.is_dir() and path.name != "terraform" and not path.name.startswith("."):
                (folder / path.name).symlink_to(path)

    def at(self, folder: Path) -> Path:
        """A folder's copy."""
        return self.tree / name_of(folder)

    def written(self, name: str, files: Mapping[str, str]) -> Path:
        """A folder of the test's own, beside the clouds' folders: ../../modules is right in it."""
        folder = self.tree / "written" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        return folder

    def validate(self, folder: Path) -> list[dict[str, Any]]:
        """What `terraform validate` has to say, without a backend."""
        if not (folder / ".terraform").exists():
            self._succeed(folder, "init", "-input=false", "-backend=false")
        done = self._run(folder, "validate", "-json")
        return list(json.loads(done.stdout)["diagnostics"])

    def try_run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs terraform in a folder, with a state that is beside it."""
        if not (folder / _OVERRIDE).exists():
            (folder / _OVERRIDE).write_text(_LOCAL_STATE, encoding="utf-8")
            self._succeed(folder, "init", "-input=false", "-reconfigure")
        return self._run(folder, *arguments)

    def run(self, folder: Path, *arguments: str) -> str:
        """Runs terraform in a folder; it has to succeed."""
        done = self.try_run(folder, *arguments)
        assert done.returncode == 0, _told(done)
        return done.stdout

    def plan(self, folder: Path, *arguments: str, name: str = "plan") -> dict[str, Any]:
        """A plan, as `terraform show -json` prints it; made once, its JSON stays in the folder."""
        file = folder / f"{name}.plan.json"
        if not file.exists():
            out = f"-out={name}.plan"
            self.run(folder, "plan", "-input=false", "-lock=false", out, *arguments)
            text = self.run(folder, "show", "-json", f"{name}.plan")
            file.write_text(text, encoding="utf-8")
        return dict(json.loads(file.read_text(encoding="utf-8")))

    def planned(self, root: Path, variant: Path) -> dict[str, Any]:
        """The plan of a root with one of its files of values."""
        return self.plan(self.at(root), *self.values(root, variant), name=variant.stem)

    def values(self, root: Path, variant: Path) -> list[str]:
        """Options with all values of a root: a file's, and a platform's of its foundation.

        A foundation is applied with the file of the same name, by the schema-only providers. One
        of AWS would be made for real against the mock, which takes minutes and has a test of its
        own; the values are then those of the platform's own tests.
        """
        given = [f"-var-file={variant.name}"]
        if not has_foundation(root):
            return given
        below, file = root.parent / "foundation", f"foundation-{variant.stem}.tfvars"
        if not uses_aws(below):
            value = self._foundation(below, variant)
        elif (example := root / "tests" / "foundation.auto.tfvars").exists():
            text = example.read_text(encoding="utf-8").replace('"dev"', f'"{variant.stem}"')
            value = text.split("=", 1)[1]
        else:
            return given
        (self.at(root) / file).write_text(f"foundation = {value.strip()}\n", encoding="utf-8")
        return [*given, f"-var-file={file}"]

    def _foundation(self, below: Path, variant: Path) -> str:
        """The output of an applied foundation that its platform takes."""
        applied = self.at(below).with_name(f"foundation-of-{variant.stem}")
        if not applied.exists():
            shutil.copytree(below, applied, ignore=shutil.ignore_patterns(*_NOT_COPIED))
            self.run(applied, "apply", "-auto-approve", f"-var-file={variant.name}")
        return self.run(applied, "output", "-json", "foundation")

    def _succeed(self, folder: Path, *arguments: str) -> None:
        done = self._run(folder, *arguments)
        assert done.returncode == 0, _told(done)

    def _run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        asks = arguments[0] not in ("init", "validate", "show") and uses_aws(folder)
        mock = self._mock_of_aws(_account(folder, arguments)) if asks else {}
        return subprocess.run(
            [terraform(), *arguments],
            cwd=folder,
            env={**self._environment, **mock},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


def _account(folder: Path, arguments: Sequence[str]) -> str:
    """The account that a file of values names: a root refuses to run in another one."""
    for argument in arguments:
        if argument.startswith("-var-file="):
            text = (folder / argument.removeprefix("-var-file=")).read_text(encoding="utf-8")
            if found := re.search(r"^\s*account_id\s*=\s*\"(\d{12})\"", text, re.MULTILINE):
                return found[1]
    return "123456789012"


def _told(done: subprocess.CompletedProcess[str]) -> str:
    return f"{' '.join(done.args)}\n{done.stdout}\n{done.stderr}"


def messages(output: str) -> Iterator[dict[str, Any]]:
    """What terraform found, out of the lines of `plan -json`."""
    for line in output.splitlines():
        entry = json.loads(line)
        if entry.get("type") == "diagnostic":
            yield entry["diagnostic"]


def changes(plan: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """What a plan creates."""
    return [
        change
        for change in plan.get("resource_changes", [])
        if change["mode"] == "managed" and "create" in change["change"]["actions"]
    ]


def environment(providers: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Schema-only providers, and real ones from a mirror where there is one."""
    mirror = provider_mirror("aws")
    config = mirror_config(folder, mirror) if mirror else None
    return {**terraform_env(config), **providers}


def needs_mirror(folder: Path) -> None:
    """Skips where a folder needs the provider of AWS, and no mirror has it."""
    if uses_aws(folder) and provider_mirror("aws") is None:
        missing("provider of AWS in a mirror", "set TF_PLUGIN_MIRROR to one", from_make=False)
