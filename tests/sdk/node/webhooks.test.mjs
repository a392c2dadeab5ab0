// Deliveries, verified as a shop verifies them: by the SDK's own constructEvent, and by the library of Standard Webhooks.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { Webhook } from "standardwebhooks";
import { pay, stripe } from "./shop.mjs";

/** A shop's receiver, and the deliveries that came, each as soon as it is there. */
async function receiver() {
  const came = [];
  const waiting = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    response.end("ok");
    const delivery = { headers: request.headers, body: Buffer.concat(parts) };
    if (waiting.length) waiting.shift()(delivery);
    else came.push(delivery);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}/hooks`,
    next: () => (came.length ? came.shift() : new Promise((resolve) => waiting.push(resolve))),
    close: () => (server.close(), server.closeAllConnections()),
  };
}

/** A delivery of a payment's charge, with the endpoint that it went to. */
async function delivered(use) {
  const shop = await receiver();
  const endpoint = await stripe.webhookEndpoints.create({ url: shop.url, enabled_events: ["charge.captured", "charge.succeeded"] });
  try {
    const intent = await pay(1000);
    let delivery;
    // Other tests pay meanwhile.
    do delivery = await shop.next();
    while (JSON.parse(delivery.body).data.object.payment_intent !== intent.id);
    await use({ endpoint, intent, ...delivery });
  } finally {
    await stripe.webhookEndpoints.del(endpoint.id);
    shop.close();
  }
}

test("the SDK takes what is delivered and refuses what is not what was sent", async () => {
  await delivered(async ({ endpoint, intent, headers, body }) => {
    const signature = headers["stripe-signature"];
    const event = stripe.webhooks.constructEvent(body, signature, endpoint.secret);
    assert.equal(event.data.object.payment_intent, intent.id);
    const refused = { type: "StripeSignatureVerificationError" };
    assert.throws(() => stripe.webhooks.constructEvent(body, signature, `${endpoint.secret}x`), refused);
    assert.throws(() => stripe.webhooks.constructEvent(`${body} `, signature, endpoint.secret), refused);
    const anHourLater = Math.floor(Date.now() / 1000) + 3600;
    const late = () => stripe.webhooks.constructEvent(body, signature, endpoint.secret, 300, undefined, anHourLater * 1000);
    assert.throws(late, refused);
  });
});

test("the library of Standard Webhooks takes it and refuses what is altered", async () => {
  await delivered(async ({ endpoint, headers, body }) => {
    const webhook = new Webhook(endpoint.secret);
    assert.equal(webhook.verify(body.toString(), headers).object, "event");
    assert.throws(() => webhook.verify(`${body} `, headers));
    assert.throws(() => new Webhook(`whsec_${"A".repeat(40)}`).verify(body.toString(), headers));
    const old = { ...headers, "webhook-timestamp": String(Number(headers["webhook-timestamp"]) - 3600) };
    assert.throws(() => webhook.verify(body.toString(), old));
  });
});
