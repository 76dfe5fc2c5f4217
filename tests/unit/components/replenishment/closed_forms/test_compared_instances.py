"""Which of stockpyl's instances are compared: all but those of models that we do not have."""

LEFT_OUT = {
    # Guaranteed service: demand is bounded there.
    *("example_6_3", "example_6_5", "problem_6_7", "problem_6_8", "problem_6_9"),
    *("figure_6_12", "figure_6_14"),
    # Disruptions and yield: supply that fails as a whole.
    *("example_9_1", "problem_9_8", "example_9_3", "example_9_4", "example_9_5"),
    *("problem_9_4a", "problem_9_4b", "example_9_6", "problem_9_5"),
    # Assembly: components that are joined.
    *("assembly_3_stage", "rosling_figure_1"),
}
"""docs/decisions/0040 says why."""


def test_every_instance_is_compared_or_said_to_be_left_out(stockpyl):
    families = {name: cases for name, cases in stockpyl.items() if name != "instances"}
    compared = {case["name"] for cases in families.values() for case in cases}
    assert set(stockpyl["instances"]) - compared == LEFT_OUT
