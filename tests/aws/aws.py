"""Bursar on something that stands in for AWS, deployed by its own script: see tests/aws/run.

The script sets the stacks up twice, the second time with nothing to change. Table, functions, API and alarms are found by API
calls. Payments, look-ups and refunds go through the API Gateway's address to the function, which keeps them in the table; then
again while the table throttles, refuses transactions and loses its answers. What remains open the jobs' function settles, and
at the end the books agree with each other and with what clients were told.
"""

import base64
import concurrent.futures
import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "lib"))

from ministack import CREDENTIALS, Ministack  # noqa: E402

ENVIRONMENT = "trial"
NAME = f"bursar-{ENVIRONMENT}"
PAYMENTS, PAYERS = 40, 4
PATIENCE_SECONDS = 120
# A client gives up a little after API Gateway does.
ANSWER_SECONDS = 35
START_SECONDS = 20
# Of the six kinds of trouble each must have come.
KINDS_OF_TROUBLE = 6


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Trouble:
    """Something between Bursar and DynamoDB that makes trouble when it is told to."""

    def __init__(self, port, upstream, folder):
        self.port, self.upstream, self.folder = port, upstream, folder
        self.process = None

    def __enter__(self):
        program = pathlib.Path(sys.executable).parent / "microburst"
        command = [program, "--host", "127.0.0.1", "--port", str(self.port), "--upstream", self.upstream]
        with (self.folder / "microburst.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            try:
                self.ask("health")
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError("microburst did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/_microburst/{path}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def begins(self):
        """The first rule that fits is taken. An answer that is cut off was carried out."""
        cancelled = {"CancellationReasons": [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}]}
        self.ask("rules", [
            {"service": "dynamodb", "operation": "TransactWriteItems", "probability": 0.10, "response": {"abort_frac": 0.3}},
            {"service": "dynamodb", "operation": "TransactWriteItems", "probability": 0.10,
             "error": {"code": "TransactionCanceledException", "status": 400, "fields": cancelled}},
            {"service": "dynamodb", "operation": "TransactWriteItems", "probability": 0.05,
             "error": {"code": "TransactionInProgressException", "status": 400}},
            {"service": "dynamodb", "probability": 0.05, "error": {"code": "ProvisionedThroughputExceededException"}},
            {"service": "dynamodb", "probability": 0.03, "error": {"code": "InternalServerError", "status": 500}},
            {"service": "dynamodb", "probability": 0.03, "reset": True},
        ])  # fmt: skip

    def ends(self):
        """How often each kind came."""
        fired = {rule["describe"]: rule["fired"] for rule in self.ask("stats")["by_rule"]}
        self.ask("rules", [])
        return fired


class Shop:
    """A merchant's server."""

    def __init__(self, endpoint, api, key):
        self.endpoint, self.host = endpoint, f"{api}.execute-api.localhost:{endpoint.rsplit(':', 1)[1]}"
        self.headers = {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(), "Host": self.host}

    def ask(self, path, form=None, key=None):
        """Status and body; a status of 0 if there was no answer."""
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        # The stand-in takes the first part of a path for the stage's name.
        request = urllib.request.Request(f"{self.endpoint}/$default{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()
        except OSError:
            return 0, b""

    def until_ok(self, path, form=None, key=None):
        """The body, once the answer is 200."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            status, body = self.ask(path, form, key)
            if status == 200:
                return json.loads(body)
            assert status in (0, 409, 429, 500, 502, 503, 504), (path, status, body[:500])
            time.sleep(0.2)
        raise AssertionError(f"{path} is not answered with 200 within {PATIENCE_SECONDS} s; at last {status} {body[:500]}")

    def everything(self, path):
        found, more = [], ""
        while True:
            page = self.until_ok(f"{path}?limit=100{more}")
            found += page["data"]
            if not page["has_more"]:
                return found
            more = f"&starting_after={found[-1]['id']}"


PAYMENT = {"amount": "2000", "currency": "usd", "payment_method": "pm_card_visa", "payment_method_types[]": "card", "confirm": "true"}


def deploy(binary, aws, *parameters):
    """The script, as an operator runs it."""
    tools = pathlib.Path(sys.executable).parent
    environment = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": aws.endpoint, "PATH": f"{tools}:{os.environ['PATH']}"}
    environment |= {"AWS_DEFAULT_REGION": CREDENTIALS["AWS_REGION"], "HOME": str(aws.folder)}
    command = [ROOT / "deploy/aws/deploy", "--binary", binary, ENVIRONMENT, *parameters]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{what_failed(aws)}"
    return done.stdout


def what_failed(aws):
    formation = client(aws, "cloudformation")
    events = [
        event
        for stack in formation.describe_stacks()["Stacks"]
        for event in formation.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
    ]
    return "\n".join(f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in events if "FAILED" in e["ResourceStatus"])


def client(aws, service):
    credentials = {
        "aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "region_name": CREDENTIALS["AWS_REGION"],
    }
    return boto3.client(service, endpoint_url=aws.endpoint, **credentials)


def is_set_up(aws):
    """What the templates promise, asked of each service."""
    formation = client(aws, "cloudformation")
    stacks = {stack["StackName"]: stack["StackStatus"] for stack in formation.describe_stacks()["Stacks"]}
    names = {f"{NAME}-{part}" for part in ("storage", "database", "functions", "api", "monitoring")}
    assert names <= set(stacks), stacks
    assert all(stacks[name] in ("CREATE_COMPLETE", "UPDATE_COMPLETE") for name in names), stacks

    table = client(aws, "dynamodb").describe_table(TableName=NAME)["Table"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["p", "s"], table
    assert table["StreamSpecification"]["StreamEnabled"], table

    functions = {each["FunctionName"]: each for each in client(aws, "lambda").list_functions()["Functions"]}
    handlers = {name: each["Handler"] for name, each in functions.items()}
    assert handlers == {f"{NAME}-{part}": part for part in ("api", "jobs", "bank-simulator")}, handlers
    for each in functions.values():
        secret = [name for name, value in each["Environment"]["Variables"].items() if re.search("KEY|PASSWORD", name)]
        for name in secret:
            value = each["Environment"]["Variables"][name]
            assert value.startswith("arn:aws:secretsmanager:"), (each["FunctionName"], name, value)
    roles = {each["Role"] for each in functions.values()}
    assert len(roles) == 3, roles
    sources = client(aws, "lambda").list_event_source_mappings(FunctionName=f"{NAME}-jobs")["EventSourceMappings"]
    assert any(f"{NAME}-jobs" in source["EventSourceArn"] for source in sources), sources
    rules = client(aws, "events").list_rules()["Rules"]
    assert [rule["ScheduleExpression"] for rule in rules if rule["Name"] == f"{NAME}-jobs"] == ["rate(1 minute)"], rules

    [api] = [api for api in client(aws, "apigatewayv2").get_apis()["Items"] if api["Name"] == NAME]
    routes = {route["RouteKey"] for route in client(aws, "apigatewayv2").get_routes(ApiId=api["ApiId"])["Items"]}
    assert routes == {"ANY /v1/{proxy+}", "GET /{proxy+}"}, routes

    alarms = {alarm["AlarmName"] for alarm in client(aws, "cloudwatch").describe_alarms()["MetricAlarms"]}
    wanted = ("error-rate", "failures", "latency-p99", "oldest-open-operation", "dead-letters", "contradictions", "throttles")
    wanted += ("table-write-throttles", "table-read-throttles")
    assert {f"{NAME}-{alarm}" for alarm in wanted} <= alarms, alarms
    dashboard = client(aws, "cloudwatch").get_dashboard(DashboardName=NAME)["DashboardBody"]
    assert len(json.loads(dashboard)["widgets"]) >= 6, dashboard
    logs = client(aws, "logs")
    groups = {group["logGroupName"]: group.get("retentionInDays") for group in logs.describe_log_groups()["logGroups"]}
    for part in ("api", "jobs", "bank-simulator", "access"):
        assert groups.get(f"/bursar/{ENVIRONMENT}/{part}") == 90, groups
    assert logs.describe_metric_filters(logGroupName=f"/bursar/{ENVIRONMENT}/jobs")["metricFilters"], "no metric filter"

    buckets = client(aws, "s3")
    for bucket in [bucket["Name"] for bucket in buckets.list_buckets()["Buckets"]]:
        assert buckets.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled", bucket
        assert all(buckets.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values()), bucket
        assert buckets.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"], bucket
    print("stacks, table, functions, routes, alarms, dashboard, logs and buckets are there")
    return api["ApiId"]


def bursar(binary, aws, *arguments):
    store = ["--store", aws.table(NAME)]
    done = subprocess.run(
        [binary, *arguments, *store], env={**os.environ, **CREDENTIALS}, capture_output=True, text=True, timeout=300
    )  # fmt: skip
    assert done.returncode == 0, f"bursar {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def run_jobs(aws):
    """As the schedule does."""
    event = {"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
    answer = client(aws, "lambda").invoke(FunctionName=f"{NAME}-jobs", Payload=json.dumps(event).encode())
    told = json.load(answer["Payload"])
    assert "FunctionError" not in answer, told
    return told["ran"]


def a_payment_is_made_found_and_refunded(shop):
    for path in ("/livez", "/readyz"):
        status, body = shop.ask(path)
        assert status == 200, (path, status, body)
    paid = shop.until_ok("/v1/payment_intents", PAYMENT, "first")
    assert paid["status"] == "succeeded" and paid["amount_received"] == 2000, paid
    assert shop.until_ok("/v1/payment_intents", PAYMENT, "first") == paid
    assert shop.until_ok(f"/v1/payment_intents/{paid['id']}")["status"] == "succeeded"
    refund = shop.until_ok("/v1/refunds", {"payment_intent": paid["id"], "amount": "500"}, "first refund")
    assert refund["status"] == "succeeded" and refund["amount"] == 500, refund
    status, body = shop.ask("/v1/refunds", {"payment_intent": paid["id"], "amount": "1501"}, "too much")
    assert status == 400 and json.loads(body)["error"]["type"] == "invalid_request_error", body
    charge = shop.until_ok(f"/v1/charges/{paid['latest_charge']}")
    assert charge["amount_refunded"] == 500, charge
    declined = {**PAYMENT, "payment_method": "pm_card_chargeDeclined"}
    status, body = shop.ask("/v1/payment_intents", declined, "declined")
    assert status == 402, (status, body)
    status, _ = Shop(shop.endpoint, shop.host.split(".")[0], "sk_test_of_nobody").ask("/v1/payment_intents")
    assert status == 401, status
    print("a payment was made, found and refunded through API Gateway, function and table")


def what_stays_unknown_the_jobs_settle(shop, aws):
    """The bank carries a payment out and breaks off; and a message to the queue runs the jobs as the schedule does."""
    unknown = {**PAYMENT, "payment_method": "pm_card_simulator_connectionDropsAfterCharge"}
    queue = client(aws, "sqs").get_queue_url(QueueName=f"{NAME}-jobs")["QueueUrl"]
    for n, run in enumerate((lambda: run_jobs(aws), lambda: client(aws, "sqs").send_message(QueueUrl=queue, MessageBody="now"))):
        paid = shop.until_ok("/v1/payment_intents", unknown, f"unknown-{n}")
        assert paid["status"] == "processing", paid
        run()
        end = time.monotonic() + PATIENCE_SECONDS
        while (status := shop.until_ok(f"/v1/payment_intents/{paid['id']}")["status"]) == "processing":
            assert time.monotonic() < end, "the jobs' function does not settle it"
            time.sleep(0.2)
        assert status == "succeeded", status
    print("what a bank left unknown was settled by the jobs, told by the schedule and by the queue")


def a_rest_api_works_too(aws, key):
    """Its events are others; the function takes both."""
    headers = {"Host": "rest.example", "Authorization": f"Bearer {key}"}
    event = {
        "resource": "/{proxy+}", "path": "/v1/balance", "httpMethod": "GET", "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None, "multiValueQueryStringParameters": None, "pathParameters": {"proxy": "v1/balance"},
        "stageVariables": None, "body": None, "isBase64Encoded": False,
        "requestContext": {
            "accountId": "000000000000", "apiId": "rest", "stage": "live", "requestId": "1", "httpMethod": "GET",
            "path": "/live/v1/balance", "resourceId": "r", "resourcePath": "/{proxy+}", "identity": {"sourceIp": "192.0.2.1"},
        },
    }  # fmt: skip
    answer = client(aws, "lambda").invoke(FunctionName=f"{NAME}-api", Payload=json.dumps(event).encode())
    told = json.load(answer["Payload"])
    assert told["statusCode"] == 200 and json.loads(told["body"])["object"] == "balance", told
    assert told["multiValueHeaders"]["request-id"][0].startswith("req_"), told
    print("a REST API's event is answered as an HTTP API's is")


def trouble(shop, proxy):
    """Payments and refunds that are repeated until they are told an outcome, while the table makes trouble."""
    proxy.begins()

    def pay(n):
        paid = shop.until_ok("/v1/payment_intents", PAYMENT, f"pay-{n}")
        refund = None
        if n % 2 and paid["status"] == "succeeded":
            refund = shop.until_ok("/v1/refunds", {"payment_intent": paid["id"], "amount": "700"}, f"refund-{n}")
        return paid, refund

    with concurrent.futures.ThreadPoolExecutor(PAYERS) as payers:
        told = list(payers.map(pay, range(PAYMENTS)))
    stats = proxy.ends()
    return told, stats


def nothing_lost_or_doubled(shop, told, before):
    intents = {intent["id"]: intent for intent in shop.everything("/v1/payment_intents")}
    refunds = {refund["id"]: refund for refund in shop.everything("/v1/refunds")}
    assert len({paid["id"] for paid, _ in told}) == PAYMENTS, "a key made two payments, or two keys one"
    assert len(intents) == before["intents"] + PAYMENTS, (len(intents), before)
    asked = [refund["id"] for _, refund in told if refund]
    assert len(set(asked)) == len(asked) and len(refunds) == before["refunds"] + len(asked), (len(refunds), before, len(asked))
    for n, (paid, refund) in enumerate(told):
        assert intents[paid["id"]]["status"] == "succeeded", intents[paid["id"]]
        assert shop.until_ok("/v1/payment_intents", PAYMENT, f"pay-{n}") == paid, "who was told an outcome is told the same again"
        if refund:
            assert refunds[refund["id"]]["status"] == "succeeded", refunds[refund["id"]]


def the_trail_goes_to_a_bucket(binary, aws):
    """And is verified there on its own; a row that is altered in the bucket is named."""
    [stack] = client(aws, "cloudformation").describe_stacks(StackName=f"{NAME}-storage")["Stacks"]
    bucket = next(output["OutputValue"] for output in stack["Outputs"] if output["OutputKey"] == "AuditBucket")
    place = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT": aws.endpoint, "AWS_ALLOW_HTTP": "true"}

    def audit(*arguments):
        return subprocess.run([binary, "audit", *arguments], env=place, capture_output=True, text=True, timeout=300)

    # The jobs' function seals rows a minute after they landed.
    end = time.monotonic() + PATIENCE_SECONDS
    while run_jobs(aws)["rows_sealed"] == 0:
        assert time.monotonic() < end, "nobody seals the audit trail"
        time.sleep(2)
    exported = audit("export", "--to", f"s3://{bucket}/trail", "--store", aws.table(NAME))
    assert exported.returncode == 0, exported.stderr
    verified = audit("verify", "--export", f"s3://{bucket}/trail")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    files = client(aws, "s3")
    names = [each["Key"] for each in files.list_objects_v2(Bucket=bucket, Prefix="trail/")["Contents"] if "unsealed" not in each["Key"]]
    largest = max(names, key=lambda name: files.head_object(Bucket=bucket, Key=name)["ContentLength"])
    lines = files.get_object(Bucket=bucket, Key=largest)["Body"].read().splitlines()
    row = json.loads(lines[-1])["d"]["id"]
    files.put_object(Bucket=bucket, Key=largest, Body=b"\n".join([*lines[:-1], lines[-1].replace(b'"revision":', b'"revision":9')]) + b"\n")
    altered = audit("verify", "--export", f"s3://{bucket}/trail")
    assert altered.returncode != 0 and row in altered.stdout + altered.stderr, (row, altered)
    print(f"the audit trail was written to a bucket, {len(names)} files, and verified there; a row altered in it is named")


def logs_are_json_without_secrets(aws, key):
    """Every line that the functions wrote, as CloudWatch has them; returns figures by name."""
    logs, figures, lines = client(aws, "logs"), {}, 0
    for part in ("api", "jobs", "bank-simulator"):
        group = f"/bursar/{ENVIRONMENT}/{part}"
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in (event for page in pages for event in page["events"]):
            text = event["message"].strip()
            assert key not in text and "4242424242424242" not in text, text
            if not text or re.match(r"(START|END|REPORT|INIT_START) ", text):
                continue
            line = json.loads(text)
            lines += 1
            for metric in (m for each in line.get("_aws", {}).get("CloudWatchMetrics", []) for m in each["Metrics"]):
                figures.setdefault(metric["Name"], []).append(line[metric["Name"]])
            if line.get("fields", {}).get("message") == "answered" and line["fields"]["status"] == 200:
                assert line["fields"]["request"].startswith("req_") and line["fields"]["account"].startswith("acct_"), line
    return figures, lines


def main(binary):
    port = free_port()
    # The functions inherit these. The second address is where trouble is made.
    settings = {"AWS_ENDPOINT_URL": "http://127.0.0.1:{port}", "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{port}"}
    with Ministack(ROOT, **settings) as aws, Trouble(port, aws.endpoint, aws.folder) as proxy:
        began = time.monotonic()
        deploy(binary, aws)
        print(f"deployed in {time.monotonic() - began:.0f} s")
        # The bank's address is one that only AWS's own names servers know: here it is reached by its path.
        [url] = client(aws, "lambda").list_function_url_configs(FunctionName=f"{NAME}-bank-simulator")["FunctionUrlConfigs"]
        identity = urllib.parse.urlsplit(url["FunctionUrl"]).hostname.split(".")[0]
        point_at_bank(aws, f"{aws.endpoint}/_aws/lambda-url/{identity}/")
        api = is_set_up(aws)
        bursar(binary, aws, "accounts", "create", "--name", "Trial shop")
        key = re.search(r"sk_test_\w+", bursar(binary, aws, "keys", "create"))[0]
        shop = Shop(aws.endpoint, api, key)
        a_payment_is_made_found_and_refunded(shop)
        a_rest_api_works_too(aws, key)
        what_stays_unknown_the_jobs_settle(shop, aws)
        before = {"intents": len(shop.everything("/v1/payment_intents")), "refunds": len(shop.everything("/v1/refunds"))}

        began = time.monotonic()
        told, stats = trouble(shop, proxy)
        print(f"{len(told)} payments and their refunds through trouble in {time.monotonic() - began:.0f} s: {stats}")
        assert len(stats) == KINDS_OF_TROUBLE and all(stats.values()), stats
        end = time.monotonic() + PATIENCE_SECONDS
        while (ran := run_jobs(aws))["left_open"] != 0:
            assert time.monotonic() < end, f"operations stay open: {ran}"
            time.sleep(1)
        nothing_lost_or_doubled(shop, told, before)
        print("no payment and no refund is lost or doubled")
        verified = bursar(binary, aws, "verify").splitlines()[-1]
        assert verified.endswith(" 0 differences"), verified
        print(f"bursar verify: {verified}")
        the_trail_goes_to_a_bucket(binary, aws)
        figures, lines = logs_are_json_without_secrets(aws, key)
        assert sum(figures["Requests"]) > PAYMENTS and "OldestOpenOperationAge" in figures, sorted(figures)
        print(f"{lines} lines of the logs are JSON without secrets; figures: {', '.join(sorted(figures))}")
        deploy(binary, aws, "MaxP99Milliseconds=1500")
        print("deployed again, with another limit of an alarm")


def point_at_bank(aws, url):
    functions = client(aws, "lambda")
    for part in ("api", "jobs"):
        name = f"{NAME}-{part}"
        variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**variables, "BURSAR_BANK": url}})


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).resolve())
