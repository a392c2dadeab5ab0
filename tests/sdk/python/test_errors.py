"""Each error class of the SDK, raised by its cause."""

import socket
import uuid

import pytest
import stripe
from conftest import connect


def test_missing_parameter_is_an_invalid_request(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.create({"currency": "usd"})
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (400, "parameter_missing", "amount")
    assert refused.value.request_id.startswith("req_")
    assert refused.value.headers["Request-Id"] == refused.value.request_id


def test_unknown_parameter_is_an_invalid_request(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.create({"amount": 1000, "currency": "usd", "colour": "red"})
    assert (refused.value.code, refused.value.param) == ("parameter_unknown", "colour")


def test_unknown_object_is_an_invalid_request_with_404(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.retrieve("pi_nothing")
    assert (refused.value.http_status, refused.value.code, refused.value.param) == (404, "resource_missing", "intent")


def test_unknown_operation_is_an_invalid_request_with_404(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.client.raw_request("get", "/v1/no_such_thing")
    assert refused.value.http_status == 404


def test_wrong_key_is_an_authentication_error(shop):
    with pytest.raises(stripe.AuthenticationError) as refused:
        connect(f"sk_test_{uuid.uuid4().hex}").v1.customers.list({"limit": 1})
    assert refused.value.http_status == 401


def test_publishable_key_on_a_secret_operation_is_a_permission_error(publishable, shop):
    for operation in (
        lambda: publishable.v1.customers.list({"limit": 1}),
        lambda: publishable.v1.refunds.create({"payment_intent": shop.pay(1000).id}),
        lambda: publishable.v1.balance.retrieve(),
    ):
        with pytest.raises(stripe.PermissionError) as refused:
            operation()
        assert refused.value.http_status == 403


def test_publishable_key_needs_the_right_client_secret(publishable, shop):
    intent, other = shop.pay(1000), shop.pay(1000)
    with pytest.raises(stripe.StripeError) as refused:
        publishable.v1.payment_intents.retrieve(intent.id, {"client_secret": other.client_secret})
    assert refused.value.http_status in (400, 401, 403, 404)


def test_declined_card_is_a_card_error(shop):
    with pytest.raises(stripe.CardError) as declined:
        shop.pay(1000, payment_method="pm_card_visa_chargeDeclined")
    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number"),
        ({"number": "42"}, None, "number"),
        ({"exp_month": 13}, "invalid_expiry_month", "exp_month"),
        ({"exp_year": 2001}, "invalid_expiry_year", "exp_year"),
        ({"cvc": "99"}, "invalid_cvc", "cvc"),
    ],
)
def test_impossible_card_data_is_a_card_error_naming_the_field(shop, change, code, param):
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "314", **change}
    with pytest.raises(stripe.CardError) as refused:
        shop.v1.payment_methods.create({"type": "card", "card": card})
    assert refused.value.http_status == 402
    assert refused.value.param.split("[")[-1].rstrip("]") == param
    if code:
        assert refused.value.code == code


def test_nobody_listening_is_a_connection_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(stripe.APIConnectionError):
            connect("sk_test_any", url).v1.customers.list({"limit": 1})
