"""SeriesExampleGen: the TFX component at the head of the pipeline."""

from __future__ import annotations

import json
import logging
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts

from demandcast.components.examples.counting import closed_dates, counts_to_json
from demandcast.components.examples.fingerprint import data_fingerprint
from demandcast.components.examples.ingestion import Ingestion
from demandcast.components.examples.profile import profile_of
from demandcast.components.examples.report import Report
from demandcast.components.examples.run import (
    IN_MEMORY_ARGS,
    dates_of,
    split_lines,
    write_splits,
    write_text,
)
from demandcast.components.examples.tables import open_tables
from demandcast.schema.artifact_names import SUMMARY_FILE
from demandcast.schema.config import BeamConfig, DataConfig, ForecastConfig, SamplingConfig
from demandcast.schema.data_profile import PROFILE_FILE
from demandcast.schema.errors import ContractError
from demandcast.schema.series_example import SPLITS

__all__ = ["SeriesExampleGen", "SeriesExampleGenExecutor", "SeriesExampleGenSpec"]

_LOG = logging.getLogger(__name__)

_FILE_FORMAT = "tfrecords_gzip"


class SeriesExampleGenExecutor(base_beam_executor.BaseBeamExecutor):
    """Reads, checks and writes."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the splits and describes them in the artifact.

        Raises:
            ContractError: The tables break their contract, or changed while they were read.
        """
        del input_dict
        ingestion = _ingestion_of(exec_properties)
        fingerprint = exec_properties["fingerprint"] or data_fingerprint(ingestion.data)
        artifact = artifact_utils.get_single_instance(output_dict["examples"])
        report = write_splits(
            ingestion,
            artifact.uri,
            make_pipeline=self._make_beam_pipeline,
            temporary=self._get_tmp_dir(),
        )
        _refuse_if_changed(ingestion.data, fingerprint)
        artifact.split_names = artifact_utils.encode_split_names(list(SPLITS))
        examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(artifact, _FILE_FORMAT)
        artifact.set_string_custom_property("fingerprint", fingerprint)
        artifact.set_int_custom_property("rows", report.rows)
        artifact.set_int_custom_property("series", report.series)
        for split, count in report.examples:
            artifact.set_int_custom_property(f"examples_{split}", count)
        for split, count in report.left_out:
            artifact.set_int_custom_property(f"left_out_{split}", count)
        if report.lines:
            artifact.set_string_custom_property("transactions", counts_to_json(report.lines))
        summary = json.dumps(_summary(ingestion, report), indent=2)
        write_text(FileSystems.join(artifact.uri, SUMMARY_FILE), summary)
        profile = profile_of(report.counts, frequency=ingestion.forecast.frequency)
        write_text(FileSystems.join(artifact.uri, PROFILE_FILE), profile.model_dump_json())
        for line in split_lines(ingestion, report):
            _LOG.info("%s", line)

    def _make_beam_pipeline(self) -> Any:
        """Makes the pipeline of the runner, or one in this process if none was configured."""
        if self._make_beam_pipeline_fn is None and not self._beam_pipeline_args:
            return beam.Pipeline(argv=list(IN_MEMORY_ARGS))
        return super()._make_beam_pipeline()


class SeriesExampleGenSpec(component_spec.ComponentSpec):
    """Parameters and outputs; the digests are here to be part of the cache key."""

    PARAMETERS = {  # noqa: RUF012
        name: component_spec.ExecutionParameter(type=str)
        for name in ("data", "forecast", "sampling", "beam", "fingerprint", "code_digest")
    }
    INPUTS: dict[str, Any] = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)
    }


class SeriesExampleGen(base_beam_component.BaseBeamComponent):
    """Turns sales tables into examples: one series at one cutoff, in three splits.

    Outputs:
        examples: Gzipped TFRecords of `tf.Example` in the splits train, validation and eval;
            `summary.json` and `profile.json` beside them.
    """

    SPEC_CLASS = SeriesExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(SeriesExampleGenExecutor)

    def __init__(
        self,
        data: DataConfig,
        forecast: ForecastConfig,
        sampling: SamplingConfig,
        beam: BeamConfig,
        fingerprint: str,
        code_digest: str,
    ) -> None:
        """Creates the component.

        Args:
            data: Tables and roles of their columns; paths absolute.
            forecast: Frequency and horizon.
            sampling: History and splits.
            beam: Sizes of blocks and number of partitions; its arguments are the pipeline's.
            fingerprint: Digest of the data, see `data_fingerprint`; empty where nobody can look at
                the data beforehand: then the snapshot that the paths name must be enough for a
                cache, and the stage takes the digest itself.
            code_digest: Digest of the code that builds the examples.
        """
        spec = SeriesExampleGenSpec(
            data=data.model_dump_json(),
            forecast=forecast.model_dump_json(),
            sampling=sampling.model_dump_json(),
            beam=beam.model_copy(update={"args": ()}).model_dump_json(),
            fingerprint=fingerprint,
            code_digest=code_digest,
            examples=types.Channel(type=standard_artifacts.Examples),
        )
        super().__init__(spec=spec)


def _ingestion_of(exec_properties: dict[str, Any]) -> Ingestion:
    data = DataConfig.model_validate_json(exec_properties["data"])
    return Ingestion(
        data=data,
        forecast=ForecastConfig.model_validate_json(exec_properties["forecast"]),
        sampling=SamplingConfig.model_validate_json(exec_properties["sampling"]),
        beam=BeamConfig.model_validate_json(exec_properties["beam"]),
        tables=open_tables(data),
    )


def _refuse_if_changed(data: DataConfig, fingerprint: str) -> None:
    """Refuses examples that would be kept under the fingerprint of other data.

    Raises:
        ContractError: A file is not what it was when the run began.
    """
    if data_fingerprint(data) != fingerprint:
        raise ContractError(
            "data: a table changed while it was read; run again when its files are complete"
        )


def _summary(ingestion: Ingestion, report: Report) -> dict[str, Any]:
    def date(period: int | None) -> str | None:
        if period is None:
            return None
        return dates_of([period], ingestion.forecast.frequency)[0]

    counts, left_out = dict(report.examples), dict(report.left_out)
    plans = ingestion.plans(report.newest) if report.newest is not None else ()
    return {
        "rows": report.rows,
        "series": report.series,
        "first": date(report.oldest),
        "last": date(report.newest),
        "transactions": json.loads(counts_to_json(report.lines)),
        "unknown_periods": closed_dates(report, ingestion.data, ingestion.forecast.frequency),
        "splits": {
            plan.name: {
                "examples": counts.get(plan.name, 0),
                "left_out": left_out.get(plan.name, 0),
                "cutoffs": [date(cutoff) for cutoff in plan.cutoffs],
                "series": plan.members,
            }
            for plan in plans
        },
    }
