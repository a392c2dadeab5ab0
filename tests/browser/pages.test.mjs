// A person in a real browser: 3-D Secure decided by a click, and the API's description read without leaving this host.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const base = process.env.BURSAR_URL.replace(/\/$/, "");
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
let browser, shop, returnUrl;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: quiet });
  shop = createServer((request, answer) => answer.setHeader("content-type", "text/html").end("<title>shop</title>Thank you")).listen(0, "127.0.0.1");
  await once(shop, "listening");
  returnUrl = `http://127.0.0.1:${shop.address().port}/return`;
});

after(async () => {
  await browser?.close();
  shop?.closeAllConnections();
  shop?.close();
});

async function api(path, fields) {
  const authorization = `Bearer ${process.env.BURSAR_TEST_KEY}`;
  const body = fields && new URLSearchParams(fields);
  const answer = await fetch(base + path, { method: fields ? "POST" : "GET", headers: { authorization }, body });
  const parsed = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(parsed));
  return parsed;
}

/** A payment that waits for its buyer. */
async function waiting() {
  const intent = await api("/v1/payment_intents", {
    amount: "2599", currency: "eur", confirm: "true", payment_method: "pm_card_threeDSecure2Required",
    "payment_method_types[]": "card", return_url: returnUrl,
  });
  assert.equal(intent.status, "requires_action");
  return intent;
}

/** A page that notes what goes wrong on it and which hosts it asks. */
async function open(address) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const seen = { errors: [], hosts: new Set() };
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  page.on("requestfailed", (request) => seen.errors.push(`${request.url()}: ${request.failure().errorText}`));
  page.on("request", (request) => /^(https?|wss?):/.test(request.url()) && seen.hosts.add(new URL(request.url()).host));
  const answer = await page.goto(address, { waitUntil: "networkidle" });
  assert.equal(answer.status(), 200);
  return { page, context, answer, seen };
}

// Chromium asks every site for an icon; that a page has none is not an error of its own.
const troubles = (seen) => seen.errors.filter((error) => !/favicon/.test(error));

for (const [decision, button, status] of [["approve", /approve|authenticate|complete/i, "succeeded"], ["refuse", /refuse|fail|decline|reject/i, "requires_payment_method"]]) {
  test(`a buyer who decides to ${decision} comes back to the shop and the payment is ${status}`, async () => {
    const intent = await waiting();
    const { page, context, answer, seen } = await open(intent.next_action.redirect_to_url.url);
    assert.match(answer.headers()["content-security-policy"] ?? "", /default-src 'none'|default-src 'self'/);
    assert.match(await page.innerText("body"), /25[.,]99/, "the page shows what is to be paid");
    await page.getByRole("button", { name: button }).click();
    await page.waitForURL((url) => url.href.startsWith(returnUrl));
    const back = new URL(page.url()).searchParams;
    assert.equal(back.get("payment_intent"), intent.id);
    assert.equal((await api(`/v1/payment_intents/${intent.id}`)).status, status);
    assert.deepEqual(troubles(seen), []);
    assert.deepEqual([...seen.hosts].sort(), [new URL(base).host, new URL(returnUrl).host].sort());
    await page.goto(intent.next_action.redirect_to_url.url);
    assert.equal(await page.getByRole("button", { name: button }).count(), 0, "a decision cannot be made twice");
    await context.close();
  });
}

test("the API's description can be read, and asks no other host", async () => {
  const { page, context, seen } = await open(`${base}/docs`);
  const text = await page.innerText("body");
  const description = await (await fetch(`${base}/openapi.json`)).json();
  assert.match(description.openapi, /^3\.1/);
  const paths = Object.keys(description.paths);
  for (const path of ["/v1/payment_intents", "/v1/refunds", "/v1/customers", "/v1/events"]) {
    assert.ok(paths.includes(path), `${path} is described`);
    assert.ok(text.includes(path), `${path} is shown`);
  }
  assert.deepEqual(troubles(seen), []);
  assert.deepEqual([...seen.hosts], [new URL(base).host]);
  await context.close();
});

/** How far a page reaches beyond the width of a telephone. */
async function overflow(address) {
  const context = await browser.newContext({ viewport: { width: 360, height: 640 } });
  const page = await context.newPage();
  const answer = await page.goto(address, { waitUntil: "networkidle" });
  assert.equal(answer.status(), 200);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await context.close();
  return beyond;
}

test("the buyer's page fits a telephone", async () => {
  assert.ok((await overflow((await waiting()).next_action.redirect_to_url.url)) <= 0);
});

test("the API's description fits a telephone", async () => {
  assert.ok((await overflow(`${base}/docs`)) <= 0);
});
