"""checkov's rules for pods, networks and rights hold, and each exception gives its reason."""

import copy
import json
import subprocess

import pytest
import yaml
from k8s_manifests import (
    OVERLAYS,
    WITH_GATEWAY,
    WITH_S3,
    find,
    infra_tool,
    rendered,
    text_of,
    variant,
)

pytestmark = pytest.mark.slow

OTHER_WAYS = {"with-s3": WITH_S3, "with-gateway": WITH_GATEWAY}
SPOILT = {
    "CKV_K8S_11": lambda pod: pod["containers"][0]["resources"]["limits"].pop("cpu"),
    "CKV_K8S_13": lambda pod: pod["containers"][0]["resources"]["limits"].pop("memory"),
    "CKV_K8S_9": lambda pod: pod["containers"][0].pop("readinessProbe"),
    "CKV_K8S_22": lambda pod: pod["containers"][0]["securityContext"].pop("readOnlyRootFilesystem"),
    "CKV_K8S_40": lambda pod: pod["securityContext"].update(runAsUser=1000),
    "CKV_K8S_38": lambda pod: pod.update(automountServiceAccountToken=True),
    "CKV_K8S_19": lambda pod: pod.update(hostNetwork=True),
    "CKV_K8S_37": lambda pod: pod["containers"][0]["securityContext"].pop("capabilities"),
}
"""Rules, and what breaks them."""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """One run over every overlay, and over one Deployment per rule that breaks it."""
    folder = tmp_path_factory.mktemp("manifests")
    texts = {overlay: text_of(overlay) for overlay in OVERLAYS}
    texts |= {
        name: variant(tmp_path_factory.mktemp("k8s"), "eks", changes)
        for name, changes in OTHER_WAYS.items()
    }
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (deployment,) = find(rendered("kind"), "Deployment")
    for rule, spoil in SPOILT.items():
        manifest = copy.deepcopy(deployment)
        spoil(manifest["spec"]["template"]["spec"])
        (folder / f"{rule}.yaml").write_text(yaml.safe_dump(manifest), encoding="utf-8")
    del deployment["metadata"]["annotations"]
    (inner,) = deployment["spec"]["template"]["spec"]["containers"]
    inner["image"] += "@sha256:" + 64 * "5"
    (folder / "pinned.yaml").write_text(yaml.safe_dump(deployment), encoding="utf-8")
    done = subprocess.run(
        [
            str(infra_tool("bin/checkov")),
            *("--directory", str(folder), "--framework", "kubernetes"),
            *("--skip-download", "--output", "json", "--compact"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)["results"]


def of(report, what, name):
    return [entry for entry in report[what] if entry["file_path"] == f"/{name}.yaml"]


@pytest.mark.parametrize("overlay", [*OVERLAYS, *OTHER_WAYS])
def test_no_check_fails(report, overlay):
    assert [
        (entry["check_id"], entry["check_name"], entry["resource"])
        for entry in of(report, "failed_checks", overlay)
    ] == []
    assert len(of(report, "passed_checks", overlay)) > 80


@pytest.mark.parametrize("overlay", [*OVERLAYS, *OTHER_WAYS])
def test_only_the_digest_is_left_to_who_deploys(report, overlay):
    skipped = of(report, "skipped_checks", overlay)
    assert [entry["check_id"] for entry in skipped] == ["CKV_K8S_43"]
    assert all(len(entry["check_result"]["suppress_comment"].split()) > 5 for entry in skipped)


def test_with_the_digest_nothing_is_left(report):
    """As the page says: set it, and remove the annotation."""
    assert of(report, "skipped_checks", "pinned") == []
    # Alone in its file, it has no NetworkPolicy beside it.
    failed = {entry["check_id"] for entry in of(report, "failed_checks", "pinned")}
    assert failed <= {"CKV2_K8S_6"}


@pytest.mark.parametrize("rule", SPOILT)
def test_the_check_finds(report, rule):
    assert rule in {entry["check_id"] for entry in of(report, "failed_checks", rule)}
