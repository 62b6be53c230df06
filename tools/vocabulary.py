"""That every fact has a listener or a teller besides its own definition.

Decides against facts nobody uses: a class in `gateway/facts.py` must be named
by another module of the product. Together with the table at the top of that
file it keeps the list of facts the truth about what crosses packages.
Never checks who may listen: `app.py` says so.
"""

import ast
import re
from collections.abc import Iterator

from tools.tree import Finding, Tree

FACTS = "gateway/facts.py"


def facts_are_used(tree: Tree) -> Iterator[Finding]:
    """Every fact is told or heard by somebody, and listed in the table."""
    if not tree.has(FACTS):
        return
    words = _words_elsewhere(tree)
    module = tree.parsed(FACTS)
    table = ast.get_docstring(module) or ""
    for node in module.body:
        if not (isinstance(node, ast.ClassDef) and any(_is_fact(base) for base in node.bases)):
            continue
        if node.name not in words:
            yield Finding(path=FACTS, line=node.lineno, sentence=f"nobody tells or hears {node.name}")
        if node.name not in table:
            yield Finding(
                path=FACTS, line=node.lineno, sentence=f"{node.name} is missing in the table on top"
            )


def _is_fact(base: ast.expr) -> bool:
    return isinstance(base, ast.Name) and base.id == "Fact"


def _words_elsewhere(tree: Tree) -> set[str]:
    words: set[str] = set()
    for path in tree.python("gateway"):
        if path != FACTS:
            words.update(re.findall(r"\w+", tree.text(path)))
    return words
