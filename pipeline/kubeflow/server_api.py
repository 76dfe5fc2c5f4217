"""A Kubeflow Pipelines server: what submitting, scheduling and watching need of its API.

The generated client of KFP (`kfp_server_api`) is used as it is, not `kfp.Client` around it: that
one prints, keeps a file in the user's home, and takes neither a client certificate nor a time-out.
"""

from __future__ import annotations

import contextlib
import functools
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from demandcast.pipeline.kubeflow.server_runs import RunState, ServerRun, read_run
from demandcast.schema.config import KubeflowConfig
from demandcast.schema.errors import BadInputError, DemandcastError

__all__ = [
    "Connection",
    "KubeflowError",
    "KubeflowServer",
    "PipelineVersion",
    "Submission",
]

_OLDEST = (2, 5)
_PAGE = 50
_NOT_FOUND = 404
_WRONG_SHAPE = (AttributeError, KeyError, TypeError, ValueError)  # Of the library's own reading.
_SERVICE = "api/v1/namespaces/{}/services/ml-pipeline:http/proxy"


class KubeflowError(DemandcastError):
    """The server is not there, refused, or is of a version that is not supported."""

    exit_code = 5


@dataclass(frozen=True)
class Connection:
    """Where the server is, and who asks.

    Attributes:
        host: URL of the API; None goes through the cluster's own API server, by kubeconfig.
        namespace: Of the user, where the server has many; None where it has one.
        token: Bearer token.
        ca_certificate: File with the authority that signed the server's certificate.
        client_certificate: File with the certificate of who asks.
        client_key: File with its key.
        context: Context of the kubeconfig; its current one if None.
        installed_in: Namespace in which KFP is installed, for the way by kubeconfig.
        timeout_seconds: For each call.
    """

    host: str | None = None
    namespace: str | None = None
    token: str | None = None
    ca_certificate: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    context: str | None = None
    installed_in: str = "kubeflow"
    timeout_seconds: float = 30.0

    def __repr__(self) -> str:
        """Names the host alone: a token must reach no log."""
        return f"Connection(host={self.host!r})"


@dataclass(frozen=True)
class PipelineVersion:
    """A version of a pipeline on the server.

    Attributes:
        pipeline_id: Of the pipeline.
        version_id: Of the version.
        name: Of the version.
        is_new: Whether it was uploaded just now.
    """

    pipeline_id: str
    version_id: str
    name: str
    is_new: bool


@dataclass(frozen=True)
class Submission:
    """What is run.

    Attributes:
        version: Of the pipeline.
        name: Of the run, or of the schedule.
        experiment: Name of the experiment; made if needed.
        parameters: Values of run-time parameters; others have their defaults.
        pipeline_root: Folder of the artifacts.
        service_account: Of the pods; the server's default if None.
    """

    version: PipelineVersion
    name: str
    experiment: str
    parameters: Mapping[str, Any]
    pipeline_root: str
    service_account: str | None

    @classmethod
    def of(
        cls,
        config: KubeflowConfig,
        version: PipelineVersion,
        *,
        name: str,
        experiment: str,
        parameters: Mapping[str, Any],
    ) -> Submission:
        """Takes root and account from the configuration."""
        return cls(
            version,
            name=name,
            experiment=experiment,
            parameters=parameters,
            pipeline_root=str(config.pipeline_root),
            service_account=config.service_account,
        )


class KubeflowServer:
    """A server; each method is one or a few calls."""

    def __init__(self, connection: Connection) -> None:
        """Prepares the client; nothing is asked yet.

        Raises:
            BadInputError: There is no host, and no kubeconfig that names one; or a certificate is
                missing.
        """
        import kfp_server_api

        self._api = kfp_server_api
        self._connection = connection
        self._configuration = _configuration(kfp_server_api, connection)
        self._address = self._configuration.host
        with self._said("prepare the connection"):
            self._client = kfp_server_api.ApiClient(self._configuration)

    @property
    def address(self) -> str:
        """URL of the API."""
        return str(self._address)

    def check(self) -> str:
        """Asks for the version of the server.

        Returns:
            Its name, such as 2.17.0; empty where the server does not say.

        Raises:
            KubeflowError: It is not there, refuses, or is too old.
        """
        with self._said("ask for its health"):
            healthy = self._health("v2beta1")
        if not isinstance(healthy, Mapping):
            raise KubeflowError(
                f"{self.address}: answers, but not as the API of Kubeflow Pipelines; is it the "
                "address of its API, and not of a page to log in?"
            )
        try:
            answer = self._health("v1beta1")
        except self._api.ApiException:
            return ""  # KFP 3 has no first API any more.
        tag = str(answer.get("tag_name", "")) if isinstance(answer, Mapping) else ""
        found = re.match(r"v?(\d+)\.(\d+)", tag)
        if found and (int(found[1]), int(found[2])) < _OLDEST:
            raise KubeflowError(
                f"{self.address} is Kubeflow Pipelines {tag}; this pipeline runs on "
                f"{'.'.join(map(str, _OLDEST))} and later"
            )
        return tag.removeprefix("v")

    def _health(self, version: str) -> Any:
        """Asks one version of the API how the server is."""
        return self._client.call_api(
            f"/apis/{version}/healthz",
            "GET",
            auth_settings=["Bearer"],
            response_type="object",
            **self._timeout,
            _return_http_data_only=True,
        )

    def upload(self, text: str, *, pipeline: str, version: str) -> PipelineVersion:
        """Uploads a compiled pipeline, unless the same version is there.

        Args:
            text: The compiled file.
            pipeline: Name of the pipeline; made if needed.
            version: Name of the version.

        Raises:
            KubeflowError: The server refused.
        """
        uploads = self._api.PipelineUploadServiceApi(self._client)
        with self._said(f"upload {pipeline}"), _as_file(text, pipeline) as file:
            existing = self._find_pipeline(pipeline)
            if existing is None:
                # It makes a pipeline and a version of the same name; ours comes as the next one.
                namespace = self._of_namespace()
                existing = uploads.upload_pipeline(
                    file, name=pipeline, **namespace, **self._timeout
                ).pipeline_id
            found = self._find_version(existing, version)
            if found is not None:
                return PipelineVersion(existing, found, version, is_new=False)
            uploaded = uploads.upload_pipeline_version(
                file, name=version, pipelineid=existing, **self._timeout
            )
            return PipelineVersion(existing, uploaded.pipeline_version_id, version, is_new=True)

    def create_run(self, submission: Submission) -> str:
        """Creates a run; returns its identity.

        Raises:
            KubeflowError: The server refused.
        """
        with self._said("create a run"):
            body = self._api.V2beta1Run(**self._content(submission))
            # By position: releases of the client call it by different names.
            run = self._api.RunServiceApi(self._client).run_service_create_run(
                body, **self._timeout
            )
            return str(run.run_id)

    def create_schedule(self, submission: Submission, *, cron: str) -> str:
        """Creates a recurring run, one at a time and without catching up; returns its identity.

        Args:
            submission: What is run each time.
            cron: When: six fields, seconds first.

        Raises:
            KubeflowError: The server refused.
        """
        with self._said("create a schedule"):
            schedule = self._api.V2beta1CronSchedule(cron=cron)
            body = self._api.V2beta1RecurringRun(
                max_concurrency="1",
                no_catchup=True,
                mode="ENABLE",
                trigger=self._api.V2beta1Trigger(cron_schedule=schedule),
                **self._content(submission),
            )
            api = self._api.RecurringRunServiceApi(self._client)
            made = api.recurring_run_service_create_recurring_run(body, **self._timeout)
            return str(made.recurring_run_id)

    def state_of(self, run_id: str) -> RunState:
        """Asks how far a run is.

        Raises:
            KubeflowError: The server does not know it, or refuses.
        """
        return self.run(run_id).progress

    def run(self, run_id: str) -> ServerRun:
        """Asks for a run.

        Raises:
            KubeflowError: The server does not know it, or refuses.
        """
        with self._said(f"ask for run {run_id}"):
            found = self._api.RunServiceApi(self._client).run_service_get_run(
                run_id, **self._timeout
            )
        return read_run(found)

    def find_run(self, run_id: str) -> ServerRun | None:
        """Asks for a run that may not be there.

        Raises:
            KubeflowError: The server refused.
        """
        try:
            return self.run(run_id)
        except KubeflowError as error:
            if getattr(error.__cause__, "status", None) == _NOT_FOUND:
                return None
            raise

    def runs(self, pipeline: str, *, limit: int | None = None) -> list[ServerRun]:
        """Asks for the newest runs of a pipeline.

        Args:
            pipeline: Its name.
            limit: Most runs; None for all.

        Returns:
            Newest first, maybe without their tasks; none if there is no such pipeline.

        Raises:
            KubeflowError: The server refused.
        """
        found: list[ServerRun] = []
        with self._said(f"list the runs of {pipeline}"):
            pipeline_id = self._find_pipeline(pipeline)
            if pipeline_id is None:
                return []
            for run in self._all_runs():
                if run.pipeline_id == pipeline_id:
                    found.append(run)
                if len(found) == limit:
                    break
        return found

    def _all_runs(self) -> Iterator[ServerRun]:
        """Turns the pages of the list of runs, newest first."""
        api = self._api.RunServiceApi(self._client)
        page: dict[str, Any] = {}
        while True:
            answer = api.run_service_list_runs(
                page_size=_PAGE,
                sort_by="created_at desc",
                **page,
                **self._of_namespace(),
                **self._timeout,
            )
            yield from (read_run(run) for run in answer.runs or [])
            if not answer.next_page_token:
                return
            page = {"page_token": answer.next_page_token}

    def version_name(self, pipeline_id: str, version_id: str) -> str:
        """Asks for the name of a version.

        Raises:
            KubeflowError: The server refused.
        """
        return str(getattr(self._version(pipeline_id, version_id), "display_name", None) or "")

    def version_defaults(self, pipeline_id: str, version_id: str) -> dict[str, Any]:
        """Asks for the defaults of a version's parameters.

        Raises:
            KubeflowError: The server refused.
        """
        spec = getattr(self._version(pipeline_id, version_id), "pipeline_spec", None) or {}
        # Of a file with two documents it is the first.
        spec = spec.get("pipeline_spec", spec)
        parameters = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
        return {name: about.get("defaultValue") for name, about in parameters.items()}

    @functools.cache  # noqa: B019 - a server lives as long as a command
    def _version(self, pipeline_id: str, version_id: str) -> Any:
        """Asks for a version; None if it was deleted."""
        if not version_id:
            return None
        with self._said(f"ask for version {version_id}"):
            api = self._api.PipelineServiceApi(self._client)
            try:
                return api.pipeline_service_get_pipeline_version(
                    pipeline_id, version_id, **self._timeout
                )
            except self._api.ApiException as error:
                if error.status == _NOT_FOUND:
                    return None
                raise

    @property
    def _timeout(self) -> dict[str, Any]:
        # To connect, and to read; the client passes over a single number with a fraction.
        seconds = self._connection.timeout_seconds
        return {"_request_timeout": (seconds, seconds)}

    def _content(self, submission: Submission) -> dict[str, Any]:
        """Writes what a run and a schedule have in common."""
        version = submission.version
        return {
            "display_name": submission.name,
            "experiment_id": self._experiment(submission.experiment),
            "service_account": submission.service_account,
            "pipeline_version_reference": self._api.V2beta1PipelineVersionReference(
                pipeline_id=version.pipeline_id, pipeline_version_id=version.version_id
            ),
            # The root is read from here only, not from the file.
            "runtime_config": self._api.V2beta1RuntimeConfig(
                parameters=dict(submission.parameters), pipeline_root=submission.pipeline_root
            ),
        }

    def _find_pipeline(self, name: str) -> str | None:
        api = self._api.PipelineServiceApi(self._client)
        try:
            found = api.pipeline_service_get_pipeline_by_name(
                name, **self._of_namespace(), **self._timeout
            )
        except self._api.ApiException as error:
            if error.status == _NOT_FOUND:
                return None
            raise
        return str(found.pipeline_id)

    def _find_version(self, pipeline_id: str, name: str) -> str | None:
        found = self._api.PipelineServiceApi(self._client).pipeline_service_list_pipeline_versions(
            pipeline_id, filter=_named(name), page_size=1, **self._timeout
        )
        versions = found.pipeline_versions or []
        return str(versions[0].pipeline_version_id) if versions else None

    def _experiment(self, name: str) -> str:
        """Finds an experiment, or makes it."""
        api = self._api.ExperimentServiceApi(self._client)
        found = api.experiment_service_list_experiments(
            filter=_named(name), page_size=1, **self._of_namespace(), **self._timeout
        )
        if found.experiments:
            return str(found.experiments[0].experiment_id)
        body = self._api.V2beta1Experiment(display_name=name, **self._of_namespace())
        return str(api.experiment_service_create_experiment(body, **self._timeout).experiment_id)

    def _of_namespace(self) -> dict[str, str]:
        namespace = self._connection.namespace
        return {} if namespace is None else {"namespace": namespace}

    @contextlib.contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """Words what a call may come to.

        Raises:
            KubeflowError: Always where the call failed.
        """
        from urllib3.exceptions import HTTPError

        try:
            yield
        except self._api.ApiException as error:
            raise KubeflowError(_refusal(self.address, what, error)) from error
        except HTTPError as error:
            reason = getattr(error, "reason", None) or error
            raise KubeflowError(
                f"{self.address}: cannot {what}: {reason}; is that the API of Kubeflow Pipelines, "
                "and is it there?"
            ) from error


def _configuration(api: Any, connection: Connection) -> Any:
    """Says to the generated client where the server is, and who asks."""
    configuration = api.Configuration()
    configuration.retries = False
    if connection.host is not None:
        if not re.match(r"https?://", connection.host):
            raise BadInputError(
                f"--host: got {connection.host!r}; expected a URL, such as https://kfp.example"
            )
        configuration.host = connection.host.rstrip("/")
    else:
        _from_kubeconfig(configuration, connection)
    for name, file in (
        ("ssl_ca_cert", connection.ca_certificate),
        ("cert_file", connection.client_certificate),
        ("key_file", connection.client_key),
    ):
        if file is not None:
            if not file.is_file():
                raise BadInputError(f"{file}: no such file; expected a certificate or key in PEM")
            setattr(configuration, name, str(file))
    if connection.token is not None:
        configuration.api_key["authorization"] = connection.token
        configuration.api_key_prefix["authorization"] = "Bearer"
    return configuration


def _from_kubeconfig(configuration: Any, connection: Connection) -> None:
    """Goes through the cluster's API server, as `kubectl` would."""
    from kubernetes import config

    try:
        config.load_kube_config(client_configuration=configuration, context=connection.context)
    except (config.ConfigException, yaml.YAMLError, *_WRONG_SHAPE, OSError) as error:
        raise BadInputError(
            f"--host: not given, and no kubeconfig leads to a cluster: {error}; expected the URL "
            "of Kubeflow Pipelines, or a kubeconfig"
        ) from error
    configuration.host = f"{configuration.host}/{_SERVICE.format(connection.installed_in)}"


def _refusal(address: str, what: str, error: Any) -> str:
    """Words an answer that is an error, with what the server says."""
    body = str(error.body or "")
    try:
        content = json.loads(body)
        said = str(content.get("message") or content.get("error") or body)
    except ValueError:
        said = body
    said = (said.strip().splitlines() or [str(error.reason or "")])[0][:500]
    advice = {
        401: "; a token or certificate that the server knows is needed (--token-file)",
        403: "; whoever asks may not do that, or needs another --namespace",
        404: "; is that the API of Kubeflow Pipelines 2?",
    }.get(error.status, "")
    return f"{address}: cannot {what}: {error.status} {error.reason}: {said}{advice}"


def _named(name: str) -> str:
    """Writes a filter of the API."""
    predicate = {"key": "name", "operation": "EQUALS", "stringValue": name}
    return json.dumps({"predicates": [predicate]})


@contextlib.contextmanager
def _as_file(text: str, name: str) -> Iterator[str]:
    """Keeps a text in a file while it is uploaded: the client takes files only."""
    with tempfile.TemporaryDirectory(prefix="demandcast-") as folder:
        file = Path(folder) / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")
        yield str(file)
