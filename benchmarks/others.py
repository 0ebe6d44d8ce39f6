"""Labelled frames to judge classification by and never to develop it with: other words, forms and dirt than `people`.

Eight other countries, other names of columns, not every column in every frame, and one person to a row: address, login
and age go with name and day of birth, as they do in life. Values are upper case, numbers are floats, days have times,
a few cells stand in the wrong column.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import string
import uuid
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from .made_up import card, ean, filled, iban, luhn, mod11, vin
from .people import Column, to_ascii

SEEDS = range(2000, 2016)
_TODAY = dt.date(2025, 6, 30)


class Land(NamedTuple):
    """What a country writes: names, places, and forms in which `#` is a digit, `%` a digit but 0, `@` a capital."""

    given: str
    family: str
    cities: str
    streets: tuple[str, ...]
    postcode: str
    phones: tuple[str, ...]
    national: tuple[str, str]
    passport: str
    license: str
    days: str


LANDS = (
    Land("Aoife Cormac Deirdre Eoin Fionnuala Gráinne Niamh Oisín Pádraig Róisín Saoirse Tadhg Ciarán Sinéad Declan Maeve Brendan Orla Conor Siobhán",
         "O'Sullivan Byrne Rafferty McCarthy Doherty Kavanagh Nolan Brady Fitzgerald Maguire Hegarty Ó'Briain Tierney Cullinane Feeney Moriarty Scanlon Lawlor",
         "Dublin|Cork|Galway|Limerick|Sligo|Tralee|Athlone|Drogheda|Ennis|Kilkenny|Wexford|Letterkenny", ("{n} {s} Park", "{n} {s} Terrace", "Apt #, {n} {s} Quay"), "@## @#@#",
         ("+353 87 ### ####", "(01) ### ####", "086-#######"), ("ie", "#######"), "@@#######", "#########", "%d/%m/%Y"),
    Land("Astrid Björn Cecilia Dag Ebba Folke Gunilla Håkan Ingrid Jörgen Kerstin Linnea Magnus Nils Oskar Pernilla Ragnar Sigrid Torsten Ylva",
         "Andersson Bergqvist Dahlberg Ekström Forsberg Granlund Hedlund Isaksson Kjellberg Lindqvist Nordin Öberg Palmgren Rosén Sandström Törnqvist Wikström Åkesson",
         "Stockholm|Göteborg|Malmö|Uppsala|Västerås|Örebro|Linköping|Umeå|Gävle|Borås|Sundsvall|Kalmar", ("{s}gatan {n}", "{s}vägen {n}", "{s}gatan {n} lgh 1#0#"), "### ##",
         ("070-### ## ##", "+46 8 ### ### ##", "+4673#######"), ("se", "######-####"), "########", "@@@##@", "%Y-%m-%d"),
    Land("Adriano Beatriz Caio Débora Everton Fabíola Gilson Heloísa Ivo Jussara Kleber Luciana Murilo Nayara Otávio Priscila Rodrigo Thaís Valdir Wagner",
         "Silveira Cavalcante Drummond Evangelista Figueiredo Guimarães Lacerda Magalhães Nogueira Paixão Queiroz Sampaio Teixeira Vasconcelos Xavier Carvalho Azevedo Brandão",
         "São Paulo|Curitiba|Recife|Manaus|Fortaleza|Goiânia|Belém|Natal|Maceió|Vitória|Niterói|Campinas", ("Rua {s}, {n}", "Avenida {s}, {n}", "Travessa {s} {n}"), "#####-###",
         ("(11) 9####-####", "+55 21 9#### ####", "(85) 3###-####"), ("br", ""), "@@######", "###########", "%d/%m/%Y"),
    Land("Aarav Bhavna Chetan Divya Eshan Farhan Gauri Harish Ishita Jatin Kavita Lakshmi Manoj Nandini Omkar Pooja Rajesh Sunita Tarun Vidya",
         "Agarwal Banerjee Chatterjee Deshmukh Gupta Iyer Joshi Krishnan Mehta Nair Pillai Rao Reddy Sharma Subramanian Trivedi Verma Yadav",
         "Mumbai|Pune|Chennai|Jaipur|Lucknow|Kochi|Nagpur|Indore|Bhopal|Surat|Kanpur|Mysuru", ("{n}, {s} Road", "Flat ##, {s} Nagar", "{n}/# {s} Marg"), "%#####",
         ("+91 9#### #####", "98########", "+91-80-########"), ("in", ""), "@#######", "@@%# 20#########", "%d-%m-%Y"),
    Land("Aylin Burak Cansu Deniz Emre Fatma Gökhan Hülya İbrahim Kemal Leyla Mehmet Nurcan Onur Pınar Serkan Tuğba Ümit Yasemin Zeynep",
         "Yılmaz Kaya Demir Şahin Çelik Yıldız Öztürk Aydın Arslan Doğan Kılıç Aslan Çetin Kara Koç Kurt Özdemir Şimşek",
         "İstanbul|Ankara|İzmir|Bursa|Adana|Konya|Antalya|Kayseri|Mersin|Eskişehir|Samsun|Trabzon", ("{s} Caddesi No: {n}", "{s} Sokak {n}", "{s} Bulvarı No {n}"), "#####",
         ("+90 532 ### ## ##", "0 (212) ### ## ##", "0555 ### ## ##"), ("tr", ""), "U########", "######", "%d.%m.%Y"),
    Land("Ama Babatunde Chidi Dayo Efua Folasade Gbenga Halima Ifeoma Jide Kwame Lerato Mandla Ngozi Olumide Precious Sipho Thabo Uche Zanele",
         "Adeyemi Okafor Mensah Dlamini Nkosi Eze Balogun Owusu Khumalo Mthembu Asante Okonkwo Ibrahim Boateng Mokoena Oyelaran Zulu Naidoo",
         "Lagos|Accra|Durban|Abuja|Kumasi|Pretoria|Ibadan|Polokwane|Soweto|Enugu|Bloemfontein|Kano", ("{n} {s} Street", "{n} {s} Avenue", "Plot {n}, {s} Road"), "####",
         ("+27 82 ### ####", "+234 803 ### ####", "082 ### ####"), ("za", ""), "@########", "##########@@", "%Y/%m/%d"),
    Land("Brooke Cody Darren Elise Flynn Georgina Hayden Indigo Jarrod Kirrily Lachlan Matilda Narelle Oscar Peta Riley Shane Tahlia Wade Zoe",
         "Abbott Bradshaw Carmody Dunstan Ellison Farrell Gillespie Hargreaves Irwin Jamieson Keating Langford Mulligan Northcott Pemberton Quilty Rowlands Sinclair",
         "Sydney|Hobart|Darwin|Geelong|Ballarat|Cairns|Bendigo|Wollongong|Toowoomba|Albury|Mackay|Bunbury", ("{n} {s} Parade", "Unit #/{n} {s} Street", "{n} {s} Cres"), "%###",
         ("04## ### ###", "+61 4## ### ###", "(02) 9### ####"), ("au", ""), "@#######", "########", "%d/%m/%Y"),
    Land("Alejandra Bernardo Citlali Dolores Efraín Fernanda Gerardo Hortensia Ignacio Jimena Lázaro Montserrat Noé Octavio Paulina Ramiro Socorro Teresa Ulises Ximena",
         "Aguirre Barragán Cárdenas Domínguez Escobedo Fuentes Galindo Huerta Ibáñez Juárez Ledesma Mondragón Orozco Pacheco Quiroz Rentería Villaseñor Zamudio",
         "Guadalajara|Monterrey|Puebla|Mérida|Oaxaca|Querétaro|Toluca|Morelia|Xalapa|Durango|Tepic|Culiacán", ("Calle {s} {n}", "Av. {s} {n}", "Calle {s} #{n}, Int. #"), "#####",
         ("+52 55 #### ####", "55 #### ####", "(81) #### ####"), ("mx", ""), "G########", "@@@@######", "%d/%m/%Y"),
)  # fmt: skip

_OWN = "Harcourt|Bolívar|Independence|Gandhi|Atatürk|Reforma|Kungs|Nya|Storgårds|Mandela|Wellington|Tagore|Palmeiras|Laranjeiras|Castle|Riverside|Nehru|Cumhuriyet"
_DOMAINS = "inbox.test|mailbox.test|post.example.net|company.example|example.edu.test|isp.example.info"
_HEALTH = "Anaemia|Hypothyroidism|Chronic bronchitis|Rheumatoid arthritis|Epilepsy|Glaucoma|Coeliac disease|Bipolar disorder|Pneumonia|Breast cancer|Heart failure|HIV infection|Schizophrenia|Appendicitis"
_TALK = "The parcel|Our invoice|This ticket|The booking|Her appointment|The refund"
_SAID = "was moved to another day because nobody could be reached at the given number|has been closed after a long talk, see the earlier letter for the details|is still open and should be looked at again before the end of the month"

_HEADERS: dict[str, str] = {
    "first_name": "FNAME|given name|Forename|cust_first_nm|firstName", "last_name": "LastNm|SURNAME|family_name|cust_last_name|lName",
    "person_name": "Full Name|employee_name|CustomerName|Passenger|name", "email": "E-mail Address|userEmail|mail|EMAIL_1|contactEmail",
    "phone": "Phone Number|mobile|CELL|tel_no|ContactNumber", "street": "Street Address|addr_line_1|street_name_no|STREET", "city": "CITY|Town/City|home_city|residence_city",
    "postcode": "Zip Code|postal_cd|POSTCODE|pin_code|zipcode", "date_of_birth": "DOB|Birth Date|birthDate|date_of_birth|BIRTH_DT", "gender": "Sex|GENDER|gender_cd|gender",
    "national_id": "national_id|ID Number|govt_id_number|NationalIdentifier", "marital_status": "MaritalStatus|marital|Marital Status|civil_status",
    "country": "COUNTRY|country_of_residence|Country Name", "iban": "IBAN|iban_no", "credit_card": "Credit Card Number|cardNumber|cc_number|CARD_NO",
    "salary_or_income": "AnnualSalary|salary_usd|monthly_income|Base Pay|wage", "nationality": "Nationality|citizenship|NATIONALITY", "religion": "Religion|religious_affiliation",
    "username": "UserName|login_id|user_name|screen_name", "age": "AGE|Age (years)|customer_age|age", "ethnicity": "Ethnicity|race_ethnicity|RACE",
    "maiden_name": "Maiden Name|mother_maiden_name|birth_name", "address": "Address|Home Address|mailing_address|ADDRESS_FULL", "health_condition": "Diagnosis|primary_diagnosis|condition|MedicalCondition",
    "icd": "ICD10|diag_code|DiagnosisCode", "passport": "Passport Number|passport_no|PASSPORT", "driver_license": "DriverLicense|driving_licence_number|DL Number",
    "medical_record_number": "MRN|Medical Record Number|hospital_no", "cvv": "CVV|security_code|cvv2", "bank_account": "Account Number|bank_acct|AccountNo",
    "swift_bic": "BIC|SwiftCode", "ip_address": "IP Address|src_ip|ipAddr", "mac_address": "MAC|mac_addr|MacAddress", "imei": "IMEI|imei_no",
    "vehicle_id": "VIN|Vehicle Identification Number|vin_no", "url": "Homepage|profile_url|URL", "password": "Password|passwd|user_password", "secret_key": "apiKey|auth_token|secret_key",
    "device_id": "Device ID|deviceId|advertising_id", "account_id": "Customer ID|clientId|member_no|EmployeeNumber", "latitude": "Latitude|lat|gps_lat|LAT", "longitude": "Longitude|lng|gps_lon|LONG",
    "free_text": "Comments|case_notes|Remarks|description", "tax_id": "Tax ID|tax_number|TIN",
}  # fmt: skip


def frame(seed: int, rows: int, *, telling: bool) -> tuple[pd.DataFrame, dict[str, str | None]]:
    """A frame and the tag that each column should get; with telling names, or with `V1`, `V2` ..."""
    rng = random.Random(seed)  # noqa: S311  # the same frame every time is the point
    columns = [*_people(rng, LANDS[seed % len(LANDS)], rows), *_things(rng, rows)]
    kept = [one for one in columns if rng.random() < 0.7]
    if rng.random() < 0.5:
        rng.shuffle(kept)
    names = [rng.choice(one.headers) if telling else f"V{number + 1}" for number, one in enumerate(kept)]
    names = [f"{name}_{n}" if name in names[:n] else name for n, name in enumerate(names)]
    dirty = [_dirty(rng, one.values) for one in kept]
    for values, others in pairwise(dirty):  # a few cells slip into the next column
        if all(isinstance(one, str) for one in (values[0], others[0])):
            for row in rng.sample(range(rows), max(1, rows // 150)):
                values[row] = others[row]
    return pd.DataFrame(dict(zip(names, dirty, strict=True))), {
        name: one.tag for name, one in zip(names, kept, strict=True)
    }


def _people(rng: random.Random, land: Land, rows: int) -> list[Column]:
    def pick(words: str, mark: str = "|") -> str:
        return rng.choice(words.split(mark))

    def made(form: str) -> list[object]:
        return [filled(rng, form) for _ in range(rows)]

    given, family = [pick(land.given, " ") for _ in range(rows)], [pick(land.family, " ") for _ in range(rows)]
    plain = [(to_ascii(g).lower(), to_ascii(f).lower()) for g, f in zip(given, family, strict=True)]
    street = [filled(rng, rng.choice(land.streets).format(s=pick(_OWN), n=rng.randint(1, 180))) for _ in range(rows)]
    city, postcode = [pick(land.cities) for _ in range(rows)], made(land.postcode)
    born = [_TODAY - dt.timedelta(days=rng.randint(19 * 365, 82 * 365)) for _ in range(rows)]
    login = rng.choice(["{g}.{f}", "{g[0]}{f}", "{g}{n}", "{f}_{g[0]}{n}"])
    mail = rng.choice(["{g}.{f}", "{g[0]}{f}{n}", "{f}{n}", "{g}_{f}"])
    whole = rng.choice(["{0} {1}", "{1}, {0}", "{0} {1}"])
    base = (rng.uniform(-40, 55), rng.uniform(-100, 120))
    places = rng.choice([4, 6, 7])
    titles = rng.random() < 0.2
    values: dict[str, list[object]] = {
        "first_name": list(given), "last_name": list(family),
        "person_name": [("Dr. " if titles and rng.random() < 0.3 else "") + whole.format(g, f) for g, f in zip(given, family, strict=True)],
        "email": [f"{mail.format(g=g, f=f, n=rng.randint(1, 99))}@{pick(_DOMAINS)}" for g, f in plain],
        "phone": [filled(rng, rng.choice(land.phones)) for _ in range(rows)],
        "street": list(street), "city": list(city), "postcode": postcode,
        "date_of_birth": [day.strftime(land.days) for day in born],
        "gender": [rng.choice(("Female", "Male", "Non-binary")[: 2 + (rows % 2)]) for _ in range(rows)],
        "national_id": [_national(rng, land, day) for day in born],
        "marital_status": [pick("Single|Married|Divorced|Widowed|Separated") for _ in range(rows)],
        "country": [pick("Kenya|Norway|Argentina|Vietnam|Australia|Ireland|Turkey|Mexico|South Africa|Nigeria|Sweden") for _ in range(rows)],
        "iban": [iban(rng) for _ in range(rows)], "credit_card": [card(rng) for _ in range(rows)],
        "salary_or_income": [int(round(rng.lognormvariate(10.9, 0.4), rng.choice([-2, -3]))) for _ in range(rows)],
        "nationality": [pick("Kenyan|Irish|Swedish|Mexican|Turkish|Australian|Vietnamese|Ghanaian|Norwegian") for _ in range(rows)],
        "religion": [pick("Hindu|Christian|Muslim|Sikh|Jain|Buddhist|Agnostic") for _ in range(rows)],
        "username": [login.format(g=g, f=f, n=rng.randint(1, 999)) for g, f in plain],
        "age": [(_TODAY - day).days // 365 for day in born],
        "ethnicity": [pick("Caucasian|African American|Hispanic or Latino|Asian|Pacific Islander|Mixed") for _ in range(rows)],
        "maiden_name": [pick(land.family, " ") for _ in range(rows)],
        "address": [f"{s}, {c} {p}" for s, p, c in zip(street, postcode, city, strict=True)],
        "health_condition": [pick(_HEALTH) for _ in range(rows)],
        "icd": [f"{rng.choice('CDEFGHIJKLM')}{rng.randint(10, 99)}.{rng.randint(0, 9)}{rng.choice(['', '1', '9'])}" for _ in range(rows)],
        "passport": made(land.passport), "driver_license": made(land.license), "medical_record_number": made(rng.choice(["MRN-#######", "H######", "########"])),
        "tax_id": made(rng.choice(["##-#######", "9##-7#-####", "IE#######@@"])),
        "cvv": made("###"), "bank_account": made(rng.choice(["########", "##-##-## ########", "############"])),
        "swift_bic": [filled(rng, "@@@@") + pick("IE|SE|BR|IN|TR|ZA|AU|MX") + filled(rng, "#@") + pick("|XXX|") for _ in range(rows)],
        "ip_address": [".".join(str(rng.randint(1, 254)) for _ in range(4)) if rng.random() < 0.9 else f"2001:db8:{rng.getrandbits(16):x}::{rng.getrandbits(16):x}" for _ in range(rows)],
        "mac_address": ["-".join(f"{rng.randint(0, 255):02X}" for _ in range(6)) for _ in range(rows)],
        "imei": [luhn("35" + filled(rng, "############")) for _ in range(rows)], "vehicle_id": [vin(rng) for _ in range(rows)],
        "url": [f"www.{pick(_DOMAINS)}/~{g}" for g, _ in plain],
        "password": ["".join(rng.choices(string.ascii_letters + string.digits + "!$?_", k=rng.randint(7, 15))) for _ in range(rows)],
        "secret_key": ["AKIA" + "".join(rng.choices(string.ascii_uppercase + string.digits, k=16)) for _ in range(rows)],
        "device_id": [str(uuid.UUID(int=rng.getrandbits(128))).upper() for _ in range(rows)],
        "account_id": made(rng.choice(["CUST-######", "E####", "10######"])),
        "latitude": [round(base[0] + rng.gauss(0, rng.choice([0.05, 2])), places) for _ in range(rows)],
        "longitude": [round(base[1] + rng.gauss(0, rng.choice([0.05, 2])), places) for _ in range(rows)],
        "free_text": [f"{pick(_TALK)} of {g} {f} {pick(_SAID)}." for g, f in zip(given, family, strict=True)],
    }  # fmt: skip
    return [
        Column("health_condition" if tag == "icd" else tag, tuple(_HEADERS[tag].split("|")), list(of))
        for tag, of in values.items()
    ]


def _national(rng: random.Random, land: Land, born: dt.date) -> str:
    """With right check digits for most countries, and for Ireland and Mexico of the right form."""
    kind, form = land.national
    if kind == "se":
        return f"{born:%y%m%d}-{luhn(f'{born:%y%m%d}' + filled(rng, '###'))[6:]}"
    if kind == "br":
        nine = filled(rng, "%########")
        for weights in (range(10, 1, -1), range(11, 1, -1)):
            nine += str(-sum(int(one) * weight for one, weight in zip(nine, weights, strict=True)) % 11 % 10)
        return f"{nine[:3]}.{nine[3:6]}.{nine[6:9]}-{nine[9:]}"
    if kind == "za":
        return luhn(f"{born:%y%m%d}" + filled(rng, "####0") + "8")
    if kind == "au":
        return mod11(rng, (1, 4, 3, 7, 5, 8, 6, 9, 10))[:9]
    if kind == "tr":
        nine = [int(one) for one in filled(rng, "%########")]
        tenth = (7 * sum(nine[::2]) - sum(nine[1::2])) % 10
        return "".join(map(str, [*nine, tenth, (sum(nine) + tenth) % 10]))
    if kind == "mx":
        return f"{filled(rng, '@')}{rng.choice('AEIOU')}{filled(rng, '@@')}{born:%y%m%d}{rng.choice('HM')}{filled(rng, '@@@@@')}0{rng.randint(0, 9)}"
    if kind == "in":
        return f"{filled(rng, '@@@')}P{filled(rng, '@####@')}"
    seven = filled(rng, form)
    rest = sum(int(one) * weight for one, weight in zip(seven, range(8, 1, -1), strict=True)) % 23
    return f"{seven}{'WABCDEFGHIJKLMNOPQRSTUV'[rest]}"


def _things(rng: random.Random, rows: int) -> list[Column]:
    pick = rng.choice
    start = dt.datetime(2019, 3, 1, 8)

    def of(name: str, values: list[object]) -> Column:
        return Column(None, tuple(name.split("|")), values)

    def made(form: str) -> list[object]:
        return [filled(rng, form) for _ in range(rows)]

    return [
        of("Invoice|invoice_no", made("INV-2024-#####")), of("PO Number|purchase_order", made("45########")), of("tracking_no|Shipment", made("1Z@##@##0########")),
        of("Part Number|sku_id", made("@@@-####")), of("batch|lot_no", made("L######@")), of("gtin|EAN13", [ean("50" + filled(rng, "##########")) for _ in range(rows)]),
        of("build|Firmware", [f"v{rng.randint(1, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 99)}" for _ in range(rows)]),
        of("md5|etag", [hashlib.md5(rng.randbytes(8), usedforsecurity=False).hexdigest() for _ in range(rows)]),
        of("trace_id|request", [f"{rng.getrandbits(128):032x}" for _ in range(rows)]),
        of("updated_at|event_time", [(start + dt.timedelta(minutes=rng.randint(0, 3 * 10**6))).strftime("%Y-%m-%d %H:%M:%S") for _ in range(rows)]),
        of("Order Date|due_date", [(start + dt.timedelta(days=rng.randint(0, 2000))).strftime("%d/%m/%Y") for _ in range(rows)]),
        of("unix|ts", [rng.randint(1_500_000_000, 1_760_000_000) for _ in range(rows)]), of("Amount|line_total", [round(rng.lognormvariate(4, 1.2), 2) for _ in range(rows)]),
        of("balance_due|Revenue", [round(rng.gauss(50_000, 40_000), 2) for _ in range(rows)]), of("score_pct|Completion", [rng.randint(0, 100) for _ in range(rows)]),
        of("z_score|feature_1", [rng.gauss(0, 1) for _ in range(rows)]), of("probability|p_value", [round(rng.random(), 6) for _ in range(rows)]),
        of("voltage|sensor_c", [round(rng.uniform(3, 90), 3) for _ in range(rows)]), of("Units|qty_on_hand", [rng.randint(0, 2000) for _ in range(rows)]),
        of("hours_per_week|run_minutes", [rng.randint(1, 99) for _ in range(rows)]), of("Year Built|FY", [rng.randint(1950, 2024) for _ in range(rows)]),
        of("Supplier|Manufacturer", [f"{pick(['Okafor', 'Lindqvist', 'Sharma', 'Pacheco', 'Zenith', 'Borealis'])} {pick(['AB', 'Pty Ltd', 'Holdings', 'S.A. de C.V.', 'Traders', 'plc'])}" for _ in range(rows)]),
        of("Category|product_line", [pick(["Hardware", "Stationery", "Groceries", "Toys", "Garden", "Footwear"]) for _ in range(rows)]),
        of("Model|product", [f"{pick(['Nova', 'Orion', 'Pulse', 'Vertex'])} {pick(['X', 'S', 'Pro ', 'Mini '])}{rng.randint(1, 20)}" for _ in range(rows)]),
        of("Priority|stage", [pick(["low", "medium", "high", "urgent"]) for _ in range(rows)]), of("weekday|Season", [pick(["Monday", "Tuesday", "Friday", "Sunday"]) for _ in range(rows)]),
        of("Job|occupation_title", [pick(["Electrician", "Project Manager", "Bus driver", "Baker", "Surveyor", "Solicitor"]) for _ in range(rows)]),
        of("Dept|business_unit", [pick(["Procurement", "R&D", "Customer Care", "Payroll", "Facilities"]) for _ in range(rows)]),
        of("email_opt_in|has_phone", [pick(["Y", "N"]) for _ in range(rows)]), of("card_brand|payment_type", [pick(["Visa", "Mastercard", "Amex", "Cash"]) for _ in range(rows)]),
        of("address_count|emails_sent", [rng.randint(0, 12) for _ in range(rows)]), of("path|s3_key", [f"raw/{rng.randint(2018, 2025)}/{rng.randint(1, 12):02}/part-{rng.randint(0, 999):05}.parquet" for _ in range(rows)]),
        of("lap_time|runtime", [f"{rng.randint(0, 9)}:{rng.randint(0, 59):02}.{rng.randint(0, 999):03}" for _ in range(rows)]), of("unit|uom", [pick(["kg", "pcs", "m", "l", "box"]) for _ in range(rows)]),
        of("Currency Code|iso_ccy", [pick(["INR", "SEK", "BRL", "ZAR", "AUD", "MXN", "TRY"]) for _ in range(rows)]), of("rgb|theme", [f"rgb({rng.randint(0, 255)},{rng.randint(0, 255)},{rng.randint(0, 255)})" for _ in range(rows)]),
        of("discount|Margin %", [f"{rng.randint(0, 60)}%" for _ in range(rows)]), of("Gate|seat", made("%@")), of("flight|route_no", [f"{pick(['EI', 'SK', 'LA', 'AI', 'TK', 'QF'])}{rng.randint(10, 999)}" for _ in range(rows)]),
        of("Species|habitat", [pick(["Quercus robur", "Vulpes vulpes", "Salmo salar", "Apis mellifera"]) for _ in range(rows)]),
    ]  # fmt: skip


def _dirty(rng: random.Random, values: list[object]) -> list[object]:
    """Missing in other words, all in capitals, numbers as floats, quotes and hard blanks around."""
    missing = rng.choice([0.0, 0.0, 0.01, 0.15, 0.6])
    capitals = rng.random() < 0.08
    floats = rng.random() < 0.2 and all(isinstance(one, int) for one in values)

    def one(value: object) -> object:
        if rng.random() < missing:
            return rng.choice(["NULL", "-", "unknown", None]) if isinstance(value, str) else None
        if isinstance(value, str):
            value = value.upper() if capitals else value
            return f"{value}\u00a0" if rng.random() < 0.02 else value
        return float(value) if floats and isinstance(value, int) else value

    return [one(value) for value in values]
