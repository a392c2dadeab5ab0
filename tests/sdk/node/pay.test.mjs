// Taking a payment: at once, with a later capture, not at all, after a refusal, and with 3-D Secure.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  RETURN_URL, StripeCardError, StripeInvalidRequestError, chargeOf, decide, open, pay, publishable, refused, stripe,
} from "./shop.mjs";

test("one-step payment succeeds", async () => {
  const intent = await pay(2000, "usd", { description: "Order 17" });
  assert.equal(intent.status, "succeeded");
  assert.equal(intent.amount_received, 2000);
  const charge = await chargeOf(intent);
  assert.equal(charge.paid && charge.captured, true);
  assert.equal(charge.payment_method_details.card.last4, "4242");
  const line = await stripe.balanceTransactions.retrieve(charge.balance_transaction);
  assert.equal(line.net, 2000 - line.fee);
});

test("create then confirm moves through each status", async () => {
  let intent = await open(700);
  assert.equal(intent.status, "requires_payment_method");
  intent = await stripe.paymentIntents.update(intent.id, { payment_method: "pm_card_amex", amount: 800 });
  assert.equal(intent.status, "requires_confirmation");
  intent = await stripe.paymentIntents.confirm(intent.id);
  assert.equal(intent.status, "succeeded");
  assert.equal(intent.amount_received, 800);
});

test("manual capture in full", async () => {
  let intent = await pay(3000, "usd", { capture_method: "manual" });
  assert.equal(intent.status, "requires_capture");
  assert.equal(intent.amount_capturable, 3000);
  intent = await stripe.paymentIntents.capture(intent.id);
  assert.equal(intent.status, "succeeded");
  assert.equal(intent.amount_received, 3000);
});

test("manual capture in part releases the rest", async () => {
  let intent = await pay(3000, "usd", { capture_method: "manual" });
  intent = await stripe.paymentIntents.capture(intent.id, { amount_to_capture: 1200 });
  assert.deepEqual([intent.status, intent.amount_capturable, intent.amount_received], ["succeeded", 0, 1200]);
  assert.equal((await chargeOf(intent)).amount_captured, 1200);
});

test("capture beyond the authorised amount is refused", async () => {
  const intent = await pay(3000, "usd", { capture_method: "manual" });
  await refused(stripe.paymentIntents.capture(intent.id, { amount_to_capture: 3001 }), StripeInvalidRequestError, { statusCode: 400 });
});

test("cancel voids an authorisation and ends the intent", async () => {
  let intent = await pay(900, "usd", { capture_method: "manual" });
  intent = await stripe.paymentIntents.cancel(intent.id, { cancellation_reason: "requested_by_customer" });
  assert.deepEqual([intent.status, intent.amount_capturable], ["canceled", 0]);
  await refused(stripe.paymentIntents.capture(intent.id), StripeInvalidRequestError, { code: "payment_intent_unexpected_state" });
});

test("cancel of a succeeded payment is refused", async () => {
  const intent = await pay(900);
  await refused(stripe.paymentIntents.cancel(intent.id), StripeInvalidRequestError, { code: "payment_intent_unexpected_state" });
});

test("declined card then success on the same intent with another card", async () => {
  const intent = await open(4500);
  const declined = await refused(
    stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa_chargeDeclinedInsufficientFunds" }),
    StripeCardError,
    { statusCode: 402, code: "card_declined", decline_code: "insufficient_funds" },
  );
  assert.equal(declined.payment_intent.id, intent.id);
  assert.equal(declined.payment_intent.status, "requires_payment_method");
  const paid = await stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_mastercard" });
  assert.equal(paid.status, "succeeded");
  const charges = await stripe.charges.list({ payment_intent: intent.id });
  assert.deepEqual(charges.data.map((charge) => charge.status), ["succeeded", "failed"]);
});

test("card number and token pay like test methods", async () => {
  const card = { number: "5555555555554444", exp_month: 12, exp_year: 2034, cvc: "314" };
  const method = await stripe.paymentMethods.create({ type: "card", card });
  assert.equal(method.card.brand, "mastercard");
  assert.equal((await pay(1000, "usd", { payment_method: method.id })).status, "succeeded");
  const token = await stripe.tokens.create({ card: { ...card, number: "4242424242424242" } });
  const fromToken = { type: "card", card: { token: token.id } };
  assert.equal((await pay(1000, "usd", { payment_method: (await stripe.paymentMethods.create(fromToken)).id })).status, "succeeded");
  await refused(stripe.paymentMethods.create(fromToken), StripeInvalidRequestError, { code: "token_already_used" });
});

test("buyer confirms with publishable key and client secret", async () => {
  const intent = await open(600);
  const paid = await publishable().paymentIntents.confirm(intent.id, { client_secret: intent.client_secret, payment_method: "pm_card_visa" });
  assert.equal(paid.status, "succeeded");
});

test("3-D Secure approved pays", async () => {
  let intent = await pay(2500, "usd", { payment_method: "pm_card_threeDSecure2Required", return_url: RETURN_URL });
  assert.equal(intent.status, "requires_action");
  const back = await decide(intent.next_action, "approve");
  assert.equal(back.get("payment_intent"), intent.id);
  assert.equal(back.get("redirect_status"), "succeeded");
  intent = await stripe.paymentIntents.retrieve(intent.id);
  assert.deepEqual([intent.status, intent.amount_received, intent.next_action], ["succeeded", 2500, null]);
});

test("3-D Secure refused leaves the intent open for another card", async () => {
  let intent = await pay(2500, "usd", { payment_method: "pm_card_threeDSecure2Required", return_url: RETURN_URL });
  const back = await decide(intent.next_action, "refuse");
  assert.equal(back.get("redirect_status"), "failed");
  intent = await stripe.paymentIntents.retrieve(intent.id);
  assert.equal(intent.status, "requires_payment_method");
  assert.equal(intent.last_payment_error.code, "payment_intent_authentication_failure");
  assert.equal((await stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" })).status, "succeeded");
});

for (const [currency, amount, part] of [["jpy", 500, 120], ["kwd", 5130, 1010]]) {
  test(`${currency} amounts keep their minor unit through pay and refund`, async () => {
    const intent = await pay(amount, currency, { expand: ["latest_charge.balance_transaction"] });
    const line = intent.latest_charge.balance_transaction;
    assert.deepEqual([line.amount, line.currency, line.net], [amount, currency, amount - line.fee]);
    const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: part });
    assert.deepEqual([refund.amount, refund.currency], [part, currency]);
    const balance = await stripe.balance.retrieve();
    assert.ok([...balance.available, ...balance.pending].some((entry) => entry.currency === currency));
  });
}
