"""Lists: newest first, in pages, both ways, filtered, with related objects expanded."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

MANY = 250


def make_many(create):
    """MANY objects, made by eight callers at once."""
    with ThreadPoolExecutor(8) as pool:
        return {made.id for made in pool.map(create, range(MANY))}


def walk_both_ways(listing, filters, made):
    """Every object once, newest first; and from the oldest back to the newest."""
    newest_first = [item.id for item in listing({**filters, "limit": 100}).auto_paging_iter()]
    assert len(newest_first) == MANY and set(newest_first) == made
    after_first = [
        item.id for item in listing({**filters, "limit": 37, "starting_after": newest_first[0]}).auto_paging_iter()
    ]
    assert after_first == newest_first[1:]
    oldest_first = [
        item.id for item in listing({**filters, "limit": 41, "ending_before": newest_first[-1]}).auto_paging_iter()
    ]
    assert oldest_first == list(reversed(newest_first[:-1]))
    return newest_first


def test_auto_paging_walks_250_customers_both_ways(shop, unique):
    email = f"{unique()}@many.example"
    made = make_many(lambda n: shop.v1.customers.create({"email": email, "name": f"Buyer {n}"}))
    walk_both_ways(shop.v1.customers.list, {"email": email}, made)


def test_auto_paging_walks_250_payments_both_ways(shop, customer):
    params = {"amount": 500, "currency": "usd", "customer": customer.id, "payment_method_types": ["card"]}
    made = make_many(lambda n: shop.v1.payment_intents.create(params))
    newest_first = walk_both_ways(shop.v1.payment_intents.list, {"customer": customer.id}, made)
    times = [shop.v1.payment_intents.retrieve(found).created for found in newest_first[::50]]
    assert times == sorted(times, reverse=True)


def test_pages_say_whether_more_follow(shop, customer):
    ids = [shop.pay(500 + n, customer=customer.id).id for n in range(3)][::-1]
    page = shop.v1.payment_intents.list({"customer": customer.id, "limit": 2})
    assert [intent.id for intent in page] == ids[:2] and page.has_more is True
    assert page.url == "/v1/payment_intents"
    page = page.next_page()
    assert [intent.id for intent in page] == ids[2:] and page.has_more is False
    charges = list(shop.v1.charges.list({"customer": customer.id}))
    assert [charge.amount for charge in charges] == [502, 501, 500]


def test_created_filters_bound_a_list(shop, customer):
    intent = shop.pay(500, customer=customer.id)
    inside = {"customer": customer.id, "created": {"gte": intent.created, "lt": intent.created + 60}}
    assert [found.id for found in shop.v1.payment_intents.list(inside)] == [intent.id]
    outside = {"customer": customer.id, "created": {"gt": intent.created + 60}}
    assert list(shop.v1.payment_intents.list(outside)) == []


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_limit_outside_1_to_100_is_refused(shop, limit):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.list({"limit": limit})
    assert refused.value.param == "limit"


def test_cursor_that_names_nothing_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.list({"starting_after": "cus_nothing"})
    assert refused.value.param == "starting_after"


def test_expand_replaces_ids_by_objects(shop, customer):
    intent = shop.pay(1000, customer=customer.id)
    found = shop.v1.payment_intents.retrieve(
        intent.id, {"expand": ["customer", "payment_method", "latest_charge.balance_transaction"]}
    )
    assert found.customer.email == customer.email
    assert found.payment_method.card.last4 == "4242"
    assert found.latest_charge.balance_transaction.amount == 1000


def test_expand_reaches_four_levels_and_no_further(shop, customer):
    intent = shop.pay(1000, customer=customer.id)
    refund = shop.v1.refunds.create({"payment_intent": intent.id, "amount": 100})
    path = "charge.payment_intent.latest_charge.balance_transaction"
    found = shop.v1.refunds.retrieve(refund.id, {"expand": [path]})
    assert found.charge.payment_intent.latest_charge.balance_transaction.object == "balance_transaction"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.refunds.retrieve(refund.id, {"expand": ["charge.payment_intent.latest_charge.payment_intent.customer"]})


def test_expand_works_on_lists_and_on_writes(shop, customer):
    intent = shop.pay(1000, customer=customer.id, expand=["latest_charge"])
    assert intent.latest_charge.object == "charge"
    page = shop.v1.payment_intents.list(
        {"customer": customer.id, "expand": ["data.customer", "data.latest_charge.balance_transaction"]}
    )
    assert page.data[0].customer.id == customer.id
    assert page.data[0].latest_charge.balance_transaction.source == page.data[0].latest_charge.id


def test_expand_of_what_cannot_be_expanded_is_refused(shop):
    intent = shop.pay(1000)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.retrieve(intent.id, {"expand": ["amount"]})
    assert refused.value.http_status == 400
