import gzip

import pytest

from demandcast.components.examples.files import file_format, is_local, list_files, open_file
from demandcast.schema.errors import ContractError


def test_lists_files_in_the_order_of_their_names(tmp_path):
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "d.csv").mkdir()
    assert list_files(f"{tmp_path}/*.csv", table="sales") == [
        f"{tmp_path}/a.csv",
        f"{tmp_path}/b.csv",
    ]


def test_says_which_pattern_matches_nothing(tmp_path):
    with pytest.raises(ContractError, match=r"future: no file matches '.*nothing\.csv'"):
        list_files(f"{tmp_path}/nothing.csv", table="future")


def test_a_directory_is_named_as_one(tmp_path):
    with pytest.raises(ContractError) as caught:
        list_files(f"{tmp_path}/", table="sales")
    assert str(caught.value) == (
        f"sales: '{tmp_path}/' is a directory; expected the files in it: '{tmp_path}/*.parquet' "
        f"or '{tmp_path}/*.csv'"
    )


@pytest.mark.parametrize("name", ["sales.parquet", "SALES.PQ"])
def test_knows_parquet(name):
    assert file_format(name, table="sales") == "parquet"


def test_refuses_an_unknown_suffix():
    with pytest.raises(ContractError, match=r"sales: cannot tell .*'sales\.xlsx'.*\.parquet"):
        file_format("sales.xlsx", table="sales")


def test_opens_compressed_files(tmp_path):
    path = tmp_path / "sales.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n"))
    with open_file(str(path)) as stream:
        assert stream.read() == b"a,b\n"


def test_tells_local_from_remote():
    assert is_local("/data/sales.csv")
    assert not is_local("gs://bucket/sales.csv")
