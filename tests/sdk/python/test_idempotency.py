"""An idempotency key makes a repeated request harmless."""

import threading
import time

import pytest
import stripe


def params(**more):
    return {
        "amount": 1000,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "payment_method_types": ["card"],
        "confirm": True,
        **more,
    }


def header(answer, name):
    return {key.lower(): value for key, value in dict(answer.headers).items()}.get(name.lower())


def test_replay_is_byte_identical_and_marked(shop, unique, customer):
    options = {"idempotency_key": unique()}
    first = shop.v1.payment_intents.create(params(customer=customer.id), options)
    again = shop.v1.payment_intents.create(params(customer=customer.id), options)
    assert again.last_response.body == first.last_response.body
    assert header(first.last_response, "Idempotent-Replayed") is None
    assert header(again.last_response, "Idempotent-Replayed") == "true"
    assert header(first.last_response, "Request-Id") != header(again.last_response, "Request-Id")
    assert len(list(shop.v1.payment_intents.list({"customer": customer.id}))) == 1


def test_replay_keeps_its_answer_when_the_object_moves_on(shop, unique):
    options = {"idempotency_key": unique()}
    first = shop.v1.payment_intents.create(params(capture_method="manual"), options)
    shop.v1.payment_intents.cancel(first.id)
    again = shop.v1.payment_intents.create(params(capture_method="manual"), options)
    assert again.last_response.body == first.last_response.body and again.status == "requires_capture"


def test_replay_of_a_decline_is_the_same_decline(shop, unique, customer):
    options = {"idempotency_key": unique()}
    request = params(payment_method="pm_card_visa_chargeDeclined", customer=customer.id)
    bodies = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as declined:
            shop.v1.payment_intents.create(request, options)
        bodies.append(declined.value.http_body)
    assert bodies[0] == bodies[1]
    assert len(list(shop.v1.charges.list({"customer": customer.id}))) == 1


def test_refund_repeated_under_its_key_happens_once(shop, unique):
    intent = shop.pay(1000)
    options = {"idempotency_key": unique()}
    first = shop.v1.refunds.create({"payment_intent": intent.id, "amount": 100}, options)
    again = shop.v1.refunds.create({"payment_intent": intent.id, "amount": 100}, options)
    assert again.id == first.id
    assert shop.charge_of(intent).amount_refunded == 100


def test_same_key_with_another_body_is_an_idempotency_error(shop, unique):
    options = {"idempotency_key": unique()}
    shop.v1.payment_intents.create(params(), options)
    with pytest.raises(stripe.IdempotencyError) as refused:
        shop.v1.payment_intents.create(params(amount=1001), options)
    assert refused.value.http_status == 400
    assert refused.value.error.type == "idempotency_error"


def test_same_key_on_another_operation_is_an_idempotency_error(shop, unique, customer):
    options = {"idempotency_key": unique()}
    shop.v1.customers.update(customer.id, {"name": "One"}, options)
    with pytest.raises(stripe.IdempotencyError):
        shop.v1.customers.create({"name": "One"}, options)


def test_key_in_flight_answers_409_and_later_the_first_outcome(shop, unique, customer):
    options = {"idempotency_key": unique()}
    request = params(payment_method="pm_card_simulator_answersLate", customer=customer.id)
    outcome = []
    first = threading.Thread(target=lambda: outcome.append(shop.v1.payment_intents.create(request, options)))
    first.start()
    end = time.monotonic() + 10
    while not shop.v1.payment_intents.list({"customer": customer.id}).data:
        assert time.monotonic() < end, "the first request has begun nothing"
    with pytest.raises(stripe.APIError) as refused:
        shop.v1.payment_intents.create(request, options)
    assert refused.value.http_status == 409
    # The SDK raises a plain APIError for a 409 and leaves the code to the error object.
    assert refused.value.error.code == "idempotency_key_in_use"
    assert not outcome, "the first request ended before the second was answered"
    first.join()
    again = shop.v1.payment_intents.create(request, options)
    assert again.last_response.body == outcome[0].last_response.body
    assert len(list(shop.v1.payment_intents.list({"customer": customer.id}))) == 1


def test_key_too_long_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.create({"name": "Long"}, {"idempotency_key": "k" * 256})
    assert refused.value.http_status == 400
