"""Terraform finds mistakes through the schema-only providers, and none where there is none."""

import json

import pytest
from terraform_tools import TREE

pytestmark = pytest.mark.slow

FIXTURES = TREE / "tests" / "fixtures"
MISTAKES = sorted(path.stem for path in (FIXTURES / "mistakes").glob("*.tf"))
VERSIONS = (FIXTURES / "sample" / "versions.tf").read_text(encoding="utf-8")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_found(workspace, mistake):
    """The first line of the file is what Terraform says, and all that it says."""
    text = (FIXTURES / "mistakes" / f"{mistake}.tf").read_text(encoding="utf-8")
    summary, detail = text.splitlines()[0].removeprefix("# ").split(": ", 1)
    folder = workspace.written(mistake, {"main.tf": text, "versions.tf": VERSIONS})
    (found,) = workspace.validate(folder)
    assert (found["severity"], found["summary"]) == ("error", summary)
    assert detail in " ".join(found["detail"].split())
    assert found["range"]["filename"] == "main.tf"


def test_a_good_root_is_valid(sample, workspace):
    assert workspace.validate(sample) == []


def test_its_plan_is_what_was_asked_for_and_unknown_where_the_cloud_answers(sample, workspace):
    plan = workspace.plan(sample, "-var-file=prod.tfvars")
    found = {change["address"]: change["change"] for change in plan["resource_changes"]}
    cluster = found["google_container_cluster.this"]
    assert cluster["actions"] == ["create"]
    assert cluster["after"]["datapath_provider"] == "ADVANCED_DATAPATH"
    assert cluster["after"]["private_cluster_config"][0]["enable_private_nodes"] is True
    # Not set, and filled by the cloud: unknown. Not set, and optional: null.
    assert cluster["after_unknown"]["master_auth"] is True
    assert cluster["after_unknown"]["endpoint"] is True
    assert cluster["after"]["min_master_version"] is None
    pool = found["google_container_node_pool.gpu[0]"]["after"]
    assert pool["autoscaling"][0]["max_node_count"] == 4
    assert pool["node_config"][0]["taint"] == [
        {"effect": "NO_SCHEDULE", "key": "nvidia.com/gpu", "value": "present"}
    ]
    manifest = found["kubernetes_manifest.quota"]["after"]["manifest"]
    assert manifest["spec"] == {"hard": {"pods": 100}}
    assert found["helm_release.secrets"]["after"]["set"][0]["name"] == "installCRDs"
    assert plan["planned_values"]["outputs"]["cluster_ca_certificate"]["sensitive"] is True


def test_write_only_values_are_in_no_plan(workspace):
    """They may be ephemeral, which is what they are for."""
    text = """
variable "password" {
  type      = string
  ephemeral = true
}
resource "google_secret_manager_secret_version" "database" {
  secret                 = "projects/p/secrets/database"
  secret_data_wo         = var.password
  secret_data_wo_version = 1
}
"""
    folder = workspace.written("write_only", {"main.tf": text, "versions.tf": VERSIONS})
    plan = workspace.plan(folder, "-var=password=hunter2")
    (change,) = plan["resource_changes"]
    assert change["change"]["after"]["secret_data_wo"] is None
    assert change["change"]["after"]["secret_data_wo_version"] == 1
    assert "hunter2" not in json.dumps(plan)
