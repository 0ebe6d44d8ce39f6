"""Numbers as states, banks and makers give them, made up, with right check digits."""

from __future__ import annotations

import random
from collections.abc import Callable


def filled(rng: random.Random, pattern: str) -> str:
    kinds = {"#": "0123456789", "%": "123456789", "@": "ABCDEFGHJKLMNPRSTUVWXY"}
    return "".join(rng.choice(kinds[char]) if char in kinds else char for char in pattern)


def luhn(digits: str) -> str:
    total = sum(sum(divmod(2 * int(one), 10)) if place % 2 == 0 else int(one) for place, one in enumerate(digits[::-1]))
    return digits + str(-total % 10)


def ean(digits: str) -> str:
    return digits + str(-sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(digits)) % 10)


def card(rng: random.Random) -> str:
    number = luhn(rng.choice(["4", "51", "53", "4"]).ljust(2, "0") + filled(rng, "#############"))
    return " ".join(number[at : at + 4] for at in range(0, 16, 4)) if rng.random() < 0.5 else number


def iban(rng: random.Random) -> str:
    country, length = rng.choice([("DE", 18), ("NL", 0), ("FR", 23), ("ES", 20), ("PL", 24), ("IT", 0)])
    body = {"NL": "ABNA" + filled(rng, "##########"), "IT": "X" + filled(rng, "#" * 22)}.get(country) or filled(rng, "#" * length)  # fmt: skip
    number = int("".join(str(int(char, 36)) for char in f"{body}{country}00"))
    return f"{country}{98 - number % 97:02}{body}"


def vin(rng: random.Random) -> str:
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    body = [rng.choice(letters) for _ in range(17)]
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9], strict=True))  # fmt: skip
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    worth = [int(char) if char.isdigit() else values[char] for char in body]
    rest = sum(value * weight for value, weight in zip(worth, weights, strict=True)) % 11
    body[8] = "X" if rest == 10 else str(rest)
    return "".join(body)


def mod11(rng: random.Random, weights: tuple[int, ...], first: str = "") -> str:
    """Digits whose last makes the weighted sum divisible by 11; the last weight is 1 or -1."""
    while True:
        digits = first + filled(rng, "#" * (len(weights) - 1 - len(first)))
        total = sum(int(one) * weight for one, weight in zip(digits, weights, strict=False))
        check = -total * weights[-1] % 11
        if check < 10:
            return digits + str(check)


def _nir(rng: random.Random) -> str:
    body = f"{rng.choice('12')}{rng.randint(35, 99):02}{rng.randint(1, 12):02}{rng.randint(1, 89):02}{filled(rng, '######')}"
    return body + f"{97 - int(body) % 97:02}"


def _pesel(rng: random.Random) -> str:
    body = f"{rng.randint(35, 99):02}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{filled(rng, '####')}"
    return body + str(-sum(int(one) * weight for one, weight in zip(body, (1, 3, 7, 9) * 3, strict=False)) % 10)


def _dni(rng: random.Random) -> str:
    number = rng.randint(10**7, 10**8 - 1)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def _idnr(rng: random.Random) -> str:
    """ISO 7064 mod 11,10 over ten digits, one of which occurs twice."""
    digits = rng.sample("0123456789", 9)
    digits.insert(rng.randint(1, 9), digits[-1])
    if digits[0] == "0":
        digits = digits[1:] + digits[:1]
    product = 10
    for one in digits:
        total = (int(one) + product) % 10 or 10
        product = total * 2 % 11
    return "".join(digits) + str((11 - product) % 10)


NATIONAL: dict[str, Callable[[random.Random], str]] = {
    "us": lambda rng: filled(rng, "%##-##-####"),
    "gb": lambda rng: mod11(rng, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1), rng.choice("46")),
    "de": _idnr,
    "fr": _nir,
    "es": _dni,
    "it": lambda rng: filled(rng, "@@@@@@##") + rng.choice("ABCDEHLMPRST") + f"{rng.randint(1, 71):02}" + filled(rng, "@###@"),
    "nl": lambda rng: mod11(rng, (9, 8, 7, 6, 5, 4, 3, 2, -1), "1"),
    "pl": _pesel,
}  # fmt: skip
