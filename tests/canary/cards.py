"""Card numbers that nobody else uses, and every disguise in which one could be written down."""

import base64
import random

# Enough digits that chance never makes them, and no published test card begins so.
PREFIXES = {"visa": ("49781", 16), "mastercard": ("52387", 16), "amex": ("3479", 15)}
# What may be shown of a card is its last four digits; any longer run inside it is a leak.
LEAK_DIGITS = 11


def luhn_check_digit(digits):
    """The digit that makes the number pass Luhn's test."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def make(seed, brand="visa"):
    """A Luhn-valid number, the same for the same seed."""
    prefix, length = PREFIXES[brand]
    source = random.Random(f"card {seed} {brand}")
    body = prefix + "".join(source.choice("0123456789") for _ in range(length - 1 - len(prefix)))
    return body + luhn_check_digit(body)


def break_check_digit(number):
    """A number of the same look that fails Luhn's test."""
    return number[:-1] + str((int(number[-1]) + 1) % 10)


def disguises(secret):
    """Name → bytes: the ways in which a leaked string of digits would appear in a file."""
    raw = secret.encode()
    found = {
        "plain": raw,
        "utf-16": secret.encode("utf-16-le"),
        "percent-encoded": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "hexadecimal": raw.hex().encode(),
        "reversed": raw[::-1],
        "integer, little endian": int(secret).to_bytes(8, "little"),
        "integer, big endian": int(secret).to_bytes(8, "big"),
        "packed decimal": bytes.fromhex(secret if len(secret) % 2 == 0 else "0" + secret),
    }
    for shift in range(3):
        # Base64 shows a string in one of three forms, by its place in the encoded text; the ends depend on neighbours.
        text = base64.b64encode(b"\0" * shift + raw)
        found[f"base64 at offset {shift}"] = text[(0, 2, 3)[shift] : len(text) - 4]
    for start in range(1, len(secret) - LEAK_DIGITS + 1, 2):
        found[f"digits {start + 1} to {start + LEAK_DIGITS}"] = raw[start : start + LEAK_DIGITS]
    found[f"first {LEAK_DIGITS} digits"] = raw[:LEAK_DIGITS]
    return found
