"""Which floor a module stands on and what it may import from there.

Decides the product's one structural rule: lower never imports higher, sibling
packages never import each other, third-party code enters at floor 3. A floor
follows from the module's name alone. Pure: the import graph is handed in by
`floors_contract.py` (for import-linter) or by a test.
Never looks at what a module calls: that is `purity.py`.
See docs/architecture.md, "Floors".
"""

import sys
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

VOCABULARY = frozenset({"ids", "money", "clock", "errors", "limits", "terms", "facts", "work", "config"})
"""Modules directly in `gateway/` that everybody may import."""
COMPOSITION = frozenset(
    {
        "app",
        "bridge",
        "cli",
        "collector",
        "demo",
        "doctor",
        "evidence_cli",
        "ledger_cli",
        "selftest",
        "__main__",
    }
)
"""Modules and folders directly in `gateway/` that put the rest together."""
PACKAGES = frozenset({"signaling", "media", "metering", "moderation", "booking", "admin"})
"""Siblings that meet by facts and ports only."""
BENCHES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "loadtest.relay": ("gateway.media",),
        "loadtest.calls": ("gateway.collector",),
        "loadtest.crowd": ("gateway.media",),
        "loadtest.ledger": ("gateway.booking", "gateway.collector", "gateway.store"),
        "loadtest.meters": ("gateway",),
        "loadtest.serving": ("gateway",),
        "loadtest.simulation": ("gateway",),
    }
)
"""Load tests, each with all modules below it, that run parts of the product inside themselves, and which parts."""
WITNESSES = frozenset({"loadtest.auditor"})
"""Parts of the load test that judge the product and share no code with it, not even its vocabulary."""
GROUND = frozenset({"store", "http"})
"""What adapters stand on; no domain word in them."""

NEVER_BELOW_SERVICES = frozenset({"asyncio", "socket", "random", "logging"})
"""Standard modules that floors 0 and 1 do without."""
NEVER_IN_CORES = NEVER_BELOW_SERVICES | frozenset({
    "concurrent", "http", "io", "multiprocessing", "os", "secrets", "select", "shutil", "signal", "sqlite3", "ssl",
    "subprocess", "tempfile", "threading", "time", "urllib",
})  # fmt: skip
"""Standard modules that read a clock, draw a number or touch the world."""
NEVER_IN_SERVICES = frozenset({
    "random", "secrets", "select", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "time", "urllib",
})  # fmt: skip
"""Standard modules that a service gets through a port instead."""
LIBRARIES_OF_SERVICES = frozenset({"structlog"})
"""The third-party code that floor 2 may use."""


class Floor(IntEnum):
    """Where a module stands."""

    VOCABULARY = 0
    """Shared words; standard library only."""
    CORE = 1
    """Concept files: pure decisions."""
    SERVICE = 2
    """Ports and services: the doing."""
    ADAPTER = 3
    """Sockets, disks, third-party libraries."""
    COMPOSITION = 4
    """The only place where packages see each other."""
    OUTSIDE = 5
    """The SDK and the load test: clients of the product that share its vocabulary."""


def floor_of(module: str) -> Floor | None:
    """The floor of a module of ours; None where the name has no place in the house."""
    root, *rest = module.split(".")
    if root == "loadtest" or rest[:1] == ["sdk"]:
        return Floor.OUTSIDE
    if not rest or (len(rest) == 1 and rest[0] in VOCABULARY):
        return Floor.VOCABULARY
    if rest[0] in GROUND:
        return Floor.ADAPTER
    if rest[0] in PACKAGES:
        return _floor_in_package(rest[1:])
    if rest[0] in COMPOSITION:
        return Floor.COMPOSITION
    return Floor.SERVICE if rest == ["outbox"] else None


def refusal(importer: str, imported: str) -> str | None:
    """Why `importer` may not import `imported`; None where it may."""
    floor = floor_of(importer)
    if floor is None:
        return "stands on no floor; give it one in tools/floors.py or move it into a package"
    if imported.split(".", 1)[0] not in {"gateway", "loadtest", "tests", "tools"}:
        return _refused_outside(imported, floor)
    if any(_is_below(importer, witness) and not _is_below(imported, witness) for witness in WITNESSES):
        return "a witness shares no code with what it judges"
    return _refused_inside(importer, imported, floor)


def _floor_in_package(rest: list[str]) -> Floor:
    if "adapters" in rest:
        return Floor.ADAPTER
    last = rest[-1] if rest else ""
    if last in {"ports", "service"} or last.endswith(("_ports", "_service")):
        return Floor.SERVICE
    return Floor.CORE


def _refused_inside(importer: str, imported: str, floor: Floor) -> str | None:
    target = floor_of(imported)
    if imported.startswith(("tests", "tools")) or target is None:
        return "the product never imports its checks or a module without a floor"
    if target is Floor.VOCABULARY:
        return None
    if floor is Floor.OUTSIDE:
        return _refused_to_client(importer, imported, target)
    if floor is Floor.COMPOSITION:
        return "the product never imports its load test" if imported.startswith("loadtest") else None
    if target is Floor.OUTSIDE:
        return "the product never imports its clients"
    return _refused_between(importer, imported, floor=floor, target=target)


def _refused_to_client(importer: str, imported: str, target: Floor) -> str | None:
    is_bench = any(
        _is_below(imported, part)
        for bench, parts in BENCHES.items()
        if _is_below(importer, bench)
        for part in parts
    )
    is_client = target is Floor.OUTSIDE and not (
        importer.startswith("gateway") and imported.startswith("loadtest")
    )
    return None if is_bench or is_client else "a client speaks over the wire; it shares the vocabulary only"


def _is_below(module: str, part: str) -> bool:
    return module == part or module.startswith(f"{part}.")


def _refused_between(importer: str, imported: str, *, floor: Floor, target: Floor) -> str | None:
    if target > floor:
        return f"floor {floor.value} never imports floor {target.value}"
    here, there = importer.split(".")[1], imported.split(".")[1]
    if here != there and not (floor is Floor.ADAPTER and there in GROUND):
        return "packages meet by facts and ports, never by import"
    return None


def _refused_outside(imported: str, floor: Floor) -> str | None:
    name = imported.split(".", 1)[0]
    is_standard = name in sys.stdlib_module_names
    if floor <= Floor.CORE:
        never = NEVER_IN_CORES if floor is Floor.CORE else NEVER_BELOW_SERVICES
        is_refused = name in never or not is_standard
    elif floor is Floor.SERVICE:
        is_refused = name in NEVER_IN_SERVICES or not (is_standard or name in LIBRARIES_OF_SERVICES)
    else:
        is_refused = False
    return f"floor {floor.value} does without {name}; an adapter behind a port has it" if is_refused else None
