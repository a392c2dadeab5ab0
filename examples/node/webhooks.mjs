// A shop that is told: it believes what is signed, keeps it, answers at once, and acts once on each event.
//
//     BURSAR_URL=http://127.0.0.1:8420 BURSAR_KEY=sk_test_… node webhooks.mjs
//
// It makes an endpoint for itself, and deletes it when it ends. A shop in service makes one once, and gives its secret as
// SHOP_WEBHOOK_SECRET. SHOP_PORT is where it listens (8421), SHOP_URL how Bursar reaches it, SHOP_INBOX where events are kept (inbox/).
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import Stripe from "stripe";

const MAX_BODY = 1_000_000;
const address = new URL(process.env.BURSAR_URL);
const stripe = new Stripe(process.env.BURSAR_KEY, {
  protocol: address.protocol.replace(":", ""),
  host: address.hostname,
  port: address.port || (address.protocol === "https:" ? 443 : 80),
});

/** What was heard, a file an event: `ID.new`, and `ID.done` once it was acted upon. A shop has a table in its own database. */
class Inbox {
  constructor(folder) {
    this.folder = folder;
    this.latest = new Map();
    mkdirSync(folder, { recursive: true });
    for (const event of this.all(".done")) this.note(event);
  }

  all(ending) {
    const names = readdirSync(this.folder).filter((name) => name.endsWith(ending));
    return names.map((name) => JSON.parse(readFileSync(join(this.folder, name), "utf8")));
  }

  path(event, ending) {
    return join(this.folder, event.id + ending);
  }

  /** Whether it is new. It is on disk when this returns: only then may it be answered for. */
  keep(event, body) {
    if (existsSync(this.path(event, ".new")) || existsSync(this.path(event, ".done"))) return false;
    writeFileSync(this.path(event, ".part"), body, { flush: true });
    renameSync(this.path(event, ".part"), this.path(event, ".new"));
    return true;
  }

  /** Whether nothing later is known of the event's object: events may come in any order. */
  isNews(event) {
    return event.sequence > (this.latest.get(event.data.object.id) ?? 0);
  }

  note(event) {
    if (this.isNews(event)) this.latest.set(event.data.object.id, event.sequence);
  }

  done(event) {
    this.note(event);
    renameSync(this.path(event, ".new"), this.path(event, ".done"));
  }
}

/** The shop's work, after the answer. If it ends before `done`, it is begun again: it must bear that. */
function act(inbox, event) {
  const thing = event.data.object;
  const what = `${event.type} ${event.sequence}: ${thing.id} is ${thing.status}`;
  console.log(inbox.isNews(event) ? what : `${what}: older than what is known`);
  inbox.done(event);
}

/** An endpoint; its secret is in this answer only. Of events nobody asked for, nobody is told. */
async function register(url) {
  const enabled_events = ["payment_intent.succeeded", "payment_intent.payment_failed", "charge.refunded", "refund.created", "refund.failed"];
  const endpoint = await stripe.webhookEndpoints.create({ url, enabled_events });
  return { secret: endpoint.secret, forget: () => stripe.webhookEndpoints.del(endpoint.id) };
}

async function read(request) {
  const parts = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > MAX_BODY) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

let secret = process.env.SHOP_WEBHOOK_SECRET;
let forget = async () => {};
const inbox = new Inbox(process.env.SHOP_INBOX ?? "inbox");

const server = createServer(async (request, response) => {
  const body = await read(request);
  if (body === null) return response.writeHead(413, { connection: "close" }).end();
  let event;
  try {
    // The bytes as they came: parsed and written again they would have another signature.
    event = stripe.webhooks.constructEvent(body, request.headers["stripe-signature"] ?? "", secret);
  } catch {
    console.log("refused: not signed by Bursar");
    return response.writeHead(400).end();
  }
  if (inbox.keep(event, body)) setImmediate(act, inbox, event);
  else console.log(`${event.type}: known already`);
  return response.writeHead(200).end();
});

await new Promise((resolve) => server.listen(Number(process.env.SHOP_PORT ?? 8421), "127.0.0.1", resolve));
const url = process.env.SHOP_URL ?? `http://127.0.0.1:${server.address().port}/`;
if (!secret) ({ secret, forget } = await register(url));
for (const event of inbox.all(".new").sort((a, b) => a.sequence - b.sequence)) act(inbox, event);
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    console.log("ending");
    server.close();
    server.closeAllConnections();
    await forget();
  });
}
console.log(`listening on ${url}`);
