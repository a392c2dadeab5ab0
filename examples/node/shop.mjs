// A shop in miniature: a customer, a payment, a refused card, a refund in part, the balance.
//
//     BURSAR_URL=http://127.0.0.1:8420 BURSAR_KEY=sk_test_… node shop.mjs
import { randomBytes } from "node:crypto";
import Stripe from "stripe";

// All there is to change: key and address. The SDK repeats by itself what got no answer, under the same idempotency key.
const url = new URL(process.env.BURSAR_URL);
const stripe = new Stripe(process.env.BURSAR_KEY, {
  protocol: url.protocol.replace(":", ""),
  host: url.hostname,
  port: url.port || (url.protocol === "https:" ? 443 : 80),
  maxNetworkRetries: 2,
});

/** An amount in hundredths, as people write it. Not every currency has hundredths. */
function money(amount, currency) {
  const digits = String(Math.abs(amount)).padStart(3, "0");
  return `${amount < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)} ${currency.toUpperCase()}`;
}

/** The order's payment. The key is the order's: whoever asks again, after a crash or a second click, gets the same one. */
function openPayment(order, amount, customer) {
  return stripe.paymentIntents.create(
    { amount, currency: "usd", customer: customer.id, payment_method_types: ["card"], metadata: { order } },
    { idempotencyKey: `${order}-open` },
  );
}

/** One try with one card; says whether the order is paid. Another card is another attempt, with another key. */
async function pay(payment, card, attempt) {
  const { order } = payment.metadata;
  let intent;
  try {
    intent = await stripe.paymentIntents.confirm(payment.id, { payment_method: card }, { idempotencyKey: `${order}-pay-${attempt}` });
  } catch (refused) {
    if (!(refused instanceof Stripe.errors.StripeCardError)) throw refused;
    // The payment stays open for another card. What the issuer said is for the shop; the buyer is only asked for another card.
    console.log(`${order}: the card was refused (${refused.code}, ${refused.decline_code ?? refused.code})`);
    return false;
  }
  if (intent.status === "succeeded") {
    console.log(`${order}: paid ${money(intent.amount_received, intent.currency)} by ${intent.id}`);
    return true;
  }
  if (intent.status === "requires_action") {
    console.log(`${order}: send the buyer to ${intent.next_action.redirect_to_url.url}`);
  } else {
    // processing: nobody knows yet. Neither ship nor charge again; an event tells what it came to.
    console.log(`${order}: ${intent.status}, not paid yet`);
  }
  return false;
}

const run = randomBytes(3).toString("hex");
const [first, second] = [`order-${run}-1`, `order-${run}-2`];
const customer = await stripe.customers.create({ name: "Ada Buyer", email: "ada@buyer.example" });
console.log(`customer ${customer.id}`);

let payment = await openPayment(first, 2000, customer);
const paid = await pay(payment, "pm_card_visa", 1);
if ((await openPayment(first, 2000, customer)).id === payment.id && (await pay(payment, "pm_card_visa", 1)) === paid) {
  console.log(`${first}: asked twice, paid once`);
}

payment = await openPayment(second, 4550, customer);
if (!(await pay(payment, "pm_card_visa_chargeDeclinedInsufficientFunds", 1))) await pay(payment, "pm_card_mastercard", 2);

const refund = await stripe.refunds.create(
  { payment_intent: payment.id, amount: 1550, reason: "requested_by_customer" },
  { idempotencyKey: `${second}-return-1` },
);
console.log(`${second}: ${money(refund.amount, refund.currency)} given back, ${refund.status}`);

// What is paid by card becomes available days later.
const balance = await stripe.balance.retrieve();
for (const part of ["available", "pending"]) {
  for (const sum of balance[part]) console.log(`balance: ${money(sum.amount, sum.currency)} ${part}`);
}
for (const line of (await stripe.balanceTransactions.list({ limit: 3 })).data) {
  const [amount, fee, net] = [line.amount, line.fee, line.net].map((sum) => money(sum, line.currency));
  console.log(`statement: ${line.type} ${amount}, fee ${fee}, net ${net}`);
}
