"""Every change is told by an event that carries the object as it was then."""

import pytest
import stripe
from conftest import RETURN_URL, decide


def types(events):
    return [event.type for event in events]


def test_payment_tells_creation_charge_and_success(shop):
    intent = shop.pay(1000)
    events = shop.events_of(intent.id)
    assert types(events) == ["payment_intent.created", "payment_intent.succeeded"]
    assert events[-1].data.object.status == "succeeded"
    assert events[0].data.object.status != "succeeded"
    assert "charge.succeeded" in types(shop.events_of(intent.latest_charge))
    event = shop.v1.events.retrieve(events[0].id)
    assert event.to_dict() == events[0].to_dict()
    assert event.object == "event" and event.livemode is False and event.api_version
    assert event.request.id.startswith("req_")


def test_event_names_the_idempotency_key_of_its_request(shop, unique):
    key = unique()
    customer = shop.v1.customers.create({"name": "Keyed"}, {"idempotency_key": key})
    assert shop.events_of(customer.id)[0].request.idempotency_key == key


def test_manual_capture_tells_each_step(shop):
    intent = shop.pay(1000, capture_method="manual")
    shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 700})
    assert types(shop.events_of(intent.id)) == [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]
    charge = types(shop.events_of(intent.latest_charge))
    assert charge[0] == "charge.succeeded" and "charge.captured" in charge


def test_cancel_tells_cancellation(shop):
    intent = shop.pay(1000, capture_method="manual")
    shop.v1.payment_intents.cancel(intent.id)
    assert types(shop.events_of(intent.id))[-1] == "payment_intent.canceled"


def test_decline_tells_failure_with_its_reason(shop):
    with pytest.raises(stripe.CardError) as declined:
        shop.pay(1000, payment_method="pm_card_visa_chargeDeclined")
    intent = declined.value.error.payment_intent
    events = shop.events_of(intent.id)
    assert types(events) == ["payment_intent.created", "payment_intent.payment_failed"]
    assert events[-1].data.object.last_payment_error.decline_code == "generic_decline"
    assert types(shop.events_of(intent.latest_charge)) == ["charge.failed"]


@pytest.mark.parametrize(
    ("decision", "last"), [("approve", "payment_intent.succeeded"), ("refuse", "payment_intent.payment_failed")]
)
def test_three_d_secure_tells_action_and_outcome(shop, decision, last):
    intent = shop.pay(1000, payment_method="pm_card_threeDSecure2Required", return_url=RETURN_URL)
    decide(intent.next_action, decision)
    assert types(shop.events_of(intent.id)) == ["payment_intent.created", "payment_intent.requires_action", last]


def test_refund_tells_refund_and_charge(shop):
    intent = shop.pay(1000)
    refund = shop.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    assert types(shop.events_of(refund.id))[0] == "refund.created"
    refunded = [event for event in shop.events_of(intent.latest_charge) if event.type == "charge.refunded"]
    assert len(refunded) == 1
    assert (refunded[0].data.object.amount_refunded, refunded[0].data.object.refunded) == (300, False)
    # Documented for events of the type *.updated only.
    assert "previous_attributes" not in refunded[0].data


def test_setup_intent_tells_its_course(shop, customer):
    setup = shop.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_visa", "payment_method_types": ["card"], "confirm": True}
    )
    assert types(shop.events_of(setup.id)) == ["setup_intent.created", "setup_intent.succeeded"]
    assert "payment_method.attached" in types(shop.events_of(setup.payment_method))


def test_customer_update_tells_previous_attributes(shop, customer):
    shop.v1.customers.update(customer.id, {"name": "Ada Changed", "metadata": {"tier": "gold"}})
    shop.v1.customers.delete(customer.id)
    created, updated, deleted = shop.events_of(customer.id)
    assert (created.type, updated.type, deleted.type) == ("customer.created", "customer.updated", "customer.deleted")
    assert created.data.object.name == "Ada Buyer"
    assert updated.data.object.name == "Ada Changed"
    assert updated.data.previous_attributes.name == "Ada Buyer"
    assert "email" not in updated.data.previous_attributes


def test_methods_tell_attaching_updating_and_detaching(shop, customer):
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    shop.v1.payment_methods.update(method.id, {"billing_details": {"name": "Ada"}})
    shop.v1.payment_methods.detach(method.id)
    assert types(shop.events_of(method.id)) == [
        "payment_method.attached",
        "payment_method.updated",
        "payment_method.detached",
    ]


def test_events_are_listed_by_type_newest_first(shop, customer):
    shop.pay(1000, customer=customer.id)
    shop.pay(1001, customer=customer.id)
    succeeded = list(shop.v1.events.list({"type": "payment_intent.succeeded", "limit": 100}))
    assert {event.type for event in succeeded} == {"payment_intent.succeeded"}
    assert [event.created for event in succeeded] == sorted((event.created for event in succeeded), reverse=True)
    ours = [event.data.object.amount for event in succeeded if event.data.object.customer == customer.id]
    assert ours == [1001, 1000]
    either = shop.v1.events.list({"types": ["customer.created", "charge.succeeded"], "limit": 100})
    assert {event.type for event in either} == {"customer.created", "charge.succeeded"}
