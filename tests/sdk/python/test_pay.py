"""Taking a payment: at once, with a later capture, not at all, and after a refusal."""

import pytest
import stripe


def test_one_step_payment_succeeds(shop):
    intent = shop.pay(2000, description="Order 17", receipt_email="ada@buyer.example")
    assert intent.status == "succeeded"
    assert (intent.amount, intent.amount_received, intent.currency) == (2000, 2000, "usd")
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    charge = shop.charge_of(intent)
    assert charge.paid and charge.captured and charge.status == "succeeded"
    assert charge.payment_intent == intent.id
    assert charge.payment_method_details.card.brand == "visa"
    assert charge.payment_method_details.card.last4 == "4242"
    transaction = shop.v1.balance_transactions.retrieve(charge.balance_transaction)
    assert transaction.source == charge.id and transaction.type == "charge"
    assert transaction.amount == 2000 and transaction.net == 2000 - transaction.fee


def test_payment_without_redirects_needs_no_return_url(shop):
    intent = shop.v1.payment_intents.create(
        {
            "amount": 1500,
            "currency": "eur",
            "confirm": True,
            "payment_method": "pm_card_mastercard",
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    assert intent.status == "succeeded"


def test_create_then_confirm_moves_through_each_status(shop):
    intent = shop.v1.payment_intents.create({"amount": 700, "currency": "usd", "payment_method_types": ["card"]})
    assert intent.status == "requires_payment_method"
    intent = shop.v1.payment_intents.update(intent.id, {"payment_method": "pm_card_amex", "amount": 800})
    assert intent.status == "requires_confirmation"
    intent = shop.v1.payment_intents.confirm(intent.id)
    assert intent.status == "succeeded" and intent.amount_received == 800


def test_manual_capture_in_full(shop):
    intent = shop.pay(3000, capture_method="manual")
    assert intent.status == "requires_capture"
    assert (intent.amount_capturable, intent.amount_received) == (3000, 0)
    assert shop.charge_of(intent).captured is False
    intent = shop.v1.payment_intents.capture(intent.id)
    assert intent.status == "succeeded"
    assert (intent.amount_capturable, intent.amount_received) == (0, 3000)
    charge = shop.charge_of(intent)
    assert charge.captured is True and charge.amount_captured == 3000


def test_manual_capture_in_part_releases_the_rest(shop):
    intent = shop.pay(3000, capture_method="manual")
    intent = shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1200})
    assert intent.status == "succeeded"
    assert (intent.amount, intent.amount_capturable, intent.amount_received) == (3000, 0, 1200)
    charge = shop.charge_of(intent)
    assert (charge.amount, charge.amount_captured) == (3000, 1200)
    transaction = shop.v1.balance_transactions.retrieve(charge.balance_transaction)
    assert transaction.amount == 1200


def test_capture_beyond_the_authorised_amount_is_refused(shop):
    intent = shop.pay(3000, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3001})
    assert refused.value.http_status == 400
    assert shop.v1.payment_intents.retrieve(intent.id).amount_capturable == 3000


def test_second_capture_is_refused(shop):
    intent = shop.pay(3000, capture_method="manual")
    shop.v1.payment_intents.capture(intent.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.capture(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_cancel_before_any_attempt(shop):
    intent = shop.v1.payment_intents.create({"amount": 900, "currency": "usd", "payment_method_types": ["card"]})
    intent = shop.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert intent.status == "canceled"
    assert intent.cancellation_reason == "abandoned" and intent.canceled_at


def test_cancel_voids_an_authorisation(shop):
    intent = shop.pay(900, capture_method="manual")
    intent = shop.v1.payment_intents.cancel(intent.id)
    assert intent.status == "canceled"
    assert (intent.amount_capturable, intent.amount_received) == (0, 0)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.capture(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"


def test_cancel_of_a_succeeded_payment_is_refused(shop):
    intent = shop.pay(900)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.cancel(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert shop.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_declined_card_then_success_on_the_same_intent(shop):
    intent = shop.v1.payment_intents.create({"amount": 4500, "currency": "usd", "payment_method_types": ["card"]})
    with pytest.raises(stripe.CardError) as declined:
        shop.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"})
    error = declined.value.error
    assert declined.value.http_status == 402
    assert (error.type, error.code, error.decline_code) == ("card_error", "card_declined", "insufficient_funds")
    assert error.payment_intent.id == intent.id
    assert error.payment_intent.status == "requires_payment_method"
    refused = shop.v1.payment_intents.retrieve(intent.id)
    assert refused.last_payment_error.decline_code == "insufficient_funds"
    assert shop.charge_of(intent).status == "failed"
    assert shop.charge_of(intent).failure_code == "card_declined"
    paid = shop.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_mastercard"})
    assert paid.status == "succeeded" and paid.last_payment_error is None
    statuses = [charge.status for charge in shop.v1.charges.list({"payment_intent": intent.id})]
    assert statuses == ["succeeded", "failed"]


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_each_decline_is_a_card_error_with_its_code(shop, method, code, decline_code):
    with pytest.raises(stripe.CardError) as declined:
        shop.pay(payment_method=method)
    assert declined.value.code == code
    if decline_code:
        assert declined.value.error.decline_code == decline_code


def test_card_number_and_token_pay_like_test_methods(shop):
    card = {"number": "5555555555554444", "exp_month": 12, "exp_year": 2034, "cvc": "314"}
    method = shop.v1.payment_methods.create({"type": "card", "card": card, "billing_details": {"name": "Ada"}})
    assert (method.card.brand, method.card.last4, method.card.exp_month) == ("mastercard", "4444", 12)
    assert shop.pay(payment_method=method.id).status == "succeeded"
    token = shop.v1.tokens.create({"card": {**card, "number": "4242424242424242"}})
    assert token.card.last4 == "4242" and token.used is False
    method = shop.v1.payment_methods.create({"type": "card", "card": {"token": token.id}})
    assert shop.pay(payment_method=method.id).status == "succeeded"
    assert shop.v1.tokens.retrieve(token.id).used is True
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_methods.create({"type": "card", "card": {"token": token.id}})
    assert refused.value.code == "token_already_used"


def test_buyer_confirms_with_publishable_key_and_client_secret(shop, publishable):
    intent = shop.v1.payment_intents.create({"amount": 600, "currency": "usd", "payment_method_types": ["card"]})
    with_secret = {"client_secret": intent.client_secret}
    assert publishable.v1.payment_intents.retrieve(intent.id, with_secret).id == intent.id
    paid = publishable.v1.payment_intents.confirm(intent.id, {**with_secret, "payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"


def test_shipping_descriptor_and_account_read_back(shop):
    address = {"line1": "1 Main St", "city": "Springfield", "country": "US", "postal_code": "12345"}
    intent = shop.pay(1100, shipping={"name": "Ada", "address": address}, statement_descriptor_suffix="ORDER 17")
    assert intent.shipping.address.postal_code == "12345" and intent.statement_descriptor_suffix == "ORDER 17"
    updated = shop.v1.charges.update(intent.latest_charge, {"description": "looked at"})
    assert updated.description == "looked at"
    assert shop.v1.accounts.retrieve_current().object == "account"
