import math

import pytest
from scaling_page import Cost, Job, Machine, SizeResult, StageCost, page_text

GIB = 2**30


def job(name="ingest", *, cpu=4.0, reference_cpu=1.0):
    """100 rows in 4 s of CPU, 8 s of time; the reference: 50 rows in 1 s and 1 s."""
    return Job(name, "rows", 100, Cost(8.0, cpu, 2 * GIB), 50, Cost(1.0, reference_cpu, GIB // 2))


def result(size=1, *, load=0.0):
    seconds = {"Pusher": 0.0, "Transform": 30.0, "Trainer": 60.0, "Evaluator": 10.0}
    stages = [StageCost(name, Cost(10.0, cpu, GIB)) for name, cpu in seconds.items()]
    return SizeResult(size, 1234567, 400, load, tuple(stages), (job(), job("transform")))


def machine(cores=2):
    return Machine("some processor", cores, 23 * GIB, {"tfx": "1.16.0"}, "2026-11-20")


def rows_of(page, first):
    """Rows of tables whose first cell is `first`, as cells."""
    lines = [line for line in page.splitlines() if line.startswith(f"| {first} |")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_ratio_is_our_cost_of_a_unit_over_that_of_the_reference():
    assert job().ratio("cpu") == pytest.approx((4 / 100) / (1 / 50))
    assert job().ratio("wall") == pytest.approx((8 / 100) / (1 / 50))


def test_a_reference_too_short_to_measure_has_no_ratio():
    assert math.isnan(job(reference_cpu=0.0).ratio("cpu"))


def test_a_result_survives_the_file_that_it_is_kept_in():
    assert SizeResult.from_json(result(4).to_json()) == result(4)


def test_a_job_has_a_row_per_size_with_rates_memory_and_ratios():
    page = page_text([result(1), result(4)], machine(), command="make bench")
    cells = ["100 rows", "8.0", "4.0", "2.00", "12", "25", "50", "0.50", "2.00", "4.00"]
    assert rows_of(page, "ingest")[:2] == [["ingest", "1", *cells], ["ingest", "4", *cells]]


def test_work_of_no_seconds_has_no_rate():
    instant = SizeResult(1, 1, 1, 0.0, result().stages, (job(cpu=0.0),))
    assert rows_of(page_text([instant], machine(), command="make bench"), "ingest")[0][7] == "-"


def test_the_three_largest_stages_come_by_cpu_time_with_their_share():
    page = page_text([result(4)], machine(), command="make bench")
    assert [row[1:4] for row in rows_of(page, "4")[1:]] == [
        ["Trainer", "60.0", "60%"],
        ["Transform", "30.0", "30%"],
        ["Evaluator", "10.0", "10%"],
    ]


def test_every_row_of_a_table_has_as_many_cells_as_its_header():
    page = page_text([result(1), result(16)], machine(), command="make bench")
    blocks = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    assert blocks
    for block in blocks:
        assert len({line.count("|") for line in block if line}) == 1


@pytest.mark.parametrize(("load", "said"), [(0.9, "no other work"), (1.1, "did other work")])
def test_a_busy_machine_is_named(load, said):
    page = page_text([result(load=load)], machine(cores=2), command="make bench")
    assert said in page


def test_the_load_that_a_size_leaves_to_the_next_is_our_own():
    page = page_text([result(1), result(4, load=1.9)], machine(cores=2), command="make bench")
    assert "no other work" in page


def test_the_page_names_command_machine_date_and_versions():
    page = page_text([result()], machine(), command="make bench SIZES=1")
    for part in (
        "make bench SIZES=1",
        "2 cores (some processor)",
        "23 GiB",
        "2026-11-20",
        "tfx 1.16.0",
    ):
        assert part in page
