// What is kept: refunds, customers and their cards, lists, expansion, metadata.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  RETURN_URL, StripeCardError, StripeInvalidRequestError, all, chargeOf, decide, ids, newCustomer, pay, refused, stripe, unique,
} from "./shop.mjs";

const MANY = 250;

function setup(customer, payment_method, more = {}) {
  return stripe.setupIntents.create({ customer: customer.id, payment_method, payment_method_types: ["card"], confirm: true, ...more });
}

/** MANY objects, made by eight callers at once. */
async function makeMany(create) {
  const made = new Set();
  let next = 0;
  const caller = async () => {
    while (next < MANY) made.add((await create(next++)).id);
  };
  await Promise.all(Array.from({ length: 8 }, caller));
  return made;
}

async function walkBothWays(list, made) {
  const newestFirst = ids(await all(list({ limit: 100 })));
  assert.equal(newestFirst.length, MANY);
  assert.deepEqual(new Set(newestFirst), made);
  assert.deepEqual(ids(await all(list({ limit: 37, starting_after: newestFirst[0] }))), newestFirst.slice(1));
  const oldestFirst = ids(await all(list({ limit: 41, ending_before: newestFirst.at(-1) })));
  assert.deepEqual(oldestFirst, newestFirst.slice(0, -1).reverse());
}

test("refund in full, in part, and never more than was captured", async () => {
  const intent = await pay(1000);
  const first = await stripe.refunds.create({ payment_intent: intent.id, amount: 300 });
  assert.deepEqual([first.status, first.charge], ["succeeded", intent.latest_charge]);
  const error = await refused(stripe.refunds.create({ payment_intent: intent.id, amount: 701 }), StripeInvalidRequestError, {
    statusCode: 400, param: "amount",
  });
  assert.match(error.message, /greater than/);
  assert.equal((await chargeOf(intent)).amount_refunded, 300);
  const second = await stripe.refunds.create({ payment_intent: intent.id });
  assert.equal(second.amount, 700);
  assert.equal((await chargeOf(intent)).refunded, true);
  await refused(stripe.refunds.create({ payment_intent: intent.id }), StripeInvalidRequestError, { code: "charge_already_refunded" });
  assert.deepEqual(ids((await stripe.refunds.list({ payment_intent: intent.id })).data), [second.id, first.id]);
});

test("card saved by a setup intent is charged off session", async () => {
  const customer = await newCustomer();
  const saved = await setup(customer, "pm_card_visa", { usage: "off_session" });
  assert.equal(saved.status, "succeeded");
  const intent = await pay(1999, "usd", { customer: customer.id, payment_method: saved.payment_method, off_session: true });
  assert.deepEqual([intent.status, intent.customer], ["succeeded", customer.id]);
});

test("setup intent follows the buyer's decision", async () => {
  const customer = await newCustomer();
  for (const [decision, status] of [["refuse", "requires_payment_method"], ["approve", "succeeded"]]) {
    const waiting = await setup(customer, "pm_card_threeDSecure2Required", { return_url: RETURN_URL });
    assert.equal(waiting.status, "requires_action");
    await decide(waiting.next_action, decision);
    assert.equal((await stripe.setupIntents.retrieve(waiting.id)).status, status);
  }
});

test("off-session payment that needs the buyer is a card error", async () => {
  const customer = await newCustomer();
  const method = await stripe.paymentMethods.attach("pm_card_authenticationRequired", { customer: customer.id });
  const declined = await refused(
    pay(1999, "usd", { customer: customer.id, payment_method: method.id, off_session: true }),
    StripeCardError,
    { code: "authentication_required" },
  );
  assert.equal(declined.payment_intent.status, "requires_payment_method");
});

test("attached methods are listed, made the default and detached", async () => {
  const customer = await newCustomer();
  const visa = await stripe.paymentMethods.attach("pm_card_visa", { customer: customer.id });
  const amex = await stripe.paymentMethods.attach("pm_card_amex", { customer: customer.id });
  assert.deepEqual(ids((await stripe.customers.listPaymentMethods(customer.id)).data), [amex.id, visa.id]);
  assert.equal((await stripe.customers.retrievePaymentMethod(customer.id, amex.id)).card.brand, "amex");
  const updated = await stripe.customers.update(customer.id, { invoice_settings: { default_payment_method: visa.id } });
  assert.equal(updated.invoice_settings.default_payment_method, visa.id);
  assert.equal((await stripe.paymentMethods.detach(amex.id)).customer, null);
  assert.deepEqual(ids((await stripe.paymentMethods.list({ customer: customer.id, type: "card" })).data), [visa.id]);
});

test("deleted customer stays known as deleted", async () => {
  const customer = await newCustomer();
  assert.equal((await stripe.customers.del(customer.id)).deleted, true);
  assert.equal((await stripe.customers.retrieve(customer.id)).deleted, true);
});

test("auto-paging walks 250 customers both ways", async () => {
  const email = `${unique()}@many.example`;
  const made = await makeMany((n) => stripe.customers.create({ email, name: `Buyer ${n}` }));
  await walkBothWays((page) => stripe.customers.list({ email, ...page }), made);
});

test("auto-paging walks 250 payments both ways", async () => {
  const customer = (await newCustomer()).id;
  const made = await makeMany(() => stripe.paymentIntents.create({ amount: 500, currency: "usd", customer, payment_method_types: ["card"] }));
  await walkBothWays((page) => stripe.paymentIntents.list({ customer, ...page }), made);
});

test("expand reaches four levels, on retrieve, list and create", async () => {
  const customer = await newCustomer();
  const intent = await pay(1000, "usd", { customer: customer.id, expand: ["latest_charge.balance_transaction"] });
  assert.equal(intent.latest_charge.balance_transaction.amount, 1000);
  const page = await stripe.paymentIntents.list({ customer: customer.id, expand: ["data.customer", "data.latest_charge.balance_transaction"] });
  assert.equal(page.data[0].customer.email, customer.email);
  assert.equal(page.data[0].latest_charge.balance_transaction.amount, 1000);
  const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 100 });
  const found = await stripe.refunds.retrieve(refund.id, { expand: ["charge.payment_intent.latest_charge.balance_transaction"] });
  assert.equal(found.charge.payment_intent.latest_charge.balance_transaction.object, "balance_transaction");
  const tooDeep = { expand: ["charge.payment_intent.latest_charge.payment_intent.customer"] };
  await refused(stripe.refunds.retrieve(refund.id, tooDeep), StripeInvalidRequestError, { statusCode: 400 });
});

test("metadata merges and deletes by key", async () => {
  const intent = await pay(1000, "usd", { metadata: { order: "17", colour: "red" } });
  const update = async (metadata) => (await stripe.paymentIntents.update(intent.id, { metadata })).metadata;
  assert.deepEqual(await update({ colour: "blue", gift: "☕ & [x]" }), { order: "17", colour: "blue", gift: "☕ & [x]" });
  assert.deepEqual(await update({ gift: "" }), { order: "17", colour: "blue" });
  assert.deepEqual(await update(""), {});
});
