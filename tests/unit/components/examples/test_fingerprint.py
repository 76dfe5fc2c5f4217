import pytest
from examples_tables import make_data

from demandcast.components.examples.fingerprint import data_fingerprint, tables_fingerprint
from demandcast.schema.config import CalendarConfig, TableConfig
from demandcast.schema.errors import ContractError


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_a_copy_elsewhere_is_the_same_data(tmp_path):
    one = write(tmp_path / "one", a="1", b="2")
    two = write(tmp_path / "two", a="1", b="2")
    assert data_fingerprint(make_data(one / "*.csv")) == data_fingerprint(make_data(two / "*.csv"))


@pytest.mark.parametrize("files", [{"a": "1", "b": "3"}, {"a": "1"}, {"a": "12", "b": ""}])
def test_other_content_is_other_data(tmp_path, files):
    one = data_fingerprint(make_data(write(tmp_path / "one", a="1", b="2") / "*.csv"))
    assert data_fingerprint(make_data(write(tmp_path / "two", **files) / "*.csv")) != one


def test_every_table_counts(tmp_path):
    folder = write(tmp_path / "d", sales="1", items="2", days="3", ahead="4")

    def digest():
        return data_fingerprint(
            make_data(
                folder / "sales.csv",
                static_tables=(TableConfig(path=str(folder / "items.csv"), on=("item",)),),
                calendar=CalendarConfig(path=str(folder / "days.csv"), on=("date",)),
                future=str(folder / "ahead.csv"),
            )
        )

    seen = {digest()}
    for name in ("sales", "items", "days", "ahead"):
        write(folder, **{name: "changed"})
        seen.add(digest())
    assert len(seen) == 5
    assert all(len(value) == 64 for value in seen)


def test_no_file(tmp_path):
    with pytest.raises(ContractError, match="sales: no file matches"):
        data_fingerprint(make_data(tmp_path / "none.csv"))


def test_tables_of_any_kind_have_a_digest_by_name_and_content(tmp_path):
    folder = write(tmp_path / "d", terms="1", suppliers="2")

    def digest(**names):
        return tables_fingerprint({name: f"{folder}/{file}.csv" for name, file in names.items()})

    found = digest(a="terms", b="suppliers")
    assert found == digest(a="terms", b="suppliers")
    assert len({found, digest(a="suppliers", b="terms"), digest(a="terms")}) == 3
    with pytest.raises(ContractError, match="a: no file matches"):
        digest(a="none")
