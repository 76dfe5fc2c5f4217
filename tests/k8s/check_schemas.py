"""Checks manifests against published schemas; runs in build/infra, which has them.

    python check_schemas.py 1.33,1.36 < manifests.json

Reads texts by name and writes, as JSON too, what is wrong with each. Kubernetes' own objects are
checked by its schemas, strictly, for each release. Custom resources are checked by models that were
generated from the schemas which their makers publish: Istio 1.24, Prometheus operator 0.80, Kyverno
1.13. Google's and those of External Secrets are published in no package, so what we use of them
stands here, as their references say.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal

import kubernetes_validate
import kubernetes_validate.utils
import yaml
from pydantic import BaseModel, ConfigDict, Field

# It reads them anew for each object, which takes longer than all the rest.
for _slow in ("all_versions", "schema_contents"):
    setattr(kubernetes_validate.utils, _slow, cache(getattr(kubernetes_validate.utils, _slow)))

DURATION = r"^([0-9]+(ms|s|m|h))+$"


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ClusterMetadata(Closed):
    name: str
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Metadata(ClusterMetadata):
    namespace: str


class TLS(Closed):
    insecureSkipVerify: bool  # noqa: N815


class Endpoint(Closed):
    port: str | int
    path: str | None = None
    scheme: str | None = Field(None, pattern="^https?$")
    interval: str = Field(pattern=DURATION)
    timeout: str | None = Field(None, pattern=DURATION)
    tls: TLS | None = None


class Selector(Closed):
    matchLabels: dict[str, str]  # noqa: N815


class PodMonitoringSpec(Closed):
    selector: Selector
    endpoints: list[Endpoint] = Field(min_length=1)


class PodMonitoring(Closed):
    apiVersion: str  # noqa: N815
    kind: str
    metadata: Metadata
    spec: PodMonitoringSpec


class Rule(Closed):
    alert: str
    expr: str
    for_: str | None = Field(None, alias="for", pattern=DURATION)
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class RuleGroup(Closed):
    name: str
    interval: str | None = Field(None, pattern=DURATION)
    rules: list[Rule] = Field(min_length=1)


class RulesSpec(Closed):
    groups: list[RuleGroup] = Field(min_length=1)


class ClusterRules(Closed):
    apiVersion: str  # noqa: N815
    kind: str
    metadata: ClusterMetadata
    spec: RulesSpec


class GoogleSecretManager(Closed):
    projectID: str  # noqa: N815


class AmazonSecrets(Closed):
    service: Literal["SecretsManager", "ParameterStore"]
    region: str


class Provider(Closed):
    gcpsm: GoogleSecretManager | None = None
    aws: AmazonSecrets | None = None


class SecretStoreSpec(Closed):
    provider: Provider


class SecretStore(Closed):
    apiVersion: str  # noqa: N815
    kind: str
    metadata: Metadata
    spec: SecretStoreSpec


class StoreReference(Closed):
    kind: Literal["SecretStore", "ClusterSecretStore"]
    name: str


class RemoteReference(Closed):
    key: str
    property: str | None = None
    version: str | None = None


class SecretData(Closed):
    secretKey: str = Field(pattern=r"^[-._a-zA-Z0-9]+$")  # noqa: N815
    remoteRef: RemoteReference  # noqa: N815


class GeneratorReference(Closed):
    apiVersion: Literal["generators.external-secrets.io/v1alpha1"]  # noqa: N815
    kind: Literal["Password"]
    name: str


class SourceReference(Closed):
    generatorRef: GeneratorReference  # noqa: N815


class DataFrom(Closed):
    sourceRef: SourceReference  # noqa: N815


class SecretTemplate(Closed):
    engineVersion: Literal["v2"]  # noqa: N815
    data: dict[str, str]


class SecretTarget(Closed):
    name: str
    creationPolicy: Literal["Owner", "Orphan", "Merge", "None"]  # noqa: N815
    deletionPolicy: Literal["Delete", "Merge", "Retain"]  # noqa: N815
    template: SecretTemplate | None = None


class ExternalSecretSpec(Closed):
    refreshInterval: str = Field(pattern=r"^0$|" + DURATION)  # noqa: N815
    secretStoreRef: StoreReference | None = None  # noqa: N815
    target: SecretTarget
    data: list[SecretData] = []
    dataFrom: list[DataFrom] = []  # noqa: N815


class ExternalSecret(Closed):
    apiVersion: str  # noqa: N815
    kind: str
    metadata: Metadata
    spec: ExternalSecretSpec


class PasswordSpec(Closed):
    length: int
    digits: int
    symbols: int
    noUpper: bool  # noqa: N815
    allowRepeat: bool  # noqa: N815


class Password(Closed):
    apiVersion: str  # noqa: N815
    kind: str
    metadata: Metadata
    spec: PasswordSpec


OURS = {
    ("monitoring.googleapis.com/v1", "PodMonitoring"): PodMonitoring,
    ("monitoring.googleapis.com/v1", "ClusterRules"): ClusterRules,
    ("external-secrets.io/v1", "ExternalSecret"): ExternalSecret,
    ("external-secrets.io/v1", "SecretStore"): SecretStore,
    ("generators.external-secrets.io/v1alpha1", "Password"): Password,
}


@cache
def model_of(api_version: str, kind: str) -> Any:
    """The model of a custom resource; none if nobody knows it."""
    if (api_version, kind) in OURS:
        return OURS[api_version, kind]
    if api_version == "kyverno.io/v1":
        from cloudcoil.models.kyverno import v1 as kyverno

        return getattr(kyverno, kind, None)
    if api_version == "monitoring.coreos.com/v1":
        from cloudcoil.models.prometheus_operator import v1 as monitoring

        return getattr(monitoring, kind, None)
    if api_version == "security.istio.io/v1":
        from cloudcoil.models.istio.security import v1 as security

        return getattr(security, kind, None)
    if api_version == "networking.istio.io/v1":
        from cloudcoil.models.istio.networking import v1 as networking

        return getattr(networking, kind, None)
    return None


def problems_of(manifest: dict[str, Any], releases: list[str]) -> Iterator[str]:
    """What is wrong with a manifest."""
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    model = model_of(manifest["apiVersion"], manifest["kind"])
    if model is not None:
        try:
            taken = model.model_validate(manifest).model_dump(
                by_alias=True, exclude_unset=True, mode="json"
            )
        except ValueError as error:
            yield f"{name}: {error}"
            return
        # The generated models pass over keys that they do not know.
        yield from (f"{name}: {key} is unknown" for key in lost(manifest, taken))
        return
    for release in releases:
        try:
            kubernetes_validate.validate(manifest, release, strict=True)
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{name}, {release}: {error}"
        except kubernetes_validate.ValidationError as error:
            yield f"{name}, {release}: {'.'.join(map(str, error.path))}: {error.message}"


def lost(given: Any, taken: Any, path: str = "") -> Iterator[str]:
    """Keys of a document that are not in another one."""
    if isinstance(given, dict):
        if not isinstance(taken, dict):
            yield path
            return
        for key, value in given.items():
            if key not in taken:
                yield f"{path}.{key}"
            else:
                yield from lost(value, taken[key], f"{path}.{key}")
    elif isinstance(given, list):
        for number, value in enumerate(given):
            yield from lost(value, taken[number], f"{path}[{number}]")


@cache
def problems_in(document: str, releases: str) -> list[str]:
    """What is wrong with a manifest, as JSON; overlays have most of theirs in common."""
    return list(problems_of(json.loads(document), releases.split(",")))


def main() -> None:
    found = {
        name: [
            problem
            for manifest in yaml.load_all(text, Loader=yaml.CSafeLoader)
            for problem in problems_in(json.dumps(manifest, sort_keys=True), sys.argv[1])
        ]
        for name, text in json.load(sys.stdin).items()
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
