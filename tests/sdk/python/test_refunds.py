"""Giving money back: all of it, some of it, never more than was taken."""

import time

import pytest
import stripe

# The bank simulator decides ten seconds later.
PATIENCE_SECONDS = 40


def test_refund_in_full(shop):
    intent = shop.pay(1000)
    refund = shop.v1.refunds.create({"payment_intent": intent.id, "reason": "requested_by_customer"})
    assert (refund.amount, refund.status, refund.currency) == (1000, "succeeded", "usd")
    assert refund.payment_intent == intent.id and refund.charge == intent.latest_charge
    charge = shop.charge_of(intent)
    assert charge.refunded is True and charge.amount_refunded == 1000
    transaction = shop.v1.balance_transactions.retrieve(refund.balance_transaction)
    assert (transaction.amount, transaction.type, transaction.source) == (-1000, "refund", refund.id)
    assert shop.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_refunds_in_part_add_up(shop):
    intent = shop.pay(1000)
    first = shop.v1.refunds.create({"charge": intent.latest_charge, "amount": 300, "metadata": {"line": "1"}})
    charge = shop.charge_of(intent)
    assert charge.refunded is False and charge.amount_refunded == 300
    second = shop.v1.refunds.create({"payment_intent": intent.id})
    assert second.amount == 700
    assert shop.charge_of(intent).refunded is True
    assert [refund.id for refund in shop.v1.refunds.list({"payment_intent": intent.id})] == [second.id, first.id]
    assert shop.v1.refunds.update(first.id, {"metadata": {"line": "2"}}).metadata.line == "2"
    assert shop.v1.refunds.retrieve(first.id).metadata.line == "2"


def test_refund_beyond_captured_is_refused_with_a_clear_error(shop):
    intent = shop.pay(1000)
    shop.v1.refunds.create({"payment_intent": intent.id, "amount": 600})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": intent.id, "amount": 401})
    assert refused.value.http_status == 400 and refused.value.param == "amount"
    assert "greater than" in refused.value.user_message
    assert shop.charge_of(intent).amount_refunded == 600
    shop.v1.refunds.create({"payment_intent": intent.id, "amount": 400})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"


def test_refund_is_bounded_by_what_was_captured_not_authorised(shop):
    intent = shop.pay(1000, capture_method="manual")
    shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 400})
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.refunds.create({"payment_intent": intent.id, "amount": 401})
    assert shop.v1.refunds.create({"payment_intent": intent.id}).amount == 400


def test_refund_of_an_unpaid_intent_is_refused(shop):
    intent = shop.v1.payment_intents.create({"amount": 900, "currency": "usd", "payment_method_types": ["card"]})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.http_status == 400


@pytest.mark.parametrize("amount", [0, -5])
def test_refund_of_nothing_or_less_is_refused(shop, amount):
    intent = shop.pay(1000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": intent.id, "amount": amount})
    assert refused.value.param == "amount"


def test_refund_that_the_buyers_bank_returns_fails_later_and_can_be_made_again(shop):
    intent = shop.pay(1000, payment_method="pm_card_refundFail")
    refund = shop.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded" and shop.charge_of(intent).refunded is True
    end = time.monotonic() + PATIENCE_SECONDS
    while refund.status == "succeeded" and time.monotonic() < end:
        time.sleep(0.5)
        refund = shop.v1.refunds.retrieve(refund.id)
    assert (refund.status, refund.failure_reason) == ("failed", "unknown")
    returned = shop.v1.balance_transactions.retrieve(refund.failure_balance_transaction)
    assert (returned.amount, returned.type, returned.source) == (1000, "refund_failure", refund.id)
    charge = shop.charge_of(intent)
    assert charge.refunded is False and charge.amount_refunded == 0
    assert "refund.failed" in [event.type for event in shop.events_of(refund.id)]
    assert shop.v1.refunds.create({"payment_intent": intent.id, "amount": 400}).status == "succeeded"
