"""What no file of the project may contain.

Decides against unfinished work left in place, against download addresses in
lock files and against paths of one particular machine: the project must build
the same wherever its folder lies and whichever index a machine uses.
Never looks into built or downloaded files.
"""

import re
from collections.abc import Iterator

from tools.tree import Finding, Tree

REFUSED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(?:TOD[O]|FIXM[E]|HAC[K])\b"), "unfinished work: do it, or write a feature row"),
    (re.compile(r'"resolve[d]":\s*"http'), "a download address in a lock file: npm finds packages by name"),
    (
        re.compile(r"--(?:extra-)?index-ur[l]|\bindex-ur[l]\s*="),
        "an index address: the machine's own is used",
    ),
    (
        re.compile(r"(?<![\w.])/(?:wor[k]|roo[t]|hom[e]/\w+|User[s]/\w+)/"),
        "a path of one machine: make it relative",
    ),
)
"""What is refused, and what to do instead; a bracket in each pattern lets this file pass."""


def text_is_clean(tree: Tree) -> Iterator[Finding]:
    """No refused wording anywhere."""
    for path in tree.paths:
        for number, line in enumerate(tree.text(path).splitlines(), start=1):
            for pattern, sentence in REFUSED:
                if pattern.search(line):
                    yield Finding(path=path, line=number, sentence=sentence)
