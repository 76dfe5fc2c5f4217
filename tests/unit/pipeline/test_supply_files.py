"""The digest of the tables of supply; reading them is tested through the proposals."""

from supply_world import supply_config, write_supply

from demandcast.pipeline.supply_files import supply_fingerprint


def test_the_same_tables_have_the_same_digest_wherever_they_lie(tmp_path):
    found = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write_supply(folder)
        found.add(supply_fingerprint(supply_config(folder)))
    assert len(found) == 1


def test_other_stock_has_another_digest_and_the_other_tables_keep_theirs(tmp_path):
    write_supply(tmp_path)
    config = supply_config(tmp_path)
    before = supply_fingerprint(config).split()
    write_supply(tmp_path, on_hand=1.0)
    after = supply_fingerprint(config).split()
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]


def test_a_table_that_is_not_there_counts_as_that(tmp_path):
    write_supply(tmp_path)
    (tmp_path / "suppliers.csv").unlink()
    first, second, third = supply_fingerprint(supply_config(tmp_path)).split()
    assert len(first) == len(second) == 64
    assert third == "none"


def test_another_snapshot_is_another_file(tmp_path):
    changes = {
        "data.sales": "{snapshot}/sales.csv",
        "data.snapshot": "1",
        "replenishment.tables": {
            "inventory": {"path": "{snapshot}/inventory.csv"},
            "supply_terms": {"path": "supply_terms.csv"},
        },
    }
    for snapshot, stock in (("1", 0.0), ("2", 4.0)):
        (tmp_path / snapshot).mkdir()
        write_supply(tmp_path / snapshot, on_hand=stock)
    write_supply(tmp_path)
    config = supply_config(tmp_path, **changes)
    other = supply_config(tmp_path, **(changes | {"data.snapshot": "2"}))
    (one, terms), (two, same) = (supply_fingerprint(each).split() for each in (config, other))
    assert one != two
    assert terms == same
