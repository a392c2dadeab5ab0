"""Metadata: merged key by key, deleted by an empty value, bounded."""

import pytest
import stripe


def test_metadata_merges_and_deletes_by_key(shop):
    intent = shop.pay(1000, metadata={"order": "17", "colour": "red"})
    assert intent.metadata.to_dict() == {"order": "17", "colour": "red"}
    merged = shop.v1.payment_intents.update(intent.id, {"metadata": {"colour": "blue", "gift": "yes"}})
    assert merged.metadata.to_dict() == {"order": "17", "colour": "blue", "gift": "yes"}
    fewer = shop.v1.payment_intents.update(intent.id, {"metadata": {"gift": ""}})
    assert fewer.metadata.to_dict() == {"order": "17", "colour": "blue"}
    none = shop.v1.payment_intents.update(intent.id, {"metadata": ""})
    assert none.metadata.to_dict() == {}


def test_metadata_is_kept_as_text_on_every_kind(shop, customer):
    assert shop.v1.customers.update(customer.id, {"metadata": {"n": 5}}).metadata.n == "5"
    method = shop.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert shop.v1.payment_methods.update(method.id, {"metadata": {"a": "b"}}).metadata.a == "b"
    intent = shop.pay(1000, metadata={"from": "intent"})
    assert shop.charge_of(intent).metadata.to_dict() == {"from": "intent"}
    assert shop.v1.charges.update(intent.latest_charge, {"metadata": {"seen": "1"}}).metadata.seen == "1"


def test_metadata_keeps_any_text(shop, customer):
    text = 'Grüße, 買い物 & 100% [x] \n "quoted" \\ ☕'
    updated = shop.v1.customers.update(customer.id, {"metadata": {"note": text}})
    assert updated.metadata.note == text
    assert shop.v1.customers.retrieve(customer.id).metadata.note == text


@pytest.mark.parametrize(
    "metadata",
    [{f"key{n}": "v" for n in range(51)}, {"k" * 41: "v"}, {"key": "v" * 501}, {"a[b]": "v"}],
    ids=["51 keys", "41 characters of key", "501 characters of value", "brackets in a key"],
)
def test_metadata_beyond_its_bounds_is_refused(shop, customer, metadata):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.customers.update(customer.id, {"metadata": metadata})
    assert refused.value.http_status == 400


def test_metadata_at_its_bounds_is_kept(shop, customer):
    metadata = {f"{n:02}{'k' * 38}": "v" * 500 for n in range(50)}
    assert shop.v1.customers.update(customer.id, {"metadata": metadata}).metadata.to_dict() == metadata
