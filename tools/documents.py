"""That the documents lead somewhere and give their reasons.

Decides against a relative link to a file that is not there (also a path named
in a docstring as `docs/…md`), against a section quoted in the code that its page
does not have, and against a dependency in `pyproject.toml` or `web/package.json`
that no page of `docs/decisions/` gives a reason for.
Never follows links that leave the project.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath

from tools.tree import Finding, Tree

_LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
_PAGE = re.compile(r"\bdocs/[\w./-]+\.(?:md|svg)\b")
_SECTION = re.compile(r'(docs/[\w./-]+\.md),\s+"([^"]+)"')
_NAME = re.compile(r"^[A-Za-z0-9._-]+")
CODE = ("gateway/", "loadtest/", "tools/", "web/src/")
DECISIONS = "docs/decisions/"


def links_lead_somewhere(tree: Tree) -> Iterator[Finding]:
    """Every relative link and every `docs/` path named in the code exists."""
    for path in tree.paths:
        is_page = path.endswith(".md")
        if not is_page and not path.startswith(CODE):
            continue
        for number, line in enumerate(tree.text(path).splitlines(), start=1):
            targets = _targets(path, line) if is_page else _PAGE.findall(line)
            for target in targets:
                if not tree.has(target):
                    yield Finding(path=path, line=number, sentence=f"{target} does not exist")


def sections_exist(tree: Tree) -> Iterator[Finding]:
    """Every section quoted in the code (page, comma, section in quotes) is a heading of that page."""
    for path in tree.paths:
        if not path.startswith(CODE):
            continue
        text = tree.text(path)
        for match in _SECTION.finditer(text):
            section = re.sub(r"[\s#*/]+", " ", match[2]).strip().casefold()
            if section not in _headings(tree.text(match[1])):
                line = text.count("\n", 0, match.start()) + 1
                yield Finding(path=path, line=line, sentence=f"{match[1]} has no section {match[2]!r}")


def dependencies_have_reasons(tree: Tree) -> Iterator[Finding]:
    """Every direct dependency is named between backticks in a decision."""
    pages = "\n".join(tree.text(path) for path in tree.paths if path.startswith(DECISIONS))
    for path, name in _dependencies(tree):
        if f"`{name}`" not in pages:
            yield Finding(path=path, line=1, sentence=f"{name} has no reason in {DECISIONS}")


def _headings(page: str) -> set[str]:
    lines = (line.lstrip("#") for line in page.splitlines() if line.startswith("#"))
    return {re.sub(r"[\s/`]+", " ", line).strip().casefold() for line in lines}


def _targets(path: str, line: str) -> Iterator[str]:
    for target in _LINK.findall(line):
        if "://" in target or target.startswith(("mailto:", "/")):
            continue
        parts: list[str] = []
        for part in (*PurePosixPath(path).parent.parts, *PurePosixPath(target).parts):
            if part == "..":
                parts.pop()
            elif part != ".":
                parts.append(part)
        yield "/".join(parts)


def _dependencies(tree: Tree) -> Iterator[tuple[str, str]]:
    project = tomllib.loads(tree.text("pyproject.toml")).get("project", {})
    extras = project.get("optional-dependencies", {}).values()
    for requirement in (*project.get("dependencies", ()), *(item for extra in extras for item in extra)):
        match = _NAME.match(requirement)
        yield "pyproject.toml", match[0] if match else requirement
    package = json.loads(tree.text("web/package.json") or "{}")
    for section in ("dependencies", "devDependencies"):
        for name in package.get(section, {}):
            yield "web/package.json", name
