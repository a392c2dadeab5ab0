// The official SDK against a running server: only address and key are set, everything else is as published.
// Answers pass through a recording transport, so that each can be held against the published shapes.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import Stripe from "stripe";

const url = new URL(process.env.BURSAR_URL);
export const RETURN_URL = "https://shop.example/return";

/** Raw text of each answer by its request id: what replay promises is about bytes, which parsed objects do not show. */
export const bodies = new Map();

/** The SDK's own transport; it also appends each JSON answer as one line to the file BURSAR_ANSWERS. */
function recordingTransport() {
  const transport = Stripe.createNodeHttpClient();
  const makeRequest = transport.makeRequest.bind(transport);
  transport.makeRequest = async (...request) => {
    const answer = await makeRequest(...request);
    const toJSON = answer.toJSON.bind(answer);
    answer.toJSON = () => {
      const raw = answer.getRawResponse();
      let text = "";
      raw.on("data", (chunk) => (text += chunk));
      return toJSON().then((parsed) => {
        bodies.set(answer.getHeaders()["request-id"], text);
        if (process.env.BURSAR_ANSWERS) appendFileSync(process.env.BURSAR_ANSWERS, `${JSON.stringify(parsed)}\n`);
        return parsed;
      });
    };
    return answer;
  };
  return transport;
}

/** A client of the SDK. Retries are off: a test wants to see the first answer. */
export function connect(key, port = url.port) {
  return new Stripe(key, {
    host: url.hostname,
    port,
    protocol: url.protocol.replace(":", ""),
    httpClient: recordingTransport(),
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

export const stripe = connect(process.env.BURSAR_TEST_KEY);
export const publishable = () => connect(process.env.BURSAR_PUBLISHABLE_KEY);
export const unique = () => randomUUID();

/** The exact text of an answer's body. */
export const rawBody = (answer) => bodies.get(answer.lastResponse.requestId);

/** Create and confirm in one request. */
export function pay(amount = 1000, currency = "usd", more = {}, options = undefined) {
  const params = { amount, currency, payment_method: "pm_card_visa", payment_method_types: ["card"], confirm: true, ...more };
  return stripe.paymentIntents.create(params, options);
}

/** A payment intent that nobody has tried to pay yet. */
export function open(amount = 1000, more = {}) {
  return stripe.paymentIntents.create({ amount, currency: "usd", payment_method_types: ["card"], ...more });
}

export const newCustomer = () => stripe.customers.create({ email: `${unique()}@buyer.example`, name: "Ada Buyer" });

/** The intent's latest charge, as it is now. */
export async function chargeOf(intent) {
  return stripe.charges.retrieve((await stripe.paymentIntents.retrieve(intent.id)).latest_charge);
}

/** Types of every event about this object, oldest first. */
export async function eventsOf(id) {
  const found = [];
  for await (const event of stripe.events.list({ limit: 100 })) if (event.data.object.id === id) found.push(event);
  return found.reverse();
}
export const types = async (id) => (await eventsOf(id)).map((event) => event.type);

/** All of a list, through the SDK's automatic paging. */
export async function all(list) {
  const found = [];
  for await (const item of list) found.push(item);
  return found;
}
export const ids = (items) => items.map((item) => item.id);

/** What a promise was refused with: an error of this class of the SDK. */
export async function refused(promise, Class, fields = {}) {
  let caught;
  try {
    await promise;
  } catch (error) {
    caught = error;
  }
  assert.ok(caught, `expected ${Class.name}, nothing was raised`);
  assert.ok(caught instanceof Class, `expected ${Class.name}, got ${caught.type ?? caught.name}: ${caught.message}`);
  for (const [field, value] of Object.entries(fields)) assert.equal(caught[field], value, `${field} of: ${caught.message}`);
  return caught;
}

/** Be the buyer on the issuer's 3-D Secure page; gives the query that the buyer's browser comes back with. */
export async function decide(nextAction, decision) {
  assert.equal(nextAction.type, "redirect_to_url");
  assert.equal(nextAction.redirect_to_url.return_url, RETURN_URL);
  let address = nextAction.redirect_to_url.url;
  const page = await fetch(address);
  assert.equal(page.status, 200);
  assert.match(page.headers.get("content-type"), /^text\/html/);
  let answer = await fetch(address, { method: "POST", body: new URLSearchParams({ decision }), redirect: "manual" });
  for (let hop = 0; hop < 5; hop++) {
    assert.ok([302, 303].includes(answer.status), `status ${answer.status}`);
    address = new URL(answer.headers.get("location"), address).href;
    if (address.startsWith(RETURN_URL)) return new URL(address).searchParams;
    answer = await fetch(address, { redirect: "manual" });
  }
  assert.fail("the page never led back to return_url");
}

export { Stripe };
export const { StripeCardError, StripeInvalidRequestError, StripeIdempotencyError, StripeAPIError } = Stripe.errors;
export const { StripeAuthenticationError, StripePermissionError, StripeConnectionError } = Stripe.errors;
