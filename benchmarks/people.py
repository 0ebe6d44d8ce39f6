"""Labelled frames to measure classification with: people of eight countries, and columns that only look like them.

Made of words of their own, none taken from the dictionaries the recognizers ship (some names are in both, as anybody's
are). One seed, one frame: seeds are split into those to develop with and those to judge by (`HELD_OUT`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import string
import uuid
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from .made_up import NATIONAL, card, ean, filled, iban, luhn, vin

DEVELOPMENT = range(0, 8)
HELD_OUT = range(1000, 1016)


class Locale(NamedTuple):
    """What a country writes."""

    code: str
    given: str
    family: str
    cities: str
    streets: tuple[str, ...]
    postcode: str
    phones: tuple[str, ...]
    national: str
    headers: dict[str, str]
    genders: tuple[str, ...]
    marital: tuple[str, ...]


# `#` is a digit, `%` a digit but 0, `@` a capital letter; {s} a street's own name, {n} a house number.
LOCALES = (
    Locale("US", "Braxton Kaylee Tyrone Maribel Dwight Shaniqua Colton Brenna Garrett Latoya Hunter Kelsey Wyatt Paige Darnell Tiffany Chase Autumn Brody Mackenzie Trevor Destiny Landon Skylar Dalton",
           "Abernathy Buckner Calloway Dillard Eastman Fitzpatrick Gallagher Hutchins Ingram Jernigan Killian Lockhart McAllister Norwood Ogletree Pruitt Ramsey Stallings Thigpen Underwood Vickers Wheeler Yarbrough Zeigler Boatwright",
           "Omaha|Boise|Tacoma|Savannah|Duluth|Waco|Provo|Toledo|Fresno|Macon|Erie|Reno|Akron|Topeka|Mobile|Peoria|Laredo|Yuma|Salem|Flint",
           ("{n} {s} Street", "{n} {s} Ave", "{n} {s} Rd Apt #", "{n} N {s} Blvd", "{n} {s} Lane"), "#####",
           ("(2##) 5##-####", "2##-5##-####", "+1 2## 5## ####", "2##.5##.####"), "us",
           {"first_name": "first_name|FirstName|given_name", "last_name": "last_name|LNAME|surname", "person_name": "full_name|customer_name|patientName", "email": "email|EmailAddress|contact_email", "phone": "phone|mobile_number|HomePhone", "street": "street|street_address|addr_street", "city": "city|City|town", "postcode": "zip|zip_code|postal_code", "date_of_birth": "dob|birth_date|DateOfBirth", "gender": "gender|sex|Gender", "national_id": "ssn|SSN|social_security_no", "marital_status": "marital_status|civil_status|MaritalStatus", "country": "country|Country|country_name", "iban": "iban|IBAN", "credit_card": "card_number|cc_num|CreditCardNumber", "salary_or_income": "salary|annual_income|Salary", "nationality": "nationality|citizenship", "religion": "religion|faith", "username": "username|user_name|login_name", "age": "age|Age|patient_age"},
           ("M", "F"), ("Married", "Single", "Divorced", "Widowed")),
    Locale("GB", "Alistair Bronwyn Callum Daisy Ewan Fiona Gareth Harriet Imogen Jasper Kieran Lorna Morag Nigel Poppy Rhys Sioned Tamsin Winifred Alfie Gemma Hamish Isla Jemima Rowan",
           "Ackroyd Barraclough Cholmondeley Dunstable Entwistle Farquhar Greenhalgh Higginbottom Illingworth Jessop Kershaw Lightfoot Micklethwaite Nuttall Oldroyd Pilkington Ramsbottom Shufflebotham Thistlethwaite Wolstenholme Yardley Penhaligon Sutcliffe Braithwaite Clegg",
           "Leeds|Bath|Derby|Stirling|Swansea|Exeter|Norwich|Dundee|Luton|Carlisle|Durham|Bolton|Preston|Truro|Hereford|Reading|Ipswich|Poole|Perth|Inverness",
           ("{n} {s} Road", "{n} {s} Close", "{n} {s} Lane", "Flat #, {n} {s} Street", "{n} {s} Crescent"), "@@%# %@@",
           ("07### ######", "020 7### ####", "+44 7### ######", "01### ######"), "gb",
           {"first_name": "forename|First Name|given_name", "last_name": "surname|Family Name|last_name", "person_name": "full_name|name_of_patient|contact name", "email": "e-mail|email_addr", "phone": "telephone|mobile_no|Tel", "street": "street|address line 1|house_and_street", "city": "town|city|post_town", "postcode": "postcode|post_code|Postcode", "date_of_birth": "date_of_birth|DOB|birthdate", "gender": "sex|gender", "national_id": "nhs_number|NHS No|nhs", "marital_status": "marital_status", "country": "country", "iban": "iban|IBAN number", "credit_card": "card_no|credit_card", "salary_or_income": "salary|gross_pay|Annual Income", "nationality": "nationality", "religion": "religion", "username": "username|login", "age": "age|age_years"},
           ("Male", "Female", "Other"), ("Married", "Single", "Divorced", "Civil partnership", "Widowed")),
    Locale("DE", "Annemarie Bodo Cordula Detlev Eckart Frauke Gesine Hinrich Ilka Jost Kunigunde Lutz Meike Norbert Ortrud Pirmin Rosalinde Sieglinde Tilman Ulf Veit Wiebke Xaver Yannik Zita",
           "Achterberg Brinkmann Cremer Dornbusch Eickhoff Feldkamp Grünewald Hagedorn Ihlenfeld Jansen Kirchhoff Leitner Meisner Niehaus Oberländer Pfister Quandt Rademacher Stöcker Tiedemann Uhlig Vollmer Westermann Zöllner Böhme",
           "Bremen|Kassel|Ulm|Trier|Gera|Fulda|Jena|Bonn|Essen|Köln|Mainz|Kiel|Worms|Siegen|Halle|Hagen|Passau|Celle|Erfurt|Rostock",
           ("{s}straße {n}", "{s}weg {n}", "{s}allee {n}", "Am {s} {n}", "{s}gasse {n}a"), "#####",
           ("0151 ########", "+49 30 #######", "089/######", "0221-#######", "(040) ######"), "de",
           {"first_name": "vorname|Vorname|Rufname", "last_name": "nachname|Familienname|Name_Nachname", "person_name": "vollständiger_name|Kundenname|Patientenname", "email": "email|E-Mail-Adresse|mailadresse", "phone": "telefon|Handynummer|TelefonNr", "street": "strasse|Straße|strasse_hausnr", "city": "ort|Wohnort|stadt", "postcode": "plz|PLZ|Postleitzahl", "date_of_birth": "geburtsdatum|geb_datum|GebDat", "gender": "geschlecht|Geschlecht", "national_id": "steuer_id|IdNr|steueridentifikationsnummer", "marital_status": "familienstand|Familienstand", "country": "land|Land", "iban": "iban|IBAN", "credit_card": "kreditkarte|Kreditkartennummer", "salary_or_income": "gehalt|Jahresgehalt", "nationality": "staatsangehoerigkeit|Nationalität", "religion": "konfession|Religion", "username": "benutzername|login", "age": "alter|Alter"},
           ("männlich", "weiblich", "divers"), ("ledig", "verheiratet", "geschieden", "verwitwet")),
    Locale("FR", "Amaury Bérengère Clothilde Dieudonné Eulalie Firmin Ghislain Hermine Isidore Joséphine Kévin Ludivine Mahaut Norbert Océane Philomène Quitterie Roch Solène Tancrède Ursule Venceslas Wilfried Yolande Zéphyr",
           "Abadie Bellanger Courtois Delacroix Escoffier Fontenay Guillemot Hébrard Izambard Jourdain Kerguelen Lamoureux Montaigne Nadaud Ozanne Poincaré Quesnel Rochefort Sarrazin Tavernier Urbain Villeneuve Weill Ybert Zola",
           "Nantes|Dijon|Brest|Metz|Pau|Lille|Tours|Nancy|Rouen|Albi|Amiens|Caen|Nîmes|Limoges|Angers|Reims|Lorient|Vannes|Annecy|Arles",
           ("{n} rue {s}", "{n} avenue {s}", "{n} bis rue de {s}", "{n}, boulevard {s}", "{n} impasse {s}"), "%####",
           ("06 ## ## ## ##", "01.##.##.##.##", "+33 6 ## ## ## ##", "+33 (0)4 ## ## ## ##"), "fr",
           {"first_name": "prenom|Prénom", "last_name": "nom_de_famille|NomFamille", "person_name": "nom_complet|nom_prenom", "email": "courriel|adresse_mail|email", "phone": "telephone|tel_portable|Téléphone", "street": "rue|adresse_rue|numero_rue", "city": "ville|commune", "postcode": "code_postal|CodePostal|cp", "date_of_birth": "date_naissance|date_de_naissance|DateNaissance", "gender": "sexe|genre", "national_id": "numero_secu|NIR|num_securite_sociale", "marital_status": "situation_familiale|etat_civil", "country": "pays", "iban": "iban", "credit_card": "carte_bancaire|numero_carte", "salary_or_income": "salaire|revenu_annuel", "nationality": "nationalite|Nationalité", "religion": "religion", "username": "nom_utilisateur|identifiant", "age": "age|Âge"},
           ("Homme", "Femme"), ("Célibataire", "Marié(e)", "Divorcé(e)", "Veuf", "Pacsé")),
    Locale("ES", "Aniceto Brígida Calixto Dionisia Eufemia Fulgencio Genoveva Herminia Ismael Jacinta Leocadia Macario Nicanor Obdulia Práxedes Rosendo Saturnina Toribio Urbano Venancio Xiomara Yanira Zulema Pelayo Sagrario",
           "Arizmendi Bengoechea Cifuentes Dorronsoro Echevarría Fresneda Goikoetxea Hinojosa Ibarra Jáuregui Larrañaga Monasterio Novoa Olmedo Peñalver Quintanilla Revuelta Somoza Taboada Urrutia Valdivieso Zabala Baquero Castelló Doménech",
           "Burgos|Huelva|Lugo|Soria|Vigo|Cádiz|Jaén|Murcia|Toledo|Bilbao|Gijón|Reus|Teruel|Ávila|Zamora|León|Málaga|Getafe|Oviedo|Elche",
           ("Calle {s}, {n}", "Avenida de {s} {n}", "C/ {s} nº {n}", "Plaza {s} {n}", "Paseo de {s}, {n}"), "0%###",
           ("+34 6## ### ###", "+34 91# ## ## ##", "6## ### ###", "9## ## ## ##"), "es",
           {"first_name": "nombre_pila|primer_nombre", "last_name": "apellidos|primer_apellido|Apellido", "person_name": "nombre_completo|nombre_y_apellidos", "email": "correo_electronico|correo|email", "phone": "telefono|móvil|telefono_movil", "street": "calle|direccion_calle|calle_numero", "city": "ciudad|municipio|localidad", "postcode": "codigo_postal|CP", "date_of_birth": "fecha_nacimiento|FechaNacimiento|fec_nac", "gender": "sexo|genero", "national_id": "dni|DNI|nif_dni", "marital_status": "estado_civil", "country": "pais|País", "iban": "iban", "credit_card": "tarjeta_credito|numero_tarjeta", "salary_or_income": "salario|sueldo|ingresos", "nationality": "nacionalidad", "religion": "religion", "username": "usuario|nombre_usuario", "age": "edad|Edad"},
           ("Hombre", "Mujer"), ("soltero", "casado", "divorciado", "viudo", "soltera", "casada")),
    Locale("IT", "Amilcare Brunella Cornelia Dalmazio Ermelinda Fiorenzo Gaudenzio Iolanda Leopoldo Mafalda Nives Ofelia Pancrazio Quirino Rosaria Secondo Tarcisio Uberto Vasco Zaira Egidio Lidia Norma Omero Pio",
           "Accardi Bevilacqua Cavalcanti Dell'Acqua Erba Frattini Guicciardini Iacobelli Lanzoni Malatesta Nicastro Ottaviani Pasolini Quattrocchi Rigamonti Savoldi Tagliaferri Uboldi Vannucci Zamboni Bonfanti Cerutti De Gregorio Falchi Mascheroni",
           "Bari|Lecce|Pisa|Udine|Como|Asti|Trento|Novara|Parma|Siena|Lucca|Cuneo|Rimini|Ancona|Forlì|Lodi|Biella|Matera|Nuoro|Enna",
           ("Via {s} {n}", "Viale {s}, {n}", "Piazza {s} {n}", "Corso {s} {n}/A", "Via dei {s} {n}"), "#####",
           ("+39 3## ### ####", "0# #######", "+39 06 ########", "3##-#######"), "it",
           {"first_name": "nome_battesimo|nome_di_battesimo|primo_nome", "last_name": "cognome|Cognome", "person_name": "nome_completo|cognome_nome|nome_cognome", "email": "posta_elettronica|email|indirizzo_email", "phone": "telefono|cellulare", "street": "via|indirizzo_via|via_civico", "city": "citta|comune|Città", "postcode": "cap|CAP|codice_postale", "date_of_birth": "data_nascita|data_di_nascita", "gender": "sesso|genere", "national_id": "codice_fiscale|CodFiscale", "marital_status": "stato_civile", "country": "paese|nazione", "iban": "iban|codice_iban", "credit_card": "carta_credito|numero_carta", "salary_or_income": "stipendio|reddito", "nationality": "nazionalita|cittadinanza", "religion": "religione", "username": "nome_utente|username", "age": "eta|età"},
           ("maschio", "femmina"), ("celibe", "nubile", "coniugato", "divorziata", "vedovo")),
    Locale("NL", "Aafke Bartholomeus Clazina Dirkje Evelientje Fokke Geertruida Hessel Ietje Jorrit Klazien Lammert Machteld Neeltje Okke Pleuntje Quirijn Rinske Siebren Tjitske Ubbo Vroukje Wubbo Ymkje Zwaantje",
           "Aalbers Blokland Coppens Duijvestein Elzinga Feenstra Groeneveld Hoogland Idsinga Jorritsma Kloosterman Langerak Middelkoop Noordhoek Oudshoorn Plantinga Rietveld Schouwenaar Tichelaar Uittenbogaard Vrieling Wijngaarden Zonneveld Brouwers Rozeboom",
           "Utrecht|Breda|Delft|Gouda|Zwolle|Assen|Arnhem|Leiden|Venlo|Hoorn|Almelo|Tiel|Sneek|Weert|Ede|Emmen|Kampen|Zeist|Oss|Haarlem",
           ("{s}straat {n}", "{s}laan {n}", "{s}weg {n}", "{s}plein {n}", "{s}kade {n}"), "%### @@",
           ("06-########", "+31 6 ########", "020-#######", "010 #######"), "nl",
           {"first_name": "voornaam|Voornaam", "last_name": "achternaam|Achternaam", "person_name": "volledige_naam|naam_klant", "email": "emailadres|e-mail|Mailadres", "phone": "telefoonnummer|mobiel|Telefoon", "street": "straat|straatnaam_nr", "city": "woonplaats|plaats", "postcode": "postcode|Postcode", "date_of_birth": "geboortedatum|GeboorteDatum", "gender": "geslacht", "national_id": "bsn|BSN|burgerservicenummer", "marital_status": "burgerlijke_staat", "country": "land|landnaam", "iban": "iban|rekeningnummer", "credit_card": "creditcard|kaartnummer", "salary_or_income": "salaris|bruto_loon", "nationality": "nationaliteit", "religion": "religie|geloof", "username": "gebruikersnaam", "age": "leeftijd"},
           ("man", "vrouw"), ("gehuwd", "ongehuwd", "gescheiden", "weduwe", "samenwonend")),
    Locale("PL", "Apolonia Bożydar Celina Dobrosława Eustachy Felicja Gracjan Hieronim Izydor Józefina Kunegunda Longina Miłosz Narcyz Otylia Protazy Roch Stefania Teofil Ursyn Wacława Zenobia Żaneta Bonifacy Kalina",
           "Adamiec Bieniek Chrzanowski Drozd Fijałkowski Gęsicki Hajduk Idzikowski Jaskółka Klimczak Łabędzki Mielnik Niedźwiecki Osiecki Popiołek Rzepka Strzelecki Trzaskowski Uchman Więcek Zdrojewski Żurawski Borowiec Ciesielski Pluta",
           "Radom|Opole|Elbląg|Płock|Konin|Kielce|Tychy|Rybnik|Leszno|Lubin|Sopot|Chełm|Piła|Toruń|Lublin|Ełk|Sanok|Kutno|Gdynia|Łódź",
           ("ul. {s} {n}", "ul. {s} {n}/#", "al. {s} {n}", "os. {s} {n}", "ulica {s} {n} m. #"), "##-###",
           ("+48 5## ### ###", "5## ### ###", "22 ### ## ##", "+48 22 ### ## ##"), "pl",
           {"first_name": "imie|imię|Imie", "last_name": "nazwisko|Nazwisko", "person_name": "imie_i_nazwisko|imie_nazwisko", "email": "email|adres_email", "phone": "telefon|nr_telefonu|tel_komorkowy", "street": "ulica|Ulica", "city": "miasto|miejscowosc|miejscowość", "postcode": "kod_pocztowy|KodPocztowy", "date_of_birth": "data_urodzenia|DataUrodzenia", "gender": "plec|płeć", "national_id": "pesel|PESEL|nr_pesel", "marital_status": "stan_cywilny", "country": "kraj|Kraj", "iban": "iban|nr_konta", "credit_card": "karta_kredytowa|numer_karty", "salary_or_income": "wynagrodzenie|pensja", "nationality": "obywatelstwo|narodowosc", "religion": "wyznanie|religia", "username": "nazwa_uzytkownika", "age": "wiek|Wiek"},
           ("mężczyzna", "kobieta"), ("żonaty", "zamężna", "kawaler", "panna", "rozwiedziony")),
)  # fmt: skip

_OWN_NAMES = "Linden|Birken|Kastanien|Mozart|Goethe|Verdi|Garibaldi|Molière|Pasteur|Cervantes|Colón|Rembrandt|Oranje|Kościuszki|Mickiewicza|Elm|Cedar|Chestnut|Victoria|Station|Church|Mill|Orchard|Willow"
_MAILS = "example.org|posteo.example|mail.example.com|firma.example.de|correo.example.es|wp.example.pl|outlook.example|uni.example.edu"
_COUNTRIES = "Germany|France|Spain|Italy|Poland|Netherlands|United States|United Kingdom|Portugal|Brazil|Japan|India|Canada|Sweden"
_NATIONALITIES = (
    "American|British|German|French|Spanish|Italian|Dutch|Polish|Indian|Nigerian|Brazilian|Canadian|Moroccan|Turkish"
)
_FAITHS = "Catholic|Protestant|Muslim|Jewish|Hindu|Buddhist|None|Atheist|Orthodox"
_ETHNIC = "White|Black or African American|Asian|Hispanic|Native American|Two or more races"
_ILL = "Hypertension|Type 2 diabetes|Asthma|Migraine|Depression|Osteoporosis|Chronic kidney disease|Psoriasis|Gout|Lupus|Hepatitis C|Sarcoidosis|Endometriosis|Atrial fibrillation"
_NOUNS = "delivery invoice meeting garden window system update battery shipment report project kitchen printer contract engine sensor holiday feature customer season"


class Column(NamedTuple):
    """Values, the tag they should get (None for decoys), and the names the column has where names tell."""

    tag: str | None
    headers: tuple[str, ...]
    values: list[object]


def frame(seed: int, rows: int, *, telling: bool) -> tuple[pd.DataFrame, dict[str, str | None]]:
    """A frame and the tag that each column should get; with telling names, or with `c0`, `c1` ..."""
    rng = random.Random(seed)  # noqa: S311  # the same frame every time is the point
    locale = LOCALES[seed % len(LOCALES)]
    columns = [*_people(rng, locale, rows), *_decoys(rng, rows)]
    rng.shuffle(columns)
    names = [rng.choice(one.headers) if telling else f"c{number}" for number, one in enumerate(columns)]
    while len(set(names)) < len(names):
        names = [f"{name}_{n}" if name in names[:n] else name for n, name in enumerate(names)]
    data = {name: _dirty(rng, one.values) for name, one in zip(names, columns, strict=True)}
    return pd.DataFrame(data), {name: one.tag for name, one in zip(names, columns, strict=True)}


def _people(rng: random.Random, locale: Locale, rows: int) -> list[Column]:
    given = [rng.choice(locale.given.split()) for _ in range(rows)]
    families = locale.family.split(" ")
    family = [rng.choice(families) for _ in range(rows)]
    street = [_street(rng, locale) for _ in range(rows)]
    postcode = [filled(rng, locale.postcode) for _ in range(rows)]
    city = [rng.choice(locale.cities.split("|")) for _ in range(rows)]
    mail = [f"{to_ascii(g)}.{to_ascii(f)}{rng.choice(['', '7', '88'])}@{rng.choice(_MAILS.split('|'))}".lower() for g, f in zip(given, family, strict=True)]  # fmt: skip
    born = [dt.date(rng.randint(1935, 2006), rng.randint(1, 12), rng.randint(1, 28)) for _ in range(rows)]
    style = rng.choice(["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"])

    def made(maker: Callable[[], object]) -> list[object]:
        return [maker() for _ in range(rows)]

    said = {tag: tuple(text.split("|")) for tag, text in locale.headers.items()}
    people = {
        "first_name": list(given),
        "last_name": list(family),
        "person_name": [f"{g} {f}" for g, f in zip(given, family, strict=True)],
        "email": list(mail),
        "phone": made(lambda: filled(rng, rng.choice(locale.phones))),
        "street": list(street),
        "city": list(city),
        "postcode": list(postcode),
        "date_of_birth": [day.strftime(style) for day in born],
        "gender": made(lambda: rng.choice(locale.genders)),
        "national_id": made(lambda: NATIONAL[locale.national](rng)),
        "marital_status": made(lambda: rng.choice(locale.marital)),
        "country": made(lambda: rng.choice(_COUNTRIES.split("|"))),
        "iban": made(lambda: iban(rng)),
        "credit_card": made(lambda: card(rng)),
        "salary_or_income": made(lambda: round(rng.lognormvariate(10.7, 0.5), -2)),
        "nationality": made(lambda: rng.choice(_NATIONALITIES.split("|"))),
        "religion": made(lambda: rng.choice(_FAITHS.split("|"))),
        "username": [f"{to_ascii(g)[:1]}{to_ascii(f)}{rng.randint(1, 99)}".lower() for g, f in zip(given, family, strict=True)],
        "age": made(lambda: rng.randint(18, 94)),
    }  # fmt: skip
    tags = {"national_id": "us_ssn"} if locale.national == "us" else {}
    found = [Column(tags.get(tag, tag), said[tag], list(values)) for tag, values in people.items()]
    found += [
        Column("maiden_name", ("maiden_name", "mothers_maiden_name", "geburtsname"), [rng.choice(families) for _ in range(rows)]),
        Column("address", ("address", "full_address", "anschrift", "direccion_completa"), [f"{s}, {p} {c}" for s, p, c in zip(street, postcode, city, strict=True)]),
        Column("ethnicity", ("ethnicity", "race", "ethnic_group"), made(lambda: rng.choice(_ETHNIC.split("|")))),
        Column("health_condition", ("diagnosis", "medical_condition", "diagnose"), made(lambda: rng.choice(_ILL.split("|")))),
        Column("health_condition", ("icd10", "diagnosis_code", "dx_code"), made(lambda: f"{rng.choice('ABCEFGIJKMNR')}{rng.randint(0, 99):02}.{rng.randint(0, 9)}")),
        Column("passport", ("passport_no", "passport", "reisepassnummer"), made(lambda: filled(rng, "@########"))),
        Column("driver_license", ("driver_license", "drivers_licence_no", "rijbewijs"), made(lambda: filled(rng, "@####-#####-#####"))),
        Column("medical_record_number", ("mrn", "medical_record_no", "patient_mrn"), made(lambda: filled(rng, "MR######"))),
        Column("tax_id", ("tax_id", "vat_number", "taxpayer_tin"), made(lambda: filled(rng, "9#-#######"))),
        Column("cvv", ("cvv", "cvc2", "security_code"), made(lambda: f"{rng.randint(0, 999):03}")),
        Column("bank_account", ("bank_account", "account_number", "kontonummer"), made(lambda: filled(rng, "%#########"))),
        Column("swift_bic", ("swift", "bic", "swift_code"), made(lambda: f"{filled(rng, '@@@@')}{rng.choice(['DE', 'FR', 'ES', 'IT', 'NL', 'PL', 'GB', 'US'])}{filled(rng, '@#')}{rng.choice(['', 'XXX'])}")),
        Column("ip_address", ("ip_address", "client_ip", "last_login_ip"), made(lambda: ".".join(str(rng.randint(1, 254)) for _ in range(4)))),
        Column("mac_address", ("mac_address", "wifi_mac", "device_mac"), made(lambda: ":".join(f"{rng.randint(0, 255):02x}" for _ in range(6)))),
        Column("imei", ("imei", "imei_number"), made(lambda: luhn("35" + filled(rng, "############")))),
        Column("vehicle_id", ("vin", "vehicle_vin", "fahrgestellnummer"), made(lambda: vin(rng))),
        Column("url", ("website", "profile_url", "homepage"), made(lambda: f"https://{rng.choice(_MAILS.split('|'))}/u/{rng.randint(1, 9999)}")),
        Column("password", ("password", "passwort", "user_pwd"), made(lambda: "".join(rng.choices(string.ascii_letters + string.digits + "!#%", k=rng.randint(8, 14))))),
        Column("secret_key", ("api_key", "access_token", "secret_key"), made(lambda: rng.choice(["ghp_", "sk_live_"]) + "".join(rng.choices(string.ascii_letters + string.digits, k=36)))),
        Column("device_id", ("device_id", "android_id", "udid"), made(lambda: f"{rng.getrandbits(64):016x}")),
        Column("account_id", ("customer_id", "account_id", "kundennummer", "patient_id"), made(lambda: f"C{rng.randint(10**6, 10**7 - 1)}")),
        Column("latitude", ("latitude", "lat", "geo_lat"), made(lambda: round(rng.uniform(36, 60), 6))),
        Column("longitude", ("longitude", "lng", "geo_lon"), made(lambda: round(rng.uniform(-9, 25), 6))),
        Column("free_text", ("notes", "comments", "bemerkungen"), [f"Spoke with {g} {f} about the {rng.choice(_NOUNS.split())} and the {rng.choice(_NOUNS.split())} of last week; will call again tomorrow." for g, f in zip(given, family, strict=True)]),
    ]  # fmt: skip
    return found


def _decoys(rng: random.Random, rows: int) -> list[Column]:
    def made(maker: Callable[[], object]) -> list[object]:
        return [maker() for _ in range(rows)]

    start = dt.datetime(2024, 1, 1)
    pick = rng.choice
    return [
        Column(None, ("order_no", "order_number"), made(lambda: filled(rng, "%#########"))),
        Column(None, ("version", "app_version"), made(lambda: ".".join(str(rng.randint(0, 20)) for _ in range(4)))),
        Column(None, ("sku", "product_code"), made(lambda: filled(rng, "@@-#####-@#"))),
        Column(None, ("part_no", "component"), made(lambda: filled(rng, "#########"))),
        Column(None, ("transaction", "txn_ref"), made(lambda: filled(rng, "%###############"))),
        Column(None, ("row_uuid", "event_id"), made(lambda: str(uuid.UUID(int=rng.getrandbits(128))))),
        Column(None, ("checksum", "sha1"), made(lambda: hashlib.sha1(rng.randbytes(8), usedforsecurity=False).hexdigest())),
        Column(None, ("created_ts", "epoch"), made(lambda: rng.randint(1_600_000_000, 1_750_000_000))),
        Column(None, ("event_ms", "ts_millis"), made(lambda: str(rng.randint(1_600_000_000_000, 1_750_000_000_000)))),
        Column(None, ("created_at", "logged"), made(lambda: (start + dt.timedelta(seconds=rng.randint(0, 3 * 10**7))).isoformat())),
        Column(None, ("ship_date", "due"), made(lambda: (start + dt.timedelta(days=rng.randint(-900, 500))).date().isoformat())),
        Column(None, ("price", "amount"), made(lambda: round(rng.lognormvariate(3, 1), 2))),
        Column(None, ("price_text", "total_amount"), made(lambda: f"{rng.lognormvariate(8, 1):,.2f}")),
        Column(None, ("score", "ratio"), made(lambda: rng.random())),
        Column(None, ("temperature", "reading"), made(lambda: round(rng.gauss(12, 9), 4))),
        Column(None, ("quantity", "stock"), made(lambda: rng.randint(0, 500))),
        Column(None, ("year", "model_year"), made(lambda: rng.randint(1990, 2025))),
        Column(None, ("isbn", "book_code"), made(lambda: ean("978" + filled(rng, "#########")))),
        Column(None, ("ean", "barcode"), made(lambda: ean("40" + filled(rng, "##########")))),
        Column(None, ("color", "colour"), made(lambda: pick(["Red", "Green", "Brown", "White", "Black", "Gray", "Rose", "Olive", "Amber", "Violet"]))),
        Column(None, ("month", "period"), made(lambda: pick(["April", "May", "June", "August", "January", "March", "July", "October"]))),
        Column(None, ("product_name", "item"), made(lambda: f"{pick(['Ergonomic', 'Rustic', 'Compact', 'Classic', 'Ultra'])} {pick(['Steel', 'Cotton', 'Granite', 'Bamboo'])} {pick(['Chair', 'Lamp', 'Shirt', 'Bike', 'Kettle'])}")),
        Column(None, ("company", "vendor_name"), made(lambda: f"{pick(['Smith', 'Miller', 'Weber', 'Rossi', 'Dupont', 'Novak', 'Acme', 'Globex'])} {pick(['Ltd', 'GmbH', 'Inc', 'S.A.', '& Sons', 'Group'])}")),
        Column(None, ("job_title", "position"), made(lambda: f"{pick(['Senior', 'Junior', 'Lead', 'Chief'])} {pick(['Data Analyst', 'Accountant', 'Engineer', 'Nurse', 'Designer'])}")),
        Column(None, ("department", "team_name"), made(lambda: pick(["Sales", "Finance", "Legal", "Marketing", "Logistics", "Research"]))),
        Column(None, ("status", "state_of_order"), made(lambda: pick(["open", "closed", "pending", "shipped"]))),
        Column(None, ("email_verified", "is_active"), made(lambda: pick([True, False]))),
        Column(None, ("phone_type", "address_type"), made(lambda: pick(["home", "work", "mobile"]))),
        Column(None, ("email_count", "login_count"), made(lambda: rng.randint(0, 40))),
        Column(None, ("file_path", "filename"), made(lambda: f"/data/{pick(_NOUNS.split())}/{rng.randint(1, 999)}.csv")),
        Column(None, ("duration", "elapsed"), made(lambda: f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}:{rng.randint(0, 59):02}")),
        Column(None, ("currency", "ccy"), made(lambda: pick(["EUR", "USD", "GBP", "PLN", "CHF", "SEK"]))),
        Column(None, ("language", "lang"), made(lambda: pick(["en", "de", "fr", "es", "it", "nl", "pl"]))),
        Column(None, ("hex_color", "swatch"), made(lambda: f"#{rng.getrandbits(24):06x}")),
        Column(None, ("percent", "growth"), made(lambda: f"{rng.uniform(-20, 40):.1f}%")),
        Column(None, ("room", "shelf"), made(lambda: filled(rng, "@%##"))),
        Column(None, ("ticket", "issue_key"), made(lambda: f"PROJ-{rng.randint(1, 9999)}")),
        Column(None, ("mime_type", "content_type"), made(lambda: pick(["text/csv", "image/png", "application/json"]))),
        Column(None, ("dimensions", "size_cm"), made(lambda: f"{rng.randint(5, 90)}x{rng.randint(5, 90)}x{rng.randint(5, 90)}")),
        Column(None, ("airport", "hub"), made(lambda: pick(["JFK", "LHR", "CDG", "FRA", "AMS", "MAD", "WAW", "FCO"]))),
    ]  # fmt: skip


def _dirty(rng: random.Random, values: list[object]) -> list[object]:
    """Some values missing, some with blanks around them, few that are something else."""
    missing = rng.choice([0.0, 0.0, 0.02, 0.1, 0.4])

    def one(value: object) -> object:
        if rng.random() < missing:
            return rng.choice([None, None, "N/A", ""]) if isinstance(value, str) else None
        if isinstance(value, str):
            chance = rng.random()
            if chance < 0.01:
                return "see file"
            return f"  {value}" if chance < 0.03 else f"{value} " if chance < 0.05 else value
        return value

    return [one(value) for value in values]


def _street(rng: random.Random, locale: Locale) -> str:
    written = rng.choice(locale.streets).format(s=rng.choice(_OWN_NAMES.split("|")), n=rng.randint(1, 240))
    return filled(rng, written)


def to_ascii(text: str) -> str:
    table = str.maketrans("äöüßéèêëáàâíìïóòôúùçñłżźśćńąęÉÁŻŁÖÜ' ", "aousceeeaaaiiiooouucnlzzscnaeEAZLOU..", "")
    return text.translate(table)
