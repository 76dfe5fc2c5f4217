"""The command line: `python -m schema_provider --help`."""

import sys

from schema_provider.cli import main

sys.exit(main(sys.argv[1:]))
