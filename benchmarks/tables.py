"""Tables as people publish and export them, rebuilt with made-up values: their headers, their forms, their habits.

Titanic, bank churn, staff lists, hospital stays, taxi rides, listings of flats, mails, password dumps, card fraud,
census extracts and more. Each column has the tag it should get; a tag after `?` is right, and so is none; of `a/b` either is.
"""

from __future__ import annotations

import datetime as dt
import random
import string
from collections.abc import Callable, Iterator
from itertools import cycle, islice

import pandas as pd

from .made_up import card, filled, iban, luhn, vin

_GIVEN = [
    "Olivia",
    "Noah",
    "Emma",
    "Liam",
    "Sophia",
    "Mason",
    "Ava",
    "Lucas",
    "Mia",
    "Ethan",
    "Hannah",
    "Oscar",
    "Priya",
    "Mohammed",
    "Yuki",
    "Chen",
    "Fatima",
    "Diego",
    "Ingrid",
    "Pavel",
    "Chloe",
    "Marcus",
    "Leila",
    "Tomas",
    "Aisha",
    "Victor",
    "Nadia",
    "Henrik",
    "Rosa",
    "Kwame",
]
_FAMILY = [
    "Harper",
    "Nguyen",
    "Sanders",
    "Kim",
    "Osborne",
    "Patel",
    "Foster",
    "Alvarez",
    "Hughes",
    "Schneider",
    "Ivanova",
    "Tanaka",
    "Bell",
    "Ricci",
    "Haddad",
    "Berg",
    "Coleman",
    "Dubois",
    "Mbeki",
    "Larsen",
    "Reyes",
    "Popescu",
    "Whitfield",
    "Zhang",
    "Moreau",
    "Singh",
    "Baker",
    "Costa",
    "Novotna",
    "Grant",
]
_CITIES = [
    "Denver",
    "Austin",
    "Portland",
    "Chicago",
    "Boston",
    "Seattle",
    "Phoenix",
    "Houston",
    "Atlanta",
    "Dallas",
    "Nashville",
    "Columbus",
]
_STREETS = ["Maple", "Hillcrest", "Jefferson", "Lakeview", "Sunset", "Franklin", "Pine", "Walnut", "Ridge", "Meadow"]
_WORDS = [
    "market",
    "plan",
    "energy",
    "contract",
    "gas",
    "meeting",
    "report",
    "schedule",
    "team",
    "price",
    "review",
    "budget",
    "storage",
    "pipeline",
    "desk",
]

Maker = Callable[[random.Random], object]
_Table = list[tuple[str, str | None, Maker]]


def tables(rows: int = 300, seed: int = 77) -> Iterator[tuple[str, pd.DataFrame, dict[str, str | None]]]:
    """Each table: what it is like, its frame, the tag of each column."""
    rng = random.Random(seed)  # noqa: S311  # the same tables every time is the point
    for name, columns in TABLES.items():
        made = {header: [maker(rng) for _ in range(rows)] for header, _, maker in columns}
        yield name, pd.DataFrame(made), {header: tag for header, tag, _ in columns}


def _of(*choices: object) -> Maker:
    return lambda rng: rng.choice(choices)


def _form(*forms: str) -> Maker:
    return lambda rng: filled(rng, rng.choice(forms))


def _whole(low: int, high: int) -> Maker:
    return lambda rng: rng.randint(low, high)


def _real(low: float, high: float, digits: int) -> Maker:
    return lambda rng: round(rng.uniform(low, high), digits)


def _money(middle: float, digits: int = 2) -> Maker:
    return lambda rng: round(rng.lognormvariate(0, 0.6) * middle, digits)


def _some(maker: Maker, share: float) -> Maker:
    return lambda rng: maker(rng) if rng.random() < share else None


def _count(start: int = 1) -> Maker:
    numbers = islice(cycle(range(start, start + 10**6)), None)
    return lambda rng: next(numbers)


def _day(first: int, last: int, style: str = "%Y-%m-%d") -> Maker:
    low, high = dt.date(first, 1, 1).toordinal(), dt.date(last, 12, 28).toordinal()
    return lambda rng: dt.date.fromordinal(rng.randint(low, high)).strftime(style)


def _moment(style: str = "%Y-%m-%d %H:%M:%S") -> Maker:
    return lambda rng: (dt.datetime(2021, 1, 1) + dt.timedelta(seconds=rng.randint(0, 10**8))).strftime(style)


def _first(rng: random.Random) -> str:
    return rng.choice(_GIVEN)


def _last(rng: random.Random) -> str:
    return rng.choice(_FAMILY)


def _name(rng: random.Random) -> str:
    return f"{_first(rng)} {_last(rng)}"


def _mail(rng: random.Random) -> str:
    return f"{_first(rng)}.{_last(rng)}{rng.randint(1, 99)}@{rng.choice(['example.com', 'mail.test', 'corp.example'])}".lower()


def _login(rng: random.Random) -> str:
    return rng.choice(
        [f"{_first(rng)[0]}{_last(rng)}", f"{_first(rng)}{rng.randint(1, 99)}", f"{_first(rng)}_{_last(rng)}"]
    ).lower()


def _street(rng: random.Random) -> str:
    return f"{rng.randint(1, 9900)} {rng.choice(_STREETS)} {rng.choice(['St', 'Ave', 'Dr', 'Road', 'Ln', 'Way'])}{rng.choice(['', '', ' Apt. 12', ' Suite 340'])}"


def _faked_address(rng: random.Random) -> str:
    return f"{_street(rng)}\n{rng.choice(['North', 'Lake', 'Port'])} {_first(rng)}ville, {rng.choice(['CA', 'TX', 'VT'])} {filled(rng, '#####')}"


def _password(rng: random.Random) -> str:
    return rng.choice(
        [
            f"{_first(rng).lower()}{rng.randint(1, 2010)}",
            "".join(rng.choices(string.ascii_letters + string.digits, k=9)),
            "123456",
            "qwerty12",
            "letmein!",
            "dragon7",
        ]
    )


_US_PHONE = _form("2##-5##-####", "(3##) 5##-####", "+1-4##-5##-####x###", "001-5##-6##-####", "6##.7##.####")
_FEATURE: Maker = lambda rng: rng.gauss(0, 1.5)  # noqa: E731  # one of thirty like it

TABLES: dict[str, _Table] = {
    "titanic": [
        ("PassengerId", "?account_id", _count()), ("Survived", None, _whole(0, 1)), ("Pclass", None, _whole(1, 3)),
        ("Name", "person_name", lambda rng: f"{_last(rng)}, {rng.choice(['Mr.', 'Mrs.', 'Miss.', 'Master.'])} {_first(rng)} {_first(rng)}"),
        ("Sex", "gender", _of("male", "female")), ("Age", "age", _some(lambda rng: float(rng.choice([rng.randint(1, 74), 28.5])), 0.8)),
        ("SibSp", None, _whole(0, 5)), ("Parch", None, _whole(0, 4)), ("Ticket", None, _form("######", "PC #####", "A/5 ####", "STON/O2. 31#####")),
        ("Fare", None, _money(20, 4)), ("Cabin", None, _some(_form("C##", "E##", "B##", "D##"), 0.25)), ("Embarked", None, _of("S", "C", "Q")),
    ],
    "bank churn": [
        ("RowNumber", None, _count()), ("CustomerId", "account_id", _form("156#####")), ("Surname", "last_name", _last), ("CreditScore", None, _whole(350, 850)),
        ("Geography", "?country", _of("France", "Spain", "Germany")), ("Gender", "gender", _of("Male", "Female")), ("Age", "age", _whole(18, 92)), ("Tenure", None, _whole(0, 10)),
        ("Balance", None, _some(_money(90_000), 0.6)), ("NumOfProducts", None, _whole(1, 4)), ("HasCrCard", None, _whole(0, 1)), ("IsActiveMember", None, _whole(0, 1)),
        ("EstimatedSalary", "salary_or_income", _real(11, 199_990, 2)), ("Exited", None, _whole(0, 1)),
    ],
    "customers made by Faker": [
        ("name", "person_name", _name), ("job", None, _of("Engineer, mining", "Psychologist, clinical", "Retail buyer", "Surveyor, land/geomatics")), ("company", None, lambda rng: f"{_last(rng)}, {_last(rng)} and {_last(rng)}"),
        ("ssn", "us_ssn", _form("###-##-####")), ("residence", "address", _faked_address), ("username", "username", _login), ("birthdate", "date_of_birth", _day(1930, 2006)),
        ("mail", "email", _mail), ("blood_group", "health_condition", _of("A+", "B-", "O+", "AB+")), ("credit_card_number", "credit_card", card), ("credit_card_expire", None, _form("0%/2#")),
        ("credit_card_security_code", "cvv", _form("###")), ("credit_card_provider", None, _of("VISA 16 digit", "JCB 15 digit", "Mastercard", "Discover")), ("ipv4_private", "ip_address", _form("10.1##.2#.4#")), ("mac_platform", "mac_address", lambda rng: ":".join(f"{rng.getrandbits(8):02x}" for _ in range(6))),
        ("user_agent", None, _of("Mozilla/5.0 (X11; Linux i686; rv:1.9.5.20) Gecko/2013-05-01 Firefox/13.0", "Opera/9.52.(Windows NT 5.1; en-US) Presto/2.9.173 Version/10.00")), ("uuid4", None, lambda rng: f"{rng.getrandbits(32):08x}-1c2d-4e5f-8a9b-{rng.getrandbits(48):012x}"),
        ("license_plate", "vehicle_id", _form("@@@ ####", "#@@ ###", "###-@@@")), ("iban", "iban", iban), ("catch_phrase", None, lambda rng: f"Synergized {rng.choice(_WORDS)} {rng.choice(_WORDS)}"), ("phone_number", "phone", _US_PHONE), ("city", "city", lambda rng: f"{rng.choice(['East', 'New', 'Lake'])} {_first(rng)}{rng.choice(['shire', 'burgh', 'ton', 'mouth'])}"), ("state", None, _of("Nevada", "Idaho", "Utah", "Georgia")), ("zipcode", "postcode", _form("#####")),
    ],
    "people sample file": [
        ("Index", None, _count()), ("User Id", "account_id", lambda rng: f"{rng.getrandbits(60):015x}"), ("First Name", "first_name", _first), ("Last Name", "last_name", _last), ("Sex", "gender", _of("Male", "Female")),
        ("Email", "email", _mail), ("Phone", "phone", _US_PHONE), ("Date of birth", "date_of_birth", _day(1910, 2021)), ("Job Title", None, _of("Games developer", "Air traffic controller", "Contractor", "Historic buildings inspector")),
    ],
    "staff list": [
        ("EmpID", "account_id", _form("10###")), ("Employee_Name", "person_name", lambda rng: f"{_last(rng)}, {_first(rng)}"), ("MarriedID", "?marital_status", _whole(0, 1)), ("GenderID", "gender", _whole(0, 1)), ("DeptID", None, _whole(1, 6)), ("PerfScoreID", None, _whole(1, 4)),
        ("Salary", "salary_or_income", _whole(45_000, 190_000)), ("Position", None, _of("Production Technician I", "Area Sales Manager", "Data Analyst")), ("State", None, _of("MA", "CT", "TX")), ("Zip", "postcode", _form("1###", "2###")), ("DOB", "date_of_birth", _day(1955, 1995, "%m/%d/%y")), ("Sex", "gender", _of("M ", "F")),
        ("MaritalDesc", "marital_status", _of("Single", "Married", "Divorced", "Separated", "Widowed")), ("CitizenDesc", "?nationality", _of("US Citizen", "Eligible NonCitizen", "Non-Citizen")), ("HispanicLatino", "?ethnicity", _of("Yes", "No")), ("RaceDesc", "ethnicity", _of("White", "Black or African American", "Asian", "Two or more races")),
        ("DateofHire", None, _day(2006, 2018, "%m/%d/%Y")), ("ManagerName", "person_name", _name), ("RecruitmentSource", None, _of("LinkedIn", "Indeed", "Website")), ("Absences", None, _whole(1, 20)),
    ],
    "attrition": [
        ("Age", "age", _whole(18, 60)), ("Attrition", None, _of("Yes", "No")), ("BusinessTravel", None, _of("Travel_Rarely", "Non-Travel")), ("DailyRate", None, _whole(100, 1500)), ("DistanceFromHome", None, _whole(1, 29)), ("EducationField", None, _of("Life Sciences", "Medical", "Marketing")), ("EmployeeCount", None, _of(1)),
        ("EmployeeNumber", "account_id", _count(1)), ("Gender", "gender", _of("Male", "Female")), ("HourlyRate", "?salary_or_income", _whole(30, 100)), ("JobRole", None, _of("Sales Executive", "Manager", "Research Scientist")), ("MaritalStatus", "marital_status", _of("Single", "Married", "Divorced")), ("MonthlyIncome", "salary_or_income", _whole(1009, 19_999)), ("Over18", None, _of("Y")), ("TotalWorkingYears", None, _whole(0, 40)),
    ],
    "hospital stays": [
        ("patient_nbr", "medical_record_number/account_id", _form("8#######")), ("encounter_id", None, _form("2########")), ("race", "ethnicity", _of("Caucasian", "AfricanAmerican", "Hispanic", "?")), ("gender", "gender", _of("Female", "Male", "Unknown/Invalid")), ("age", "age", _of("[70-80)", "[60-70)", "[50-60)", "[10-20)")), ("weight", None, _of("?", "[75-100)")),
        ("admission_type_id", None, _whole(1, 8)), ("time_in_hospital", None, _whole(1, 14)), ("payer_code", None, _of("MC", "HM", "BC")), ("medical_specialty", None, _of("Cardiology", "Surgery-General", "InternalMedicine")), ("diag_1", "health_condition", _form("250.##", "4##", "V##", "78#")), ("insulin", "?health_condition", _of("No", "Up", "Steady")), ("readmitted", None, _of("NO", ">30", "<30")),
    ],
    "synthetic patients": [
        ("Id", "?account_id", lambda rng: f"{rng.getrandbits(32):08x}-aaaa-4bbb-8ccc-{rng.getrandbits(48):012x}"), ("BIRTHDATE", "date_of_birth", _day(1925, 2015)), ("DEATHDATE", "date_of_death", _some(_day(1980, 2020), 0.1)), ("SSN", "us_ssn", _form("999-##-####")), ("DRIVERS", "driver_license", _some(_form("S999#####"), 0.8)), ("PASSPORT", "passport", _some(_form("X########X"), 0.7)),
        ("PREFIX", None, _of("Mr.", "Mrs.", "Ms.")), ("FIRST", "first_name", lambda rng: _first(rng) + filled(rng, "###")), ("LAST", "last_name", lambda rng: _last(rng) + filled(rng, "###")), ("MAIDEN", "maiden_name", _some(lambda rng: _last(rng) + filled(rng, "###"), 0.3)), ("MARITAL", "marital_status", _some(_of("M", "S"), 0.7)), ("RACE", "ethnicity", _of("white", "asian", "black", "native")), ("ETHNICITY", "ethnicity", _of("nonhispanic", "hispanic")),
        ("BIRTHPLACE", "city", _of("Boston  Massachusetts  US", "Lynn  Massachusetts  US", "Salem  Massachusetts  US")), ("ADDRESS", "street/address", _street), ("COUNTY", "city", _of("Middlesex County", "Essex County", "Suffolk County")), ("LAT", "latitude", _real(41.5, 42.8, 6)), ("LON", "longitude", _real(-73.2, -70, 6)), ("HEALTHCARE_EXPENSES", None, _money(300_000)), ("INCOME", "salary_or_income", _whole(2000, 300_000)),
    ],
    "healthcare admissions": [
        ("Name", "person_name", lambda rng: "".join(rng.choice([c.lower(), c.upper()]) for c in _name(rng))), ("Age", "age", _whole(18, 85)), ("Gender", "gender", _of("Male", "Female")), ("Blood Type", "health_condition", _of("A-", "O+", "B+", "AB-")), ("Medical Condition", "health_condition", _of("Cancer", "Diabetes", "Arthritis", "Obesity")), ("Date of Admission", None, _day(2019, 2024)), ("Doctor", "person_name", _name),
        ("Hospital", None, lambda rng: rng.choice([f"{_last(rng)} and Sons", f"{_last(rng)} Inc", f"{_last(rng)}-{_last(rng)} Group"])), ("Insurance Provider", None, _of("Aetna", "Cigna", "Medicare")), ("Billing Amount", None, _money(20_000, 6)), ("Room Number", None, _whole(101, 500)), ("Medication", "health_condition", _of("Ibuprofen", "Lipitor", "Penicillin", "Aspirin")), ("Test Results", None, _of("Normal", "Abnormal", "Inconclusive")),
    ],
    "taxi rides": [
        ("VendorID", None, _whole(1, 2)), ("tpep_pickup_datetime", None, _moment()), ("tpep_dropoff_datetime", None, _moment()), ("passenger_count", None, _whole(1, 6)), ("trip_distance", None, _money(2.3)), ("pickup_longitude", "longitude", lambda rng: rng.gauss(-73.97, 0.04)), ("pickup_latitude", "latitude", lambda rng: rng.gauss(40.75, 0.03)), ("RatecodeID", None, _whole(1, 6)), ("store_and_fwd_flag", None, _of("N", "Y")),
        ("dropoff_longitude", "longitude", lambda rng: rng.gauss(-73.97, 0.04)), ("dropoff_latitude", "latitude", lambda rng: rng.gauss(40.75, 0.03)), ("payment_type", None, _whole(1, 4)), ("fare_amount", None, _money(11)), ("tip_amount", None, _money(2)), ("PULocationID", None, _whole(1, 263)), ("medallion", "?vehicle_id", lambda rng: f"{rng.getrandbits(128):032X}"), ("hack_license", "?driver_license", lambda rng: f"{rng.getrandbits(128):032X}"),
    ],
    "listings of flats": [
        ("id", None, _whole(2500, 36_000_000)), ("name", None, lambda rng: f"{rng.choice(['Cozy', 'Sunny', 'Spacious', 'Charming'])} {rng.choice(['room', 'loft', 'studio', '1BR'])} {rng.choice(['near park', 'in Midtown', 'with view', 'by the subway'])}"), ("host_id", "?account_id", _whole(2400, 270_000_000)), ("host_name", "first_name", _first), ("neighbourhood_group", "?city", _of("Brooklyn", "Manhattan", "Queens")), ("neighbourhood", "?city", _of("Harlem", "Midtown", "Bushwick", "Kensington")),
        ("latitude", "latitude", _real(40.5, 40.9, 5)), ("longitude", "longitude", _real(-74.2, -73.7, 5)), ("room_type", None, _of("Private room", "Entire home/apt")), ("price", None, _whole(20, 900)), ("minimum_nights", None, _whole(1, 30)), ("number_of_reviews", None, _whole(0, 300)), ("last_review", None, _day(2015, 2019)), ("reviews_per_month", None, _real(0, 8, 2)), ("availability_365", None, _whole(0, 365)),
    ],
    "mails": [
        ("Message-ID", None, lambda rng: f"<{rng.getrandbits(30)}.10758{rng.randint(10**8, 10**9)}.JavaMail.server@thyme>"), ("Date", None, lambda rng: f"Mon, {rng.randint(1, 28)} May 2001 1{rng.randint(0, 9)}:39:00 -0700 (PDT)"), ("From", "email", _mail), ("To", "email", lambda rng: ", ".join(_mail(rng) for _ in range(rng.randint(1, 4)))), ("Subject", None, lambda rng: rng.choice(["Re: ", "FW: ", ""]) + f"{rng.choice(_WORDS)} {rng.choice(_WORDS)}"), ("X-From", "person_name", _name),
        ("X-Folder", None, lambda rng: f"\\{_first(rng)}_{_last(rng)}_Jan2002\\Sent Items"), ("body", "free_text", lambda rng: f"{_first(rng)}, please find the {rng.choice(_WORDS)} attached; we should talk about the {rng.choice(_WORDS)} before the {rng.choice(_WORDS)} on Friday. Thanks, {_name(rng)}"),
    ],
    "password dump": [
        ("id", None, _count()), ("email", "email", _mail), ("username", "username", _login), ("password", "password", _password), ("password_hash", "password", lambda rng: f"{rng.getrandbits(128):032x}"), ("salt", None, _form("@#@#@#@#")), ("last_ip", "ip_address", lambda rng: ".".join(str(rng.randint(1, 254)) for _ in range(4))), ("last_seen", None, _moment()), ("posts", None, _whole(0, 900)),
    ],
    "card fraud": [
        ("trans_date_trans_time", None, _moment()), ("cc_num", "credit_card", lambda rng: int(luhn("4" + filled(rng, "##############")))), ("merchant", None, lambda rng: f"fraud_{_last(rng)}, {_last(rng)} and {_last(rng)}"), ("category", None, _of("misc_net", "grocery_pos", "gas_transport")), ("amt", None, _money(60)), ("first", "first_name", _first), ("last", "last_name", _last), ("gender", "gender", _of("F", "M")), ("street", "street", _street), ("city", "city", lambda rng: rng.choice(_CITIES)), ("state", None, _of("NC", "WA", "ID")), ("zip", "postcode", _whole(1257, 99_783)),
        ("lat", "latitude", _real(25, 48, 4)), ("long", "longitude", _real(-122, -70, 4)), ("city_pop", None, _whole(23, 900_000)), ("job", None, _of("Psychologist, counselling", "Patent attorney", "Special educational needs teacher")), ("dob", "date_of_birth", _day(1930, 2003)), ("trans_num", None, lambda rng: f"{rng.getrandbits(128):032x}"), ("unix_time", None, _whole(1_325_376_018, 1_371_816_893)), ("merch_lat", "latitude", _real(24, 49, 6)), ("merch_long", "longitude", _real(-123, -69, 6)), ("is_fraud", None, _whole(0, 1)),
    ],
    "card fraud, components": [("Time", None, _whole(0, 172_000)), *[(f"V{number}", None, _FEATURE) for number in range(1, 15)], ("Amount", None, _money(30)), ("Class", None, _whole(0, 1))],
    "census extract": [
        ("age", "age", _whole(17, 90)), ("workclass", None, _of("Private", "Self-emp-not-inc", "Local-gov")), ("fnlwgt", None, _whole(12_000, 900_000)), ("education", None, _of("HS-grad", "Bachelors", "11th")), ("education-num", None, _whole(1, 16)), ("marital-status", "marital_status", _of(" Never-married", " Married-civ-spouse", " Divorced")), ("occupation", None, _of("Adm-clerical", "Craft-repair", "Sales")), ("relationship", None, _of("Husband", "Not-in-family", "Own-child", "Wife")),
        ("race", "ethnicity", _of("White", "Black", "Asian-Pac-Islander", "Amer-Indian-Eskimo")), ("sex", "gender", _of("Male", "Female")), ("capital-gain", None, _whole(0, 9999)), ("capital-loss", None, _whole(0, 2000)), ("hours-per-week", None, _whole(1, 99)), ("native-country", "country", _of("United-States", "Mexico", "Philippines")), ("income", "salary_or_income", _of("<=50K", ">50K")),
    ],
    "government salaries": [
        ("Id", None, _count()), ("EmployeeName", "person_name", lambda rng: _name(rng).upper()), ("JobTitle", None, _of("TRANSIT OPERATOR", "REGISTERED NURSE", "FIREFIGHTER")), ("BasePay", "salary_or_income", _money(66_000)), ("OvertimePay", "salary_or_income", _some(_money(5000), 0.6)), ("OtherPay", "?salary_or_income", _money(3000)), ("Benefits", "?salary_or_income", _money(25_000)), ("TotalPay", "?salary_or_income", _money(75_000)), ("Year", None, _whole(2011, 2014)), ("Agency", None, _of("San Francisco")),
    ],
    "shop orders": [
        ("Row ID", None, _count()), ("Order ID", None, _form("CA-2016-######")), ("Order Date", None, _day(2014, 2017, "%m/%d/%Y")), ("Ship Mode", None, _of("Second Class", "Standard Class")), ("Customer ID", "account_id", _form("@@-#####")), ("Customer Name", "person_name", _name), ("Segment", None, _of("Consumer", "Corporate")), ("Country", "country", _of("United States")), ("City", "city", lambda rng: rng.choice(_CITIES)), ("State", None, _of("California", "Texas", "Ohio")), ("Postal Code", "postcode", lambda rng: float(filled(rng, "%####"))), ("Product ID", None, _form("FUR-BO-1000####")), ("Product Name", None, _of("Bush Somerset Collection Bookcase", "Xerox 1967", "Eldon Fold 'N Roll Cart")), ("Sales", None, _money(200)), ("Quantity", None, _whole(1, 14)), ("Discount", None, _of(0.0, 0.2, 0.45)), ("Profit", None, _money(30)),
    ],
    "loans": [
        ("Loan_ID", None, _form("LP00####")), ("Gender", "gender", _of("Male", "Female")), ("Married", "marital_status", _of("Yes", "No")), ("Dependents", None, _of("0", "1", "2", "3+")), ("Self_Employed", None, _of("Yes", "No")), ("ApplicantIncome", "salary_or_income", _whole(150, 81_000)), ("CoapplicantIncome", "salary_or_income", _whole(0, 40_000)), ("LoanAmount", None, _whole(9, 700)), ("Credit_History", None, _whole(0, 1)), ("Property_Area", None, _of("Urban", "Rural", "Semiurban")), ("emp_title", None, _of("Teacher", "Manager", "Registered Nurse")), ("annual_inc", "salary_or_income", _money(65_000, 0)), ("zip_code", "postcode", _form("###xx")), ("addr_state", None, _of("CA", "NY", "AZ")), ("url", "url", lambda rng: f"https://www.lend.example/browse/loanDetail.action?loan_id={rng.randint(10**6, 10**7)}"), ("desc", "?free_text", lambda rng: f"Borrower added on 12/22/11 > I need to upgrade my {rng.choice(_WORDS)} technologies and the {rng.choice(_WORDS)} of my small business.")],
    "footballers": [("sofifa_id", None, _whole(100_000, 260_000)), ("short_name", "?person_name", lambda rng: f"{_first(rng)[0]}. {_last(rng)}"), ("long_name", "person_name", lambda rng: f"{_first(rng)} {_first(rng)} {_last(rng)}"), ("age", "age", _whole(16, 41)), ("dob", "date_of_birth", _day(1979, 2004)), ("height_cm", None, _whole(155, 206)), ("weight_kg", None, _whole(50, 110)), ("nationality", "nationality", _of("Argentina", "Portugal", "Brazil")), ("club_name", None, _of("FC Barcelona", "Juventus", "Real Madrid")), ("overall", None, _whole(47, 94)), ("value_eur", None, _whole(0, 10**8)), ("wage_eur", "salary_or_income", _whole(500, 560_000)), ("preferred_foot", None, _of("Left", "Right")), ("body_type", None, _of("Lean", "Normal"))],
    "parking fines": [("Summons Number", None, _form("14########")), ("Plate ID", "vehicle_id", _form("@@@####", "##@@###", "T######C")), ("Registration State", None, _of("NY", "NJ")), ("Issue Date", None, _day(2016, 2017, "%m/%d/%Y")), ("Violation Code", None, _whole(1, 99)), ("Vehicle Make", None, _of("HONDA", "FORD", "TOYOT")), ("House Number", "street", _form("%##", "%#-##")), ("Street Name", "street", lambda rng: f"{rng.choice(_STREETS)} {rng.choice(['St', 'Ave', 'Blvd'])}"), ("Vehicle Year", None, _whole(1990, 2017)), ("vin", "vehicle_id", vin)],
    "web log": [("ip", "ip_address", lambda rng: ".".join(str(rng.randint(1, 254)) for _ in range(4))), ("timestamp", None, lambda rng: f"[{rng.randint(10, 28)}/Jan/2019:03:56:{rng.randint(10, 59)} +0330]"), ("request", None, lambda rng: f"GET /image/{rng.randint(10, 60_000)}/{rng.choice(_WORDS)} HTTP/1.1"), ("status", None, _of(200, 301, 404)), ("bytes", None, _whole(100, 90_000)), ("referer", "url", lambda rng: f"https://www.shop.example/m/filter/{rng.choice(_WORDS)}"), ("session_id", "?account_id", lambda rng: f"{rng.getrandbits(64):016x}")],
    "houses": [("id", None, _form("7#########")), ("date", None, _form("201410##T000000")), ("price", None, _whole(75_000, 7_700_000)), ("bedrooms", None, _whole(1, 8)), ("sqft_living", None, _whole(290, 13_540)), ("floors", None, _of(1.0, 1.5, 2.0)), ("yr_built", None, _whole(1900, 2015)), ("zipcode", "postcode", _form("98###")), ("lat", "latitude", _real(47.15, 47.77, 4)), ("long", "longitude", _real(-122.5, -121.3, 3)), ("HouseAge", None, _whole(1, 52)), ("MedInc", "?salary_or_income", _real(0.5, 15, 4))],
    "students": [("school", None, _of("GP", "MS")), ("sex", "gender", _of("F", "M")), ("age", "age", _whole(15, 22)), ("address", None, _of("U", "R")), ("Pstatus", None, _of("A", "T")), ("Medu", None, _whole(0, 4)), ("Mjob", None, _of("at_home", "health", "teacher")), ("guardian", None, _of("mother", "father")), ("health", "?health_condition", _whole(1, 5)), ("absences", None, lambda rng: int(rng.expovariate(1 / 6))), ("G1", None, _whole(3, 19)), ("race/ethnicity", "?ethnicity", _of("group A", "group B")), ("math score", None, _whole(0, 100))],
    "heart": [("age", "age", _whole(29, 77)), ("sex", "gender", _whole(0, 1)), ("cp", None, _whole(0, 3)), ("trestbps", None, _whole(94, 200)), ("chol", None, _whole(126, 564)), ("thalach", None, _whole(71, 202)), ("oldpeak", None, _real(0, 6, 1)), ("smoking_status", "health_condition", _of("never smoked", "formerly smoked", "smokes")), ("ever_married", "marital_status", _of("Yes", "No")), ("work_type", None, _of("Private", "Govt_job")), ("Residence_type", None, _of("Urban", "Rural")), ("avg_glucose_level", None, _real(55, 270, 2)), ("bmi", None, _real(15, 50, 1)), ("diabetes", "?health_condition", _whole(0, 1)), ("target", None, _whole(0, 1))],
}  # fmt: skip
