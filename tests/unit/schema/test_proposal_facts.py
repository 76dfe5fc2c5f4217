import polars as pl
import pytest
from order_folders import KEY, make_facts, make_proposals, make_terms
from pydantic import ValidationError

from demandcast.schema.errors import ContractError
from demandcast.schema.proposal_facts import LIMITS, TERMS, ProposalFacts, check_proposal_terms


def test_facts_survive_their_file_and_later_keys_are_passed_over():
    facts = make_facts()
    text = facts.model_dump_json()
    assert ProposalFacts.model_validate_json(text) == facts
    assert make_facts(of_a_later_release=1) == facts


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a b"])
def test_an_identity_is_the_name_of_a_folder(name):
    with pytest.raises(ValidationError, match="proposal_id"):
        make_facts(proposal_id=name)


def test_terms_have_their_columns_and_each_series_once():
    terms = make_terms(make_proposals())
    check_proposal_terms(terms.with_columns(further=1), KEY)
    check_proposal_terms(terms.clear(), KEY)
    for name in (*KEY, *TERMS):
        with pytest.raises(ContractError, match=name):
            check_proposal_terms(terms.drop(name), KEY)
    with pytest.raises(ContractError, match="moq: Float64"):
        check_proposal_terms(terms.with_columns(pl.col("moq").cast(pl.Int64)), KEY)
    for name in LIMITS:
        with pytest.raises(ContractError, match=name):
            check_proposal_terms(terms.with_columns(pl.lit("many").alias(name)), KEY)
    with pytest.raises(ContractError, match=r"twice: 16 rows, first: .*item_001"):
        check_proposal_terms(pl.concat([terms, terms]), KEY)
