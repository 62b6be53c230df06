"""The house rules as programs: what `make check` runs beyond ruff, mypy and import-linter."""
