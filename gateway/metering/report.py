"""Apps' own counts after the end, against what was found.

Decides whether a difference needs a person's look: beyond one second and half a
per cent it does. Seconds that were found unwitnessed are in no app's power to
see, so an app that counts them says nothing new. A report never raises a bill.
Never stores (`reporting_service.py` does).
"""

from gateway.limits import REPORT_DIFFERENCE_S
from gateway.terms import Side


def difference(side: Side, seconds: int, *, witnessed_s: int, unwitnessed_s: int) -> str | None:
    """A sentence where the app's count is too far from what was found; None where it is near."""
    beyond_s = max(witnessed_s - seconds, seconds - witnessed_s - unwitnessed_s)
    if beyond_s * 1000 <= REPORT_DIFFERENCE_S * 1000 + witnessed_s * 5:
        return None
    unseen = f" and {unwitnessed_s} s unwitnessed" if unwitnessed_s else ""
    return f"the {side}'s app counted {seconds} s, the gateway {witnessed_s} s{unseen}"
