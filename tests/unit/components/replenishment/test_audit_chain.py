import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.replenishment.audit_chain import (
    GENESIS,
    AuditEntry,
    digest_of,
    link,
    read_chain,
)


def entry(number, **changes):
    values = {"proposal_id": "p", "key": {"store": "s", "item": f"i{number}"}, "after": 12.0}
    return AuditEntry("change", "2026-07-01T08:00:00+00:00", "anna", **(values | changes))


def log(*batches):
    """The bytes of a log to which batches were added one after the other."""
    content, count, head = b"", 0, GENESIS
    for batch in batches:
        lines, head = link(batch, after=count, head=head)
        count += len(lines)
        content += b"".join(line + b"\n" for line in lines)
    return content


THREE = log([entry(1)], [entry(2, reason="Straßenfest\n= nine")], [entry(3)])


def test_a_line_is_json_and_holds_the_sha256_of_the_line_before():
    first, second, third = THREE.splitlines()
    assert json.loads(first)["previous"] == "0" * 64
    assert json.loads(second)["previous"] == hashlib.sha256(first).hexdigest()
    assert json.loads(third)["previous"] == hashlib.sha256(second).hexdigest()
    assert [json.loads(line)["sequence"] for line in THREE.splitlines()] == [1, 2, 3]


def test_what_was_written_is_read():
    chain = read_chain(THREE)
    assert [found.key["item"] for found in chain.entries] == ["i1", "i2", "i3"]
    assert chain.entries[1].reason == "Straßenfest\n= nine"
    assert chain.head == hashlib.sha256(THREE.splitlines()[-1]).hexdigest()
    assert (chain.torn, chain.broken) == (b"", "")


def test_an_empty_log_is_whole():
    chain = read_chain(b"")
    assert (chain.entries, chain.head, chain.torn, chain.broken) == ((), GENESIS, b"", "")


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize(("old", "new"), [(b"12.0", b"13.0"), (b"anna", b"anne")])
def test_a_changed_line_breaks_the_chain_unless_it_is_the_last(at, old, new):
    lines = THREE.splitlines(keepends=True)
    lines[at] = lines[at].replace(old, new)
    chain = read_chain(b"".join(lines))
    if at == 2:  # Only a digest kept elsewhere shows it.
        assert chain.broken == ""
        assert chain.head != read_chain(THREE).head
    else:
        assert chain.broken.startswith(f"line {at + 2} does not follow from the line before")
        assert len(chain.entries) == at + 1


def test_removed_added_and_swapped_lines_break_the_chain():
    one, two, three = THREE.splitlines(keepends=True)
    assert read_chain(one + three).broken.startswith("line 2 does not follow")
    assert read_chain(two + three).broken.startswith("line 1 does not follow")
    assert read_chain(one + one + two).broken.startswith("line 2 does not follow")
    assert read_chain(one + three + two).broken.startswith("line 2 does not follow")


def test_a_line_in_the_middle_that_is_no_entry_is_a_break():
    one, _, three = THREE.splitlines(keepends=True)
    for odd in (b"\n", b"{}\n", b"\x00\x00\n", b'{"sequence": 2}\n'):
        assert read_chain(one + odd + three).broken == "line 2 is no entry of an audit log"


def test_a_number_that_does_not_count_up_is_a_break():
    line = entry(1).line()  # Its number is 0.
    assert read_chain(line + b"\n").broken == "line 1 says that it is number 0"


@pytest.mark.parametrize("cut", range(1, len(THREE.splitlines()[-1]) + 1, 37))
def test_a_torn_last_line_is_told_from_a_break(cut):
    chain = read_chain(THREE[:-cut])
    assert chain.broken == ""
    assert len(chain.entries) == 2
    whole = b"".join(THREE.splitlines(keepends=True)[:2])
    assert whole + chain.torn == THREE[:-cut]


def test_what_a_disk_makes_of_a_torn_line_is_torn():
    for rest in (b"\x00" * 100, b"\x00" * 100 + b"\n", b"not json\n"):
        chain = read_chain(THREE + rest)
        assert (len(chain.entries), chain.torn, chain.broken) == (3, rest, "")


def test_of_entries_that_count_together_all_count_or_none():
    content = log([entry(1)], [entry(2), entry(3), entry(4)])
    lines = content.splitlines(keepends=True)
    for kept in (2, 3):
        cut = b"".join(lines[:kept])
        for rest in (b"", lines[kept][:20]):
            chain = read_chain(cut + rest)
            assert (len(chain.entries), chain.broken) == (1, "")
            assert chain.torn == b"".join(lines[1:kept]) + rest
            assert chain.head == digest_of(lines[0].rstrip(b"\n"))
    assert len(read_chain(content).entries) == 4


def test_parts_in_the_middle_must_be_complete():
    lines, _ = link([entry(1), entry(2)], after=0, head=GENESIS)
    first = lines[0]
    after, _ = link([entry(3)], after=1, head=digest_of(first))
    broken = read_chain(first + b"\n" + after[0] + b"\n").broken
    assert broken == "line 2 is part 1 of 1; expected part 2 of 2"


@given(
    st.lists(st.lists(st.text(max_size=5), min_size=1, max_size=3), max_size=5),
    st.integers(min_value=0),
)
def test_a_log_that_is_cut_anywhere_gives_whole_batches(batches, cut):
    content = log(*([entry(1, reason=word) for word in batch] for batch in batches))
    left = content[: len(content) - cut % (len(content) + 1)]
    chain = read_chain(left)
    ends = [sum(map(len, batches[:count])) for count in range(len(batches) + 1)]
    assert chain.broken == ""
    assert len(chain.entries) in ends
    kept = b"".join(left.splitlines(keepends=True)[: len(chain.entries)]) if chain.entries else b""
    assert kept + chain.torn == left
