"""That `docs/features.md` claims nothing it cannot show.

Decides against a row that says `working` without a test that exists: the last
column must name a test file, or `file::function`, and the function must be in
that file. Numbers run 1 to 164 and X1 to X18, each once, in order.
Never runs the tests: `make test` does.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.tree import Finding, Tree

FEATURES = "docs/features.md"
NUMBERS = (*(str(number) for number in range(1, 165)), *(f"X{number}" for number in range(1, 19)))
STATUSES = frozenset({"working", "partly", "not yet", "not applicable"})
_ROW = re.compile(r"^\|\s*(X?\d+)\s*\|(.*)\|\s*$")
_TEST = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    line: int
    number: str
    status: str
    tests: tuple[str, ...]
    """`path` or `path::function`, as written between backticks."""


def features_are_proved(tree: Tree) -> Iterator[Finding]:
    """Every number is there once, has a known status, and `working` names a test that exists."""
    if not tree.has(FEATURES):
        return
    rows = list(rows_of(tree.text(FEATURES)))
    if tuple(row.number for row in rows) != NUMBERS:
        yield Finding(path=FEATURES, line=1, sentence="the numbers are not 1 to 164 and X1 to X18, in order")
    for row in rows:
        for sentence in _complaints(row, tree):
            yield Finding(path=FEATURES, line=row.line, sentence=f"feature {row.number}: {sentence}")


def rows_of(text: str) -> Iterator[Row]:
    """The table's rows: number, feature, where, status, test."""
    for line, content in enumerate(text.splitlines(), start=1):
        match = _ROW.match(content)
        if match:
            cells = [cell.strip() for cell in match[2].split("|")]
            status, test = (cells[-2], cells[-1]) if len(cells) == 4 else ("", "")
            yield Row(line=line, number=match[1], status=status, tests=tuple(_TEST.findall(test)))


def _complaints(row: Row, tree: Tree) -> Iterator[str]:
    if row.status not in STATUSES:
        yield f"the status is one of {', '.join(sorted(STATUSES))}"
    if row.status == "working" and not row.tests:
        yield "working, but no test is named"
    for test in row.tests:
        path, _, name = test.partition("::")
        if not tree.has(path):
            yield f"{path} does not exist"
        elif name and name not in _functions(tree, path):
            yield f"{path} has no {name}"


def _functions(tree: Tree, path: str) -> set[str]:
    if not path.endswith(".py"):
        return set()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree.parsed(path)) if isinstance(node, kinds)}
