"""The manifests of serving/k8s as a cluster would get them, and what they allow.

`allows` and `authorises` say what a NetworkPolicy and an Istio AuthorizationPolicy mean, in a few
lines, so that tests can ask who gets through without a cluster.
"""

from __future__ import annotations

import functools
import ipaddress
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from missing_tools import missing

__all__ = [
    "OVERLAYS",
    "ROOT",
    "SERVER_LABELS",
    "WITH_GATEWAY",
    "WITH_S3",
    "Manifest",
    "Peer",
    "allows",
    "authorises",
    "container",
    "find",
    "infra_tool",
    "missing",
    "render",
    "rendered",
    "selects",
    "variant",
]

ROOT = Path(__file__).parents[2]
TREE = ROOT / "serving" / "k8s"
OVERLAYS = ("eks", "gke", "kind")
SERVER_LABELS = {"app.kubernetes.io/name": "demand-serving"}

WITH_S3 = {"  - ../../components/models-on-efs\n": "  - ../../components/models-on-s3\n"}
"""Changes of the overlay for EKS: versions in a bucket."""
WITH_GATEWAY = {
    "  - ../../components/mesh\n": "  - ../../components/mesh\n  - ../../components/gateway\n"
}
"""And a gateway for callers from outside."""

Manifest = dict[str, Any]


def infra_tool(name: str) -> Path:
    """A tool out of `make infra`."""
    path = ROOT / "build" / "infra" / name
    if not path.exists() and (found := shutil.which(path.name)):
        return Path(found)
    if not path.exists():
        missing(path.name, "make infra")
    return path


def render(folder: Path) -> str:
    """The text of all manifests of an overlay."""
    if shutil.which("kubectl") is None:
        missing("kubectl", "install it; it brings kustomize", from_make=False)
    done = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # kustomize tells of what it deprecates, and of patches that it could not place.
    assert done.stderr == ""
    return done.stdout


@functools.cache
def text_of(overlay: str) -> str:
    return render(TREE / "overlays" / overlay)


def rendered(overlay: str) -> list[Manifest]:
    """The manifests of an overlay of this repository."""
    return list(yaml.load_all(text_of(overlay), Loader=yaml.CSafeLoader))


def variant(folder: Path, overlay: str, changes: Mapping[str, str]) -> str:
    """The text of an overlay with words of its kustomization changed, as its reader would."""
    tree = folder / "k8s"
    shutil.copytree(TREE, tree)
    file = tree / "overlays" / overlay / "kustomization.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    return render(file.parent)


def find(manifests: Iterable[Manifest], kind: str, name: str | None = None) -> list[Manifest]:
    """All of a kind, or the one of that name."""
    return [
        manifest
        for manifest in manifests
        if manifest["kind"] == kind and name in (None, manifest["metadata"]["name"])
    ]


def container(manifests: Iterable[Manifest]) -> Manifest:
    """The only container of the only Deployment."""
    (deployment,) = find(manifests, "Deployment")
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return dict(only)


@dataclass(frozen=True)
class Peer:
    """Who calls, or is called.

    Attributes:
        pod: Labels of its pod.
        namespace: Labels of its namespace, without that of its name.
        namespace_name: Name of its namespace.
        ip: Its address; without one it is some pod.
    """

    pod: Mapping[str, str] = field(default_factory=dict)
    namespace: Mapping[str, str] = field(default_factory=dict)
    namespace_name: str = "elsewhere"
    ip: str | None = None

    @property
    def namespace_labels(self) -> dict[str, str]:
        return {**self.namespace, "kubernetes.io/metadata.name": self.namespace_name}


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes a set of labels; an empty one takes all."""
    unknown = set(selector) - {"matchLabels", "matchExpressions"}
    assert not unknown, unknown
    wanted = selector.get("matchLabels", {}).items()
    among = selector.get("matchExpressions", [])
    assert {expression["operator"] for expression in among} <= {"Exists", "In"}
    return all(labels.get(key) == value for key, value in wanted) and all(
        labels[expression["key"]] in expression.get("values", [labels[expression["key"]]])
        if expression["key"] in labels
        else False
        for expression in among
    )


def allows(
    policies: Sequence[Manifest],
    peer: Peer,
    port: int,
    *,
    direction: str = "Ingress",
    of: Mapping[str, str] = SERVER_LABELS,
    namespace: str = "demand-serving",
) -> bool:
    """Whether NetworkPolicies let a peer reach a pod, or the pod reach a peer, by TCP.

    A pod that no policy selects for a direction is open. Otherwise one rule has to fit.

    Args:
        policies: Of the pod's namespace.
        peer: Who calls, or is called.
        port: Of whoever is called.
        direction: Ingress or Egress, from the pod's side.
        of: Labels of the pod; the server by default.
        namespace: Of the pod.
    """
    mine = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"] and selects(policy["spec"]["podSelector"], of)
    ]
    side = "from" if direction == "Ingress" else "to"
    rules = [rule for spec in mine for rule in spec.get(direction.lower(), [])]
    return not mine or any(
        _any_peer(rule.get(side), peer, namespace) and _any_port(rule.get("ports"), port)
        for rule in rules
    )


def _any_peer(clauses: Sequence[Mapping[str, Any]] | None, peer: Peer, namespace: str) -> bool:
    return not clauses or any(_is_peer(clause, peer, namespace) for clause in clauses)


def _is_peer(clause: Mapping[str, Any], peer: Peer, namespace: str) -> bool:
    if "ipBlock" in clause:
        block = clause["ipBlock"]
        return peer.ip is not None and (
            _within(peer.ip, block["cidr"])
            and not any(_within(peer.ip, inner) for inner in block.get("except", []))
        )
    # Without a selector of namespaces it is that of the policy.
    own = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return (
        peer.ip is None
        and selects(clause.get("namespaceSelector", own), peer.namespace_labels)
        and selects(clause.get("podSelector", {}), peer.pod)
    )


def _within(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


def _any_port(clauses: Sequence[Mapping[str, Any]] | None, port: int) -> bool:
    return not clauses or any(
        clause["protocol"] == "TCP" and clause["port"] == port for clause in clauses
    )


def authorises(policies: Sequence[Manifest], principal: str | None, port: int) -> bool:
    """Whether Istio's policies let an identity, or none, reach a port of the server.

    All of ours allow. Where there is one that selects the server, one rule has to fit.
    """
    assert {policy["spec"]["action"] for policy in policies} <= {"ALLOW"}
    mine = [p["spec"] for p in policies if selects(p["spec"]["selector"], SERVER_LABELS)]
    return not mine or any(
        any(_is_source(clause["source"], principal) for clause in rule["from"])
        and any(str(port) in clause["operation"]["ports"] for clause in rule["to"])
        for spec in mine
        for rule in spec["rules"]
    )


def _is_source(source: Mapping[str, Any], principal: str | None) -> bool:
    if source == {"notPrincipals": ["*"]}:
        return principal is None
    assert set(source) == {"principals"}
    return principal in source["principals"]
