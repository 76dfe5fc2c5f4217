"""Finds and reads the proposals of a pipeline; each has a folder of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from demandcast.components.replenishment.audit_chain import digest_of
from demandcast.pipeline.folders import folders_in
from demandcast.schema.artifact_names import (
    PROPOSAL_FACTS_FILE,
    PROPOSAL_TERMS_FILE,
    PROPOSALS_FILE,
)
from demandcast.schema.config import ApprovalConfig
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.proposal_facts import ProposalFacts, check_proposal_terms
from demandcast.schema.proposal_table import check_proposal_table

__all__ = [
    "LATEST",
    "Proposal",
    "find_proposal",
    "known_proposals",
    "named_proposal",
    "proposal_ids",
    "read_proposal",
]

_LOG = logging.getLogger(__name__)

LATEST = "latest"
"""In place of an identity: the newest proposal."""


@dataclass(frozen=True)
class Proposal:
    """A proposal as it lies on disk.

    Attributes:
        folder: Where it lies.
        facts: What is said of it.
        table: The proposal table.
        terms: Pack, least order and costs of its lines; None if there is no such file.
        digest: SHA-256 of the file of the table.
    """

    folder: Path
    facts: ProposalFacts
    table: pl.DataFrame
    terms: pl.DataFrame | None
    digest: str

    @property
    def approval(self) -> ApprovalConfig:
        """Which lines a person must approve: as it was configured when orders were proposed."""
        known = {
            name: value
            for name, value in self.facts.approval.items()
            if name in ApprovalConfig.model_fields
        }
        return ApprovalConfig.model_validate(known)


def proposal_ids(folder: Path) -> list[str]:
    """Lists the proposals that are complete, oldest first; see `known_proposals`."""
    return [facts.proposal_id for facts in known_proposals(folder)]


def known_proposals(folder: Path) -> list[ProposalFacts]:
    """Lists the facts of the proposals that are complete, oldest first.

    Args:
        folder: Folder of the orders of a pipeline.

    Raises:
        ContractError: The facts of one cannot be understood.
    """
    # What is being written, or was when its process was killed, has a name that begins with '.'.
    whole = [
        path
        for path in folders_in(folder)
        if not path.name.startswith(".") and (path / PROPOSAL_FACTS_FILE).is_file()
    ]
    return sorted(map(_facts, whole), key=lambda facts: (facts.created, facts.proposal_id))


def find_proposal(folder: Path, name: str = LATEST) -> Proposal:
    """Reads a proposal and checks it.

    Args:
        folder: Folder of the orders of a pipeline.
        name: Its identity, the beginning of it, or `LATEST`.

    Raises:
        BadInputError: There is none of that name, or there are several.
        ContractError: Its files break their contract.
    """
    known = proposal_ids(folder)
    found = named_proposal(folder, known, name)
    if found != known[-1]:
        # What is exported of both is ordered twice: the newer one did not know of it.
        _LOG.warning("proposal %s is not the newest one; that is %s", found, known[-1])
    return read_proposal(folder / found)


def named_proposal(folder: Path, known: Sequence[str], name: str) -> str:
    """Returns the identity of the proposal of a name.

    Args:
        folder: Where they are, for messages.
        known: All of them, oldest first.
        name: Its identity, the beginning of it, or `LATEST`.

    Raises:
        BadInputError: There is none of that name, or there are several.
    """
    if not known:
        raise BadInputError(f"no proposals in {folder}; 'demandcast replenish' writes them")
    matches = [known[-1]] if name == LATEST else [one for one in known if one.startswith(name)]
    if name in known:
        matches = [name]
    if len(matches) != 1:
        raise BadInputError(
            f"proposal {name!r}: found {len(matches)}; allowed: {LATEST!r}, or an identity or the "
            f"beginning of one; the newest: {', '.join(known[-3:])}"
        )
    return matches[0]


def _facts(folder: Path) -> ProposalFacts:
    path = folder / PROPOSAL_FACTS_FILE
    try:
        facts = ProposalFacts.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ContractError(f"{path}: {place}: {first['msg']}") from error
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror or error}") from error
    if facts.proposal_id != folder.name:
        raise ContractError(
            f"{path}: proposal_id is {facts.proposal_id!r}; it must be that of its folder"
        )
    return facts


def read_proposal(folder: Path) -> Proposal:
    """Reads the proposal of a folder and checks it.

    Raises:
        BadInputError: A file cannot be read.
        ContractError: The files break their contract.
    """
    facts = _facts(folder)
    content = _content(folder / PROPOSALS_FILE)
    table = _table(folder / PROPOSALS_FILE, content)
    check_proposal_table(table, facts.series_key)
    terms = None
    if (folder / PROPOSAL_TERMS_FILE).exists():
        path = folder / PROPOSAL_TERMS_FILE
        terms = _table(path, _content(path))
        check_proposal_terms(terms, facts.series_key)
    return Proposal(folder, facts, table, terms, digest_of(content))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror or error}") from error


def _table(path: Path, content: bytes) -> pl.DataFrame:
    try:
        return pl.read_parquet(content)
    except pl.exceptions.PolarsError as error:
        raise ContractError(f"{path}: is no Parquet file: {error}") from error
