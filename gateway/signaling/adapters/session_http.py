"""Sessions over HTTP: begin, look at, end, call for help, and the records of each.

Decides the bodies and which refusal is which error. A session that is not the
caller's is not found, also for its receipt; an operator may read all of them.
Never decides an outcome (services) and never rings by itself: POST /sessions is
`session.invite` on another path.
See docs/wire.md, "HTTP", and the generated /openapi.json.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel

from gateway.clock import rfc3339
from gateway.errors import Conflict, NotFound
from gateway.http.cursor import PageQuery, read_cursor, written_cursor
from gateway.http.route import Access, Call, Handler, Route
from gateway.ids import AccountId, SessionId
from gateway.limits import CHAT_PAGE_MAX
from gateway.signaling.adapters.problem import error_of
from gateway.signaling.adapters.session_store import SessionStore
from gateway.signaling.admission import side_of
from gateway.signaling.card import Times, card_of
from gateway.signaling.chat_ports import Line, Lines
from gateway.signaling.desk_service import Desk
from gateway.signaling.invitation_service import Invitation
from gateway.signaling.notice import Person, SessionCard
from gateway.signaling.outcome import Outcome
from gateway.signaling.ports import People, SessionRow
from gateway.signaling.reader_ports import EvidenceReader, ReceiptReader
from gateway.terms import Principal, SessionKind, SessionState, Side

_TAG = "Sessions"


class InviteBody(BaseModel):
    """Whom to call."""

    model_config = ConfigDict(extra="forbid")

    provider_id: Annotated[AccountId, Field(min_length=1, max_length=64)]
    kind: SessionKind
    tariff_hash: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """The price that was shown; where it is absent the present one is taken."""


class NothingBody(BaseModel):
    """An empty object."""

    model_config = ConfigDict(extra="forbid")


class SessionBody(RootModel[SessionCard]):
    """A session as the caller sees it."""


class SessionsBody(BaseModel):
    """A page of the caller's sessions, newest first."""

    items: list[SessionCard]
    next: str | None


class JsonBody(RootModel[dict[str, object]]):
    """A document that metering made; docs/wire.md has its members."""


class TransitionBody(BaseModel):
    """One step of a session's life."""

    seq: int
    state: SessionState
    reason: str | None
    at: str
    """RFC 3339."""


class TimelineBody(BaseModel):
    """Every step, in order."""

    items: list[TransitionBody]


class MessagesQuery(BaseModel):
    """Which lines."""

    model_config = ConfigDict(extra="forbid")

    before: Annotated[int, Field(ge=1, le=2**53 - 1)] | None = None
    """Lines with a number below it; absent for the newest."""
    limit: Annotated[int, Field(ge=1, le=CHAT_PAGE_MAX)] = 50


class LineBody(BaseModel):
    """One line of text, as it was delivered."""

    model_config = ConfigDict(populate_by_name=True)

    session: SessionId
    seq: int
    from_: Annotated[Side, Field(alias="from")]
    text: str
    at: str
    """RFC 3339."""
    id: str
    """As its sender named it."""


class MessagesBody(BaseModel):
    """A page of lines, ascending."""

    items: list[LineBody]
    next: str | None
    """`before` of the page with older lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRoutes:
    """What the handlers ask."""

    desk: Desk
    store: SessionStore
    lines: Lines
    people: People
    receipts: ReceiptReader
    evidence: EvidenceReader

    async def begin(self, call: Call) -> BaseModel:
        """POST /v1/sessions."""
        body: InviteBody = call.body
        invitation = Invitation(provider=body.provider_id, kind=body.kind, tariff_hash=body.tariff_hash)
        answer = await self.desk.invitations.invite(call.who, invitation)
        if answer.fresh is not None:
            raise Conflict(
                "Look at the new price and call again.",
                code=answer.outcome.value,
                tariff=answer.fresh.terms(),
                tariff_hash=answer.fresh.hash,
            )
        if answer.ringing is None:
            raise error_of(answer.outcome)
        return SessionBody(answer.ringing.session)

    async def page(self, call: Call) -> BaseModel:
        """GET /v1/sessions."""
        query: PageQuery = call.query
        before = read_cursor(query.cursor, int, str) if query.cursor else None
        rows = await self.store.page(call.who.account, before=before, limit=query.limit + 1)
        shown = rows[: query.limit]
        last = shown[-1] if len(rows) > query.limit else None
        cards = await self._cards(call.who, shown)
        following = written_cursor(last.created_wall_ns, last.order.session) if last else None
        return SessionsBody(items=cards, next=following)

    async def one(self, call: Call) -> BaseModel:
        """GET /v1/sessions/{session_id}."""
        return await self._shown(call)

    async def end(self, call: Call) -> BaseModel:
        """POST /v1/sessions/{session_id}/end."""
        return await self._done(call, await self.desk.sessions.end(call.who, _session(call)))

    async def sos(self, call: Call) -> BaseModel:
        """POST /v1/sessions/{session_id}/sos."""
        return await self._done(call, await self.desk.sessions.sos(call.who, _session(call)))

    async def receipt(self, call: Call) -> BaseModel:
        """GET /v1/sessions/{session_id}/receipt."""
        row = await self._record(call)
        found = await self.receipts.receipt(row.order.session)
        if found is None:
            raise NotFound("There is no receipt yet.")
        return JsonBody(found)

    async def bundle(self, call: Call) -> BaseModel:
        """GET /v1/sessions/{session_id}/evidence."""
        row = await self._record(call)
        found = await self.evidence.evidence(row.order.session)
        if found is None:
            raise NotFound("There is no evidence bundle yet.")
        return JsonBody(found)

    async def timeline(self, call: Call) -> BaseModel:
        """GET /v1/sessions/{session_id}/timeline."""
        row = await self._record(call)
        steps = await self.store.timeline(row.order.session)
        return TimelineBody(
            items=[
                TransitionBody(
                    seq=step.seq, state=step.state, reason=step.reason, at=rfc3339(step.at_wall_ns)
                )
                for step in steps
            ]
        )

    async def messages(self, call: Call) -> BaseModel:
        """GET /v1/sessions/{session_id}/messages."""
        row = await self._record(call)
        query: MessagesQuery = call.query
        lines = await self.lines.before(row.order.session, query.before, query.limit + 1)
        shown = lines[-query.limit :]
        following = str(shown[0].seq) if len(lines) > query.limit else None
        return MessagesBody(items=[_line(line) for line in shown], next=following)

    async def _record(self, call: Call) -> SessionRow:
        row = await self.desk.doorkeeper.record(call.who, _session(call))
        if row is None:
            raise error_of(Outcome.NOT_FOUND)
        return row

    async def _done(self, call: Call, outcome: Outcome) -> BaseModel:
        if outcome is not Outcome.DONE:
            raise error_of(outcome)
        return await self._shown(call)

    async def _shown(self, call: Call) -> SessionBody:
        row = await self._record(call)
        live = self.desk.roster.get(row.order.session)
        if live is not None:
            return SessionBody(self.desk.cards.card(live, _side(call.who, row)))
        return SessionBody((await self._cards(call.who, [row]))[0])

    async def _cards(self, principal: Principal, rows: Sequence[SessionRow]) -> list[SessionCard]:
        accounts = {account for row in rows for account in (row.order.client, row.order.provider)}
        people = {one: Person(id=one, nickname=await self.people.nickname(one)) for one in accounts}
        return [
            card_of(
                row.order,
                state=row.state,
                end_reason=row.end_reason,
                client=people[row.order.client],
                provider=people[row.order.provider],
                times=Times(created_wall_ns=row.created_wall_ns),
                side=_side(principal, row),
            )
            for row in rows
        ]


def routes(api: SessionRoutes) -> list[Route]:
    """Every route of /v1/sessions."""
    one, read = "/v1/sessions/{session_id}", Access.SIGNED_IN
    return [
        Route(
            method="POST",
            path="/v1/sessions",
            handler=api.begin,
            access=Access.CLIENT,
            summary="Call a provider: places the hold and rings",
            tag=_TAG,
            body=InviteBody,
            answer=SessionBody,
            status=201,
        ),
        Route(
            method="GET",
            path="/v1/sessions",
            handler=api.page,
            access=read,
            summary="The caller's sessions, newest first",
            tag=_TAG,
            query=PageQuery,
            answer=SessionsBody,
        ),
        _get(one, api.one, "One session", SessionBody),
        _get(f"{one}/receipt", api.receipt, "Its signed receipt", JsonBody),
        _get(f"{one}/evidence", api.bundle, "The evidence from which the receipt is recomputed", JsonBody),
        _get(f"{one}/timeline", api.timeline, "Every step of its life", TimelineBody),
        Route(
            method="GET",
            path=f"{one}/messages",
            handler=api.messages,
            access=read,
            summary="Its lines of text, a page at a time from the newest",
            tag=_TAG,
            query=MessagesQuery,
            answer=MessagesBody,
        ),
        _post(f"{one}/end", api.end, "Hang up, decline or cancel"),
        _post(f"{one}/sos", api.sos, "Call for help: pauses the meter and calls an operator"),
    ]


def _get(path: str, handler: Handler, summary: str, answer: type[BaseModel]) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        access=Access.SIGNED_IN,
        summary=summary,
        tag=_TAG,
        answer=answer,
    )


def _post(path: str, handler: Handler, summary: str) -> Route:
    return Route(
        method="POST",
        path=path,
        handler=handler,
        access=Access.SIGNED_IN,
        summary=summary,
        tag=_TAG,
        body=NothingBody,
        answer=SessionBody,
    )


def _session(call: Call) -> SessionId:
    return SessionId(call.path["session_id"])


def _side(principal: Principal, row: SessionRow) -> Side | None:
    order = row.order
    return side_of(principal, session=order.session, client=order.client, provider=order.provider)


def _line(line: Line) -> LineBody:
    return LineBody(
        session=line.session,
        seq=line.seq,
        from_=line.side,
        text=line.text,
        at=rfc3339(line.at_wall_ns),
        id=line.line_id,
    )
