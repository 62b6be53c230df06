"""The sandbox's own page, where a payer approves or declines.

Decides how it looks and what it answers: HTML to a person, `{"state": …}` to who
sends JSON. It works without any script, in Chinese or English by the browser.
Never shows who pays and never decides twice: a payment that was decided shows how.
Keeps: one page, one style, allowed by its hash; nothing is loaded from elsewhere.
"""

import base64
import hashlib
import html
from collections.abc import Mapping
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from gateway.booking.adapters.sandbox_payment import SandboxPayments
from gateway.booking.payment import PaymentReport, PaymentState
from gateway.errors import Malformed
from gateway.money import written

_STYLE = """
:root{color-scheme:light dark;--ink:#14202b;--soft:#5b6b79;--paper:#fff;--ground:#eef2f5;--line:#d5dde4;--go:#0f6b52}
@media(prefers-color-scheme:dark){:root{--ink:#e9eff4;--soft:#9fb0be;--paper:#18232d;--ground:#0e161d;--line:#2c3a47;
--go:#1f8d6d}}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;
background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,"PingFang SC","Noto Sans SC",sans-serif}
main{width:100%;max-width:380px;background:var(--paper);border:1px solid var(--line);border-radius:16px;padding:28px}
p{margin:0 0 12px;color:var(--soft)}h1{margin:0;font-size:16px;font-weight:600}
.amount{margin:16px 0 4px;color:var(--ink);font-size:40px;font-weight:650;letter-spacing:-.02em}
.note{font-size:14px}code{font-size:12px;overflow-wrap:anywhere}form{display:grid;gap:10px;margin-top:24px}
button{min-height:48px;border-radius:12px;border:1px solid var(--line);background:transparent;color:inherit;font:inherit;
cursor:pointer}button.go{background:var(--go);border-color:var(--go);color:#fff;font-weight:600}
button:focus-visible{outline:3px solid var(--go);outline-offset:2px}
.state{padding:12px 16px;border-radius:12px;background:var(--ground);color:var(--ink);font-weight:600}
"""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "lang": "zh-CN",
        "title": "沙盒支付",
        "lead": "充值到钱包",
        "note": "这是演示用的支付页面,不会产生真实扣款。",
        "approve": "确认支付",
        "decline": "拒绝支付",
        "paid": "支付成功,可以返回应用了。",
        "declined": "支付已拒绝,没有扣款。",
        "number": "支付编号",
    },
    "en": {
        "lang": "en",
        "title": "Sandbox payment",
        "lead": "Top up your wallet",
        "note": "A page for trying things out: no real money moves here.",
        "approve": "Approve",
        "decline": "Decline",
        "paid": "Paid. You can go back to the app.",
        "declined": "Declined. Nothing was taken.",
        "number": "Payment",
    },
}

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
    "frame-ancestors 'self'; base-uri 'none'"
)


class _Decision(BaseModel):
    """What a payer sends."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["approve", "decline"]


def page_routes(payments: SandboxPayments) -> list[web.RouteDef]:
    """GET and POST of `/sandbox/pay/{payment}`, for the server's `extra` routes."""

    async def show(request: web.Request) -> web.Response:
        report = await payments.query(request.match_info["payment"])
        return web.Response(
            text=rendered(report, accept_language=request.headers.get("Accept-Language", "")),
            content_type="text/html",
            headers={"Content-Security-Policy": _POLICY, "Vary": "Accept-Language"},
        )

    async def decide(request: web.Request) -> web.StreamResponse:
        is_form = request.content_type == "application/x-www-form-urlencoded"
        try:
            decision = _Decision.model_validate(await _fields(request, is_form=is_form))
        except (ValidationError, ValueError) as error:
            raise Malformed('send {"outcome": "approve"} or {"outcome": "decline"}') from error
        report = await payments.decide(
            request.match_info["payment"], is_approved=decision.outcome == "approve"
        )
        if is_form:
            # See Other: a reload of the page that follows does not decide again.
            return web.Response(status=303, headers={"Location": request.path})
        return web.json_response({"state": report.state})

    return [web.get("/sandbox/pay/{payment}", show), web.post("/sandbox/pay/{payment}", decide)]


def rendered(report: PaymentReport, *, accept_language: str) -> str:
    """The page for `report`."""
    words = _WORDS["zh" if "zh" in accept_language.lower() else "en"]
    if report.state is PaymentState.OPEN:
        act = (
            '<form method="post">'
            f'<button class="go" name="outcome" value="approve">{words["approve"]}</button>'
            f'<button name="outcome" value="decline">{words["decline"]}</button></form>'
        )
    else:
        act = f'<p class="state" role="status">{words[report.state.value]}</p>'
    amount = html.escape(written(report.micros, report.currency))
    return (
        f'<!doctype html><html lang="{words["lang"]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{words['title']}</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{words["title"]}</h1><p class="amount">{amount}</p><p>{words["lead"]}</p>'
        f'<p class="note">{words["note"]}</p>{act}'
        f'<p class="note">{words["number"]} <code>{html.escape(report.payment)}</code></p>'
        "</main></body></html>"
    )


async def _fields(request: web.Request, *, is_form: bool) -> object:
    return dict(await request.post()) if is_form else await request.json()
