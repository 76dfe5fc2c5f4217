from tensorflow_metadata.proto.v0 import statistics_pb2

from demandcast.components.validation import infer
from demandcast.pipeline.cli.main import invoke


def test_show_prints_the_whole_schema(config_file, capsys):
    assert invoke(["schema", "show", "--config", str(config_file)]) == 0
    text = capsys.readouterr().out
    for name in ("future_target", "price", "region"):
        assert f'name: "{name}"' in text


def test_show_names_a_reviewed_schema_that_is_not_there(config_file, capsys):
    arguments = ["--config", str(config_file), "--set", "feature_schema=none.pbtxt"]
    assert invoke(["schema", "show", *arguments]) == 2
    assert "none.pbtxt" in capsys.readouterr().err


def test_infer_refuses_to_overwrite_a_review(config_file, tmp_path, capsys):
    output = tmp_path / "demand.pbtxt"
    output.write_text("reviewed")
    arguments = ["--config", str(config_file), "--output", str(output)]
    assert invoke(["schema", "infer", *arguments]) == 2
    assert "is there already" in capsys.readouterr().err
    assert output.read_text() == "reviewed"


def test_infer_writes_from_the_statistics_of_training(
    config_file, tmp_path, monkeypatch, pretended_run, artifact, capsys
):
    file = tmp_path / "statistics" / "Split-train" / "FeatureStats.pb"
    file.parent.mkdir(parents=True)
    statistics = statistics_pb2.DatasetFeatureStatisticsList()
    statistics.datasets.add(num_examples=5)
    file.write_bytes(statistics.SerializeToString())
    calls = pretended_run()

    def text(statistics, series, *, max_categories):
        return f"{statistics.datasets[0].num_examples} {series.series_key[0]} {max_categories}"

    monkeypatch.setattr(infer, "infer_schema_text", text)
    from demandcast.pipeline.reports import RunReport

    monkeypatch.setattr(
        RunReport, "artifact", lambda self, stage, output: artifact(str(tmp_path / output))
    )
    output = tmp_path / "demand.pbtxt"
    arguments = ["--config", str(config_file), "--output", str(output), "--max-categories", "9"]
    assert invoke(["schema", "infer", *arguments]) == 0
    assert calls[0][1].until == "statistics"
    assert output.read_text() == "5 store 9"
    assert str(output) in capsys.readouterr().out


def test_infer_tries_the_place_of_the_output_before_any_work(
    config_file, tmp_path, pretended_run, capsys
):
    calls = pretended_run()
    (tmp_path / "file").write_text("")
    for output in (tmp_path / "file" / "demand.pbtxt", "/proc/x/demand.pbtxt"):
        assert (
            invoke(["schema", "infer", "--config", str(config_file), "--output", str(output)]) == 2
        )
        assert "--output: " in capsys.readouterr().err
    assert not calls


def test_infer_refuses_a_negative_number_of_categories(config_file, tmp_path, capsys):
    arguments = ["--config", str(config_file), "--output", str(tmp_path / "demand.pbtxt")]
    assert invoke(["schema", "infer", *arguments, "--max-categories", "-1"]) == 2
    assert "x>=0" in capsys.readouterr().err
