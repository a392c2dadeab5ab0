"""A shop that is told: it believes what is signed, keeps it, answers at once, and acts once on each event.

    BURSAR_URL=http://127.0.0.1:8420 BURSAR_KEY=sk_test_… python webhooks.py

It makes an endpoint for itself, and deletes it when it ends. A shop in service makes one once, and gives its secret as
SHOP_WEBHOOK_SECRET. SHOP_PORT is where it listens (8421), SHOP_URL how Bursar reaches it, SHOP_INBOX where events are kept (inbox.db).
"""

import http.server
import json
import os
import queue
import signal
import sqlite3
import sys
import threading

import stripe

MAX_BODY = 1_000_000


class Inbox:
    """What was heard. A shop has this table in its own database."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, object TEXT, sequence INTEGER, body TEXT, done INTEGER DEFAULT 0)"
        )

    def keep(self, event, body):
        """Whether it is new. It is on disk when this returns: only then may it be answered for."""
        row = (event.id, event.data.object.id, event["sequence"], body.decode())
        with self.lock:
            insert = "INSERT OR IGNORE INTO events (id, object, sequence, body) VALUES (?, ?, ?, ?)"
            return self.db.execute(insert, row).rowcount == 1

    def left(self):
        """What was kept and not acted upon, because the program ended in between."""
        with self.lock:
            rows = self.db.execute("SELECT body FROM events WHERE NOT done ORDER BY object, sequence").fetchall()
        return [body for (body,) in rows]

    def is_news(self, event):
        """Whether nothing later is known of the event's object: events may come in any order."""
        with self.lock:
            query = "SELECT max(sequence) FROM events WHERE object = ? AND done"
            (latest,) = self.db.execute(query, (event.data.object.id,)).fetchone()
        return latest is None or event["sequence"] > latest

    def done(self, event):
        with self.lock:
            self.db.execute("UPDATE events SET done = 1 WHERE id = ?", (event.id,))


def act(inbox, todo):
    """The shop's work, after the answer. If it ends before `done`, it is begun again: it must bear that."""
    while (event := todo.get()) is not None:
        thing = event.data.object
        what = f"{event.type} {event['sequence']}: {thing.id} is {thing.status}"
        print(what if inbox.is_news(event) else f"{what}: older than what is known", flush=True)
        inbox.done(event)


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            return self.answer(413)
        body = self.rfile.read(length)
        try:
            # The bytes as they came: parsed and written again they would have another signature.
            event = stripe.Webhook.construct_event(body, self.headers.get("Stripe-Signature", ""), self.server.secret)
        except (ValueError, stripe.SignatureVerificationError):
            print("refused: not signed by Bursar", flush=True)
            return self.answer(400)
        if self.server.inbox.keep(event, body):
            self.server.todo.put(event)
        else:
            print(f"{event.type}: known already", flush=True)
        return self.answer(200)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def register(url):
    """An endpoint; its secret is in this answer only. Of events nobody asked for, nobody is told."""
    client = stripe.StripeClient(os.environ["BURSAR_KEY"], base_addresses={"api": os.environ["BURSAR_URL"]})
    wanted = ["payment_intent.succeeded", "payment_intent.payment_failed", "charge.refunded", "refund.created", "refund.failed"]
    endpoint = client.v1.webhook_endpoints.create({"url": url, "enabled_events": wanted})
    return endpoint.secret, lambda: client.v1.webhook_endpoints.delete(endpoint.id)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = http.server.HTTPServer(("127.0.0.1", int(os.environ.get("SHOP_PORT", "8421"))), Receiver)
    url = os.environ.get("SHOP_URL", f"http://127.0.0.1:{server.server_port}/")
    server.inbox, server.todo = Inbox(os.environ.get("SHOP_INBOX", "inbox.db")), queue.Queue()
    server.secret, forget = os.environ.get("SHOP_WEBHOOK_SECRET"), lambda: None
    if not server.secret:
        server.secret, forget = register(url)
    for body in server.inbox.left():
        server.todo.put(stripe.Event.construct_from(json.loads(body), None))
    worker = threading.Thread(target=act, args=(server.inbox, server.todo))
    worker.start()
    print(f"listening on {url}", flush=True)
    try:
        server.serve_forever()
    except (KeyboardInterrupt, SystemExit):
        print("ending", flush=True)
    finally:
        server.todo.put(None)
        worker.join()
        forget()


if __name__ == "__main__":
    main()
