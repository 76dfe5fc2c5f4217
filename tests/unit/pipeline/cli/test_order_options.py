import getpass
import logging

import click
import pytest
from click.testing import CliRunner
from order_folders import PROPOSAL_ID

from demandcast.pipeline.cli.order_options import (
    filter_options,
    log_shown,
    opened_desk,
    user_name,
)
from demandcast.schema.errors import BadInputError


def test_a_name_that_is_given_is_taken_as_it_is(monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "the-system")
    assert user_name("anna") == "anna"
    assert user_name("") == ""  # Which the desk refuses.
    assert user_name(None) == "the-system"


def test_a_system_that_knows_nobody_asks_for_a_name(monkeypatch):
    def unknown():
        raise OSError("no user")

    monkeypatch.setattr(getpass, "getuser", unknown)
    with pytest.raises(BadInputError, match="does not say who is logged in; give it"):
        user_name(None)


def test_filters_may_be_repeated():
    @click.command()
    @filter_options
    def command(**filters):
        click.echo(sorted(filters.items()))

    words = ["--risk", "low", "--risk", "high", "--supplier", "north"]
    assert CliRunner().invoke(command, words).output == (
        "[('risk', ('low', 'high')), ('state', ()), ('status', ()), ('supplier', 'north')]\n"
    )


def test_warnings_of_the_log_are_shown_unless_quiet(capsys):
    for quiet in (False, True):
        with log_shown(quiet=quiet):
            logging.getLogger("demandcast.pipeline.orders").warning("torn")
    assert capsys.readouterr().err.count("torn") == 1


def test_a_desk_that_is_not_the_newest_says_so(shop, capsys):
    shop.propose()
    assert opened_desk(shop.config, "latest").proposal.facts.proposal_id == PROPOSAL_ID
    assert capsys.readouterr().err == ""
    shop.propose(proposal_id="20260701", created="2026-07-01T20:00:00+00:00")
    opened_desk(shop.config, PROPOSAL_ID)
    assert "is not the newest one" in capsys.readouterr().err
