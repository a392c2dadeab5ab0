"""Deliveries, verified as a shop verifies them: by the SDK's own construct_event, and by the library of Standard Webhooks."""

import http.server
import json
import os
import queue
import subprocess
import threading
import time

import pytest
import standardwebhooks
import stripe

# Longer than an event takes to be told, also where another server does it.
PATIENCE = 90


class Receiver:
    """A shop's receiver; `answer` says what it answers next, and 200 otherwise."""

    def __init__(self):
        self.received = queue.Queue()
        self.answers = queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = 200 if receiver.answers.empty() else receiver.answers.get()
                receiver.received.put((dict(self.headers.items()), body))
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"

    def next(self):
        """The next delivery: its headers, by their names in lower case, and its body."""
        headers, body = self.received.get(timeout=PATIENCE)
        return {name.lower(): value for name, value in headers.items()}, body

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def endpoint(shop, receiver):
    made = shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["charge.succeeded", "customer.created"]})
    yield made
    shop.v1.webhook_endpoints.delete(made.id)


def bursar(*arguments):
    """The program itself, as a developer runs it."""
    env = {**os.environ, "BURSAR_API_KEY": os.environ["BURSAR_TEST_KEY"]}
    return subprocess.run([os.environ["BURSAR_BIN"], *arguments], env=env, capture_output=True, text=True, timeout=PATIENCE)


def test_the_sdk_takes_what_is_delivered(shop, receiver, endpoint):
    intent = shop.pay(1000)
    headers, body = receiver.next()
    event = stripe.Webhook.construct_event(body, headers["stripe-signature"], endpoint.secret)
    assert event.type == "charge.succeeded" and event.data.object.id == intent.latest_charge
    # How many endpoints are still to take it is another number once this one did.
    delivered, retrieved = ({**one.to_dict(), "pending_webhooks": None} for one in (event, shop.v1.events.retrieve(event.id)))
    assert retrieved == delivered and event.pending_webhooks == 1


def test_the_sdk_refuses_what_is_not_what_was_sent(shop, receiver, endpoint):
    shop.pay(1000)
    headers, body = receiver.next()
    signature = headers["stripe-signature"]
    refused = stripe.SignatureVerificationError
    with pytest.raises(refused, match="No signatures found"):
        stripe.Webhook.construct_event(body, signature, endpoint.secret + "x")
    with pytest.raises(refused, match="No signatures found"):
        stripe.Webhook.construct_event(body.replace(b"1000", b"1001"), signature, endpoint.secret)
    time.sleep(2)
    with pytest.raises(refused, match="Timestamp outside"):
        stripe.Webhook.construct_event(body, signature, endpoint.secret, tolerance=1)
    later = signature.replace(signature.split(",")[0], f"t={int(time.time()) + 1}")
    with pytest.raises(refused, match="No signatures found"):
        stripe.Webhook.construct_event(body, later, endpoint.secret)


def test_the_library_of_standard_webhooks_takes_it_and_refuses_what_is_altered(shop, receiver, endpoint):
    shop.pay(1000)
    headers, body = receiver.next()
    event = standardwebhooks.Webhook(endpoint.secret).verify(body, headers)
    assert event == json.loads(body) and headers["webhook-id"] == event["id"]
    refused = standardwebhooks.webhooks.WebhookVerificationError
    other = shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.deleted"]})
    with pytest.raises(refused):
        standardwebhooks.Webhook(other.secret).verify(body, headers)
    shop.v1.webhook_endpoints.delete(other.id)
    with pytest.raises(refused):
        standardwebhooks.Webhook(endpoint.secret).verify(body + b" ", headers)
    with pytest.raises(refused):
        standardwebhooks.Webhook(endpoint.secret).verify(body, {**headers, "webhook-id": "evt_other"})
    old = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 3600)}
    with pytest.raises(refused):
        standardwebhooks.Webhook(endpoint.secret).verify(body, old)


def test_an_endpoint_is_kept_changed_listed_and_deleted(shop, receiver, endpoint):
    assert endpoint.secret.startswith("whsec_") and endpoint.status == "enabled"
    kept = shop.v1.webhook_endpoints.retrieve(endpoint.id)
    assert getattr(kept, "secret", None) is None and kept.enabled_events == ["charge.succeeded", "customer.created"]
    changed = shop.v1.webhook_endpoints.update(endpoint.id, {"disabled": True, "metadata": {"team": "orders"}})
    assert changed.status == "disabled" and changed.metadata["team"] == "orders"
    shop.pay(1000)
    changed = shop.v1.webhook_endpoints.update(endpoint.id, {"disabled": False, "enabled_events": ["*"]})
    assert changed.status == "enabled" and changed.enabled_events == ["*"]
    assert endpoint.id in [listed.id for listed in shop.v1.webhook_endpoints.list().auto_paging_iter()]
    customer = shop.v1.customers.create({"name": "After"})
    headers, body = receiver.next()
    assert json.loads(body)["data"]["object"]["id"] == customer.id, "what happened meanwhile is not told"
    gone = shop.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.deleted"]})
    assert shop.v1.webhook_endpoints.delete(gone.id).deleted
    with pytest.raises(stripe.InvalidRequestError) as missing:
        shop.v1.webhook_endpoints.retrieve(gone.id)
    assert missing.value.code == "resource_missing"


def test_what_was_not_taken_is_told_again(shop, receiver, endpoint):
    receiver.answers.put(503)
    shop.v1.customers.create({"name": "Patience"})
    first, second = receiver.next(), receiver.next()
    assert first[1] == second[1] and first[0]["webhook-id"] == second[0]["webhook-id"]
    stripe.Webhook.construct_event(second[1], second[0]["stripe-signature"], endpoint.secret)


def test_the_command_line_sends_an_event_again_and_makes_one_happen(shop, receiver, endpoint):
    said = bursar("trigger", "customer.created")
    assert said.returncode == 0, said.stderr
    event = said.stdout.split()[0]
    assert receiver.next()[0]["webhook-id"] == event
    again = bursar("events", "resend", event, "--webhook-endpoint", endpoint.id)
    assert again.returncode == 0 and event in again.stdout, again.stderr
    assert receiver.next()[0]["webhook-id"] == event
    unknown = bursar("trigger", "nothing.happened")
    assert unknown.returncode != 0 and "payment_intent.succeeded" in unknown.stderr


def test_a_developers_machine_listens_and_gets_what_happens_signed(shop, receiver):
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    env = {**os.environ, "BURSAR_API_KEY": os.environ["BURSAR_TEST_KEY"]}
    command = [os.environ["BURSAR_BIN"], "listen", "--forward-to", receiver.url, "--events", "customer.created", "--secret", secret]
    listening = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert listening.stdout.readline().startswith("listening")
        assert secret in listening.stdout.readline()
        customer = shop.v1.customers.create({"name": "Heard"})
        headers, body = receiver.next()
        event = stripe.Webhook.construct_event(body, headers["stripe-signature"], secret)
        assert event.data.object.id == customer.id
        assert listening.stdout.readline().split() == [event.id, "customer.created", "200"]
    finally:
        listening.terminate()
        listening.wait(10)
    assert listening.returncode == 0


def test_two_secrets_sign_while_one_is_rolled(shop, receiver, endpoint):
    rolled = shop.client.raw_request("post", f"/v1/webhook_endpoints/{endpoint.id}/roll_secret", expires_in=600)
    fresh = json.loads(rolled.body)["secret"]
    shop.v1.customers.create({"name": "Rolled"})
    headers, body = receiver.next()
    for secret in (endpoint.secret, fresh):
        stripe.Webhook.construct_event(body, headers["stripe-signature"], secret)
        standardwebhooks.Webhook(secret).verify(body, headers)
