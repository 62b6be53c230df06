"""How long a file and a function may be, and what a file may be called.

Decides against files that no longer hold one concept. The ceilings are hard;
the list of exceptions is empty and is meant to stay so.
Never counts what a machine wrote (lock files, built pages).
See docs/decisions/0010-floors-and-ceilings.md.
"""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.tree import Finding, Tree

FILE_LINES_MAX = 400
"""Of one source file; most are 80 to 200."""
FUNCTION_LINES_MAX = 60
"""Of one Python function, signature and docstring included; most are under 15."""
EXCEPTIONS: frozenset[str] = frozenset()
"""`path` or `path:function` that may be longer."""
NAMES_REFUSED = frozenset({"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"})
"""Names that say nothing about what a file decides."""
SOURCE_SUFFIXES = frozenset({".py", ".pyi", ".pyx", ".ts", ".tsx", ".js", ".mjs", ".css", ".c", ".h", ".sh"})
"""Files that the ceiling is about."""
PYTHON_FOLDERS = ("gateway", "loadtest", "tests", "tools")


def files_within_ceiling(tree: Tree) -> Iterator[Finding]:
    """No source file is longer than the ceiling."""
    for path in tree.paths:
        if PurePosixPath(path).suffix not in SOURCE_SUFFIXES or path in EXCEPTIONS:
            continue
        lines = len(tree.text(path).splitlines())
        if lines > FILE_LINES_MAX:
            sentence = f"{lines} lines, the ceiling is {FILE_LINES_MAX}: split it by concept"
            yield Finding(path=path, line=FILE_LINES_MAX + 1, sentence=sentence)


def functions_within_ceiling(tree: Tree) -> Iterator[Finding]:
    """No function is longer than the ceiling."""
    for path in tree.python(*PYTHON_FOLDERS):
        for node in ast.walk(tree.parsed(path)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX and f"{path}:{node.name}" not in EXCEPTIONS:
                sentence = f"{node.name} has {lines} lines, the ceiling is {FUNCTION_LINES_MAX}"
                yield Finding(path=path, line=node.lineno, sentence=sentence)


def names_say_something(tree: Tree) -> Iterator[Finding]:
    """No file or folder is called `utils` or the like."""
    for path in tree.paths:
        if PurePosixPath(path).suffix not in SOURCE_SUFFIXES - {".css"}:
            continue
        for part in PurePosixPath(path).parts:
            words = part.split(".", 1)[0].lower().replace("-", "_").split("_")
            refused = NAMES_REFUSED.intersection(words)
            if refused:
                sentence = f"{part} says {', '.join(sorted(refused))}: name the concept instead"
                yield Finding(path=path, line=1, sentence=sentence)
                break
