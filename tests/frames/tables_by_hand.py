"""Eleven tables written by hand, as they lie about in notebooks, and what each column holds.

Written before the recognizers were looked at and apart from `benchmarks/`: words and formats are neither's. A column is
`(name, tag, values)`; the tag is None for what nobody has to protect, a set where people would disagree.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta

import pandas as pd
from stdnum import luhn
from stdnum.br import cpf
from stdnum.iso7064 import mod_97_10
from stdnum.nl import bsn
from stdnum.no import fodselsnummer

ROWS = 300
Tag = str | frozenset[str] | None
Column = tuple[str, Tag, list[object]]

_rng = random.Random(20_261_123)
_pick, _whole = _rng.choice, _rng.randint


def _words(together: str, between: str = " ") -> list[str]:
    return together.split(between)


_IRISH = _words(
    "Aoife Ciaran Niamh Declan Siobhan Eoin Grainne Padraig Roisin Cormac Orla Fionn Maeve Donal Sinead Brendan"
)
_IRISH_LAST = _words(
    "O'Brien Murphy Byrne Gallagher McCarthy Doherty Kavanagh Nolan Fitzgerald Quinn Brennan Healy Keane Daly O'Rourke"
)
_DUTCH = _words("Sanne Bram Femke Joost Lieke Thijs Anouk Ruben Marloes Daan Wouter Esmee Jasper Fleur Sjoerd Maaike")
_DUTCH_LAST = _words(
    "de Vries,van den Berg,Bakker,Visser,Smit,Mulder,de Groot,Bos,Vos,Dekker,Brouwer,Kuipers,Hoekstra", ","
)
_AMERICAN = _words("Tyler Brittany Marcus Destiny Connor Alyssa Darnell Kaitlyn Hector Shanice Dustin Monique Garrett")
_AMERICAN_LAST = _words(
    "Henderson Ramirez Washington Kowalski Patterson Nguyen Sullivan Reyes Coleman Jenkins Barnes Whitfield Castillo "
    "Schroeder Boone Delgado Pruitt Hollis Okafor Lindgren Vance Maldonado Beckett Stroud Fontaine Ibarra McAllister"
)
_BRAZILIAN = _words("Thiago Juliana Rafael Camila Gustavo Larissa Felipe Beatriz Leandro Vanessa Rodrigo Patricia")
_BRAZILIAN_LAST = _words(
    "Silva Oliveira Souza Pereira Ferreira Almeida Ribeiro Carvalho Gomes Martins Barbosa Nogueira Teixeira Moreira "
    "Cavalcanti Rezende Pacheco Siqueira Vasconcelos Guimarães Fonseca Peixoto Antunes Bittencourt"
)


def _times(make: Callable[[], object], holes: float = 0.0) -> list[object]:
    return [None if _rng.random() < holes else make() for _ in range(ROWS)]


def _digits(many: int) -> str:
    return "".join(_pick("0123456789") for _ in range(many))


def _letters(many: int, of: str = "ABCDEFGHJKLMNPRSTUVWXYZ") -> str:
    return "".join(_pick(of) for _ in range(many))


def _day(first: int, last: int, form: str = "%Y-%m-%d") -> str:
    return (date(first, 1, 1) + timedelta(days=_whole(0, 365 * (last - first + 1) - 1))).strftime(form)


def _moment(form: str) -> str:
    return (datetime(2025, 1, 1) + timedelta(seconds=_whole(0, 3 * 10**7))).strftime(form)


def _sha(many: int) -> str:
    return hashlib.sha256(_digits(20).encode()).hexdigest()[:many]


def _card() -> str:
    number = _pick(("4539", "5412", "4000", "5555")) + _digits(11)
    return number + luhn.calc_check_digit(number)


def _iban(country: str, inner: Callable[[], str]) -> str:
    body = inner()
    return country + f"{98 - mod_97_10.checksum(body + country + '00') % 97:02d}" + body


def _valid(make: Callable[[], str], is_valid: Callable[[str], bool]) -> str:
    while not is_valid(number := make()):
        pass
    return number


def _norwegian() -> str:
    born = _day(1945, 1999, "%d%m%y")
    return _valid(lambda: born + _digits(5), lambda it: bool(fodselsnummer.is_valid(it)))


def customers() -> list[Column]:
    """A CRM's export, Ireland."""
    whole = [f"{_pick(('', '', 'Mr ', 'Ms '))}{_pick(_IRISH)} {_pick(_IRISH_LAST)}" for _ in range(ROWS)]
    letters_and_figures = "ACDEFHKNPRTVWXY0123456789"
    roads = _words("Main Street,Chapel Lane,The Crescent,Strand Road,Castle Avenue,Mill Road,Parnell Square", ",")
    return [
        ("Account Ref", "account_id", [f"CUS-{4211 + row:06d}" for row in range(ROWS)]),
        ("Contact", "person_name", whole),
        ("E-mail", "email", [f"{one.split()[-1].lower().replace(chr(39), '')}{_digits(2)}@eircom.ie" for one in whole]),
        ("Tel.", "phone", _times(lambda: f"+353 {_pick(('85', '86', '87'))} {_digits(3)} {_digits(4)}", 0.1)),
        ("Addr 1", frozenset({"street", "address"}), _times(lambda: f"{_whole(1, 140)} {_pick(roads)}")),
        ("Town", "city", _times(lambda: _pick(_words("Galway Cork Limerick Sligo Tralee Athlone Drogheda Ennis")))),
        (
            "Eircode",
            "postcode",
            _times(lambda: f"{_pick('ADFHKNPRTVWXY')}{_digits(2)} {_letters(4, letters_and_figures)}"),
        ),
        ("Customer since", None, _times(lambda: _day(2021, 2025, "%d/%m/%Y"))),
        ("Born", "date_of_birth", _times(lambda: _day(1942, 2004, "%d/%m/%Y"), 0.2)),
        ("Lifetime value", None, _times(lambda: round(_rng.lognormvariate(5, 1), 2))),
        ("Points", None, _times(lambda: _whole(0, 20_000))),
        ("Last order", None, _times(lambda: f"{_whole(100, 113)}-{_digits(7)}-{_digits(7)}")),
        ("Opt in", None, _times(lambda: _pick(("Y", "N")))),
        ("Churn score", None, _times(lambda: round(_rng.random(), 4))),
        ("Segment", None, _times(lambda: _pick(("Gold", "Silver", "Bronze", "New")))),
    ]


def staff() -> list[Column]:
    """A payroll, the Netherlands."""
    streets = _words("Kerkstraat,Dorpsweg,Prinsengracht,Molenlaan,Stationsplein,Beukenlaan,Julianastraat", ",")
    towns = _words("Utrecht Zwolle Breda Haarlem Leiden Amersfoort Groningen Enschede Delft Alkmaar")
    return [
        ("Personeelsnr", "account_id", [1_000 + 7 * row for row in range(ROWS)]),
        ("Voornaam", "first_name", _times(lambda: _pick(_DUTCH))),
        ("Achternaam", "last_name", _times(lambda: _pick(_DUTCH_LAST))),
        ("Meisjesnaam", "maiden_name", _times(lambda: _pick(_DUTCH_LAST), 0.6)),
        ("Geb.datum", "date_of_birth", _times(lambda: _day(1958, 2003, "%d-%m-%Y"))),
        ("M/V", "gender", _times(lambda: _pick(("M", "V")))),
        ("BSN", "national_id", _times(lambda: _valid(lambda: _digits(9), bsn.is_valid))),
        ("Straat", "street", _times(lambda: f"{_pick(streets)} {_whole(1, 220)}{_pick(('', '', 'A', '-2'))}")),
        ("PC", "postcode", _times(lambda: f"{_whole(1011, 9999)} {_letters(2)}")),
        ("Woonplaats", "city", _times(lambda: _pick(towns))),
        ("Rekening", "iban", _times(lambda: _iban("NL", lambda: _pick(("INGB", "RABO", "ABNA")) + _digits(10)))),
        ("Bruto p/m", "salary_or_income", _times(lambda: _whole(240, 780) * 10)),
        ("Afdeling", None, _times(lambda: _pick(("Inkoop", "Verkoop", "Magazijn", "ICT", "Planning")))),
        ("FTE", None, _times(lambda: _pick((1.0, 0.8, 0.6, 0.9)))),
        ("In dienst", None, _times(lambda: _day(2012, 2025, "%d-%m-%Y"))),
        ("Schaal", None, _times(lambda: _whole(3, 13))),
        ("Verlofuren", None, _times(lambda: _whole(0, 320) / 2)),
    ]


def admissions() -> list[Column]:
    """A hospital in the USA."""
    codes = _words("E11.9 I10 J45.909 M54.5 F32.9 K21.9 N39.0 Z79.4 E78.5 J06.9 G43.909 R07.9")
    came = [datetime(2025, 1, 1) + timedelta(minutes=_whole(0, 500_000)) for _ in range(ROWS)]
    races = ("White", "Black or African American", "Asian", "Hispanic", "Native American", "Other")
    return [
        ("mrn", "medical_record_number", [str(20_410_377 + 13 * row) for row in range(ROWS)]),
        ("fname", "first_name", _times(lambda: _pick(_AMERICAN))),
        ("lname", "last_name", _times(lambda: _pick(_AMERICAN_LAST))),
        ("dob", "date_of_birth", _times(lambda: _day(1931, 2018, "%m/%d/%Y"))),
        ("ssn", "us_ssn", _times(lambda: f"{_whole(100, 660)}-{_whole(10, 99)}-{_whole(1000, 9999)}", 0.05)),
        ("sex", "gender", _times(lambda: _pick(("Male", "Female")))),
        ("race", "ethnicity", _times(lambda: _pick(races))),
        ("dx", "health_condition", _times(lambda: _pick(codes))),
        ("zip", "postcode", _times(lambda: f"{_whole(10001, 98999):05d}")),
        ("st", None, _times(lambda: _pick(_words("NY CA TX FL OH PA GA WA")))),
        ("phone", "phone", _times(lambda: f"({_whole(201, 989)}) {_whole(200, 999)}-{_digits(4)}")),
        ("admitted", None, [f"{one:%Y-%m-%d %H:%M}" for one in came]),
        ("discharged", None, [f"{one + timedelta(hours=_whole(20, 400)):%Y-%m-%d %H:%M}" for one in came]),
        ("los", None, _times(lambda: _whole(1, 17))),
        ("charges", None, _times(lambda: round(_rng.lognormvariate(9, 0.8), 2))),
        ("room", None, _times(lambda: f"{_whole(2, 6)}{_digits(2)}{_pick('AB')}")),
        ("bmi", None, _times(lambda: round(_rng.gauss(27, 5), 1))),
        ("sbp", None, _times(lambda: round(_rng.gauss(128, 15)))),
        ("heart_rate", None, _times(lambda: _whole(52, 118))),
    ]


def products() -> list[Column]:
    """What a shop sells: only the picture's address has a tag."""
    nouns = _words("Drill,Hammer,Ladder,Sander,Workbench,Torch,Tape Measure,Spirit Level,Chisel Set", ",")

    def ean() -> str:
        body = "40" + _digits(10)
        return body + str(-sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(body)) % 10)

    return [
        ("sku", None, _times(lambda: f"{_letters(3)}-{_digits(4)}-{_pick(('BLK', 'RED', 'GRN'))}")),
        ("ean", None, _times(ean)),
        ("part_no", None, _times(lambda: f"{_digits(3)}-{_digits(5)}-{_digits(2)}")),
        ("mpn", None, _times(lambda: f"{_letters(2)}{_digits(4)}{_letters(1)}")),
        ("title", None, _times(lambda: f"{_pick(('Pro', 'Compact', 'Heavy Duty'))} {_pick(nouns)} {_whole(100, 900)}")),
        ("price", None, _times(lambda: _whole(1, 400) - 0.01)),
        ("discount", None, _times(lambda: f"{_whole(0, 12) * 5}%")),
        ("weight_kg", None, _times(lambda: round(_rng.lognormvariate(0, 1), 3))),
        ("size", None, _times(lambda: f"{_whole(5, 90)}x{_whole(5, 90)}x{_whole(2, 60)} cm")),
        ("firmware", None, _times(lambda: f"{_whole(1, 9)}.{_whole(0, 20)}.{_whole(0, 30)}.{_whole(0, 250)}")),
        ("image", "url", _times(lambda: f"https://cdn.shop.example/i/{_sha(10)}.jpg")),
        ("bin", None, _times(lambda: f"{_pick('ABCDEF')}-{_whole(1, 24):02d}-{_whole(1, 6):02d}")),
        ("hs_code", None, _times(lambda: f"{_whole(8201, 8519)}.{_digits(2)}.{_digits(2)}")),
        ("lot", None, _times(lambda: f"L{_whole(23, 26)}{_whole(1, 52):02d}{_letters(1)}{_digits(2)}")),
        ("best_before", None, _times(lambda: _day(2026, 2029))),
        ("colour", None, _times(lambda: _pick(_words("black red green anthracite white blue")))),
        ("stars", None, _times(lambda: _whole(10, 50) / 10)),
        ("stock", None, _times(lambda: _whole(0, 480))),
    ]


def requests() -> list[Column]:
    """A web server's log."""
    agents = (
        "Mozilla/5.0 (X11; Linux x86_64)",
        "curl/8.5.0",
        "okhttp/4.12.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1)",
    )
    return [
        ("ts", None, _times(lambda: _moment("%Y-%m-%dT%H:%M:%SZ"))),
        ("epoch_ms", None, _times(lambda: 1_750_000_000_000 + _whole(0, 10**10))),
        ("client", "ip_address", _times(lambda: ".".join(str(_whole(1, 254)) for _ in range(4)))),
        ("verb", None, _times(lambda: _pick(("GET", "GET", "POST", "PUT")))),
        ("path", None, _times(lambda: f"/api/v{_whole(1, 3)}/{_pick(('items', 'carts', 'search'))}/{_whole(1, 999)}")),
        ("status", None, _times(lambda: _pick((200, 200, 200, 304, 404, 500)))),
        ("bytes", None, _times(lambda: _whole(120, 90_000))),
        ("agent", None, _times(lambda: _pick(agents))),
        ("request_id", None, _times(lambda: str(uuid.UUID(int=_rng.getrandbits(128), version=4)))),
        ("trace", None, _times(lambda: _sha(32))),
        ("etag", None, _times(lambda: f'W/"{_sha(12)}"')),
        ("ms", None, _times(lambda: round(_rng.lognormvariate(3, 1), 1))),
        ("build", None, _times(lambda: f"v{_whole(1, 4)}.{_whole(0, 30)}.{_whole(0, 9)}-rc{_whole(1, 5)}")),
        ("commit", None, _times(lambda: _sha(40))),
        ("hw", "mac_address", _times(lambda: ":".join(_sha(2) for _ in range(6)))),
    ]


def trips() -> list[Column]:
    """Hired bicycles in Valencia."""

    def place(middle: float, spread: float) -> float:
        return round(_rng.gauss(middle, spread), 5)

    stops = _words(
        "Plaza de la Reina,Estación del Norte,Mercado Central,Torres de Serranos,Puerto,Campus Tarongers", ","
    )
    return [
        ("trip", None, [90_100_000 + 3 * row for row in range(ROWS)]),
        ("from_y", "latitude", _times(lambda: place(39.47, 0.02))),
        ("from_x", "longitude", _times(lambda: place(-0.376, 0.02))),
        ("to_y", "latitude", _times(lambda: place(39.47, 0.02))),
        ("to_x", "longitude", _times(lambda: place(-0.376, 0.02))),
        ("secs", None, _times(lambda: _whole(90, 5_400))),
        ("started", None, _times(lambda: _moment("%d/%m/%Y %H:%M"))),
        ("station", None, _times(lambda: _pick(stops))),
        ("km", None, _times(lambda: round(_rng.lognormvariate(0.5, 0.6), 3))),
        ("climb", None, _times(lambda: round(_rng.gauss(4, 9), 1))),
        ("bike", None, _times(lambda: f"VB{_digits(4)}")),
    ]


def homes() -> list[Column]:
    """Dwellings for sale, all over the USA: rows written longitude first."""
    return [
        ("listing", None, _times(lambda: f"MLS{_digits(7)}")),
        ("x", "longitude", _times(lambda: round(_rng.uniform(-122.5, -71.1), 6))),
        ("y", "latitude", _times(lambda: round(_rng.uniform(26.1, 47.9), 6))),
        ("beds", None, _times(lambda: _whole(1, 6))),
        ("baths", None, _times(lambda: _whole(2, 8) / 2)),
        ("sqft", None, _times(lambda: _whole(550, 4_800))),
        ("asking", None, _times(lambda: _whole(120, 1_900) * 1_000)),
        ("built", None, _times(lambda: _whole(1890, 2024))),
        ("zip4", "postcode", _times(lambda: f"{_whole(2101, 98199):05d}-{_digits(4)}")),
        ("tax_rate", None, _times(lambda: round(_rng.uniform(0.4, 2.6), 3))),
    ]


def sensors() -> list[Column]:
    """Measurements: nothing to find."""
    return [
        ("t", None, [round(0.02 * row, 2) for row in range(ROWS)]),
        ("ax", None, _times(lambda: round(_rng.gauss(0, 3), 6))),
        ("ay", None, _times(lambda: round(_rng.gauss(0, 3), 6))),
        ("az", None, _times(lambda: round(_rng.gauss(9.81, 2), 6))),
        ("gyro_x", None, _times(lambda: round(_rng.gauss(0, 40), 5))),
        ("gyro_y", None, _times(lambda: round(_rng.gauss(0, 70), 5))),
        ("celsius", None, _times(lambda: round(_rng.gauss(14, 9), 1))),
        ("hpa", None, _times(lambda: round(_rng.gauss(1013, 8), 2))),
        ("rh", None, _times(lambda: round(_rng.uniform(20, 99), 1))),
        ("volts", None, _times(lambda: round(_rng.gauss(230, 2), 3))),
        ("pc1", None, _times(lambda: _rng.gauss(0, 20))),
        ("pc2", None, _times(lambda: _rng.gauss(0, 9))),
        ("ret", None, _times(lambda: round(_rng.gauss(0, 0.012), 6))),
        ("node", None, _times(lambda: f"n{_whole(1, 40):03d}")),
        ("heading", None, _times(lambda: round(_rng.uniform(0, 360), 4))),
        ("count", None, _times(lambda: _whole(0, 900))),
    ]


def payments() -> list[Column]:
    """A payment provider's ledger."""
    return [
        ("txn", None, _times(lambda: f"pi_3{_letters(22, 'abcdefghjkmnpqrstuvwxyzABCDEFGHJK23456789')}")),
        ("pan", "credit_card", _times(_card)),
        ("sec", "cvv", _times(lambda: f"{_whole(0, 999):03d}")),
        ("exp", None, _times(lambda: f"{_whole(1, 12):02d}/{_whole(26, 31)}")),
        ("iban", "iban", _times(lambda: _iban("DE", lambda: _digits(18)))),
        ("bic", "swift_bic", _times(lambda: _pick(_words("DEUTDEFF COBADEFFXXX GENODEM1GLS PBNKDEFF INGDDEFFXXX")))),
        ("sort", "bank_account", _times(lambda: f"{_digits(2)}-{_digits(2)}-{_digits(2)}")),
        ("amount", None, _times(lambda: round(_rng.lognormvariate(3.5, 1), 2))),
        ("ccy", None, _times(lambda: _pick(("EUR", "USD", "GBP", "CHF")))),
        ("mcc", None, _times(lambda: _pick((5411, 5812, 5541, 4111, 5999, 7011)))),
        ("auth", None, _times(lambda: _digits(6))),
        ("fx", None, _times(lambda: round(_rng.gauss(1.08, 0.02), 5))),
        ("invoice", None, _times(lambda: f"INV-{_whole(2023, 2026)}-{_digits(5)}")),
        ("balance", None, _times(lambda: round(_rng.gauss(900, 2_000), 2))),
    ]


def members() -> list[Column]:
    """A Brazilian club, with the papers of its members."""
    first, last = (_times(lambda: _pick(_BRAZILIAN)), _times(lambda: _pick(_BRAZILIAN_LAST)))
    towns = _words("São Paulo,Belo Horizonte,Curitiba,Recife,Fortaleza,Porto Alegre,Campinas", ",")
    civil = ("solteiro", "casado", "divorciado", "viúvo")

    def own_number() -> str:
        return str(cpf.format(_valid(lambda: _digits(11), cpf.is_valid)))

    return [
        ("nome", "first_name", first),
        ("sobrenome", "last_name", last),
        ("cpf", "national_id", _times(own_number)),
        ("passaporte", "passport", _times(lambda: f"{_pick(('FB', 'FD', 'YC', 'GA'))}{_digits(6)}")),
        ("cnh", "driver_license", _times(lambda: _digits(11))),
        ("placa", "vehicle_id", _times(lambda: f"{_letters(3)}{_digits(1)}{_letters(1, 'ABCDEFGHIJ')}{_digits(2)}")),
        ("celular", "phone", _times(lambda: f"({_pick(('11', '21', '31', '41'))}) 9{_digits(4)}-{_digits(4)}")),
        ("cep", "postcode", _times(lambda: f"{_whole(1000, 99999):05d}-{_digits(3)}")),
        ("cidade", "city", _times(lambda: _pick(towns))),
        ("estado civil", "marital_status", _times(lambda: _pick(civil))),
        ("idade", "age", _times(lambda: round(min(88, max(18, _rng.gauss(41, 14)))))),
        ("mensalidade", None, _times(lambda: _pick((89.9, 119.9, 149.9)))),
        (
            "nacionalidade",
            "nationality",
            _times(lambda: _pick(("brasileira", "brasileira", "argentina", "portuguesa"))),
        ),
    ]


def accounts() -> list[Column]:
    """Who may sign in, somewhere in the north."""
    people = _words("Tuomas Anneli Jukka Ingrid Bjørn Sigrid Torbjörn Kirsi Lasse Astrid Henrik Mikkel Solveig")
    family = _words("Virtanen Lindqvist Haugen Korhonen Nygård Mäkinen Bergström Solberg Laine Dahl Johansen")
    whole = [f"{_pick(family)}, {_pick(people)}" for _ in range(ROWS)]
    ascii_only = str.maketrans("øöåä", "ooaa")
    chars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    names = [one.lower().translate(ascii_only).split(", ") for one in whole]
    return [
        ("display", "person_name", whole),
        ("login", "username", [f"{first[:3]}{last[:5]}{_whole(1, 99)}" for last, first in names]),
        ("mail", "email", [f"{first}.{last}@firma.no" for last, first in names]),
        ("pw", "password", _times(lambda: f"$2b$12${_letters(53, chars)}")),
        ("token", "secret_key", _times(lambda: f"ghp_{_letters(36, chars)}")),
        ("fnr", "national_id", _times(_norwegian)),
        ("logins", None, _times(lambda: _whole(0, 900))),
        ("last_seen", None, _times(lambda: _moment("%Y-%m-%d %H:%M:%S"))),
        ("lang", None, _times(lambda: _pick(("fi", "sv", "nb", "da", "en")))),
        ("tz", None, _times(lambda: _pick(("Europe/Oslo", "Europe/Helsinki", "Europe/Stockholm")))),
        ("role", None, _times(lambda: _pick(("viewer", "editor", "admin")))),
        ("quota", None, _times(lambda: _pick((5, 10, 50, 100)))),
    ]


FORMLESS = frozenset({"account_id", "medical_record_number", "maiden_name", "bank_account"})
"""What values alone cannot tell: running numbers, six digits, a family name of whichever time."""

TABLES = {
    make.__name__: make()
    for make in (
        customers, staff, admissions, products, requests, trips, homes, sensors, payments, members, accounts,
    )
}  # fmt: skip


def frame(columns: list[Column], *, telling: bool) -> pd.DataFrame:
    """The table as a frame; with neutral names `c1`, `c2`, ... where names are not to tell."""
    names = [name if telling else f"c{place}" for place, (name, _, _) in enumerate(columns, 1)]
    return pd.DataFrame({name: values for name, (_, _, values) in zip(names, columns, strict=True)})
