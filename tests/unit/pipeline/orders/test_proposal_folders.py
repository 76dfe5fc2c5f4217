import json

import polars as pl
import pytest
from order_folders import CUTOFF, PROPOSAL_ID, make_proposals, write_proposal

from demandcast.components.replenishment.audit_chain import digest_of
from demandcast.pipeline.orders.proposal_folders import find_proposal, proposal_ids
from demandcast.schema.errors import BadInputError, ContractError

LATER = "20260701-200000-000"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "orders"


def propose_later(folder):
    return write_proposal(folder, proposal_id=LATER, created="2026-07-01T20:00:00+00:00")


def test_a_proposal_is_read_whole(folder):
    place = write_proposal(folder)
    found = find_proposal(folder)
    assert (found.folder, found.facts.proposal_id) == (place, PROPOSAL_ID)
    assert (found.facts.cutoff, found.facts.series_key) == (CUTOFF, ("store", "item"))
    assert found.table.equals(make_proposals())
    assert found.terms is not None
    assert found.digest == digest_of((place / "proposals.parquet").read_bytes())


def test_the_newest_is_taken_and_others_are_found_by_name(folder, caplog):
    write_proposal(folder)
    propose_later(folder)
    assert proposal_ids(folder) == [PROPOSAL_ID, LATER]
    assert find_proposal(folder).facts.proposal_id == LATER
    assert caplog.text == ""
    for name in (PROPOSAL_ID, "20260630"):
        found = find_proposal(folder, name)
        assert found.facts.proposal_id == PROPOSAL_ID
        assert f"proposal {PROPOSAL_ID} is not the newest one; that is {LATER}" in caplog.text


@pytest.mark.parametrize("name", ["1999", "2026"])
def test_a_name_of_none_or_several_is_refused(folder, name):
    write_proposal(folder)
    propose_later(folder)
    with pytest.raises(BadInputError, match=f"proposal '{name}': found [02]; allowed: 'latest'"):
        find_proposal(folder, name)


def test_there_may_be_no_proposals(folder):
    with pytest.raises(
        BadInputError, match=r"no proposals in .*'demandcast replenish' writes them"
    ):
        find_proposal(folder)


def test_a_folder_without_facts_is_not_complete(folder):
    write_proposal(folder)
    (propose_later(folder) / "proposals.json").unlink()
    assert proposal_ids(folder) == [PROPOSAL_ID]


def test_a_folder_that_is_being_written_is_not_there_yet(folder):
    write_proposal(folder)
    propose_later(folder).rename(folder / f".{LATER}-aside")
    assert proposal_ids(folder) == [PROPOSAL_ID]


def test_terms_may_be_missing(folder):
    (write_proposal(folder) / "proposal_terms.parquet").unlink()
    assert find_proposal(folder).terms is None


def test_files_that_break_their_contract_are_named(folder):
    place = write_proposal(folder)
    facts = place / "proposals.json"
    text = facts.read_text()
    facts.write_text(json.dumps(json.loads(text) | {"proposal_id": "another"}))
    with pytest.raises(ContractError, match="it must be that of its folder"):
        find_proposal(folder)
    for odd, what in (('{"proposal_id": 7}', "proposal_id"), ("{", "the file"), ("", "the file")):
        facts.write_text(odd)
        with pytest.raises(ContractError, match=f"proposals.json: {what}: "):
            find_proposal(folder)
    facts.write_text(text)
    make_proposals().drop("rank").write_parquet(place / "proposals.parquet")
    with pytest.raises(ContractError, match=r"missing: \['rank'\]"):
        find_proposal(folder)
    (place / "proposals.parquet").write_bytes(b"odd")
    with pytest.raises(ContractError, match="is no Parquet file"):
        find_proposal(folder)
    (place / "proposals.parquet").unlink()
    with pytest.raises(BadInputError, match="cannot be read: No such file"):
        find_proposal(folder)


def test_terms_that_break_their_contract_are_refused(folder):
    write_proposal(folder, terms=pl.DataFrame({"store": ["s"]}))
    with pytest.raises(ContractError, match="proposal terms"):
        find_proposal(folder)
