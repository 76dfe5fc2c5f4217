"""The manifests fit the schemas of two releases of Kubernetes and of the custom resources."""

import copy
import json
import subprocess
from functools import reduce
from pathlib import Path

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

RELEASES = ("1.33", "1.36")
OTHER_WAYS = {"with S3": WITH_S3, "with a gateway": WITH_GATEWAY}

WRONG = {
    "a misspelt field": ("Deployment", "containers.0.securityContext", "readonlyRootFs", True),
    "a wrong type": ("Deployment", "containers.0", "image", 5),
    "a field of another kind": ("PodDisruptionBudget", "", "minReplicas", 1),
    "text in place of a number": ("HorizontalPodAutoscaler", "", "minReplicas", "two"),
    "an unknown field of a policy": ("NetworkPolicy", "", "ingres", []),
    "a duration in words": ("ServiceMonitor", "endpoints.0", "interval", "15 seconds"),
    "an unknown field of a monitor": ("ServiceMonitor", "endpoints.0", "intervall", "15s"),
    "a duration without a unit": ("PodMonitoring", "endpoints.0", "interval", "15"),
    "an unknown field of Google's": ("PodMonitoring", "endpoints.0", "scrapeTimeout", "15s"),
    "an unknown action": ("AuthorizationPolicy", "", "action", "ALLOWED"),
    "an unknown field of Istio's": ("AuthorizationPolicy", "rules.0.to.0.operation", "port", "1"),
    "an unknown mode": ("PeerAuthentication", "mtls", "mode", "STRONG"),
}
"""Kind, where in its specification, and the entry that is put there."""


def spoilt(kind, path, key, value):
    """The text of a manifest of ours with one wrong entry."""
    (original, *_) = find([m for overlay in OVERLAYS for m in rendered(overlay)], kind)
    manifest = copy.deepcopy(original)
    spec = manifest["spec"]
    if kind == "Deployment":
        spec = spec["template"]["spec"]
    steps = [int(step) if step.isdigit() else step for step in path.split(".") if step]
    reduce(lambda at, step: at[step], steps, spec)[key] = value
    return yaml.safe_dump(manifest)


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """Problems of every overlay, of its other ways, and of what is wrong on purpose; by name."""
    texts = {overlay: text_of(overlay) for overlay in OVERLAYS}
    for name, changes in OTHER_WAYS.items():
        texts[name] = variant(tmp_path_factory.mktemp("k8s"), "eks", changes)
    texts |= {what: spoilt(*wrong) for what, wrong in WRONG.items()}
    unknown = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "x"}}
    texts["an unknown kind"] = yaml.safe_dump(unknown)
    script = Path(__file__).with_name("check_schemas.py")
    done = subprocess.run(
        [str(infra_tool("bin/python")), str(script), ",".join(RELEASES)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("overlay", [*OVERLAYS, *OTHER_WAYS])
def test_every_overlay_fits(overlay, problems):
    assert problems[overlay] == []


@pytest.mark.parametrize("what", WRONG)
def test_the_check_finds(what, problems):
    kind, _, key, _ = WRONG[what]
    assert problems[what]
    assert all(text.startswith(kind) and key in text for text in problems[what])


def test_an_unknown_kind_is_a_problem(problems):
    assert len(problems["an unknown kind"]) == len(RELEASES)
