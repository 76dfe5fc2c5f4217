"""The runs of a pipeline on Kubeflow Pipelines, and which models in service they made."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demandcast.components.publishing.pointer import Pointer, read_history
from demandcast.pipeline.history import serving_files
from demandcast.pipeline.kubeflow.server_api import KubeflowServer
from demandcast.pipeline.kubeflow.server_runs import ServerRun
from demandcast.schema.errors import BadInputError, ServingError

__all__ = ["ServerHistory", "ServerLineage"]

_LENGTH_OF_ID = 36  # Of a UUID.


@dataclass(frozen=True)
class ServerLineage:
    """A run, and what it was made from and made.

    Attributes:
        run: The run.
        outcome: How it ended.
        version_name: Version of the pipeline.
        defaults: Of its parameters.
        models: Pointers that name the run, oldest first: its pushes, and rollbacks to them.
        in_service: Whether its model serves.
    """

    run: ServerRun
    outcome: str
    version_name: str
    defaults: Mapping[str, Any]
    models: tuple[Pointer, ...]
    in_service: bool


class ServerHistory:
    """The runs of one pipeline on a server."""

    def __init__(self, server: KubeflowServer, *, pipeline: str, serving_directory: str) -> None:
        """Remembers where to ask.

        Args:
            server: The server.
            pipeline: Name of the pipeline there.
            serving_directory: Where its models go; it is read if it can be seen from here.
        """
        self._server = server
        self._pipeline = pipeline
        self._serving_directory = serving_directory
        self._pointers: tuple[Pointer, ...] | ServingError | None = None

    @property
    def pointers(self) -> tuple[Pointer, ...]:
        """Every pointer of the serving directory, oldest first; none if it is out of sight.

        Raises:
            ServingError: It cannot be read; it is asked once.
        """
        if self._pointers is None:
            directory = self._serving_directory
            try:
                self._pointers = read_history(directory, serving_files(directory))
            except ServingError as error:
                self._pointers = error
        if isinstance(self._pointers, ServingError):
            raise self._pointers
        return self._pointers

    def newest(self, limit: int | None = None) -> Sequence[ServerRun]:
        """Asks for the newest runs, newest first.

        Raises:
            KubeflowError: The server refused.
        """
        # Some releases leave the tasks out of lists, and only they tell who was refused.
        return [
            run if run.tasks else self._server.run(run.run_id)
            for run in self._server.runs(self._pipeline, limit=limit)
        ]

    def serves(self, run_id: str) -> bool:
        """Tells whether a run's model is in service; false where that cannot be seen."""
        try:
            return bool(self.pointers) and self.pointers[-1].run_id == run_id
        except ServingError:
            return False

    def outcome(self, run: ServerRun) -> str:
        """Says how a run ended, with the version that it pushed where that can be seen."""
        models = self._models(run.run_id)
        if models and run.progress.outcome == "done":
            return f"pushed as version {models[0].version}"
        return run.progress.outcome

    def resolve(self, reference: str) -> ServerLineage:
        """Finds the run that a user means, with its lineage.

        Args:
            reference: A run id or the beginning of one, `latest`, `in-service`, or the version of
                a model.

        Raises:
            BadInputError: There is no such run, or several begin so.
            KubeflowError: The server refused.
            ServingError: The serving directory cannot be read, where it must be.
        """
        run = self._find(reference)
        return ServerLineage(
            run=run,
            outcome=self.outcome(run),
            version_name=self._server.version_name(run.pipeline_id, run.version_id),
            defaults=self._server.version_defaults(run.pipeline_id, run.version_id),
            models=self._models(run.run_id),
            in_service=self.serves(run.run_id),
        )

    def _models(self, run_id: str) -> tuple[Pointer, ...]:
        try:
            return tuple(pointer for pointer in self.pointers if pointer.run_id == run_id)
        except ServingError:
            return ()

    def _find(self, reference: str) -> ServerRun:
        if reference == "in-service":
            return self._run_of(self.pointers[-1:], reference)
        if reference.isdecimal():
            with contextlib.suppress(ServingError):
                named = [one for one in self.pointers if one.version == int(reference)]
                if named:
                    return self._run_of(named, reference)
        whole = self._server.find_run(reference) if len(reference) == _LENGTH_OF_ID else None
        return whole or self._server.run(self._run_id(reference))

    def _run_id(self, reference: str) -> str:
        limit = 1 if reference == "latest" else None
        runs = self._server.runs(self._pipeline, limit=limit)
        found = [
            run.run_id for run in runs if reference == "latest" or run.run_id.startswith(reference)
        ]
        if len(found) == 1:
            return found[0]
        which = f"begins {len(found)} runs" if found else "is not there"
        versions = "; no such version is in sight, either" if reference.isdecimal() else ""
        raise BadInputError(
            f"run {reference!r}: {which} among the runs of {self._pipeline} on "
            f"{self._server.address}{versions}; allowed: a run id or its beginning, 'latest', "
            "'in-service', or the version of a model. 'demandcast runs list --kubeflow' shows them"
        )

    def _run_of(self, pointers: Sequence[Pointer], reference: str) -> ServerRun:
        """Asks for the run that made a model."""
        if not pointers:
            raise BadInputError(
                f"run {reference!r}: {self._serving_directory} names no such model; is it the one "
                "that the run pushed to, and can it be seen from here? A run id needs no look at it"
            )
        pointer = pointers[0]
        run = self._server.find_run(pointer.run_id) if pointer.run_id else None
        if run is None:
            maker = pointer.run_id or "nobody knows what"
            raise BadInputError(
                f"run {reference!r}: version {pointer.version} was made by {maker}, which is no "
                f"run on {self._server.address}; "
                "'demandcast runs show' without --kubeflow knows the runs of this machine"
            )
        return run
