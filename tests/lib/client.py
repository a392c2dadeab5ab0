"""A shop's requests, with nothing but Python."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request

PATIENCE_SECONDS = 60


class Client:
    """Asks a server with a key."""

    def __init__(self, url, key):
        self.url = url
        self.authorization = "Basic " + base64.b64encode(f"{key}:".encode()).decode()

    def ask(self, path, **form):
        data = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.url + path, data, {"Authorization": self.authorization})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            return json.load(refused)
