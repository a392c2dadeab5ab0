"""The official SDK against a running server: only its base address and key are set, everything else is as published.

Answers pass through a recording transport, so that each of them can be held against the published shapes.
"""

import itertools
import json
import os
import threading
import uuid

import pytest
import requests
import stripe

URL = os.environ["BURSAR_URL"].rstrip("/")
RETURN_URL = "https://shop.example/return"
_record_lock = threading.Lock()


class RecordingTransport(stripe.RequestsClient):
    """The SDK's own transport; it also appends each JSON answer as one line to the file BURSAR_ANSWERS."""

    def request(self, method, url, headers, post_data=None):
        body, status, answer_headers = super().request(method, url, headers, post_data)
        path = os.environ.get("BURSAR_ANSWERS")
        if path:
            line = json.dumps(json.loads(body), ensure_ascii=False)
            with _record_lock, open(path, "a", encoding="utf-8") as answers:
                answers.write(line + "\n")
        return body, status, answer_headers


def connect(key, url=URL):
    """A client of the SDK. Retries are off: a test wants to see the first answer."""
    return stripe.StripeClient(
        key, base_addresses={"api": url}, http_client=RecordingTransport(), max_network_retries=0
    )


class Shop:
    """A merchant's back end in miniature: the SDK and the few calls that most scenarios begin with."""

    def __init__(self, client):
        self.client = client
        self.v1 = client.v1

    def pay(self, amount=1000, currency="usd", **more):
        """Create and confirm in one request."""
        params = {
            "amount": amount,
            "currency": currency,
            "payment_method": "pm_card_visa",
            "payment_method_types": ["card"],
            "confirm": True,
            **more,
        }
        return self.v1.payment_intents.create(params)

    def charge_of(self, intent):
        """The intent's latest charge, as it is now."""
        return self.v1.charges.retrieve(self.v1.payment_intents.retrieve(intent.id).latest_charge)

    def events_of(self, object_id):
        """Every event whose object is this one, oldest first."""
        found = []
        for event in self.v1.events.list({"limit": 100}).auto_paging_iter():
            if event.data.object.id == object_id:
                found.append(event)
        return list(reversed(found))


@pytest.fixture(scope="session")
def client():
    return connect(os.environ["BURSAR_TEST_KEY"])


@pytest.fixture
def shop(client):
    return Shop(client)


@pytest.fixture(scope="session")
def publishable():
    """A client as it would run in a buyer's browser."""
    key = os.environ["BURSAR_PUBLISHABLE_KEY"]
    assert key.startswith("pk_test_"), "the server's first start prints the publishable key"
    return connect(key)


@pytest.fixture
def customer(shop):
    return shop.v1.customers.create({"email": f"{uuid.uuid4().hex}@buyer.example", "name": "Ada Buyer"})


@pytest.fixture
def unique():
    """Texts that no other test uses."""
    prefix, counter = uuid.uuid4().hex, itertools.count()
    return lambda: f"{prefix}-{next(counter)}"


def decide(next_action, decision):
    """Be the buyer on the issuer's 3-D Secure page; returns the address that the buyer's browser ends at."""
    assert next_action.type == "redirect_to_url"
    address = next_action.redirect_to_url.url
    assert next_action.redirect_to_url.return_url == RETURN_URL
    page = requests.get(address, timeout=10)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    answer = requests.post(address, data={"decision": decision}, allow_redirects=False, timeout=10)
    for _ in range(5):
        assert answer.status_code in (302, 303), answer.text
        address = requests.compat.urljoin(answer.url, answer.headers["location"])
        if address.startswith(RETURN_URL):
            return address
        answer = requests.get(address, allow_redirects=False, timeout=10)
    raise AssertionError("the page never led back to return_url")
