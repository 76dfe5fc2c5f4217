"""What the pipeline's configuration and the manifests name is what Terraform makes.

The example for Kubeflow says `your-project`: GKE is planned for a project of that name.
"""

import re

import pytest
import yaml
from k8s_manifests import find
from k8s_manifests import rendered as serving_rendered
from kfp_manifests import rendered as kfp_rendered
from kfp_manifests import values
from terraform_tools import ROOT, TREE

FOUNDATION = TREE / "gke" / "foundation"
EXAMPLE = yaml.safe_load((ROOT / "examples" / "kubeflow.yaml").read_text(encoding="utf-8"))
PROJECT = "your-project"


@pytest.fixture(scope="module")
def plan(workspace):
    arguments = ("-var-file=dev.tfvars", f"-var=project_id={PROJECT}")
    return workspace.plan(workspace.at(FOUNDATION), *arguments, name="configuration")


@pytest.fixture(scope="module")
def outputs(plan):
    return {name: output.get("value") for name, output in plan["planned_values"]["outputs"].items()}


def planned(plan, kind):
    """What is made of a kind."""
    return [
        change["change"]["after"] for change in plan["resource_changes"] if change["type"] == kind
    ]


def pool(plan, name):
    (found,) = (
        pool
        for pool in planned(plan, "google_container_node_pool")
        if pool["node_config"][0]["labels"].get("pool") == name
    )
    return found


def buckets_in(value):
    """Every bucket that a part of the configuration names."""
    return set(re.findall(r"gs://([\w.-]+)", yaml.safe_dump(value)))


@pytest.mark.parametrize(
    ("part", "bucket"),
    [
        (EXAMPLE["data"], "data"),
        (EXAMPLE["push"], "serving"),
        (EXAMPLE["kubeflow"], "pipeline_root"),
    ],
    ids=["data", "push", "kubeflow"],
)
def test_each_bucket_is_made(outputs, part, bucket):
    assert buckets_in(part) == {outputs["buckets"][bucket]}


@pytest.mark.parametrize("key", ["image", "gpu_image"])
def test_images_are_in_the_registry(outputs, key):
    assert EXAMPLE["kubeflow"][key].startswith(f"{outputs['registry']}/")


def test_the_stages_account_is_in_the_cluster_and_acts_as_its_identity(plan):
    (account,) = find(kfp_rendered("gke"), "ServiceAccount", EXAMPLE["kubeflow"]["service_account"])
    assert account["metadata"]["namespace"] == "kubeflow"
    email = account["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
    name, _, domain = email.partition("@")
    assert domain == f"{PROJECT}.iam.gserviceaccount.com"
    assert name in {made["account_id"] for made in planned(plan, "google_service_account")}


def test_stages_that_ask_for_a_gpu_get_onto_its_nodes(plan):
    stages = EXAMPLE["kubeflow"]["stages"].values()
    asking = [stage for stage in stages if stage.get("gpus")]
    assert asking != []
    for stage in asking:
        gpu = pool(plan, stage["node_selector"]["pool"])["node_config"][0]
        assert gpu["guest_accelerator"][0]["count"] >= stage["gpus"]
        tolerated = {(one["key"], one["effect"]) for one in stage["tolerations"]}
        for taint in gpu["taint"]:
            assert (taint["key"], _EFFECTS[taint["effect"]]) in tolerated


_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute"}


def test_the_server_reads_what_the_pipeline_pushes(plan, outputs):
    config = (ROOT / "serving/k8s/overlays/gke/models.config").read_text(encoding="utf-8")
    (path,) = re.findall(r'base_path: "(.+)"', config)
    assert path == EXAMPLE["push"]["serving_directory"]
    (account,) = find(serving_rendered("gke"), "ServiceAccount", "demand-serving")
    email = account["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
    assert email == f"demand-serving@{PROJECT}.iam.gserviceaccount.com"
    names = {made["account_id"] for made in planned(plan, "google_service_account")}
    assert "demand-serving" in names
    assert path.startswith(f"gs://{outputs['buckets']['serving']}/")


def test_the_manifests_values_are_those_of_the_foundation(plan, outputs):
    given = values("gke")
    assert given["pipeline_root"] == EXAMPLE["kubeflow"]["pipeline_root"]
    assert given["project"] == PROJECT
    assert given["image_pattern"] == f"{outputs['registry']}/*"
    secrets = {secret["secret_id"] for secret in planned(plan, "google_secret_manager_secret")}
    assert given["database_secret"] in secrets


def test_namespaces_of_the_platform_are_those_of_the_manifests():
    platform = (TREE / "gke" / "platform" / "main.tf").read_text(encoding="utf-8")
    for manifests in (kfp_rendered("gke"), serving_rendered("gke")):
        used = {one["metadata"]["namespace"] for one in manifests if "namespace" in one["metadata"]}
        made = {one["metadata"]["name"] for one in find(manifests, "Namespace")}
        for namespace in used - made:
            assert f'"{namespace}"' in platform or f"{namespace} " in platform, namespace
