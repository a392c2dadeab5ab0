"""Amounts are integers of the currency's minor unit: yen have none, dinars have three digits."""

import pytest
import stripe


@pytest.mark.parametrize(("currency", "amount", "part"), [("jpy", 500, 120), ("kwd", 5130, 1010), ("eur", 1099, 99)])
def test_amounts_keep_their_minor_unit_through_pay_capture_and_refund(shop, currency, amount, part):
    intent = shop.pay(amount, currency, capture_method="manual")
    intent = shop.v1.payment_intents.capture(intent.id)
    assert (intent.amount_received, intent.currency) == (amount, currency)
    charge = shop.charge_of(intent)
    transaction = shop.v1.balance_transactions.retrieve(charge.balance_transaction)
    assert (transaction.amount, transaction.currency) == (amount, currency)
    assert transaction.net == amount - transaction.fee
    assert sum(detail.amount for detail in transaction.fee_details) == transaction.fee
    refund = shop.v1.refunds.create({"payment_intent": intent.id, "amount": part})
    assert (refund.amount, refund.currency) == (part, currency)
    assert shop.charge_of(intent).amount_refunded == part


def test_balance_moves_by_net_in_each_currency(shop):
    def total(currency):
        balance = shop.v1.balance.retrieve()
        return sum(entry.amount for entry in [*balance.available, *balance.pending] if entry.currency == currency)

    for currency, amount in (("jpy", 30000), ("kwd", 70000)):
        before = total(currency)
        intent = shop.pay(amount, currency, expand=["latest_charge.balance_transaction"])
        assert total(currency) - before == intent.latest_charge.balance_transaction.net


def test_balance_transactions_are_listed_by_source_and_currency(shop):
    intent = shop.pay(5130, "kwd")
    refund = shop.v1.refunds.create({"payment_intent": intent.id, "amount": 130})
    lines = list(shop.v1.balance_transactions.list({"source": intent.latest_charge}))
    assert [(line.amount, line.reporting_category) for line in lines] == [(5130, "charge")]
    lines = list(shop.v1.balance_transactions.list({"source": refund.id}))
    assert [(line.amount, line.reporting_category) for line in lines] == [(-130, "refund")]
    assert {line.currency for line in shop.v1.balance_transactions.list({"currency": "kwd", "limit": 100})} == {"kwd"}


@pytest.mark.parametrize(("currency", "amount", "wrong"), [("isk", 500, 550), ("ugx", 500, 501), ("kwd", 5120, 5124)])
def test_amounts_that_cannot_be_paid_are_refused(shop, currency, amount, wrong):
    assert shop.pay(amount, currency).amount_received == amount
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.pay(wrong, currency)
    assert (refused.value.param, refused.value.code) == ("amount", "parameter_invalid_integer")


@pytest.mark.parametrize("currency", ["xxq", "us", "dollars"])
def test_unknown_currency_is_refused(shop, currency):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.pay(1000, currency)
    assert refused.value.param == "currency"


@pytest.mark.parametrize("amount", ["10.50", "1e3", "-100", "0", "99999999999999999999", "ten", ""])
def test_amount_that_is_not_a_positive_integer_is_refused(shop, amount):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.pay(amount)
    assert refused.value.param == "amount"
