"""The project's own files, read once.

Decides which files the house rules look at: everything a person wrote, nothing
that was built, downloaded or cached. Finding is the answer of every rule.
Never judges (the rules do) and never writes.
Keeps: paths are relative to the root, with forward slashes, in sorted order.
"""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

SKIPPED_FOLDERS = frozenset({
    ".git", ".venv", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".import_linter_cache",
    "__pycache__", "node_modules", "build", "dist", "data",
})  # fmt: skip
"""Folder names that hold nothing a person wrote; the same list as .gitignore."""

SKIPPED_PATHS = frozenset({"gateway/pages"})
"""Built from `web/`."""

TEXT_SUFFIXES = frozenset({
    "", ".c", ".cfg", ".css", ".h", ".html", ".in", ".ini", ".js", ".json", ".lock", ".md", ".mjs", ".npmrc",
    ".py", ".pyi", ".pyx", ".sh", ".sql", ".svg", ".toml", ".ts", ".tsx", ".txt", ".yaml", ".yml",
})  # fmt: skip
"""Endings of files that are read as UTF-8 text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place that breaks a rule."""

    path: str
    """Relative to the root."""
    line: int
    """From 1."""
    sentence: str
    """What is wrong and what to do instead."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}"


class Tree:
    """The files below one root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._texts: dict[str, str] = {}

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every text file that a person wrote."""
        return tuple(sorted(path for path in self._walk() if Path(path).suffix in TEXT_SUFFIXES))

    def python(self, *folders: str) -> tuple[str, ...]:
        """Python files under the folders (`gateway`, `tests`, …)."""
        return tuple(path for path in self.paths if path.endswith(".py") and path.split("/", 1)[0] in folders)

    def has(self, path: str) -> bool:
        """Whether a file or folder is there, skipped or not."""
        return (self.root / path).exists()

    def text(self, path: str) -> str:
        """A file's text; an empty one for a file that is not there."""
        if path not in self._texts:
            file = self.root / path
            self._texts[path] = file.read_text(encoding="utf-8") if file.is_file() else ""
        return self._texts[path]

    def parsed(self, path: str) -> ast.Module:
        """A Python file's syntax tree."""
        return ast.parse(self.text(path), filename=path)

    def _walk(self) -> Iterator[str]:
        for folder, names, files in os.walk(self.root):
            here = Path(folder).relative_to(self.root)
            names[:] = [name for name in names if not _is_skipped(here / name)]
            for file in files:
                yield (here / file).as_posix()


def _is_skipped(folder: Path) -> bool:
    is_built = folder.name in SKIPPED_FOLDERS or folder.name.endswith(".egg-info")
    return is_built or folder.as_posix() in SKIPPED_PATHS
