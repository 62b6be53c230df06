"""How a module opens: the docstring that tells a newcomer whether to read on.

Decides that every module of the product and of its load test says what it
decides and what it leaves to others, in four to ten lines. Indented lines (a
tree, a table) and blank ones at its ends are not counted; a package's opening
may be one line, and a ports module, which only declares, may have three.
Never judges the wording.
"""

import ast
from collections.abc import Iterator

from tools.tree import Finding, Tree

LINES_MIN = 4
LINES_MIN_PORTS = 3
LINES_MAX = 10
FOLDERS = ("gateway", "loadtest", "tools")


def modules_open_with_a_docstring(tree: Tree) -> Iterator[Finding]:
    """Every module says what it is about, at the right length."""
    for path in tree.python(*FOLDERS):
        docstring = ast.get_docstring(tree.parsed(path))
        if not docstring:
            yield Finding(path=path, line=1, sentence="no module docstring: say what it decides")
            continue
        lines = [line for line in docstring.splitlines() if not line.startswith(" ")]
        low, high = _bounds(path), LINES_MAX
        if not low <= len(lines) <= high:
            sentence = f"the module docstring has {len(lines)} lines; {low} to {high} are asked for"
            yield Finding(path=path, line=1, sentence=sentence)


def _bounds(path: str) -> int:
    name = path.rsplit("/", 1)[-1]
    if name in {"__init__.py", "__main__.py"}:
        return 1
    return LINES_MIN_PORTS if name.endswith("ports.py") else LINES_MIN
