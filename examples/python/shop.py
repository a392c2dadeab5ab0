"""A shop in miniature: a customer, a payment, a refused card, a refund in part, the balance.

    BURSAR_URL=http://127.0.0.1:8420 BURSAR_KEY=sk_test_… python shop.py
"""

import os
import secrets

import stripe

# All there is to change: key and address. The SDK repeats by itself what got no answer, under the same idempotency key.
client = stripe.StripeClient(os.environ["BURSAR_KEY"], base_addresses={"api": os.environ["BURSAR_URL"]}, max_network_retries=2)


def money(amount, currency):
    """An amount in hundredths, as people write it. Not every currency has hundredths."""
    sign, amount = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{amount // 100}.{amount % 100:02} {currency.upper()}"


def open_payment(order, amount, customer):
    """The order's payment. The key is the order's: whoever asks again, after a crash or a second click, gets the same one."""
    return client.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "usd",
            "customer": customer.id,
            "payment_method_types": ["card"],
            "metadata": {"order": order},
        },
        {"idempotency_key": f"{order}-open"},
    )


def pay(intent, card, attempt):
    """One try with one card; says whether the order is paid. Another card is another attempt, with another key."""
    order = intent.metadata["order"]
    try:
        intent = client.v1.payment_intents.confirm(
            intent.id, {"payment_method": card}, {"idempotency_key": f"{order}-pay-{attempt}"}
        )
    except stripe.CardError as refused:
        # The payment stays open for another card. What the issuer said is for the shop; the buyer is only asked for another card.
        reason = refused.error.decline_code or refused.code
        print(f"{order}: the card was refused ({refused.code}, {reason})")
        return False
    if intent.status == "succeeded":
        print(f"{order}: paid {money(intent.amount_received, intent.currency)} by {intent.id}")
        return True
    if intent.status == "requires_action":
        print(f"{order}: send the buyer to {intent.next_action.redirect_to_url.url}")
    else:
        # processing: nobody knows yet. Neither ship nor charge again; an event tells what it came to.
        print(f"{order}: {intent.status}, not paid yet")
    return False


def main():
    run = secrets.token_hex(3)
    first, second = f"order-{run}-1", f"order-{run}-2"
    customer = client.v1.customers.create({"name": "Ada Buyer", "email": "ada@buyer.example"})
    print(f"customer {customer.id}")

    payment = open_payment(first, 2000, customer)
    paid = pay(payment, "pm_card_visa", 1)
    if open_payment(first, 2000, customer).id == payment.id and pay(payment, "pm_card_visa", 1) == paid:
        print(f"{first}: asked twice, paid once")

    payment = open_payment(second, 4550, customer)
    if not pay(payment, "pm_card_visa_chargeDeclinedInsufficientFunds", 1):
        pay(payment, "pm_card_mastercard", 2)

    refund = client.v1.refunds.create(
        {"payment_intent": payment.id, "amount": 1550, "reason": "requested_by_customer"}, {"idempotency_key": f"{second}-return-1"}
    )
    print(f"{second}: {money(refund.amount, refund.currency)} given back, {refund.status}")

    # What is paid by card becomes available days later.
    balance = client.v1.balance.retrieve()
    for part in ("available", "pending"):
        for sum_ in getattr(balance, part):
            print(f"balance: {money(sum_.amount, sum_.currency)} {part}")
    for line in client.v1.balance_transactions.list({"limit": 3}):
        fee, net = money(line.fee, line.currency), money(line.net, line.currency)
        print(f"statement: {line.type} {money(line.amount, line.currency)}, fee {fee}, net {net}")


if __name__ == "__main__":
    main()
