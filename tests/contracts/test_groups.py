"""Do the workers of `make test` keep together what shares a fixture?"""

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="only workers have groups")
def test_this_test_was_sent_with_its_group(request):
    """Nothing fails without groups, but each worker makes the costly fixtures for itself."""
    assert request.node.nodeid.endswith(f"@{request.path}")
