"""The manifests of terraform/manifests as a cluster would get them, and what they allow.

Upstream's bases cannot be fetched in a test: a copy of the tree names stubs of ours in their place
(tests/k8s/stubs). `may` says what roles mean, `reaches` what network policies of both ends mean.
"""

from __future__ import annotations

import functools
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from k8s_manifests import ROOT, Manifest, Peer, allows, find, render

__all__ = [
    "CLOUDS",
    "OVERLAYS",
    "TREE",
    "UPSTREAM",
    "copy_with_stubs",
    "identity",
    "may",
    "of_upstream",
    "overlay_files",
    "ours",
    "own",
    "pod",
    "reaches",
    "rendered",
    "stub_names",
    "text_of_overlay",
    "text_of_own",
    "values",
]

TREE = ROOT / "terraform" / "manifests"
STUBS = ROOT / "tests" / "k8s" / "stubs"
OVERLAYS = ("eks", "gke", "kind")
CLOUDS = ("eks", "gke")
UPSTREAM = re.compile(
    r"github\.com/kubeflow/pipelines/manifests/kustomize/(?P<path>[\w/.-]+)\?ref=(?P<tag>[\w.]+)"
)


def copy_with_stubs(folder: Path) -> Path:
    """A copy of the tree in which stubs take the place of upstream's bases."""
    shutil.copytree(STUBS, folder / "stubs")
    tree = Path(shutil.copytree(TREE, folder / "manifests"))
    for file in tree.rglob("kustomization.yaml"):
        up = "/".join([".."] * (len(file.parent.relative_to(folder).parts)))
        text = file.read_text(encoding="utf-8")
        file.write_text(UPSTREAM.sub(rf"{up}/stubs/\g<path>", text), encoding="utf-8")
    return tree


@functools.cache
def _tree() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="kfp-manifests-"))
    return copy_with_stubs(folder)


@functools.cache
def text_of_overlay(name: str) -> str:
    """The text of an overlay on stubs."""
    return render(_tree() / "overlays" / name)


@functools.cache
def text_of_own(name: str) -> str:
    """The text of what is ours in an overlay, before its values are put in."""
    return render(TREE / "own" / name)


@functools.cache
def rendered(name: str) -> list[Manifest]:
    """The manifests of an overlay on stubs, for reading alone: tests share them."""
    return list(yaml.load_all(text_of_overlay(name), Loader=yaml.CSafeLoader))


@functools.cache
def own(name: str) -> list[Manifest]:
    """The manifests that are ours alone, for reading alone."""
    return list(yaml.load_all(text_of_own(name), Loader=yaml.CSafeLoader))


def identity(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


@functools.cache
def stub_names() -> frozenset[tuple[str, str]]:
    """Kinds and names of upstream's objects."""
    return frozenset(
        identity(manifest)
        for file in STUBS.rglob("objects.yaml")
        for manifest in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    )


def ours(name: str) -> list[Manifest]:
    """The manifests of an overlay, with its values, that are not upstream's."""
    return [manifest for manifest in rendered(name) if identity(manifest) not in stub_names()]


def of_upstream(name: str) -> list[Manifest]:
    """The manifests of an overlay that are upstream's, with our changes."""
    return [manifest for manifest in rendered(name) if identity(manifest) in stub_names()]


def values(name: str) -> dict[str, str]:
    """What the values.env of an overlay says."""
    lines = (TREE / "overlays" / name / "values.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _roles(
    manifests: Sequence[Manifest], subject: Mapping[str, str], namespace: str
) -> Iterator[Manifest]:
    """Roles that a subject has in a namespace."""
    for binding in find(manifests, "RoleBinding"):
        here = binding["metadata"]["namespace"]
        if here != namespace:
            continue
        for one in binding["subjects"]:
            account = one["kind"] == "ServiceAccount"
            held = {
                "kind": one["kind"],
                "name": one["name"],
                **({"namespace": one.get("namespace", here)} if account else {}),
            }
            if held == subject:
                kind, name = binding["roleRef"]["kind"], binding["roleRef"]["name"]
                yield from (
                    role
                    for role in find(manifests, kind, name)
                    if role["metadata"].get("namespace", here) == here
                )


def may(
    manifests: Sequence[Manifest],
    subject: Mapping[str, str],
    verb: str,
    resource: str,
    *,
    namespace: str = "kubeflow",
    name: str | None = None,
) -> bool:
    """Whether the roles let a subject do something to a resource, of that name if one is given.

    Args:
        manifests: Everything that is applied.
        subject: Kind and name; the namespace too of a service account.
        verb: Such as 'get'.
        resource: Such as 'pods' or 'apps/deployments' or 'pods/log' of the core group.
        namespace: Where.
        name: Of the object; None asks about any of them.
    """
    groups = ("apps", "argoproj.io", "autoscaling", "external-secrets.io", "kubeflow.org")
    group, _, rest = resource.partition("/")
    group, resource = (group, rest) if group in groups else ("", resource)
    return any(
        group in rule["apiGroups"]
        and bool({resource, "*"} & set(rule["resources"]))
        and bool({verb, "*"} & set(rule["verbs"]))
        and ("resourceNames" not in rule or name in rule["resourceNames"])
        for role in _roles(manifests, subject, namespace)
        for rule in role["rules"] or ()
    )


def pod(namespace: str = "kubeflow", **labels: str) -> Peer:
    """A pod by its labels; underscores of their keys stand for dashes."""
    return Peer(
        pod={key.replace("_", "-"): value for key, value in labels.items()},
        namespace_name=namespace,
    )


def reaches(
    manifests: Sequence[Manifest],
    source: Peer,
    target: Peer,
    port: int,
    namespace: str = "kubeflow",
) -> bool:
    """Whether the policies of both ends let a source reach a port of a target by TCP.

    Only an end within the namespace has policies here; the other one is somebody else's business.
    """
    policies = [
        policy
        for policy in find(manifests, "NetworkPolicy")
        if policy["metadata"]["namespace"] == namespace
    ]

    def inside(peer: Peer) -> bool:
        return peer.ip is None and peer.namespace_name == namespace

    out = not inside(source) or allows(
        policies, target, port, direction="Egress", of=source.pod, namespace=namespace
    )
    into = not inside(target) or allows(policies, source, port, of=target.pod, namespace=namespace)
    return out and into


def overlay_files() -> dict[str, Any]:
    """Every kustomization of the tree, by its path."""
    return {
        str(file.parent.relative_to(TREE)): yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in TREE.rglob("kustomization.yaml")
    }
