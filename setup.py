"""Builds the native relay where there is a compiler; everything else of the package is in pyproject.toml.

Decides which sources become extensions and where generated C goes: below `build/`, never beside the
sources. An extension that cannot be built is left out, and the relay in Python runs instead
(docs/decisions/0020-the-relay-in-c.md). The load test's forwarder and its crowd are built in a
working tree only.
"""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = (
    "gateway/media/adapters/native/engine.pyx",
    "loadtest/relay/floor.pyx",
    "loadtest/crowd/engine.pyx",
)


class BuildWhatCanBe(build_ext):
    """Goes on without an extension that does not compile."""

    def finalize_options(self) -> None:
        """Look at where the extensions go."""
        super().finalize_options()
        if not (self.inplace or self.editable_mode):
            self.extensions = [each for each in self.extensions if each.name.startswith("gateway.")]
        for each in self.extensions:
            # Said here because cythonize makes its own extensions and forgets it.
            each.optional = True


setup(
    cmdclass={"build_ext": BuildWhatCanBe},
    ext_modules=cythonize(
        [
            Extension(source.removesuffix(".pyx").replace("/", "."), [source])
            for source in SOURCES
            if Path(source).exists()
        ],
        build_dir="build/c",
        quiet=True,
    ),
)
