"""The whole of the schema-only providers: every argument, and a life of a root's resources."""

import json
import re
import tarfile
from collections import defaultdict
from pathlib import PurePosixPath

import pytest
from missing_tools import missing
from schema_provider.recovery import recover
from terraform_roots import changes
from terraform_tools import tool

INTERFACE = re.compile(r"^export interface (\w+) (extends [\w.]+ )?\{$(.*?)^\}", re.M | re.S)
PROPERTY = re.compile(
    r"#(?P<name>\w+) \w+#\w+\}(?:(?!\*/).)*\*/\s*readonly \w+(?P<optional>\?)?: (?P<type>[^;]+);",
    re.DOTALL,
)


def texts_of(package):
    """JavaScript and TypeScript declarations by resource, out of a package's archive."""
    library = tool("python").parents[1] / "lib"
    found = list(library.glob(f"python*/site-packages/cdktf_cdktf_provider_{package}/_jsii/*.tgz"))
    if not found:
        missing(f"package of {package}", "make terraform-tools")
    texts = defaultdict(lambda: {"js": "", "ts": ""})
    with tarfile.open(found[0]) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts
            if len(parts) > 3 and parts[:2] == ("package", "lib") and member.isfile():
                kind = {".js": "js", ".ts": "ts"}.get(PurePosixPath(member.name).suffix)
                if kind:
                    texts[parts[2]][kind] += tar.extractfile(member).read().decode() + "\n"
    del texts["provider"]
    return {name: one for name, one in texts.items() if "terraformResourceType" in one["js"]}


def declared(text):
    """Arguments by path, and whether they are required, as TypeScript declares them."""
    interfaces = {
        match[1]: [
            (one["name"], one["type"], not one["optional"]) for one in PROPERTY.finditer(match[3])
        ]
        for match in INTERFACE.finditer(text)
    }
    (owner,) = {match[1] for match in INTERFACE.finditer(text) if match[2]}

    def walk(name, path):
        for argument, kind, required in interfaces[name]:
            yield (*path, argument), required
            inner = [word for word in re.findall(r"\b[A-Z]\w+", kind) if word in interfaces]
            if inner:
                yield from walk(inner[0], (*path, argument))

    return dict(walk(owner, ()))


def recovered(block, path=()):
    """The same of a recovered schema."""
    for name, attribute in block.attributes.items():
        if attribute.required or attribute.optional:
            yield (*path, name), attribute.required
        if attribute.nested:
            inner = attribute.nested.attributes.items()
            yield from (
                ((*path, name, key), one.required)
                for key, one in inner
                if one.required or one.optional
            )
    for name, nested in block.blocks.items():
        yield (*path, name), nested.min_items > 0
        yield from recovered(nested.block, (*path, name))


@pytest.mark.parametrize(
    ("package", "least"), [("google", 25_000), ("kubernetes", 5_000), ("helm", 80)]
)
def test_every_argument_is_there_and_required_as_declared(package, least):
    """Against TypeScript's declarations, which the recovery does not read."""
    arguments = 0
    for name, texts in texts_of(package).items():
        expected = declared(texts["ts"])
        found = dict(recovered(recover(texts["js"])))
        assert found == expected, name
        arguments += len(expected)
    assert arguments > least


def test_a_root_is_applied_planned_without_a_change_and_destroyed(workspace, sample):
    values = ("-var-file=prod.tfvars", "-input=false")
    workspace.run(sample, "apply", "-auto-approve", *values)
    state = json.loads(workspace.run(sample, "show", "-json"))["values"]
    assert state["outputs"]["bucket"]["value"] == "sample-prod-data"
    assert len(state["root_module"]["resources"]) == 9
    assert workspace.try_run(sample, "plan", "-detailed-exitcode", *values).returncode == 0
    # The pool's size changes in place; the rest stays.
    plan = workspace.plan(sample, *values, "-var=gpu_nodes=5", name="more-nodes")
    changed = {one["address"]: one["change"]["actions"] for one in plan["resource_changes"]}
    assert changed.pop("google_container_node_pool.gpu[0]") == ["update"]
    assert set(map(tuple, changed.values())) == {("no-op",)}
    assert "8 destroyed" in workspace.run(sample, "destroy", "-auto-approve", *values)


def test_a_resource_is_imported(workspace, sample):
    versions = (sample / "versions.tf").read_text(encoding="utf-8")
    text = """
import {
  to = google_storage_bucket.data
  id = "project/data"
}

resource "google_storage_bucket" "data" {
  name     = "data"
  location = "EU"
}
"""
    folder = workspace.written("imported", {"main.tf": text, "versions.tf": versions})
    plan = workspace.plan(folder)
    (change,) = plan["resource_changes"]
    assert change["change"]["importing"] == {"id": "project/data"}
    assert changes(plan) == []


def test_its_own_tests_pass_with_mocked_providers(workspace, sample):
    assert "Success! 3 passed, 0 failed." in workspace.run(sample, "test")
