"""A thousand requests at once, over all servers that share the store: limits hold exactly, and nobody is answered with a
failure of a server's."""

import asyncio
import collections
import itertools
import os
import resource
import uuid

import aiohttp
import pytest

URLS = os.environ["BURSAR_URLS"].split()
AUTH = {"Authorization": f"Bearer {os.environ['BURSAR_TEST_KEY']}"}
RACERS = 1000
DEADLINE_SECONDS = 120
RACE_ANSWERS = {200, 400, 409, 429}


@pytest.fixture(scope="session", autouse=True)
def enough_sockets():
    """Each racer has a connection of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * RACERS), hard))


def session():
    connector = aiohttp.TCPConnector(limit=0)
    return aiohttp.ClientSession(headers=AUTH, connector=connector, timeout=aiohttp.ClientTimeout(DEADLINE_SECONDS))


# Requests go round the servers, so two racers in a row never meet at one, and what one answered another is asked about.
turn = itertools.cycle(URLS)


async def post(client, path, fields, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    async with client.post(next(turn) + path, data=fields, headers=headers) as answer:
        return answer.status, await answer.read(), await answer.json()


async def get(client, path, **params):
    async with client.get(next(turn) + path, params=params) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def everything(client, path, **params):
    """All objects of a list."""
    found, more = [], {}
    while True:
        page = await get(client, path, limit=100, **params, **more)
        found += page["data"]
        if not page["has_more"]:
            return found
        more = {"starting_after": found[-1]["id"]}


async def race(client, request):
    """RACERS calls of request(client, n), let loose together."""
    start = asyncio.Event()

    async def racer(n):
        await start.wait()
        return await request(client, n)

    racers = [asyncio.create_task(racer(n)) for n in range(RACERS)]
    await asyncio.sleep(0)
    start.set()
    answers = await asyncio.gather(*racers)
    print(collections.Counter(status for status, _, _ in answers))
    strange = [(status, body[:200]) for status, body, _ in answers if status not in RACE_ANSWERS]
    assert not strange, strange[:5]
    return answers


def payment(amount, **more):
    fields = {
        "amount": str(amount),
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "payment_method_types[]": "card",
        "confirm": "true",
    }
    return {**fields, **more}


def test_thousand_racing_refunds_stop_at_what_was_captured():
    async def run():
        async with session() as client:
            _, _, intent = await post(client, "/v1/payment_intents", payment(10_000))
            request = {"payment_intent": intent["id"], "amount": "100"}
            answers = await race(client, lambda client, n: post(client, "/v1/refunds", request, f"{intent['id']}-{n}"))
            succeeded = [body for status, _, body in answers if status == 200]
            assert len(succeeded) == 100
            assert {body["status"] for body in succeeded} == {"succeeded"}
            refunds = await everything(client, "/v1/refunds", payment_intent=intent["id"])
            assert {refund["id"] for refund in refunds if refund["status"] == "succeeded"} == {
                body["id"] for body in succeeded
            }
            charge = await get(client, f"/v1/charges/{intent['latest_charge']}")
            assert (charge["amount_refunded"], charge["refunded"]) == (10_000, True)
            lines = [await get(client, f"/v1/balance_transactions/{body['balance_transaction']}") for body in succeeded]
            assert sum(line["amount"] for line in lines) == -10_000
            assert len({line["id"] for line in lines}) == 100

    asyncio.run(run())


def test_thousand_racing_creates_under_one_key_make_one_payment():
    async def run():
        async with session() as client:
            _, _, customer = await post(client, "/v1/customers", {"name": "Racer"})
            key = uuid.uuid4().hex
            request = payment(10_000, customer=customer["id"])
            answers = await race(client, lambda client, n: post(client, "/v1/payment_intents", request, key))
            told = {raw for status, raw, _ in answers if status == 200}
            assert len(told) == 1, "every caller that is told an outcome is told the same, to the byte"
            assert {status for status, _, _ in answers} <= {200, 409}
            status, raw, intent = await post(client, "/v1/payment_intents", request, key)
            assert status == 200 and raw in told and intent["status"] == "succeeded"
            payments = await everything(client, "/v1/payment_intents", customer=customer["id"])
            assert [found["id"] for found in payments] == [intent["id"]]
            charges = await everything(client, "/v1/charges", customer=customer["id"])
            assert [(charge["id"], charge["amount_captured"]) for charge in charges] == [
                (intent["latest_charge"], 10_000)
            ]

    asyncio.run(run())


def test_racing_captures_and_cancels_have_one_winner():
    async def run():
        async with session() as client:
            _, _, intent = await post(client, "/v1/payment_intents", payment(10_000, capture_method="manual"))
            paths = [f"/v1/payment_intents/{intent['id']}/{act}" for act in ("capture", "cancel")]
            answers = await race(client, lambda client, n: post(client, paths[n % 2], {}))
            outcomes = {body["status"] for status, _, body in answers if status == 200}
            assert len(outcomes) == 1, outcomes
            ended = await get(client, f"/v1/payment_intents/{intent['id']}")
            assert {ended["status"]} == outcomes and ended["amount_received"] in (0, 10_000)

    asyncio.run(run())
