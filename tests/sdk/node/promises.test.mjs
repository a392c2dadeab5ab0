// What a client may rely on: idempotency keys, events, and errors of the right class.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import {
  RETURN_URL, StripeAPIError, StripeAuthenticationError, StripeCardError, StripeConnectionError, StripeIdempotencyError,
  StripeInvalidRequestError, StripePermissionError, all, connect, decide, eventsOf, newCustomer, open, pay, publishable, rawBody,
  refused, stripe, types, unique,
} from "./shop.mjs";

test("replay is byte-identical and marked", async () => {
  const options = { idempotencyKey: unique() };
  const customer = (await newCustomer()).id;
  const first = await pay(1000, "usd", { customer }, options);
  const again = await pay(1000, "usd", { customer }, options);
  assert.ok(rawBody(first).length > 0);
  assert.equal(rawBody(again), rawBody(first));
  assert.equal(first.lastResponse.headers["idempotent-replayed"], undefined);
  assert.equal(again.lastResponse.headers["idempotent-replayed"], "true");
  assert.equal((await all(stripe.paymentIntents.list({ customer }))).length, 1);
});

test("replay of a decline is the same decline", async () => {
  const options = { idempotencyKey: unique() };
  const customer = (await newCustomer()).id;
  const decline = () => refused(pay(1000, "usd", { customer, payment_method: "pm_card_visa_chargeDeclined" }, options), StripeCardError);
  const [first, again] = [await decline(), await decline()];
  assert.equal(again.payment_intent.id, first.payment_intent.id);
  assert.equal(again.headers["idempotent-replayed"], "true");
  assert.equal((await all(stripe.charges.list({ customer }))).length, 1);
});

test("same key with another body is an idempotency error", async () => {
  const options = { idempotencyKey: unique() };
  await pay(1000, "usd", {}, options);
  await refused(pay(1001, "usd", {}, options), StripeIdempotencyError, { statusCode: 400 });
});

test("key in flight answers 409 and later the first outcome", async () => {
  const options = { idempotencyKey: unique() };
  const customer = (await newCustomer()).id;
  const late = () => pay(1000, "usd", { customer, payment_method: "pm_card_simulator_answersLate" }, options);
  let ended = false;
  const first = late().finally(() => (ended = true));
  const end = Date.now() + 10_000;
  while ((await stripe.paymentIntents.list({ customer })).data.length === 0) {
    assert.ok(Date.now() < end, "the first request has begun nothing");
  }
  await refused(late(), StripeAPIError, { statusCode: 409, code: "idempotency_key_in_use" });
  assert.equal(ended, false, "the first request ended before the second was answered");
  assert.equal(rawBody(await first), rawBody(await late()));
});

test("events tell a payment, its capture and its refund", async () => {
  const intent = await pay(1000, "usd", { capture_method: "manual" });
  await stripe.paymentIntents.capture(intent.id);
  const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 300 });
  assert.deepEqual(await types(intent.id), [
    "payment_intent.created", "payment_intent.amount_capturable_updated", "payment_intent.succeeded",
  ]);
  const charge = await eventsOf(intent.latest_charge);
  for (const type of ["charge.succeeded", "charge.captured", "charge.refunded"]) {
    assert.equal(charge.filter((event) => event.type === type).length, 1, type);
  }
  const refunded = charge.find((event) => event.type === "charge.refunded");
  assert.deepEqual([refunded.data.object.amount_refunded, refunded.data.object.refunded], [300, false]);
  // Documented for events of the type *.updated only.
  assert.equal(refunded.data.previous_attributes, undefined);
  assert.equal((await types(refund.id))[0], "refund.created");
  assert.equal((await stripe.events.retrieve(refunded.id)).id, refunded.id);
});

test("events tell declines, cancellations, 3-D Secure, setup, customers and their cards", async () => {
  const declined = await refused(pay(1000, "usd", { payment_method: "pm_card_visa_chargeDeclined" }), StripeCardError);
  assert.deepEqual(await types(declined.payment_intent.id), ["payment_intent.created", "payment_intent.payment_failed"]);
  const canceled = await open();
  await stripe.paymentIntents.cancel(canceled.id);
  assert.deepEqual(await types(canceled.id), ["payment_intent.created", "payment_intent.canceled"]);
  const secured = await pay(1000, "usd", { payment_method: "pm_card_threeDSecure2Required", return_url: RETURN_URL });
  await decide(secured.next_action, "approve");
  assert.deepEqual(await types(secured.id), ["payment_intent.created", "payment_intent.requires_action", "payment_intent.succeeded"]);
  const customer = await newCustomer();
  const setup = await stripe.setupIntents.create({
    customer: customer.id, payment_method: "pm_card_visa", payment_method_types: ["card"], confirm: true,
  });
  assert.deepEqual(await types(setup.id), ["setup_intent.created", "setup_intent.succeeded"]);
  await stripe.paymentMethods.detach(setup.payment_method);
  assert.deepEqual(await types(setup.payment_method), ["payment_method.attached", "payment_method.detached"]);
  await stripe.customers.update(customer.id, { name: "Ada Changed" });
  await stripe.customers.del(customer.id);
  const [created, updated, deleted] = await eventsOf(customer.id);
  assert.deepEqual([created.type, updated.type, deleted.type], ["customer.created", "customer.updated", "customer.deleted"]);
  assert.equal(updated.data.previous_attributes.name, "Ada Buyer");
});

test("missing, unknown and wrong parameters are invalid requests that name them", async () => {
  const fields = (code, param) => ({ statusCode: 400, code, param });
  const missing = await refused(stripe.paymentIntents.create({ currency: "usd" }), StripeInvalidRequestError, fields("parameter_missing", "amount"));
  assert.match(missing.requestId, /^req_/);
  await refused(open(1000, { colour: "red" }), StripeInvalidRequestError, fields("parameter_unknown", "colour"));
  await refused(open(1000, { currency: "xxq" }), StripeInvalidRequestError, { statusCode: 400, param: "currency" });
  await refused(open(10.5), StripeInvalidRequestError, { statusCode: 400, param: "amount" });
});

test("unknown object is an invalid request with 404", async () => {
  await refused(stripe.paymentIntents.retrieve("pi_nothing"), StripeInvalidRequestError, { statusCode: 404, code: "resource_missing" });
});

test("wrong key is an authentication error", async () => {
  await refused(connect(`sk_test_${unique().replaceAll("-", "")}`).customers.list(), StripeAuthenticationError, { statusCode: 401 });
});

test("publishable key on a secret operation is a permission error", async () => {
  await refused(publishable().customers.list(), StripePermissionError, { statusCode: 403 });
});

test("impossible card number is a card error", async () => {
  const card = { number: "4242424242424241", exp_month: 12, exp_year: 2034, cvc: "314" };
  await refused(stripe.paymentMethods.create({ type: "card", card }), StripeCardError, { statusCode: 402, code: "incorrect_number" });
});

test("nobody listening is a connection error", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address();
  taken.close();
  await once(taken, "close");
  await refused(connect("sk_test_any", port).customers.list(), StripeConnectionError);
});
