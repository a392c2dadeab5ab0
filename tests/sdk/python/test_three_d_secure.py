"""3-D Secure: the buyer is sent to the issuer's page, decides there, and comes back."""

import pytest
import stripe
from conftest import RETURN_URL, decide
from urllib.parse import parse_qs, urlsplit


def test_approved_authentication_pays(shop):
    intent = shop.pay(2500, payment_method="pm_card_threeDSecure2Required", return_url=RETURN_URL)
    assert intent.status == "requires_action" and intent.amount_received == 0
    back = parse_qs(urlsplit(decide(intent.next_action, "approve")).query)
    assert back["payment_intent"] == [intent.id]
    assert back["payment_intent_client_secret"] == [intent.client_secret]
    assert back["redirect_status"] == ["succeeded"]
    intent = shop.v1.payment_intents.retrieve(intent.id)
    assert intent.status == "succeeded" and intent.amount_received == 2500 and intent.next_action is None
    secure = shop.charge_of(intent).payment_method_details.card.three_d_secure
    assert secure.result == "authenticated"


def test_refused_authentication_leaves_the_intent_open_for_another_card(shop):
    intent = shop.pay(2500, payment_method="pm_card_threeDSecure2Required", return_url=RETURN_URL)
    back = parse_qs(urlsplit(decide(intent.next_action, "refuse")).query)
    assert back["redirect_status"] == ["failed"]
    intent = shop.v1.payment_intents.retrieve(intent.id)
    assert intent.status == "requires_payment_method" and intent.next_action is None
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    paid = shop.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"


def test_approved_authentication_waits_for_a_manual_capture(shop):
    intent = shop.pay(
        2500, payment_method="pm_card_threeDSecure2Required", return_url=RETURN_URL, capture_method="manual"
    )
    decide(intent.next_action, "approve")
    assert shop.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    assert shop.v1.payment_intents.capture(intent.id).amount_received == 2500


def test_cancel_while_the_buyer_is_away(shop):
    intent = shop.pay(2500, payment_method="pm_card_threeDSecure2Required", return_url=RETURN_URL)
    assert shop.v1.payment_intents.cancel(intent.id).status == "canceled"


def test_confirm_while_the_buyer_is_away_is_refused_or_starts_anew(shop):
    """A shop may confirm again with another card; the earlier challenge is then void."""
    intent = shop.pay(2500, payment_method="pm_card_threeDSecure2Required", return_url=RETURN_URL)
    try:
        paid = shop.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    except stripe.InvalidRequestError as refused:
        assert refused.code == "payment_intent_unexpected_state"
    else:
        assert paid.status == "succeeded"
        assert len(list(shop.v1.charges.list({"payment_intent": intent.id}))) == 1


@pytest.mark.parametrize(("decision", "status"), [("approve", "succeeded"), ("refuse", "requires_payment_method")])
def test_setup_intent_follows_the_buyers_decision(shop, customer, decision, status):
    setup = shop.v1.setup_intents.create(
        {
            "customer": customer.id,
            "payment_method": "pm_card_threeDSecure2Required",
            "payment_method_types": ["card"],
            "confirm": True,
            "return_url": RETURN_URL,
        }
    )
    assert setup.status == "requires_action"
    back = parse_qs(urlsplit(decide(setup.next_action, decision)).query)
    assert back["setup_intent"] == [setup.id]
    setup = shop.v1.setup_intents.retrieve(setup.id)
    assert setup.status == status
    if decision == "refuse":
        assert setup.last_setup_error.code == "setup_intent_authentication_failure"
