"""What tests/oauth/run does, in an environment that has the libraries."""

import os
import pathlib
import re
import subprocess
import sys
import time

import jwt
import requests
import stripe
from authlib.integrations.requests_client import OAuth2Session

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

from server import Server  # noqa: E402

BINARY = pathlib.Path(os.environ["BURSAR_BIN"])
FOLDER = pathlib.Path(os.environ["FOLDER"])
AUDIENCE = "https://bursar.example"
# A server remembers for two seconds what a credential opened.
REMEMBERED_SECONDS = 2.5


def check(holds, what):
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)
    if not holds:
        sys.exit(1)


def bursar(server, *arguments):
    command = [BINARY, *arguments, "--store", server.store]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=FOLDER).stdout


def client(token):
    return lambda server: stripe.StripeClient(token, base_addresses={"api": server.url}, max_network_retries=0)


def refused(act, kind, code):
    try:
        act()
    except stripe.StripeError as error:
        # The SDK keeps the code of some kinds of errors only in what was answered.
        if isinstance(error, kind) and error.json_body["error"]["code"] == code:
            return True
        print(f"     {type(error).__name__}: {error}")
    return False


def key(server, **parameters):
    answer = requests.post(f"{server.url}/v1/api_keys", auth=(server.key, ""), data=parameters, timeout=10)
    answer.raise_for_status()
    return answer.json()


def session(server, made, scope=None, method="client_secret_basic"):
    return OAuth2Session(made["id"], made["secret"], scope=scope, token_endpoint_auth_method=method)


def own(server):
    told = requests.get(f"{server.url}/.well-known/oauth-authorization-server", timeout=10).json()
    made = key(server, kind="secret")
    for method in told["token_endpoint_auth_methods_supported"]:
        token = session(server, made, method=method).fetch_token(told["token_endpoint"], grant_type="client_credentials")
        check(token["token_type"] == "Bearer" and token["expires_in"] == 900, f"Authlib gets a token by {method}")
    text = token["access_token"]
    signing = jwt.PyJWKClient(told["jwks_uri"]).get_signing_key_from_jwt(text)
    read = jwt.decode(text, signing.key, algorithms=["EdDSA"], audience=told["issuer"], issuer=told["issuer"])
    check(read["client_id"] == made["id"] and jwt.get_unverified_header(text)["typ"] == "at+jwt", "PyJWT verifies it by what is published")

    shop = client(text)(server)
    parameters = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True, "return_url": "https://shop.example"}
    paid = shop.v1.payment_intents.create(parameters)
    check(paid.status == "succeeded", "Stripe's SDK pays with it")
    narrow = session(server, made, scope="charges:read").fetch_token(told["token_endpoint"], grant_type="client_credentials")
    reader = client(narrow["access_token"])(server)
    check(len(reader.v1.charges.list().data) == 1, "with a scope it opens that")
    check(refused(lambda: reader.v1.refunds.create({"charge": paid.latest_charge}), stripe.PermissionError, "permission_missing"), "and no more")

    requests.delete(f"{server.url}/v1/api_keys/{made['id']}", auth=(server.key, ""), timeout=10).raise_for_status()
    time.sleep(REMEMBERED_SECONDS)
    check(refused(lambda: shop.v1.charges.list(), stripe.AuthenticationError, "token_invalid"), "revoked, the key takes its tokens with it")
    head, payload, signature = text.split(".")
    altered = ".".join([head, payload, signature[:-4] + "AAAA"])
    check(refused(lambda: client(altered)(server).v1.charges.list(), stripe.AuthenticationError, "token_invalid"), "an altered one opens nothing")


class Provider:
    """The outside issuer."""

    def __init__(self, algorithm):
        self.process = subprocess.Popen(["node", os.environ["PROVIDER"], algorithm], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = re.search(r"listening on (\S+)", self.process.stdout.readline())[1]

    def token(self, scope):
        known = requests.get(f"{self.url}/.well-known/openid-configuration", timeout=10).json()
        asked = OAuth2Session("shop-server", "a secret of forty characters, to be sure", scope=scope)
        return asked.fetch_token(known["token_endpoint"], grant_type="client_credentials")["access_token"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def outside(algorithm):
    with Provider(algorithm) as provider:
        folder = FOLDER / algorithm
        folder.mkdir()
        with Server(BINARY, folder) as server:
            token = provider.token("pay/charges:read pay/customers:write")
            check(jwt.get_unverified_header(token)["alg"] == algorithm, f"the provider signs by {algorithm}")
            stranger = lambda: client(token)(server).v1.charges.list()  # noqa: E731
            check(refused(stranger, stripe.AuthenticationError, "token_invalid"), "nobody trusts it yet")
            server.stop()
        trust = ["--issuer", provider.url, "--audience", AUDIENCE, "--prefix", "pay/", "--allow", "charges=read,refunds=write"]
        issuer = bursar(server, "issuers", "trust", *trust).split()[0]
        check(issuer in bursar(server, "issuers", "list"), "the operator trusts it")
        with Server(BINARY, folder, key=server.key) as server:
            shop = client(token)(server)
            check(shop.v1.charges.list().data == [], "its token opens what it and the operator allow")
            check(refused(lambda: shop.v1.customers.create({}), stripe.PermissionError, "permission_missing"), "not what only the token allows")
            check(refused(lambda: shop.v1.refunds.list(), stripe.PermissionError, "permission_missing"), "not what only the operator allows")
            rows = requests.get(f"{server.url}/v1/audit_log", auth=(server.key, ""), params={"actor[type]": "client"}, timeout=10).json()["data"]
            named = {(row["actor"]["id"], row["actor"]["name"], row["action"]) for row in rows}
            check(named == {(issuer, "shop-server", "access.deny")}, "the audit trail names issuer and client")
            provider.process.kill()
            check(shop.v1.charges.list().data == [], "an outage of the provider is none of ours")
            server.stop()
        bursar(server, "issuers", "distrust", issuer)
        with Server(BINARY, folder, key=server.key) as server:
            check(refused(lambda: client(token)(server).v1.charges.list(), stripe.AuthenticationError, "token_invalid"), "trusted no more, it opens nothing")
            server.stop()


def rotation():
    folder = FOLDER / "rotation"
    folder.mkdir()
    with Server(BINARY, folder) as server:
        made = key(server, kind="secret")
        token = session(server, made).fetch_token(f"{server.url}/oauth/token", grant_type="client_credentials")["access_token"]
        server.stop()
    listed = bursar(server, "token-keys", "list")
    first = jwt.get_unverified_header(token)["kid"]
    check(listed.split()[0] == first and "signs" in listed, "the key that signs is listed")
    bursar(server, "token-keys", "rotate")
    check("signs next" in bursar(server, "token-keys", "list"), "the next one waits for its turn")
    # The address is who signs, so that a token is good after a restart only where that is the same.
    more = {"BURSAR_PUBLIC_URL": server.url}
    with Server(BINARY, folder, key=server.key, more=more) as again:
        check(client(token)(again).v1.charges.list().data == [], "what the first one signed is good all the same")
        check(len(requests.get(f"{again.url}/.well-known/jwks.json", timeout=10).json()["keys"]) == 2, "both are published")
        again.stop()
    bursar(server, "token-keys", "withdraw", first)
    with Server(BINARY, folder, key=server.key, more=more) as again:
        check(refused(lambda: client(token)(again).v1.charges.list(), stripe.AuthenticationError, "token_invalid"), "withdrawn, it opens nothing")
        again.stop()


with Server(BINARY, FOLDER) as server:
    own(server)
    server.stop()
for algorithm in ("RS256", "EdDSA"):
    outside(algorithm)
rotation()
