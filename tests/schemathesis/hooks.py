"""Bends most of what Schemathesis makes up towards what a shop would send.

Without it nearly every request ends at the gate (a version that never was) or at an id that nobody has. A part of the
requests stays as it was made up. A request meant to be wrong keeps all but its ids and headers.
"""

import atexit
import collections
import json
import os
import pathlib
import uuid

import schemathesis
import shop
from shop import DICE

# Shares of the requests.
WITH_OBJECTS, WITH_HEADERS, WITH_FEW_FIELDS, WITH_REAL_VALUES = 0.85, 0.15, 0.6, 0.8
# Optional fields that a request with few of them keeps.
FEW = 3
COUNTS = collections.defaultdict(collections.Counter)

# What fields hold in requests that go through.
VALUES = {
    "allowed_from": lambda: ["192.0.2.0/24"],
    "amount": lambda: DICE.choice([50, 500, 1999, 2000]),
    "amount_to_capture": lambda: DICE.choice([1, 1000, 2000]),
    "charge": lambda: shop.charge()["id"],
    "confirm": lambda: True,
    "country": lambda: "DE",
    "business_profile": lambda: {"name": "Corner shop"},
    "default_currency": lambda: DICE.choice(["usd", "eur"]),
    "settings": lambda: {"payments": {"statement_descriptor": "CORNER SHOP"}},
    "currency": lambda: DICE.choice(["usd", "eur", "jpy", "USD"]),
    "customer": lambda: shop.customer()["id"],
    "enabled_events": lambda: DICE.choice([["*"], ["charge.succeeded", "refund.created"]]),
    "email": lambda: "ada@shop.example",
    "evidence": lambda: "The bank's statement of today has it, ticket 4711",
    "expand": lambda: [DICE.choice(["customer", "payment_method", "latest_charge.balance_transaction", "charge"])],
    "payment_intent": lambda: shop.payment(confirm=True)["id"],
    "kind": lambda: "restricted",
    "outcome": lambda: DICE.choice(["succeeded", "failed"]),
    "permissions": lambda: {"refunds": "write", "charges": "read"},
    "payment_method": lambda: DICE.choice(shop.CARDS) if DICE.random() < 0.7 else shop.card()["id"],
    "provider_reference": lambda: "bank-4711",
    "receipt_email": lambda: "ada@shop.example",
    "return_url": lambda: "https://shop.example/back",
    "type": lambda: "card",
    "token": lambda: shop.token()["id"],
    "number": lambda: DICE.choice(["4242424242424242", "5555555555554444", "4000000000003220"]),
    "exp_month": lambda: 12,
    "exp_year": lambda: 2040,
    "cvc": lambda: "314",
    "url": lambda: "http://127.0.0.1:9/",
    "webhook_endpoint": lambda: shop.webhook_endpoint()["id"],
}


@schemathesis.hook
def before_call(ctx, case, kwargs):
    right = case.meta is None or case.meta.generation.mode.is_positive
    headers(case)
    # The key that all is asked with is never to be the object.
    always = "{api_key}" in case.operation.path
    objects = shop.of_operation(case.operation.path) if always or DICE.random() < WITH_OBJECTS else {}
    for name in case.path_parameters or {}:
        if name in objects:
            case.path_parameters[name] = objects[name]["id"]
    if not right:
        return
    body = case.body if isinstance(case.body, dict) else None
    query = case.query if case.query else None
    # What waits for something to happen would wait until its time is over, each time.
    if query:
        query.pop("wait", None)
    for fields in (body, query):
        if fields is not None:
            few(fields)
            real(fields, objects)
    if body and "refunds" in case.operation.path and "charge" in body:
        body.pop("payment_intent", None)


def headers(case):
    """Mostly a key of its own and nothing else."""
    for name in list(case.headers or {}):
        if name.lower() in ("stripe-version", "stripe-account") and DICE.random() > WITH_HEADERS:
            del case.headers[name]
        elif name.lower() == "idempotency-key" and DICE.random() > WITH_HEADERS:
            case.headers[name] = uuid.UUID(int=DICE.getrandbits(128)).hex


def few(fields):
    """Leaves out most optional fields: of twenty made up, one is always refused."""
    if DICE.random() > WITH_FEW_FIELDS:
        return
    # Those that nothing works without, whatever the description requires.
    kept = {"country", "business_profile", "amount", "currency", "payment_intent", "card", "client_secret", "payment_method", "provider_reference"}
    optional = [name for name in fields if name not in kept]
    for name in DICE.sample(optional, max(0, len(optional) - FEW)):
        del fields[name]


def real(fields, objects):
    """Puts in what exists and is meant, at any depth."""
    for name, value in list(fields.items()):
        plain = name.removesuffix("[]")
        if plain == "client_secret" and "intent" in objects:
            fields[name] = objects["intent"]["client_secret"]
        elif plain in VALUES and DICE.random() < WITH_REAL_VALUES:
            fields[name] = VALUES[plain]()
        elif isinstance(value, dict):
            real(value, {})


@schemathesis.hook
def after_call(ctx, case, response):
    COUNTS[case.operation.label][response.status_code] += 1


@atexit.register
def tell():
    """What each operation answered, for whoever judges whether the requests got anywhere."""
    pathlib.Path(os.environ["BURSAR_COUNTS"]).write_text(json.dumps(COUNTS))
