"""The operator's HTTP API.

Decides paths, bodies and answers under `/v1/admin`. Every route is for
operators alone. Never decides anything about sessions; `service.py` does.
The live snapshot's shape is docs/wire.md's, "GET /v1/admin/live".
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gateway.admin.audit import AuditRecord
from gateway.admin.health import Light, worst
from gateway.admin.intervention import REASON_CHARACTERS_MAX, REASON_CHARACTERS_MIN, InterventionKind
from gateway.admin.service import AdminService
from gateway.clock import NS, rfc3339
from gateway.http.cursor import PageQuery, read_cursor, written_cursor
from gateway.http.money import MoneyBody
from gateway.http.route import Access, Call, Handler, Route
from gateway.ids import SessionId
from gateway.money import Money
from gateway.terms import SessionKind, SessionState, SuspendReason


class _Shown(BaseModel):
    """A body that is filled from a core's value."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


class LegBody(_Shown):
    """One participant's connection; ages in milliseconds, null for never."""

    connected: bool
    socket: bool
    muted: bool
    rtp_age_ms: int | None
    rtcp_age_ms: int | None
    stun_age_ms: int | None
    ack_age_ms: int | None
    packets_in: int
    packets_out: int
    lost: int
    jitter_ms: float
    level_dbov: int
    rtt_ms: float | None
    mos: float | None


class LegsBody(_Shown):
    """Both participants."""

    client: LegBody
    provider: LegBody


class LiveSessionBody(_Shown):
    """One live session."""

    session: str
    kind: SessionKind
    state: SessionState
    client: str
    provider: str
    started_at: str | None
    elapsed_s: int
    billed_s: int
    provisional_s: int
    unwitnessed_s: int
    cost: MoneyBody
    time_left_s: int | None
    suspended: SuspendReason | None
    legs: LegsBody
    verdicts: int

    @field_validator("cost", mode="before")
    @classmethod
    def _as_body(cls, cost: Money) -> MoneyBody:
        return MoneyBody.of(cost)


class LoadFigureBody(_Shown):
    """One figure that admission goes by; a mark of 0 is none."""

    name: str
    value: float
    mark: int


class LoadBody(_Shown):
    """Whether this node takes new calls."""

    state: str
    why: list[str]
    for_s: int
    refused: dict[str, int]
    figures: list[LoadFigureBody]


class NodeBody(_Shown):
    """This process."""

    uptime_s: int
    sessions_live: int
    loop_lag_ms: float
    store_queue: int
    store_commits: int
    packets_in: int
    packets_out: int
    drops: dict[str, int]
    tick_lag_ms: float
    version: str
    relay: str
    load: LoadBody


class LiveBody(_Shown):
    """Everything live at one instant."""

    at: str
    node: NodeBody
    sessions: list[LiveSessionBody]


class ReasonBody(BaseModel):
    """Why an operator intervenes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Annotated[str, Field(min_length=REASON_CHARACTERS_MIN, max_length=REASON_CHARACTERS_MAX)]


class IntervenedBody(BaseModel):
    """The session that was acted on."""

    session: str


class InvariantBody(BaseModel):
    """One invariant as last checked."""

    name: str
    ok: bool
    value: int
    checked_at: str
    age_s: int
    """Whole seconds since then."""
    violations: list[str]


class InvariantsBody(BaseModel):
    """Every invariant; `ok` where they were checked and all hold."""

    ok: bool
    items: list[InvariantBody]


class CheckBody(_Shown):
    """One thing that was looked at."""

    name: str
    light: Light
    value: float


class HealthBody(BaseModel):
    """How well this node is."""

    light: Light
    items: list[CheckBody]


class AuditBody(BaseModel):
    """One act."""

    number: int
    at: str
    who: str
    what: str
    subject: str
    why: str
    hash: str


class AuditPage(BaseModel):
    """Acts, newest first."""

    items: list[AuditBody]
    next: str | None


def routes(service: AdminService) -> list[Route]:
    """Every route of the operator."""
    return [
        *_reading(service),
        _auditing(service),
        *(_intervening(service, kind) for kind in InterventionKind),
    ]


def _reading(service: AdminService) -> list[Route]:
    async def live(_call: Call) -> LiveBody:
        return LiveBody.model_validate(service.live())

    async def health(_call: Call) -> HealthBody:
        checks = service.read().checks
        return HealthBody(light=worst(checks), items=[CheckBody.model_validate(check) for check in checks])

    async def invariants(_call: Call) -> InvariantsBody:
        readings = service.read()
        items = [
            InvariantBody(
                name=one.name,
                ok=one.ok,
                value=one.value,
                checked_at=rfc3339(one.checked_wall_ns),
                age_s=max(readings.at_wall_ns - one.checked_wall_ns, 0) // NS,
                violations=list(one.violations),
            )
            for one in readings.invariants
        ]
        # Before the first check nothing is known, which must not look like health.
        return InvariantsBody(ok=bool(items) and all(item.ok for item in items), items=items)

    return [
        _get("live", live, LiveBody, "Everything live, as it is now"),
        _get("health", health, HealthBody, "This node's numbers as green, amber or red"),
        _get("invariants", invariants, InvariantsBody, "The money's invariants as last checked"),
    ]


def _auditing(service: AdminService) -> Route:
    async def audit(call: Call) -> AuditPage:
        query: PageQuery = call.query
        before = int(read_cursor(query.cursor, int)[0]) if query.cursor else None
        records = await service.audit_page(before=before, limit=query.limit + 1)
        shown = records[: query.limit]
        has_more = len(records) > query.limit
        return AuditPage(
            items=[_audit_body(record) for record in shown],
            next=written_cursor(shown[-1].number) if has_more else None,
        )

    return Route(
        method="GET",
        path="/v1/admin/audit",
        handler=audit,
        access=Access.OPERATOR,
        summary="What operators did, newest first",
        tag="admin",
        query=PageQuery,
        answer=AuditPage,
    )


def _intervening(service: AdminService, kind: InterventionKind) -> Route:
    async def intervene(call: Call) -> IntervenedBody:
        body: ReasonBody = call.body
        session = SessionId(call.path["session_id"])
        done = await service.intervene(kind, session, who=call.who.account, reason=body.reason)
        return IntervenedBody(session=done.session)

    verb = kind.value.removeprefix("session.")
    return Route(
        method="POST",
        path=f"/v1/admin/sessions/{{session_id}}/{verb}",
        handler=intervene,
        access=Access.OPERATOR,
        summary=f"{verb.capitalize()} a live session; the reason goes into the audit log",
        tag="admin",
        body=ReasonBody,
        answer=IntervenedBody,
    )


def _get(name: str, handler: Handler, answer: type[BaseModel], summary: str) -> Route:
    return Route(
        method="GET",
        path=f"/v1/admin/{name}",
        handler=handler,
        access=Access.OPERATOR,
        summary=summary,
        tag="admin",
        answer=answer,
    )


def _audit_body(record: AuditRecord) -> AuditBody:
    entry = record.entry
    return AuditBody(
        number=record.number,
        at=rfc3339(entry.at_wall_ns),
        who=entry.who,
        what=entry.what,
        subject=entry.subject,
        why=entry.why,
        hash=record.hash,
    )
