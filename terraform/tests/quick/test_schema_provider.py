"""The command line, and what is known of some resources from their documentation."""

import json
import os
import subprocess

import pytest
from terraform_tools import ROOT, TREE, tool

pytestmark = pytest.mark.slow

STRING, NUMBER, BOOL = "string", "number", "bool"
STRINGS = ["map", "string"]

KNOWN = {
    "google_storage_bucket": {
        "name": {"type": STRING, "required": True},
        "location": {"type": STRING, "required": True},
        "uniform_bucket_level_access": {"type": BOOL, "optional": True},
        "labels": {"type": STRINGS, "optional": True},
        "effective_labels": {"type": STRINGS, "computed": True},
        "project": {"type": STRING, "optional": True, "computed": True},
        "url": {"type": STRING, "computed": True},
    },
    "google_container_cluster": {
        "name": {"type": STRING, "required": True},
        "datapath_provider": {"type": STRING, "optional": True},
        "initial_node_count": {"type": NUMBER, "optional": True},
        "deletion_protection": {"type": BOOL, "optional": True},
        "endpoint": {"type": STRING, "computed": True, "example": "192.0.2.1"},
    },
    "google_sql_user": {
        "instance": {"type": STRING, "required": True},
        "password": {"type": STRING, "optional": True, "sensitive": True},
        "password_wo": {"type": STRING, "optional": True, "write_only": True},
        "password_wo_version": {"type": NUMBER, "optional": True},
    },
    "google_project_iam_member": {
        "project": {"type": STRING, "required": True},
        "role": {"type": STRING, "required": True},
        "member": {"type": STRING, "required": True},
        "etag": {"type": STRING, "computed": True},
    },
    "data.google_client_config": {
        "access_token": {"type": STRING, "computed": True, "sensitive": True},
        "region": {"type": STRING, "computed": True},
    },
    "kubernetes_manifest": {
        "manifest": {"type": "dynamic", "required": True},
        "object": {"type": "dynamic", "optional": True, "computed": True},
        "computed_fields": {"type": ["list", "string"], "optional": True},
    },
    "kubernetes_secret_v1": {
        "data": {"type": STRINGS, "optional": True, "sensitive": True},
        "data_wo": {"type": STRINGS, "optional": True, "write_only": True},
    },
    "helm_release": {
        "name": {"type": STRING, "required": True},
        "chart": {"type": STRING, "required": True},
        "values": {"type": ["list", "string"], "optional": True},
        "upgrade_install": {"type": BOOL, "optional": True},
        "manifest": {"type": STRING, "computed": True},
    },
}
BLOCKS = {
    "google_storage_bucket": {"versioning": ("list", 0, 1), "lifecycle_rule": ("list", 0, 0)},
    "google_container_cluster": {
        "workload_identity_config": ("list", 0, 1),
        "ip_allocation_policy": ("list", 0, 1),
        "timeouts": ("single", 0, 0),
    },
    "google_compute_firewall": {"allow": ("set", 0, 0), "log_config": ("list", 0, 1)},
    "kubernetes_deployment_v1": {"metadata": ("list", 1, 1), "spec": ("list", 1, 1)},
    "helm_release": {},
}
"""Nesting, least and most."""


def command(*arguments):
    return subprocess.run(
        [str(tool("python")), "-m", "schema_provider", *arguments],
        env={"PYTHONPATH": str(TREE / "tests"), "PATH": os.environ["PATH"]},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def schema(name):
    done = command("schema", name)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", KNOWN)
def test_attributes_are_as_documented(name):
    attributes = schema(name)["attributes"]
    assert {key: attributes.get(key) for key in KNOWN[name]} == KNOWN[name]


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_are_as_documented(name):
    blocks = schema(name)["block_types"]
    found = {
        key: (block["nesting_mode"], block.get("min_items", 0), block.get("max_items", 0))
        for key, block in blocks.items()
        if key in BLOCKS[name] or name == "helm_release"
    }
    assert found == BLOCKS[name]


def test_a_program_runs_with_the_providers_and_its_exit_code_is_given_back():
    done = command("run", "--", "sh", "-c", 'echo "$TF_REATTACH_PROVIDERS"; exit 7')
    assert done.returncode == 7
    attach = json.loads(done.stdout)
    assert sorted(attach) == [
        f"registry.terraform.io/hashicorp/{name}" for name in ("google", "helm", "kubernetes")
    ]
    assert {one["ProtocolVersion"] for one in attach.values()} == {6}


def test_one_provider_alone():
    done = command("run", "--provider", "helm", "--", "sh", "-c", 'echo "$TF_REATTACH_PROVIDERS"')
    assert list(json.loads(done.stdout)) == ["registry.terraform.io/hashicorp/helm"]


@pytest.mark.parametrize("name", ["google_storage_buckett", "aws_vpc"])
def test_what_no_provider_has_is_said(name):
    done = command("schema", name)
    assert done.returncode == 2
    assert done.stderr == f"schema_provider: none of google, helm, kubernetes has {name}\n"


def test_without_a_program_it_says_so():
    done = command("run")
    assert (done.returncode, "Give it after --" in done.stderr) == (2, True)


def test_the_help_teaches():
    told = command("--help").stdout
    for word in ("terraform -chdir=", "make terraform-tools", "values out of range", "schema"):
        assert word in told
