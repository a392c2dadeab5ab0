"""The requests: card data of their own in every place where a client could put some, rightly or by mistake."""

import base64
import contextlib
import http.client
import json
import os
import re
import socket
import sys
import urllib.parse

import cards

URL = urllib.parse.urlsplit(os.environ["BURSAR_URL"])
KEY = os.environ["BURSAR_TEST_KEY"]
# A four-digit code that many payments carry.
CODE, CODE_PAYMENTS = "8396", 60
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Probes:
    """Sends requests and remembers what each of them carried."""

    def __init__(self):
        self.sent = {}
        self.answers = []
        self.statuses = {}

    def card(self, name, brand="visa"):
        number = cards.make(f"{name} {KEY}", brand)
        self.sent[name] = number
        return number

    def code(self, name):
        """A 'security code' far too long to be one, so that it can be told from chance."""
        number = cards.make(f"code {name} {KEY}")
        self.sent[f"{name} (security code)"] = number
        return number

    def send(self, name, method, path, body=None, headers=None, key=KEY):
        """One request through an ordinary client; its whole answer is kept."""
        headers = {"Authorization": f"Bearer {key}", **(headers or {})}
        connection = http.client.HTTPConnection(URL.hostname, URL.port, timeout=20)
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        head = "\n".join(f"{field}: {value}" for field, value in answer.getheaders())
        self.keep(name, f"{answer.status}\n{head}\n\n".encode() + content)
        self.statuses[name] = answer.status
        if answer.status >= 500:
            sys.exit(f"canary: {name}: {answer.status} {content[:300]!r}")
        return answer.status, content

    def keep(self, name, answer):
        self.answers.append(b"### " + name.encode() + b"\n" + answer + b"\n")

    def form(self, name, path, fields, **more):
        headers = {**FORM, **more.pop("headers", {})}
        return self.send(name, "POST", path, urllib.parse.urlencode(fields), headers, **more)

    def json(self, name, path, document, **more):
        text = document if isinstance(document, (str, bytes)) else json.dumps(document)
        return self.send(name, "POST", path, text, {"Content-Type": "application/json"}, **more)

    def raw(self, name, data, hang_up=False):
        """Bytes that no client would send; the server may answer or hang up, and the client may, before it has the answer.

        A request whose client is gone is dropped wherever it has got to, so only one that is waited for shows all of what is
        made of it."""
        with socket.create_connection((URL.hostname, URL.port), timeout=5) as connection:
            connection.sendall(data)
            if hang_up:
                # A server that has answered and hung up already leaves nothing to shut down.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except OSError:
                pass
        self.keep(name, answer)


def card_fields(number, cvc="314", prefix="card"):
    return {
        f"{prefix}[number]": number,
        f"{prefix}[exp_month]": "12",
        f"{prefix}[exp_year]": "2034",
        f"{prefix}[cvc]": cvc,
    }


def send_valid(probes):
    """Requests that are as they should be: these cards are really kept, sealed."""
    for brand in cards.PREFIXES:
        name = f"{brand} payment method by form"
        status, content = probes.form(
            name,
            "/v1/payment_methods",
            {"type": "card", **card_fields(probes.card(name, brand), "3141" if brand == "amex" else "314")},
        )
        assert status in (200, 402), (status, content)
        if status == 200:
            assert json.loads(content)["card"]["last4"] == probes.sent[name][-4:]
    name = "payment method by JSON"
    probes.json(
        name,
        "/v1/payment_methods",
        {"type": "card", "card": {"number": probes.card(name), "exp_month": 12, "exp_year": 2034, "cvc": "314"}},
    )
    name = "token"
    probes.form(name, "/v1/tokens", card_fields(probes.card(name)))
    name = "payment with payment_method_data"
    probes.form(name, "/v1/payment_intents", {
        "amount": "1000", "currency": "usd", "confirm": "true", "payment_method_types[]": "card",
        "payment_method_data[type]": "card", **card_fields(probes.card(name), prefix="payment_method_data[card]"),
    }, headers={"Idempotency-Key": "canary-payment"})  # fmt: skip
    name = "setup intent with payment_method_data"
    probes.form(name, "/v1/setup_intents", {
        "confirm": "true", "payment_method_types[]": "card",
        "payment_method_data[type]": "card", **card_fields(probes.card(name), prefix="payment_method_data[card]"),
    })  # fmt: skip
    name = "number with spaces"
    number = probes.card(name)
    probes.form(name, "/v1/payment_methods", {"type": "card", **card_fields(" ".join(re.findall("....", number)))})
    amex = "378282246310005"
    for n in range(CODE_PAYMENTS):
        fields = {"type": "card", **card_fields(amex, CODE)}
        _, content = probes.form(
            f"amex with code {n}", "/v1/payment_methods", fields, headers={"Idempotency-Key": f"canary-code-{n}"}
        )
        method = json.loads(content)["id"]
        pay = {
            "amount": "1000",
            "currency": "usd",
            "confirm": "true",
            "payment_method_types[]": "card",
            "payment_method": method,
        }
        status, content = probes.form(f"amex payment {n}", "/v1/payment_intents", pay)
        assert status == 200, content
    name = "confirm with payment_method_data"
    _, content = probes.form(
        name, "/v1/payment_intents", {"amount": "1000", "currency": "usd", "payment_method_types[]": "card"}
    )
    intent = json.loads(content)["id"]
    probes.form(
        name,
        f"/v1/payment_intents/{intent}/confirm",
        {"payment_method_data[type]": "card", **card_fields(probes.card(name), prefix="payment_method_data[card]")},
    )


def send_invalid_fields(probes):
    """Card data where the API knows the field but cannot accept the value, or does not know the field."""

    def method(name, **change):
        fields = {"type": "card", **card_fields(probes.card(name)), **change}
        probes.form(name, "/v1/payment_methods", fields, headers={"Idempotency-Key": f"canary {name}"})

    for path in ("/v1/payment_methods", "/v1/tokens"):
        name = f"bad check digit to {path}"
        probes.sent[name] = cards.break_check_digit(probes.card(name))
        probes.form(name, path, {**({"type": "card"} if "methods" in path else {}), **card_fields(probes.sent[name])})
    method("expired", **{"card[exp_year]": "2001"})
    method("month 13", **{"card[exp_month]": "13"})
    method("unknown field beside", **{"card[colour]": "red"})
    method("code too long", **{"card[cvc]": probes.code("code too long")})
    method("no type", type="")
    method("wrong type", type="sepa_debit")
    name = "code in JSON as a number"
    probes.json(
        name,
        "/v1/payment_methods",
        {
            "type": "card",
            "card": {"number": probes.card(name), "exp_month": 12, "exp_year": 2034, "cvc": int(probes.code(name))},
        },
    )
    name = "number in JSON as a number"
    probes.json(
        name,
        "/v1/payment_methods",
        {"type": "card", "card": {"number": int(probes.card(name)), "exp_month": 12, "exp_year": 2034}},
    )
    name = "number in JSON as a list"
    probes.json(name, "/v1/payment_methods", {"type": "card", "card": {"number": [probes.card(name)]}})
    wrong_places = {
        "amount": "/v1/payment_intents", "currency": "/v1/payment_intents", "payment_method": "/v1/payment_intents",
        "customer": "/v1/payment_intents", "capture_method": "/v1/payment_intents", "confirm": "/v1/payment_intents",
        "payment_method_types[]": "/v1/payment_intents", "expand[]": "/v1/payment_intents", "return_url": "/v1/payment_intents",
        "charge": "/v1/refunds", "payment_intent": "/v1/refunds", "reason": "/v1/refunds",
        "card[token]": "/v1/payment_methods", "card[exp_month]": "/v1/payment_methods", "card[exp_year]": "/v1/payment_methods",
        "type": "/v1/payment_methods", "usage": "/v1/setup_intents", "card": "/v1/tokens",
        "email": "/v1/customers", "invoice_settings[default_payment_method]": "/v1/customers",
    }  # fmt: skip
    for field, path in wrong_places.items():
        name = f"as {field} of {path}"
        base = {"amount": "1000", "currency": "usd"} if path == "/v1/payment_intents" else {}
        # An e-mail address is the shop's own word; only one that cannot be an address may not be kept.
        probes.form(name, path, {**base, field: probes.card(name)}, headers={"Idempotency-Key": f"canary {name}"})
    for path in ("/v1/payment_intents", "/v1/customers", "/v1/refunds", "/v1/tokens"):
        name = f"as a parameter's name at {path}"
        probes.form(name, path, {probes.card(name): "1"})
        name = f"inside a parameter's name at {path}"
        probes.form(name, path, {f"card[{probes.card(name)}]": "1"})
        name = f"as a JSON key at {path}"
        probes.json(name, path, {probes.card(name): "1", "card": {probes.card(name + " inside"): 1}})


def send_broken(probes):
    """Card data in bodies that cannot be read, in addresses and in headers."""
    name = "JSON cut short"
    probes.json(
        name,
        "/v1/payment_methods",
        '{"type":"card","card":{"number":"%s","cvc":"%s' % (probes.card(name), probes.code(name)),
    )
    name = "JSON that is no object"
    probes.json(name, "/v1/payment_methods", f'"{probes.card(name)}"')
    name = "JSON with a stray word"
    probes.json(name, "/v1/payment_methods", '{"type":"card","card":{"number":%s x}}' % probes.card(name))
    name = "JSON too deep"
    probes.json(name, "/v1/payment_methods", '{"card":' * 300 + f'"{probes.card(name)}"' + "}" * 300)
    name = "not UTF-8"
    probes.json(name, "/v1/payment_methods", b'{"card":{"number":"' + probes.card(name).encode() + b'\xff"}}')
    name = "form not UTF-8"
    probes.send(
        name, "POST", "/v1/payment_methods", b"type=card&card[number]=" + probes.card(name).encode() + b"%ff", FORM
    )
    name = "form with broken brackets"
    probes.send(name, "POST", "/v1/payment_methods", f"type=card&card[number={probes.card(name)}&card]]=1", FORM)
    name = "form with the field twice"
    probes.send(
        name,
        "POST",
        "/v1/payment_methods",
        f"type=card&card[number]={probes.card(name)}&card[number]={probes.card(name + ' again')}",
        FORM,
    )
    name = "too large"
    probes.json(name, "/v1/payment_methods", {"card": {"number": probes.card(name) + " " * 3_000_000}})
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x", ""):
        name = f"content type {kind!r}"
        probes.send(name, "POST", "/v1/payment_methods", f"card[number]={probes.card(name)}", {"Content-Type": kind})
    for path in (
        "/v1/payment_intents/%s",
        "/v1/charges/%s",
        "/v1/customers/%s/payment_methods",
        "/v1/%s",
        "/%s",
        "/v1/payment_intents/%s/confirm",
    ):
        name = f"in the path {path}"
        probes.send(name, "POST" if path.endswith("confirm") else "GET", path % probes.card(name))
        name = f"in the path {path}, with spaces"
        probes.send(name, "GET", path % "%20".join(re.findall("....", probes.card(name))))
    for query in (
        "limit=%s",
        "starting_after=%s",
        "%s=1",
        "customer=%s",
        "created[gte]=%s",
        "expand[]=%s",
        "card[number]=%s",
    ):
        name = f"in the query {query}"
        probes.send(name, "GET", f"/v1/payment_intents?{query % probes.card(name)}")
    name = "query of a POST"
    probes.send(
        name,
        "POST",
        f"/v1/payment_methods?card[number]={probes.card(name)}&card[cvc]={probes.code(name)}",
        "type=card",
        FORM,
    )
    name = "as Basic user"
    basic = base64.b64encode(f"{probes.card(name)}:{probes.card(name + ' password')}".encode()).decode()
    probes.send(name, "GET", "/v1/customers", headers={"Authorization": f"Basic {basic}"})
    name = "as bearer key"
    probes.send(name, "GET", "/v1/customers", headers={"Authorization": f"Bearer {probes.card(name)}"})
    name = "as idempotency key"
    probes.form(name, "/v1/customers", {"name": "Ada"}, headers={"Idempotency-Key": probes.card(name)})
    name = "inside an idempotency key"
    probes.form(name, "/v1/customers", {"name": "Ada"}, headers={"Idempotency-Key": f"order-{probes.card(name)}-1"})
    for header in (
        "Stripe-Version",
        "Stripe-Account",
        "X-Request-Id",
        "Request-Id",
        "User-Agent",
        "Referer",
        "Traceparent",
    ):
        name = f"as header {header}"
        probes.send(name, "GET", "/v1/customers", headers={header: probes.card(name)})
    name = "as a method"
    probes.raw(name, f"{probes.card(name)} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    name = "as a method, with a key"
    authorized = f"Host: x\r\nAuthorization: Bearer {KEY}\r\nConnection: close\r\n\r\n"
    probes.raw(name, f"{probes.card(name)} /v1/customers HTTP/1.1\r\n{authorized}".encode())
    name = "not HTTP"
    probes.raw(name, f"number={probes.card(name)}\r\n\r\n".encode())
    name = "body cut off"
    head = f"POST /v1/payment_methods HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
    probes.raw(name, head.encode() + b'{"card":{"number":"' + probes.card(name).encode(), hang_up=True)
