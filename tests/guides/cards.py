"""Every row of docs/test-cards.md, tried on a running server: by its number, and by each of its names as a payment method and a token.

What a row promises is read from its words. A row whose words are not known here is a complaint, so that none is left out.
"""

import concurrent.futures
import re
import time
import urllib.parse
import urllib.request

AT_ONCE = 32
PATIENCE_SECONDS = 45
PAUSE_SECONDS = 0.3
LONGEST_COMPLAINT = 300
RETURN_URL = "https://shop.example/return"
BRANDS = {
    "visa": "visa", "mastercard": "mastercard", "american express": "amex", "discover": "discover", "diners club": "diners", "jcb": "jcb",
    "unionpay": "unionpay", "bccard and dinacard": "discover",
}  # fmt: skip
DECLINES = {
    "Declined": "generic_decline", "Insufficient funds": "insufficient_funds", "Lost card": "lost_card", "Stolen card": "stolen_card",
    "Expired card": "expired_card", "Processing error": "processing_error", "Too many payments": "card_velocity_exceeded",
    "Blocked as fraudulent": "fraudulent", "Incorrect security code, if one is sent": "incorrect_cvc",
    "Can be saved; payments are declined": "generic_decline",
}  # fmt: skip
# Codes that are an error's `code` as well; of all others that is `card_declined`.
OWN_CODES = {"expired_card", "incorrect_cvc", "incorrect_number", "incorrect_zip", "invalid_cvc", "invalid_expiry_month"}
OWN_CODES |= {"invalid_expiry_year", "processing_error", "authentication_required"}
CHECKS = ("cvc_check", "address_line1_check", "address_postal_code_check")
FAILED_CHECKS = {
    "The security code does not match": ("fail", "pass", "pass"), "The postal code does not match": ("pass", "pass", "fail"),
    "The address line does not match": ("pass", "fail", "pass"), "Address line and postal code do not match": ("pass", "fail", "fail"),
    "The issuer does not check addresses": ("pass", "unavailable", "unavailable"),
    "Highest risk": ("pass", "pass", "pass"), "Elevated risk": ("pass", "pass", "pass"),
}  # fmt: skip
# Of each operation: how the shop sees it done, without a known end, and refused.
ENDS = {
    "authorisation": ("succeeded", "processing", "requires_payment_method"), "capture": ("succeeded", "processing", "requires_capture"),
    "void": ("canceled", "processing", "requires_capture"), "refund": ("succeeded", "pending", "failed"),
}  # fmt: skip
REFUNDS = {
    "Refunds are pending first, then succeed": ("pending", "succeeded"), "Refunds are pending first, then fail": ("pending", "failed"),
    "Refunds succeed first, then fail": ("succeeded", "failed"),
}  # fmt: skip


class Card:
    """A row, and one way to name its card."""

    def __init__(self, section, number, about, name):
        self.section, self.number, self.about, self.name = section, number, about, name

    def __str__(self):
        return f"{self.number} ({self.name or 'by number'}, “{self.about}”)"

    def fields(self, cvc=True, address=False):
        """What a request says to pay with it."""
        if self.name and self.name.startswith("pm_"):
            return {"payment_method": self.name}
        data = {"[card][token]": self.name} if self.name else {"[card][number]": self.number, "[card][exp_month]": 12, "[card][exp_year]": 2040}
        if cvc and not self.name:
            data["[card][cvc]"] = "1234" if len(self.number) == 15 else "123"
        if address:
            data |= {"[billing_details][address][line1]": "1 Main Street", "[billing_details][address][postal_code]": "8000"}
        return {f"payment_method_data{field}": value for field, value in {"[type]": "card", **data}.items()}


def read(page):
    section = None
    for line in page.splitlines():
        if line.startswith("## "):
            section = line[3:]
        row = re.match(r"\| (\d+) \|([^|]*)\| ([^|]+) \|$", line)
        if row:
            names = [prefix + name for name in re.findall(r"`(\w+)`", row[2]) for prefix in ("pm_card_", "tok_")]
            yield from (Card(section, row[1], row[3], name) for name in [None, *names])


class Judge:
    """Tries cards at a server; says what is not as promised."""

    def __init__(self, ask):
        # ask(path, form) → status and body.
        self.ask = ask

    def pay(self, card, **more):
        address = card.section.startswith("Checks")
        form = {"amount": 2000, "currency": "usd", "confirm": "true", "return_url": RETURN_URL, "expand[]": "latest_charge"}
        if more.get("off_session"):
            del form["return_url"]
        return self.ask("/v1/payment_intents", {**form, **card.fields(address=address), **more})

    def paid(self, card, **more):
        """A charge that succeeded."""
        status, intent = self.pay(card, **more)
        assert status == 200 and intent["status"] == "succeeded", f"{status} {intent.get('status') or intent}"
        return intent["latest_charge"]["payment_method_details"]["card"]

    def declined(self, card, code, **more):
        status, body = self.pay(card, **more)
        assert status == 402, f"{status} {body.get('status') or body}, and not declined"
        error = body["error"]
        if code == "invalid_number":
            wanted = "incorrect_number"
        else:
            wanted = code if code in OWN_CODES else "card_declined"
        assert (error["code"], error.get("decline_code")) == (wanted, code), f"{error['code']}, {error.get('decline_code')}"
        assert error["payment_intent"]["status"] == "requires_payment_method", error["payment_intent"]["status"]

    def authenticated(self, card, **more):
        """What an intent comes to, whose buyer is sent to the page and approves there."""
        status, intent = self.pay(card, **more)
        assert status == 200 and intent["status"] == "requires_action", f"{status} {intent.get('status') or intent}"
        approve(intent)
        return self.ask(f"/v1/payment_intents/{intent['id']}", None)[1]

    def saved(self, card):
        """A card like it, saved for payments off session."""
        customer = self.ask("/v1/customers", {"name": "Ada Buyer"})[1]["id"]
        form = {"customer": customer, "usage": "off_session", "confirm": "true", "return_url": RETURN_URL, **card.fields()}
        setup = self.ask("/v1/setup_intents", form)[1]
        if setup["status"] == "requires_action":
            approve(setup)
            setup = self.ask(f"/v1/setup_intents/{setup['id']}", None)[1]
        assert setup["status"] == "succeeded", f"saved: {setup['status']}"
        again = Card(card.section, card.number, card.about, setup["payment_method"])
        return again, {"customer": customer, "off_session": "true"}

    def by_brand(self, card):
        found = self.paid(card)
        brand = BRANDS[re.sub(r"(.* and (?=visa|mastercard))|( debit| prepaid|,).*", "", card.about.lower())]
        assert found["brand"] == brand, found["brand"]
        for funding in ("debit", "prepaid"):
            assert (found["funding"] == funding) or funding not in card.about, found["funding"]

    def by_country(self, card):
        found = self.paid(card)
        country, *more = card.about.split(", ")
        brand = next((BRANDS[word.lower()] for word in more if word.lower() in BRANDS), "visa")
        assert (found["country"], found["brand"]) == (country, brand), f"{found['country']} {found['brand']}"
        if brand == "visa":
            assert found["funding"] == ("debit" if "debit" in more else "credit"), found["funding"]

    def refused(self, card):
        self.declined(card, DECLINES[card.about])
        if "if one is sent" in card.about and not card.name:
            status, intent = self.ask(
                "/v1/payment_intents", {"amount": 2000, "currency": "usd", "confirm": "true", "return_url": RETURN_URL, **card.fields(cvc=False)}
            )
            assert intent.get("status") == "succeeded", f"without a security code: {status}"
        if card.about.startswith("Can be saved"):
            self.saved(card)

    def any_code(self, card):
        self.declined(card, card.about)

    def checks(self, card):
        found = self.paid(card)["checks"]
        wanted = FAILED_CHECKS[re.sub(r"^Elevated risk; (\w)", lambda first: first[1].upper(), card.about)]
        if card.name and card.name.startswith("pm_"):
            # A test method has no address, so nothing of it is checked.
            wanted = (wanted[0], None, None)
        assert tuple(found[check] for check in CHECKS) == wanted, found

    def three_d_secure(self, card):
        about, asked = card.about, {"payment_method_options[card][request_three_d_secure]": "any"}
        if about.startswith(("3-D Secure supported", "American Express")) or about.endswith("without a challenge"):
            found = self.paid(card)["three_d_secure"]
            if about.endswith("without a challenge"):
                assert found["result"] == "authenticated", found
            elif about.endswith("done only when asked for"):
                assert found is None and self.authenticated(card, **asked)["status"] == "succeeded", found
            elif about.endswith("fails when asked for"):
                self.declined(card, "processing_error", **asked)
            else:
                assert self.paid(card, **asked)["three_d_secure"]["result"] == "not_supported"
        elif about.endswith("cannot be begun: declined"):
            self.declined(card, "generic_decline")
        elif about.endswith(("then declined", "then declined for insufficient funds")):
            intent = self.authenticated(card)
            code = "insufficient_funds" if about.endswith("funds") else "generic_decline"
            assert intent["status"] == "requires_payment_method" and intent["last_payment_error"]["decline_code"] == code, intent["status"]
        else:
            assert about.startswith(("Authentication, ", "As if saved: authentication on session", "3-D Secure required")), "not known here"
            status = self.authenticated(card)["status"]
            assert status == "succeeded", f"{status} after authentication"
            if about.startswith("As if saved"):
                self.paid(card, off_session="true")
                return
            self.declined(card, "authentication_required", off_session="true")
            again, buyer = self.saved(card)
            if about == "Authentication, always":
                self.declined(again, "authentication_required", **buyer)
            else:
                self.paid(again, **buyer)

    def approved(self, card):
        self.paid(card)

    def refunds(self, card):
        self.ends(card, "refund")

    def ends(self, card, operation=None):
        """Do the operation, and see how it is answered and how it ends."""
        operation = operation or re.search(r"the (\w+)(?: or card check)? goes wrong", card.section)[1]
        done, unknown, not_done = ENDS[operation]
        about, began = card.about, time.monotonic()
        held = {"capture_method": "manual"} if operation in ("capture", "void") else {}
        status, intent = self.pay(card, **held)
        assert status == 200, f"{status} {intent}"
        found, path = intent, f"/v1/payment_intents/{intent['id']}"
        if operation != "authorisation":
            assert intent["status"] == ("requires_capture" if held else "succeeded"), intent["status"]
            began = time.monotonic()
            form = {"payment_intent": intent["id"], "amount": 500}
            ask = {"capture": (f"{path}/capture", {}), "void": (f"{path}/cancel", {}), "refund": ("/v1/refunds", form)}
            status, found = self.ask(*ask[operation])
            assert status == 200, f"{status} {found}"
        took = time.monotonic() - began
        if operation == "refund":
            path = f"/v1/refunds/{found['id']}"
        if about in REFUNDS:
            first, last = REFUNDS[about]
        elif reason := re.match("Refunds fail at once: (.*)", about):
            first = last = not_done
            assert found["failure_reason"] == reason[1].replace("cancelled", "canceled").replace(" ", "_"), found["failure_reason"]
        elif about.endswith("the answer comes late"):
            first = last = done
            assert took > 1, f"answered after {took:.1f} s"
        elif about.endswith("both answers are the same"):
            first = last = done
        elif about.endswith("later it is refused"):
            first, last = unknown, not_done
        else:
            assert about.startswith(("Done, but ", "Not done and ")) or about.endswith("later it is done"), "not known here"
            first, last = unknown, done
        assert found["status"] == first, f"{found['status']} at first"
        end = time.monotonic() + PATIENCE_SECONDS
        while (now := self.ask(path, None)[1]["status"]) != last:
            assert time.monotonic() < end, f"{now} in the end"
            time.sleep(PAUSE_SECONDS)

    def judge(self, card):
        ways = {
            "Approved, by brand": self.by_brand, "Approved, by country": self.by_country, "Declined": self.refused,
            "3-D Secure": self.three_d_secure, "Checks of the buyer's data": self.checks, "Refunds that end later": self.refunds,
            "The simulator's own: every decline code": self.any_code,
        }  # fmt: skip
        title = card.section.split("; ")[0]
        way = self.approved if title == "Approved" else self.ends if title.endswith(" goes wrong") else ways.get(title)
        if way is None:
            return f"{card}: no way is known to try “{card.section}”"
        try:
            way(card)
        except (AssertionError, KeyError, TypeError) as wrong:
            return f"{card}: {str(wrong)[:LONGEST_COMPLAINT] if isinstance(wrong, AssertionError) else repr(wrong)}"
        return None


class Unfollowed(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like others."""

    def http_error_302(self, request, answer, code, message, headers):
        return answer

    http_error_303 = http_error_302


def approve(intent):
    """Be the buyer on the bank's page, until the way back leads to the shop."""
    opener = urllib.request.build_opener(Unfollowed)
    answer = opener.open(intent["next_action"]["redirect_to_url"]["url"], b"decision=approve", timeout=PATIENCE_SECONDS)
    while not (onward := urllib.parse.urljoin(answer.url, answer.headers["Location"])).startswith(RETURN_URL):
        answer = opener.open(onward, timeout=PATIENCE_SECONDS)


def complaints(page, ask):
    """What is not as the page says."""
    cards, judge = list(read(page)), Judge(ask)
    rows = page.count("\n| ") - 2 * page.count("\n| number |")
    if len({card.number for card in cards}) != rows:
        yield f"of {rows} rows, {len({card.number for card in cards})} can be read"
    # Numbers of which the page speaks without a row.
    others = [Card("Approved", "4111111111111111", "a valid number that is not listed", None)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield from filter(None, pool.map(judge.judge, cards + others))
    status, body = judge.pay(Card("Declined", "4242424242424241", "a wrong check digit", None))
    if (status, body.get("error", {}).get("code")) != (402, "incorrect_number"):
        yield f"4242424242424241: {status} {body}"
    print(f"{rows} test cards, tried in {len(cards)} ways")
