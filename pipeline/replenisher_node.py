"""TFX component: order proposals from the forecasts of a run.

It stands here because it needs the files of `components/examples` and the mathematics of
`components/replenishment`, which know nothing of each other.
"""

from __future__ import annotations

import datetime
import io
import logging
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from demandcast.components.storage.files import copy_folder, join
from demandcast.components.storage.tfx_files import files_of
from demandcast.pipeline.proposal_folder import (
    ProposalFolder,
    ReplenishSummary,
    make_proposals,
    new_proposal_id,
)
from demandcast.pipeline.stage_sections import config_of_sections, sections_of
from demandcast.schema.artifact_names import FORECASTS_FILE, PROPOSAL_FACTS_FILE
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError
from demandcast.schema.forecast_table import check_forecast_table
from demandcast.schema.origin_arrays import OriginForecasts, read_origins
from demandcast.schema.origins_table import ORIGINS_FOLDER

__all__ = ["Replenisher"]

_LOG = logging.getLogger(__name__)

Artifacts = dict[str, list[types.Artifact]]


class _ReplenisherExecutor(base_executor.BaseExecutor):
    """Proposes orders."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `proposals`.

        Raises:
            BadInputError: A table of supply is missing or breaks its contract.
        """
        forecasts = artifact_utils.get_single_instance(input_dict["forecasts"])
        proposals = artifact_utils.get_single_instance(output_dict["proposals"])
        if forecasts.get_int_custom_property("forecast") != 1:
            reason = forecasts.get_string_custom_property("finding")
            _say_nothing(proposals, f"nothing is forecast: {reason}")
            return
        config = config_of_sections(exec_properties)
        with tempfile.TemporaryDirectory(prefix="demandcast-proposals-") as name:
            given = _local(forecasts.uri, Path(name, "forecasts"))
            target = ProposalFolder(
                new_proposal_id(datetime.datetime.now(datetime.UTC)),
                Path(name, "proposals"),
                model_version=forecasts.get_int_custom_property("model_version"),
            )
            try:
                summary = make_proposals(
                    config, _table(given, config), origins=_origins(given, config), target=target
                )
            except BadInputError as error:
                raise type(error)(f"no orders are proposed: {error}") from error
            _hand_over(target.folder, proposals.uri)
        _describe(proposals, summary)


def _local(uri: str, folder: Path) -> Path:
    """Returns a folder of this machine with the files of an artifact."""
    files = files_of(uri)
    if Path(uri).is_dir():
        return Path(uri)
    copy_folder(uri, str(folder), files)
    return folder


def _table(folder: Path, config: RunConfig) -> pl.DataFrame:
    table = pl.read_parquet(io.BytesIO((folder / FORECASTS_FILE).read_bytes()))
    check_forecast_table(table, config.series)
    return table


def _origins(folder: Path, config: RunConfig) -> OriginForecasts | None:
    """Reads what was forecast at cutoffs that the model has not seen, if that is there."""
    origins = folder / ORIGINS_FOLDER
    return read_origins(origins, config.series) if origins.is_dir() else None


def _hand_over(folder: Path, uri: str) -> None:
    """Copies a proposal into an artifact; the facts are the last file there, too."""
    files = files_of(uri)
    names = files.files_below(str(folder))
    for name in sorted(names, key=lambda name: (name == PROPOSAL_FACTS_FILE, name)):
        files.copy(str(folder / name), join(uri, name))


def _say_nothing(proposals: types.Artifact, reason: str) -> None:
    """Makes the artifact say that nothing is proposed, and why."""
    proposals.set_int_custom_property("proposed", 0)
    proposals.set_string_custom_property("finding", reason)
    _LOG.warning("no orders are proposed: %s", reason)


def _describe(proposals: types.Artifact, summary: ReplenishSummary) -> None:
    """Makes the artifact say what is proposed."""
    for problem in (*summary.problems, *summary.remarks):
        _LOG.warning("%s", problem)
    _LOG.info("orders: %s", summary.text)
    proposals.set_int_custom_property("proposed", 1)
    proposals.set_string_custom_property("finding", summary.text)
    proposals.set_string_custom_property("proposal_id", summary.proposal_id)
    proposals.set_string_custom_property("cutoff", summary.cutoff)
    proposals.set_float_custom_property("order_value", summary.order_value)
    for name in ("lines", "orders", "waiting", "critical"):
        proposals.set_int_custom_property(name, getattr(summary, name))


class _ReplenisherSpec(ComponentSpec):
    PARAMETERS: ClassVar = {
        "data": ExecutionParameter(type=str),
        "config": ExecutionParameter(type=str),
        "supply": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {"forecasts": ChannelParameter(type=standard_artifacts.InferenceResult)}
    OUTPUTS: ClassVar = {"proposals": ChannelParameter(type=standard_artifacts.InferenceResult)}


class Replenisher(base_component.BaseComponent):
    """Proposes what to order of every series; nothing where there is no forecast.

    Outputs:
        proposals: `InferenceResult` with the files of a proposal (`schema/proposal_facts.py`), and
            custom properties `proposed` (0 or 1), `finding`, and where something is proposed
            `proposal_id`, `cutoff`, `lines`, `orders`, `order_value`, `waiting`, `critical`.
    """

    SPEC_CLASS = _ReplenisherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_ReplenisherExecutor)

    def __init__(
        self,
        *,
        forecasts: types.BaseChannel,
        config: RunConfig,
        fingerprint: str = "",
        code_digest: str = "",
    ) -> None:
        """Describes the node.

        Args:
            forecasts: From the BatchForecaster.
            config: The run; paths are absolute.
            fingerprint: Of the tables of supply: part of the cache key.
            code_digest: Digest of the sources behind this node: part of the cache key.
        """
        super().__init__(
            _ReplenisherSpec(
                forecasts=forecasts,
                **sections_of(config, "replenishment"),
                supply=fingerprint,
                code_digest=code_digest,
                proposals=types.Channel(type=standard_artifacts.InferenceResult),
            )
        )
