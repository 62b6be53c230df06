"""Lines have one form, and some things never get into one."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel, ValidationError

from gateway.admin.adapters.logging import DROPPED_KEYS, configure_logging, drop_secrets

pytestmark = pytest.mark.adapter


class Numbered(BaseModel):
    """Refuses anything but a number."""

    number: int


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Give the process its logging back."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    quiet = {
        name: logging.getLogger(name).level for name in ("aioice", "aiortc", "aiohttp.access", "asyncio")
    }
    yield
    structlog.reset_defaults()
    root.setLevel(level)
    root.handlers[:] = handlers
    for name, old in quiet.items():
        logging.getLogger(name).setLevel(old)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("key", sorted(DROPPED_KEYS))
def test_secret_keys_are_dropped_at_any_depth(key: str) -> None:
    event = {"event": "x", key: "s3cret", "inner": {key.upper(): "s3cret", "kept": [{key: "s3cret", "n": 1}]}}

    assert drop_secrets(None, "info", event) == {"event": "x", "inner": {"kept": [{"n": 1}]}}


def test_a_header_spelling_is_the_same_key() -> None:
    assert drop_secrets(None, "info", {"event": "x", "Api-Key": "s3cret"}) == {"event": "x"}


def test_what_lies_too_deep_to_look_at_is_dropped() -> None:
    deep: dict[str, Any] = {"token": "s3cret"}
    for _ in range(20):
        deep = {"inner": deep}

    assert "s3cret" not in repr(drop_secrets(None, "info", {"event": "x", **deep}))


def test_a_line_is_json_with_time_and_level(stream: io.StringIO) -> None:
    configure_logging(stream=stream)

    structlog.get_logger().info("tick_counted", session="ses_1", text="hello you", phone="+8613800000000")

    (line,) = lines(stream)
    assert (line["event"], line["level"], line["session"]) == ("tick_counted", "info", "ses_1")
    assert line["timestamp"].endswith("Z")
    assert not {"text", "phone"} & line.keys()


def test_bound_context_is_in_every_line(stream: io.StringIO) -> None:
    configure_logging(stream=stream)

    with structlog.contextvars.bound_contextvars(request="req_1", token="s3cret"):
        structlog.get_logger().info("served")

    (line,) = lines(stream)
    assert line["request"] == "req_1"
    assert "s3cret" not in stream.getvalue()


def test_levels_below_the_set_one_are_not_written(stream: io.StringIO) -> None:
    configure_logging(level="warning", stream=stream)

    structlog.get_logger().info("quiet")
    logging.getLogger("some.library").info("quiet")
    structlog.get_logger().warning("loud")

    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_libraries_speak_the_same_form(stream: io.StringIO) -> None:
    configure_logging(stream=stream)

    logging.getLogger("some.library").warning("took %d ms", 5)

    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == ("took 5 ms", "some.library", "warning")


@pytest.mark.parametrize("name", ["aioice", "aiortc.rtcdtlstransport"])
def test_libraries_that_tell_addresses_are_quiet(stream: io.StringIO, name: str) -> None:
    configure_logging(level="debug", stream=stream)

    logging.getLogger(name).info("peer at 192.0.2.7")

    assert stream.getvalue() == ""


def test_an_exception_is_told_with_its_frames_and_without_locals(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    hidden = "local-s3cret"

    try:
        raise OSError(f"disk full, {len(hidden)}")
    except OSError:
        structlog.get_logger().exception("not_written")

    (line,) = lines(stream)
    (failure,) = line["exception"]
    assert (failure["exc_type"], failure["exc_value"]) == ("OSError", "disk full, 12")
    assert failure["frames"]
    assert "local-s3cret" not in stream.getvalue()


def test_a_validation_error_does_not_quote_what_a_person_sent(stream: io.StringIO) -> None:
    configure_logging(stream=stream)

    try:
        Numbered.model_validate({"number": "call 13800000000"})
    except ValidationError:
        structlog.get_logger().exception("refused")
        logging.getLogger("some.library").exception("refused")

    assert len(lines(stream)) == 2
    assert "13800000000" not in stream.getvalue()


def test_configuring_twice_writes_each_line_once(stream: io.StringIO) -> None:
    configure_logging(stream=io.StringIO())
    configure_logging(stream=stream)

    logging.getLogger("some.library").warning("once")

    assert len(lines(stream)) == 1


def test_the_console_form_drops_secrets_too(stream: io.StringIO) -> None:
    configure_logging(is_json=False, stream=stream)

    structlog.get_logger().info("signed_in", token="s3cret", account="acc_1")

    assert "acc_1" in stream.getvalue()
    assert "s3cret" not in stream.getvalue()
