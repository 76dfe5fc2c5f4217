from demandcast.components.examples.report import (
    FutureGap,
    LineCount,
    Report,
    merge_reports,
    report_from_json,
    report_to_json,
)
from demandcast.components.examples.violations import Offender, Violation

FULL = Report(
    rows=10,
    series=2,
    future_series_unknown=1,
    oldest=5,
    newest=9,
    misses=frozenset({"price"}),
    examples=(("eval", 2), ("train", 1)),
    left_out=(("eval", 1), ("train", 0)),
    lines=(LineCount(0, "read", 7, 9.5), LineCount(1, "odd", 2, -1.0)),
    selling=frozenset({5, 9}),
    violations=(Violation("sales", "qty", "bad", "good", 1, (Offender(3, "x"),)),),
    gaps=(FutureGap("price", 2, 10, 12, "item=a"),),
)


def test_nothing_is_added_by_empty_reports():
    assert merge_reports([Report(), FULL, Report()]) == FULL


def test_reports_add_up():
    merged = merge_reports([FULL, FULL])
    assert (merged.rows, merged.series, merged.oldest, merged.newest) == (20, 4, 5, 9)
    assert merged.examples == (("eval", 4), ("train", 2))
    assert merged.left_out == (("eval", 2), ("train", 0))
    assert merged.lines == (LineCount(0, "read", 14, 19.0), LineCount(1, "odd", 4, -2.0))
    assert merge_reports([FULL, Report(selling=frozenset({7}))]).selling == {5, 7, 9}
    assert merged.violations[0].count == 2
    assert merged.gaps == (FutureGap("price", 4, 10, 12, "item=a"),)


def test_gaps_merge_to_the_widest_span():
    merged = merge_reports(
        [
            Report(gaps=(FutureGap("price", 1, 11, 12, "item=b"),)),
            Report(gaps=(FutureGap("price", 3, 10, 11, "item=a"),)),
        ]
    )
    assert merged.gaps == (FutureGap("price", 4, 10, 12, "item=a"),)


def test_json_keeps_everything():
    assert report_from_json(report_to_json(FULL)) == FULL
    assert report_from_json(report_to_json(Report())) == Report()


def test_only_a_report_without_complaints_is_good():
    assert Report().is_good
    assert not FULL.is_good
