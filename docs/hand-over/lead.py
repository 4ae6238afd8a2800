"""Hands one lead over from Python 3.9 or newer; no package needed."""
import json
import os
import time
import urllib.error
import urllib.request


def hand_over(lead, tries=8):
    """Sends the same lead until it is answered: a lead that arrives twice is kept once."""
    request = urllib.request.Request(
        os.environ["LEADS_ADDRESS"] + "/v1/leads",
        data=json.dumps(lead).encode(),
        headers={
            "Authorization": "Bearer " + os.environ["LEADS_KEY"],
            "Content-Type": "application/json",
        },
    )
    for tried in range(1, tries + 1):
        wait = min(0.25 * 2**tried, 10)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            passes = refused.code in (408, 429) or refused.code >= 500
            if not passes or tried == tries:
                raise RuntimeError(refused.read().decode()) from None
            wait = float(refused.headers.get("Retry-After") or wait)
        except OSError:
            if tried == tries:
                raise
        time.sleep(wait)


with open("lead.json") as file:
    kept = hand_over(json.load(file))
print(kept["event_id"], "is kept")
