"""What a core never does: wait, look at a clock, draw a number, print, open.

Decides against side effects that an import check cannot see: `await`, a call
to `open` or `datetime.now`. Concept files (floor 1) are held to it, because a
core that only computes can be replayed under a simulated clock.
Never looks at imports: that is `floors.py`.
"""

import ast
from collections.abc import Iterator

from tools.floors import Floor, floor_of
from tools.tree import Finding, Tree

NAMES_REFUSED = frozenset(
    {"open", "print", "input", "breakpoint", "eval", "exec", "uuid1", "uuid4", "token_hex"}
)
"""Functions a core never calls by their plain name."""
ATTRIBUTES_REFUSED = frozenset({
    "now", "utcnow", "today", "uuid1", "uuid4", "urandom", "sleep",
    "read_text", "read_bytes", "write_text", "write_bytes", "exists", "mkdir", "unlink",
})  # fmt: skip
"""Methods a core never calls on anything."""
LOGGERS = frozenset({"log", "logger", "logging", "_log", "_logger"})
"""Names whose methods are log calls."""
WAITING = (ast.Await, ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith)


def cores_are_pure(tree: Tree) -> Iterator[Finding]:
    """No concept file waits, reads a clock, draws a number, logs or does I/O."""
    for path in tree.python("gateway"):
        if floor_of(module_name(path)) is not Floor.CORE:
            continue
        for node in ast.walk(tree.parsed(path)):
            what = _impurity(node)
            if what is not None:
                sentence = f"{what} in a core: hand the value in, or do it in a service or adapter"
                yield Finding(path=path, line=getattr(node, "lineno", 1), sentence=sentence)


def module_name(path: str) -> str:
    """`gateway/metering/tick.py` as `gateway.metering.tick`."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _impurity(node: ast.AST) -> str | None:
    if isinstance(node, WAITING):
        return "waiting"
    if not isinstance(node, ast.Call):
        return None
    called = node.func
    if isinstance(called, ast.Name) and called.id in NAMES_REFUSED:
        return f"{called.id}()"
    if isinstance(called, ast.Attribute):
        owner = called.value.id if isinstance(called.value, ast.Name) else ""
        if called.attr in ATTRIBUTES_REFUSED or owner in LOGGERS:
            return f"{owner or '…'}.{called.attr}()"
    return None
