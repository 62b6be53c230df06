"""How log lines look and what never gets into one.

Decides form (JSON lines, or a console for development), level, and what is
dropped: tokens, telephone numbers, message text and SDP by key at any depth, and
the messages of validation errors, which quote their input.
Never decides what is worth a line. Lines go to standard error, because commands
answer on standard output. See docs/operations.md, "logs".
"""

import logging
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

DROPPED_KEYS = frozenset(
    {
        "access_token",
        "api_key",
        "authorization",
        "cookie",
        "password",
        "phone",
        "refresh_token",
        "resume_token",
        "sdp",
        "secret",
        "text",
        "token",
    }
)
"""Keys whose values never reach a log."""

DEPTH_MAX = 6
"""Nesting that is looked through; what lies deeper is dropped."""

QUIET_LOGGERS = ("aioice", "aiortc", "aiohttp.access", "asyncio")
"""Libraries that would tell addresses or every request; only their warnings are kept."""


def drop_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the line without values that must not be logged."""
    return {name: _cleaned(value, 1) for name, value in event.items() if not _is_dropped(name)}


def drop_quoted_input(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: tracebacks without the messages that quote what a person sent."""
    for failure in event.get("exception", ()):
        if isinstance(failure, dict) and failure.get("exc_type") in {"ValidationError", "JSONDecodeError"}:
            failure["exc_value"] = "(quotes its input)"
            failure["exc_notes"] = []
    return event


def configure_logging(*, is_json: bool = True, level: str = "info", stream: TextIO | None = None) -> None:
    """Set the whole process up: structlog and the standard library speak alike, into one stream."""
    stream = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    closing = [drop_secrets, *_form(is_json=is_json, is_terminal=stream.isatty())]
    structlog.configure(
        processors=[*shared, *closing],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *closing],
        )
    )
    root = logging.getLogger()
    for old in [
        one for one in root.handlers if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)
    ]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    # It quotes whole requests that it cannot parse, with the address they came from.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


def _form(*, is_json: bool, is_terminal: bool) -> list[Processor]:
    if not is_json:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=is_terminal, exception_formatter=plain)]
    transformer = ExceptionDictTransformer(show_locals=False, max_frames=20)
    return [
        structlog.processors.ExceptionRenderer(transformer),
        drop_quoted_input,
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
    ]


def _is_dropped(name: object) -> bool:
    return isinstance(name, str) and name.lower().replace("-", "_") in DROPPED_KEYS


def _cleaned(value: object, depth: int) -> object:
    if depth > DEPTH_MAX:
        return "(too deep)"
    if isinstance(value, Mapping):
        return {name: _cleaned(inner, depth + 1) for name, inner in value.items() if not _is_dropped(name)}
    if (
        isinstance(value, list | tuple)
        and not hasattr(value, "_fields")
        and value
        and not _is_exc_info(value)
    ):
        return [_cleaned(inner, depth + 1) for inner in value]
    return value


def _is_exc_info(value: list[object] | tuple[object, ...]) -> bool:
    """Whether it is what `sys.exc_info` gives, which a later processor needs as it is."""
    return len(value) == 3 and isinstance(value[1], BaseException)
