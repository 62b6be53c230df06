"""That what can be set, measured or refused is written down for the people who run it.

Decides against a setting or a metric that docs/operations.md does not name, and
against a problem code that neither docs/wire.md nor docs/operations.md explains.
Names are taken from the code itself, so the pages cannot fall behind it.
Never judges the explanation.
"""

import ast
import re
from collections.abc import Iterator

from tools.tree import Finding, Tree

OPERATIONS = "docs/operations.md"
WIRE = "docs/wire.md"
SETTINGS = "gateway/config.py"
_METRIC = re.compile(r"""["'](gateway_[a-z0-9_]+)["']""")
_COUNTER_ENDS = re.compile(r"_(?:total|created|bucket|sum|count)$")


def settings_are_documented(tree: Tree) -> Iterator[Finding]:
    """Every field of `Settings` has its row."""
    if not tree.has(SETTINGS):
        return
    page = tree.text(OPERATIONS)
    for node in ast.walk(tree.parsed(SETTINGS)):
        if isinstance(node, ast.ClassDef) and node.name == "Settings":
            for item in node.body:
                if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                    yield from _missing(page, f"`{item.target.id}`", SETTINGS, item.lineno)


def metrics_are_documented(tree: Tree) -> Iterator[Finding]:
    """Every metric has its row; a counter may be named with or without its `_total`."""
    page = tree.text(OPERATIONS)
    for path in tree.python("gateway"):
        if not path.startswith("gateway/admin/"):
            continue
        for number, line in enumerate(tree.text(path).splitlines(), start=1):
            for name in _METRIC.findall(line):
                yield from _missing(page, _COUNTER_ENDS.sub("", name), path, number)


def codes_are_documented(tree: Tree) -> Iterator[Finding]:
    """Every code given to a problem is explained."""
    pages = tree.text(WIRE) + tree.text(OPERATIONS)
    for path in tree.python("gateway"):
        if path.startswith("gateway/sdk/"):
            continue
        for node in ast.walk(tree.parsed(path)):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                yield from _missing(pages, f"`{node.value.value!s}`", path, node.value.lineno)


def _missing(page: str, name: str, path: str, line: int) -> Iterator[Finding]:
    if name not in page:
        yield Finding(path=path, line=line, sentence=f"{name} is not in {OPERATIONS} or {WIRE}")
