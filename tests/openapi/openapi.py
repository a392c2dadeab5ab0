"""The API's description is valid OpenAPI 3.1, and the server's answers are what it says."""

import base64
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

URL = os.environ["BURSAR_URL"].rstrip("/")
KEYS = {"secretKey": os.environ["BURSAR_TEST_KEY"], "platformKey": os.environ["BURSAR_PLATFORM_KEY"]}


class Api:
    """Calls operations by their ids and holds each answer against its description."""

    def __init__(self, description):
        self.components = description["components"]
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, item in description["paths"].items()
            for method, operation in item.items()
        }
        self.answers, self.problems, self.called = 0, [], set()

    def __call__(self, operation_id, *ids, expect=200, key=None, **fields):
        method, path, operation = self.operations[operation_id]
        for name in ids:
            head, _, rest = path.partition("{")
            path = head + name + rest.partition("}")[2]
        form = urllib.parse.urlencode(fields).encode()
        query = f"?{form.decode()}" if method == "GET" and form else ""
        request = urllib.request.Request(URL + path + query, form if method == "POST" else None, method=method)
        key = KEYS[key or next(iter(operation["security"][0]))]
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{key}:".encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, body = answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            status, body = refused.code, json.load(refused)
        assert status == expect, f"{operation_id}: {status} {body}"
        response = operation["responses"].get(str(status), {})
        if "$ref" in response:
            response = self.components["responses"][response["$ref"].rsplit("/", 1)[-1]]
        if not response:
            self.problems.append(f"{operation_id}: {status} is not described")
            return body
        schema = {**response["content"]["application/json"]["schema"], "components": self.components}
        for error in Draft202012Validator(schema).iter_errors(body):
            where = "/".join(map(str, error.absolute_path))
            self.problems.append(f"{operation_id}: {status} {where}: {error.message[:200]}")
        self.answers += 1
        self.called.add(operation_id)
        return body


def walk(api):
    """One of each object, in as many states as a short walk meets."""
    customer = api("create_a_customer", name="Ada", email="ada@shop.example", **{"address[city]": "Bern"})["id"]
    card = api("attach_a_card_to_a_customer", "pm_card_visa", customer=customer)["id"]
    api("update_a_customer", customer, **{"invoice_settings[default_payment_method]": card})
    pay = {"amount": 1500, "currency": "usd", "confirm": "true"}
    paid = api("create_a_payment", payment_method=card, customer=customer, **pay)
    api("create_a_payment", payment_method="pm_card_visa_chargeDeclined", **pay, expect=402)
    api("create_a_payment", payment_method="pm_card_threeDSecure2Required", **pay)
    held = api("create_a_payment", payment_method="pm_card_visa", capture_method="manual", **pay)
    api("capture_a_payment", held["id"], amount_to_capture=700)
    api("capture_a_payment", held["id"], expect=400)
    refund = api("create_a_refund", payment_intent=paid["id"], amount=500)
    api("cancel_a_refund", refund["id"], expect=400)
    api("retrieve_a_payment", paid["id"], **{"expand[]": "latest_charge.balance_transaction"})
    api("retrieve_a_payment", "pi_nothing", expect=404)
    api("update_a_charge", paid["latest_charge"], **{"fraud_details[user_report]": "safe"})
    api("create_a_setup", payment_method="pm_card_visa", customer=customer, confirm="true")
    number = {"card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2040, "card[cvc]": 314}
    token = api("create_a_token", **number)["id"]
    api("create_a_card", type="card", **{"card[token]": token})
    api("retrieve_a_token", token)
    endpoint = api("create_a_webhook_endpoint", url="http://127.0.0.1:9/", **{"enabled_events[]": "*"})["id"]
    api("give_a_webhook_endpoint_a_new_secret", endpoint)
    api("update_a_customer", customer, name="Ada L.")
    event = api("list_events", limit=1)["data"][0]["id"]
    api("send_an_event_to_a_webhook_endpoint_again", event, webhook_endpoint=endpoint)
    api("send_a_webhook_endpoint_all_events_of_a_time_again", endpoint, **{"created[gte]": 0})
    key = api("create_an_api_key", **{"permissions[refunds]": "write", "allowed_from[]": "192.0.2.0/24"})["id"]
    key = api("replace_an_api_key_by_a_new_one", key)["id"]
    api("retrieve_an_api_key", key)
    api("revoke_an_api_key", key)
    shop = {"country": "DE", "business_profile[name]": "Corner shop", "email": "shop@shop.example"}
    merchant = api("create_a_merchant", **shop, default_currency="eur")["id"]
    api("update_a_merchant", merchant, **{"settings[payments][statement_descriptor]": "CORNER SHOP"})
    api("retrieve_a_merchant", merchant)
    api("create_a_merchant", **shop, expect=403, key="secretKey")
    named = {"{customer}": customer, "{webhook_endpoint}": endpoint, "{event}": event}
    for page in [name for name in api.operations if name.startswith("list_")]:
        ids = [id for name, id in named.items() if name in api.operations[page][1]]
        api(page, *ids, limit=20)
    api("update_a_webhook_endpoint", endpoint, disabled="true")
    api("retrieve_a_webhook_endpoint", endpoint)
    api("delete_a_webhook_endpoint", endpoint)
    row = api("list_the_audit_trail", limit=1)["data"][0]["id"]
    api("retrieve_a_row_of_the_audit_trail", row)
    for one in ("retrieve_the_account", "retrieve_the_balance"):
        api(one)
    api("detach_a_card_from_its_customer", card)
    api("delete_a_customer", customer)
    api("retrieve_a_customer", customer)


def main():
    with urllib.request.urlopen(f"{URL}/openapi.json", timeout=30) as answer:
        description = json.load(answer)
    validate(description)
    api = Api(description)
    walk(api)
    for problem in api.problems[:20]:
        print(problem)
    print(f"{api.answers} answers of {len(api.called)} operations, {len(api.problems)} not as described")
    return 1 if api.problems else 0


if __name__ == "__main__":
    sys.exit(main())
