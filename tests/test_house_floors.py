"""The floors: which import is refused, as a table, and once through an import graph."""

import grimp
import pytest

from tools.floors import Floor, floor_of, refusal
from tools.floors_contract import refused_imports

pytestmark = pytest.mark.core

FLOORS = """
gateway                                  VOCABULARY
gateway.facts                            VOCABULARY
gateway.outbox                           SERVICE
gateway.app                              COMPOSITION
gateway.cli                              COMPOSITION
gateway.bridge.session                   COMPOSITION
gateway.store.database                   ADAPTER
gateway.http.server                      ADAPTER
gateway.metering                         CORE
gateway.metering.tick                    CORE
gateway.metering.ports                   SERVICE
gateway.metering.service                 SERVICE
gateway.signaling.reader_ports           SERVICE
gateway.signaling.chat_service           SERVICE
gateway.metering.adapters.journal        ADAPTER
gateway.booking.ledger.transfer          CORE
gateway.booking.wallet_service           SERVICE
gateway.sdk.peer                         OUTSIDE
loadtest.calls                           OUTSIDE
"""

ALLOWED = """
gateway.facts                            gateway.ids
gateway.ids                              secrets
gateway.metering.tick                    gateway.money
gateway.metering.tick                    gateway.metering.tariff
gateway.metering.tick                    hashlib
gateway.metering.service                 gateway.metering.tick
gateway.metering.service                 asyncio
gateway.metering.service                 structlog
gateway.metering.adapters.journal        gateway.store.database
gateway.metering.adapters.journal        gateway.metering.ports
gateway.metering.adapters.journal        pydantic
gateway.outbox                           gateway.facts
gateway.app                              gateway.booking.wallet_service
gateway.cli                              gateway.app
gateway.selftest                         gateway.sdk.peer
gateway.sdk.peer                         gateway.terms
gateway.sdk.peer                         aiortc
loadtest.calls                           gateway.sdk.signal
loadtest.relay.server                    gateway.media.adapters.relay_python
loadtest.ledger                          gateway.booking.adapters.ledger_store
loadtest.ledger                          gateway.store.database
loadtest.simulation.world                gateway.app
loadtest.simulation.world                gateway.metering.service
loadtest.simulation.world                loadtest.auditor.truth
loadtest.auditor.books                   loadtest.auditor.truth
loadtest.auditor.books                   sqlite3
"""

REFUSED = """
gateway.ids                              gateway.metering.tick
gateway.ids                              random
gateway.facts                            pydantic
gateway.metering.tick                    gateway.metering.service
gateway.metering.tick                    gateway.metering.ports
gateway.metering.tick                    asyncio
gateway.metering.tick                    time
gateway.metering.tick                    secrets
gateway.metering.tick                    structlog
gateway.metering.tick                    gateway.booking.ledger.hold
gateway.metering.service                 gateway.metering.adapters.journal
gateway.metering.service                 gateway.booking.wallet_service
gateway.metering.service                 gateway.store.database
gateway.metering.service                 aiohttp
gateway.metering.service                 time
gateway.metering.adapters.journal        gateway.booking.adapters.ledger_store
gateway.metering.adapters.journal        gateway.app
gateway.outbox                           gateway.metering.service
gateway.store.database                   gateway.metering.ports
gateway.app                              loadtest.calls
gateway.app                              tests.conftest
gateway.sdk.peer                         gateway.signaling.adapters.wire
gateway.sdk.peer                         loadtest.calls
gateway.metering.service                 gateway.sdk.signal
loadtest.calls                           gateway.app
loadtest.relay.server                    gateway.metering.tick
loadtest.ledger                          gateway.metering.tick
loadtest.simulations                     gateway.app
loadtest.simulation.world                tests.conftest
loadtest.auditor.books                   gateway.terms
loadtest.auditor.books                   gateway.metering.tick
loadtest.auditor.books                   loadtest.simulation.world
loadtest.auditor                         loadtest.percentile
gateway.app                              loadtest.simulation.world
gateway.metering.service                 loadtest.simulation.world
gateway.shelf                            gateway.ids
gateway.metering.tick                    gateway.shelf
"""


def rows(table: str) -> list[tuple[str, str]]:
    return [(first, second) for first, second in (line.split() for line in table.split("\n") if line)]


@pytest.mark.parametrize(("module", "floor"), rows(FLOORS))
def test_a_modules_name_says_its_floor(module: str, floor: str) -> None:
    assert floor_of(module) is Floor[floor]


def test_a_module_without_a_place_has_no_floor() -> None:
    assert floor_of("gateway.shelf") is None


@pytest.mark.parametrize(("importer", "imported"), rows(ALLOWED))
def test_an_import_down_the_stairs_is_allowed(importer: str, imported: str) -> None:
    assert refusal(importer, imported) is None


@pytest.mark.parametrize(("importer", "imported"), rows(REFUSED))
def test_an_import_against_the_floors_is_refused(importer: str, imported: str) -> None:
    assert refusal(importer, imported) is not None


def test_a_refused_import_is_found_in_a_graph() -> None:
    graph = grimp.ImportGraph()
    graph.add_import(
        importer="gateway.metering.tick",
        imported="gateway.app",
        line_number=7,
        line_contents="from gateway import app",
    )
    graph.add_import(
        importer="gateway.app", imported="gateway.metering.tick", line_number=3, line_contents="…"
    )

    lines = refused_imports(graph)

    assert lines == ["gateway.metering.tick -> gateway.app (line 7): floor 1 never imports floor 4"]
