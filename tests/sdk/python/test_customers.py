"""Buyers that come back: saved cards, payments without them present, and what is theirs."""

import pytest
import stripe


def save_card(shop, customer, method="pm_card_visa"):
    setup = shop.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": method,
            "payment_method_types": ["card"],
            "usage": "off_session",
            "confirm": True,
        }
    )
    assert setup.status == "succeeded", setup
    return setup


def test_card_saved_by_setup_intent_is_charged_off_session(shop, customer):
    setup = save_card(shop, customer)
    assert setup.payment_method.startswith("pm_") and setup.payment_method != "pm_card_visa"
    assert shop.v1.payment_methods.retrieve(setup.payment_method).customer == customer.id
    intent = shop.pay(1999, customer=customer.id, payment_method=setup.payment_method, off_session=True)
    assert intent.status == "succeeded" and intent.customer == customer.id
    assert shop.charge_of(intent).customer == customer.id


def test_setup_intent_steps_and_cancel(shop, customer):
    setup = shop.v1.setup_intents.create({"customer": customer.id, "payment_method_types": ["card"]})
    assert setup.status == "requires_payment_method"
    setup = shop.v1.setup_intents.update(setup.id, {"payment_method": "pm_card_visa", "metadata": {"step": "2"}})
    assert setup.status == "requires_confirmation"
    assert shop.v1.setup_intents.confirm(setup.id).status == "succeeded"
    other = shop.v1.setup_intents.create({"customer": customer.id, "payment_method_types": ["card"]})
    assert shop.v1.setup_intents.cancel(other.id).status == "canceled"
    listed = [found.id for found in shop.v1.setup_intents.list({"customer": customer.id})]
    assert listed == [other.id, setup.id]


def test_declined_card_is_not_saved(shop, customer):
    with pytest.raises(stripe.CardError) as declined:
        save_card(shop, customer, "pm_card_visa_chargeDeclined")
    assert declined.value.error.setup_intent.status == "requires_payment_method"
    assert list(shop.v1.payment_methods.list({"customer": customer.id, "type": "card"})) == []


def test_off_session_payment_that_needs_the_buyer_is_a_card_error(shop, customer):
    method = shop.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
    with pytest.raises(stripe.CardError) as declined:
        shop.pay(1999, customer=customer.id, payment_method=method.id, off_session=True)
    assert declined.value.code == "authentication_required"
    intent = declined.value.error.payment_intent
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error.payment_method.id == method.id


def test_payment_saves_its_card_when_asked(shop, customer):
    intent = shop.pay(500, customer=customer.id, setup_future_usage="off_session")
    assert shop.v1.payment_methods.retrieve(intent.payment_method).customer == customer.id
    again = shop.pay(600, customer=customer.id, payment_method=intent.payment_method, off_session=True)
    assert again.status == "succeeded"


def test_attached_methods_are_listed_updated_and_detached(shop, customer):
    visa = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    amex = shop.v1.payment_methods.attach("pm_card_amex", {"customer": customer.id})
    assert {visa.customer, amex.customer} == {customer.id}
    listed = [method.id for method in shop.v1.payment_methods.list({"customer": customer.id, "type": "card"})]
    assert listed == [amex.id, visa.id]
    listed = [method.id for method in shop.v1.customers.payment_methods.list(customer.id)]
    assert listed == [amex.id, visa.id]
    assert shop.v1.customers.payment_methods.retrieve(customer.id, visa.id).card.brand == "visa"
    renewed = shop.v1.payment_methods.update(
        visa.id, {"card": {"exp_month": 1, "exp_year": 2040}, "billing_details": {"name": "Ada"}}
    )
    assert (renewed.card.exp_year, renewed.billing_details.name) == (2040, "Ada")
    updated = shop.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": visa.id}})
    assert updated.invoice_settings.default_payment_method == visa.id
    assert shop.v1.payment_methods.detach(amex.id).customer is None
    assert [method.id for method in shop.v1.customers.payment_methods.list(customer.id)] == [visa.id]
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_methods.attach(amex.id, {"customer": customer.id})


def test_another_customers_method_is_refused(shop, customer):
    other = shop.v1.customers.create({"name": "Grace"})
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": other.id})
    with pytest.raises(stripe.InvalidRequestError):
        shop.pay(500, customer=customer.id, payment_method=method.id)


def test_deleted_customer_stays_known_as_deleted(shop, customer):
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    gone = shop.v1.customers.delete(customer.id)
    assert gone.deleted is True and gone.id == customer.id
    assert shop.v1.customers.retrieve(customer.id).deleted is True
    assert customer.id not in [found.id for found in shop.v1.customers.list({"email": customer.email})]
    with pytest.raises(stripe.InvalidRequestError):
        shop.pay(500, customer=customer.id, payment_method=method.id)
