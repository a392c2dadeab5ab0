"""A shop that makes objects in the state an operation wants, so that made-up requests get past "no such object"."""

import base64
import itertools
import json
import os
import random
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ["BURSAR_URL"].rstrip("/")
# Always the secret key, and for merchants the platform's, also when the requests under test come with the publishable one.
KEY, PLATFORM_KEY = (base64.b64encode(f"{os.environ[name]}:".encode()).decode() for name in ("BURSAR_TEST_KEY", "BURSAR_PLATFORM_KEY"))
# One set of random numbers for the whole run, so that a seed repeats it as far as the answers are the same.
DICE = random.Random(int(os.environ.get("BURSAR_SEED", "1")))
NUMBERS = itertools.count(1)

CARDS = [
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_amex",
    "pm_card_visa_chargeDeclined",
    "pm_card_threeDSecure2Required",
    "pm_card_pendingRefund",
    "pm_card_refundFail",
    "tok_visa",
]


def post(path, **fields):
    """One object made as a shop makes it."""
    request = urllib.request.Request(f"{URL}/v1/{path}", urllib.parse.urlencode(fields).encode(), method="POST")
    request.add_header("Authorization", f"Basic {PLATFORM_KEY if path == 'accounts' else KEY}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refused:
        raise SystemExit(f"{path} {fields}: {refused.code} {refused.read().decode()}") from refused


def payment(confirm=False, card="pm_card_visa", **fields):
    """A payment, at first without a confirmation."""
    confirm = {"confirm": "true"} if confirm else {}
    return post("payment_intents", amount=2000, currency="usd", payment_method=card, **confirm, **fields)


def setup():
    return post("setup_intents", payment_method="pm_card_visa")


def card(customer=None):
    """A card of nobody's, or of a customer's."""
    made = post("payment_methods", type="card", **{"card[token]": "tok_visa"})
    return post(f"payment_methods/{made['id']}/attach", customer=customer["id"]) if customer else made


def customer():
    return post("customers", name=f"Buyer {next(NUMBERS)}", email="buyer@shop.example")


def token():
    number = {"card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2040, "card[cvc]": 314}
    return post("tokens", **number)


def charge():
    return {"id": payment(confirm=True)["latest_charge"]}


def refund(card="pm_card_visa"):
    return post("refunds", payment_intent=payment(confirm=True, card=card)["id"], amount=500)


def line():
    """A line of the statement: the one of a charge."""
    made = payment(confirm=True, **{"expand[]": "latest_charge"})
    return {"id": made["latest_charge"]["balance_transaction"]}


def page(kind, limit):
    """The first objects of a list."""
    request = urllib.request.Request(f"{URL}/v1/{kind}?limit={limit}")
    request.add_header("Authorization", f"Basic {KEY}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def newest(kind):
    """The newest of what every change leaves behind."""
    customer()
    return page(kind, 1)[0]


def event():
    return newest("events")


def entry():
    return newest("audit_log")


def operation():
    """What the bank cannot say the end of yet: a refund, or an authorization by its attempt."""
    if DICE.random() < 0.5:
        return refund("pm_card_simulator_refundUnknownThenApproved")
    made = payment(confirm=True, card="pm_card_simulator_unknownThenApproved")["id"]
    return next((one for one in page("open_operations", 100) if one["payment_intent"] == made), {"id": "pa_gone"})


def api_key():
    """A key that nothing is asked with: this shop's own is not to be rolled or revoked."""
    return post("api_keys", **{"permissions[refunds]": "read"})


def account():
    """A merchant beside this one."""
    return post("accounts", country="DE", **{"business_profile[name]": f"Shop {next(NUMBERS)}"})


def webhook_endpoint():
    """One at which nobody listens; there can be a few only."""
    there = page("webhook_endpoints", 1)
    return there[0] if there else post("webhook_endpoints", url="http://127.0.0.1:9/", **{"enabled_events[]": "*"})


def of_operation(path):
    """New objects for the ids in an operation's path, by the names they have there."""
    if "/payment_intents/" in path:
        if path.endswith("/capture"):
            return {"intent": payment(confirm=True, capture_method="manual")}
        if path.endswith("/cancel"):
            return {"intent": payment(confirm=DICE.random() < 0.5, capture_method="manual")}
        return {"intent": payment(confirm=DICE.random() < 0.2)}
    if "/setup_intents/" in path:
        return {"intent": setup()}
    if "/customers/" in path:
        buyer = customer()
        return {"customer": buyer, "payment_method": card(buyer)} if "/payment_methods" in path else {"customer": buyer}
    if path.endswith("/detach"):
        return {"payment_method": card(customer())}
    if "/refunds/" in path:
        return {"refund": refund("pm_card_pendingRefund" if path.endswith("/cancel") else "pm_card_visa")}
    makers = {
        "payment_method": card,
        "token": token,
        "charge": charge,
        "transaction": line,
        "event": event,
        "entry": entry,
        "operation": operation,
        "account": account,
        "api_key": api_key,
        "webhook_endpoint": webhook_endpoint,
    }
    return {name: make() for name, make in makers.items() if f"{{{name}}}" in path}
