"""Do the workers of `make test` keep together what shares a fixture?"""

import pytest


def test_this_test_was_sent_with_its_group(request):
    """Nothing fails without groups, but each worker makes the costly fixtures for itself."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("groups are of --dist loadgroup, as in make test")
    assert request.node.nodeid.endswith(f"@{request.path}")
