"""Where a reader of a long list stopped.

Decides how a position is written so that callers cannot mistake it for data:
base64url of a JSON array. It is opaque, not secret and not signed, so a store
must treat what comes out of it like any other input.
Never counts or sorts; each store's query does. Malformed cursors are 400.
"""

import base64
import binascii
import json
from typing import Annotated, TypeVar, overload

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import Malformed

_INTEGER_MAX = 2**63 - 1
"""Largest integer a database column holds."""
_First = TypeVar("_First", str, int)
_Second = TypeVar("_Second", str, int)

PAGE_ITEMS = 20
"""Items of a page when the caller does not say."""
PAGE_ITEMS_MAX = 100
"""Items of one page at most, so that one answer stays small."""
CURSOR_CHARACTERS_MAX = 256
"""Longest cursor that is looked at."""


class PageQuery(BaseModel):
    """The query of every list: `?cursor=&limit=`."""

    model_config = ConfigDict(extra="forbid")

    cursor: Annotated[str | None, Field(max_length=CURSOR_CHARACTERS_MAX)] = None
    """`next` of the page before; absent for the first page."""
    limit: Annotated[int, Field(ge=1, le=PAGE_ITEMS_MAX)] = PAGE_ITEMS
    """Items wanted."""


def written_cursor(*parts: str | int) -> str:
    """A cursor that reads back as `parts`."""
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@overload
def read_cursor(cursor: str, first: type[_First], /) -> tuple[_First]: ...


@overload
def read_cursor(cursor: str, first: type[_First], second: type[_Second], /) -> tuple[_First, _Second]: ...


def read_cursor(cursor: str, /, *kinds: type) -> tuple[str | int, ...]:
    """The one or two parts of `cursor`, which must be exactly of these kinds.

    Raises:
        Malformed: it was not made by `written_cursor` with parts of these kinds.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError) as failure:
        raise Malformed("The cursor was not made by this gateway.", code="bad_cursor") from failure
    # `type() is` because True is an int to isinstance and would reach the query.
    is_right = (
        isinstance(parts, list)
        and len(parts) == len(kinds)
        and all(type(part) is kind for part, kind in zip(parts, kinds, strict=True))
        and all(abs(part) <= _INTEGER_MAX for part in parts if isinstance(part, int))
    )
    if not is_right:
        raise Malformed("The cursor belongs to another list.", code="bad_cursor")
    return tuple(parts)
