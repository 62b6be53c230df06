"""Which relay runs, and that nobody is left in doubt about it."""

import socket
import sys
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from gateway.clock import Clock, ManualClock, SystemClock
from gateway.doctor import examine_relay
from gateway.errors import Unavailable
from gateway.media.adapters import relay_choice
from gateway.media.adapters.native import engine
from gateway.media.adapters.relay_choice import choose, native_problem, tell

pytestmark = pytest.mark.adapter


@pytest.fixture(autouse=True)
def examined_anew() -> Iterator[None]:
    native_problem.cache_clear()
    yield
    native_problem.cache_clear()


@pytest.fixture
def unbuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without a compiler."""
    monkeypatch.setitem(sys.modules, engine.__name__, None)


def test_the_native_relay_runs_where_it_was_built() -> None:
    choice = choose("auto", SystemClock())

    assert (choice.name, choice.is_second_best) == ("native", False)
    assert choose("native", SystemClock()).name == "native"


def test_its_twin_runs_where_the_setting_asks_for_it() -> None:
    choice = choose("python", SystemClock())

    assert (choice.name, choice.is_second_best) == ("python", False)


@pytest.mark.usefixtures("unbuilt")
def test_without_a_compiler_the_twin_runs_and_the_log_says_why() -> None:
    choice = choose("auto", SystemClock())
    with capture_logs() as lines:
        tell(choice)

    assert choice.name == "python"
    assert [(line["event"], line["relay"], line["log_level"]) for line in lines] == [
        ("relay_chosen", "python", "warning")
    ]
    assert "compiler" in lines[0]["why"]


@pytest.mark.usefixtures("unbuilt")
def test_a_native_relay_that_was_asked_for_by_name_is_never_replaced() -> None:
    with pytest.raises(Unavailable, match="compiler") as refusal:
        choose("native", SystemClock())

    assert refusal.value.wire_code == "relay_missing"


@pytest.mark.usefixtures("unbuilt")
def test_the_doctor_says_which_relay_runs_and_what_to_do() -> None:
    second_best, missing = examine_relay("auto"), examine_relay("native")

    assert second_best.ok
    assert "python relay" in second_best.detail
    assert "install a C compiler" in second_best.detail
    assert not missing.ok
    assert "install a C compiler" in missing.detail


def test_the_doctor_names_the_native_relay() -> None:
    assert "the native relay forwards" in examine_relay("auto").detail


def test_an_extension_of_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "LAYOUT", {**engine.LAYOUT, "rows": 2})

    assert "other sources (rows)" in choose("auto", SystemClock()).why


def test_another_binding_of_libsrtp_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.media.adapters.srtp.FUNCTION_TYPE", "int(*)(void)")

    assert "its self-test failed" in choose("auto", SystemClock()).why


def test_a_relay_that_encrypts_otherwise_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    good = relay_choice._session
    monkeypatch.setattr(relay_choice, "_session", lambda key, direction: good(key[::-1], direction))

    assert "its self-test" in choose("auto", SystemClock()).why


def test_a_clock_of_its_own_needs_the_twin() -> None:
    assert choose("auto", ManualClock()).name == "python"


@pytest.mark.parametrize("name", ["python", "native"])
async def test_the_choice_makes_its_relay(name: str) -> None:
    clock: Clock = SystemClock()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind(("127.0.0.1", 0))
        relay = choose(name, clock).make(sock, clock, lambda: None)
        relay.close()

    assert type(relay).__name__ == f"{name.capitalize()}Relay"
