"""`BuildExamples` inside another pipeline, as a forecast on a cluster uses it."""

import pytest
from examples_tables import make_data, row, write_rows

from demandcast.schema.config import BeamConfig, ForecastConfig, SamplingConfig

pytestmark = pytest.mark.slow

ROWS = [row(day, float(day), item=item) for item in "abcd" for day in range(10)]
AHEAD = [row(day, None, item=item) for item in "abcd" for day in (10, 11)]


def batches_of(tmp_path, rows):
    import apache_beam as beam

    from demandcast.components.examples.latest import latest_ingestion
    from demandcast.components.examples.run import IN_MEMORY_ARGS
    from demandcast.components.examples.transforms import BuildExamples, CheckFuture, CheckTables

    ingestion = latest_ingestion(
        make_data(write_rows(tmp_path / "sales.csv", rows)),
        ForecastConfig(horizon=2),
        SamplingConfig(),
        BeamConfig(partitions=3),
    )
    found = []

    def keep(batch):
        (tmp_path / f"{batch.keys['item'][0]}.txt").write_text(
            f"{batch.split} {batch.keys['item'].to_list()} {len(batch.examples)}"
        )

    with beam.Pipeline(argv=list(IN_MEMORY_ARGS)) as pipeline:
        checked = pipeline | CheckTables(ingestion)
        report = checked | CheckFuture(ingestion)
        batches = checked | BuildExamples(ingestion, report=report)
        _ = batches | beam.Map(keep)
    for path in sorted(tmp_path.glob("*.txt")):
        found.append(path.read_text())
    return found


def test_batches_carry_keys_and_examples(tmp_path):
    found = batches_of(tmp_path, ROWS + AHEAD)
    items = [item for text in found for item in text.split("[")[1].split("]")[0].split(", ")]
    assert sorted(items) == ["'a'", "'b'", "'c'", "'d'"]
    assert all(text.startswith("latest ") for text in found)
    assert sum(int(text.rsplit(" ", 1)[1]) for text in found) == 4


@pytest.mark.parametrize("rows", [ROWS, [*ROWS, *AHEAD, ROWS[0]]])
def test_complaints_leave_no_batch(tmp_path, rows):
    assert batches_of(tmp_path, rows) == []
