"""Audits a gateway's database from outside: `python -m loadtest.auditor FILE`.

Decides what is printed and the exit status: 0 where nothing is wrong, 1 where
something is.
Never writes to the file; audit.py has the checks that need no truth.
"""

import json
import sys

from loadtest.auditor import audit_file


def main() -> int:
    """Print the verdict as one object."""
    if len(sys.argv) != 2:
        print("usage: python -m loadtest.auditor FILE", file=sys.stderr)
        return 2
    verdict = audit_file(sys.argv[1])
    print(json.dumps(verdict.as_json(), indent=2))
    return 0 if verdict.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
