"""What a column's name says about its content, in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish
(and by names_east.py in Chinese, Japanese, Korean).

A name is cut into words (`custEMail_2` is cust, e, mail, 2), accents are dropped, and runs of neighbouring words are
looked up written together: `date_of_birth`, `DateOfBirth` and `DATE BIRTH` are all found. The longest phrase counts:
an email address is no postal address. Looks at no values; a name alone is a reason to ask, never to decide.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import names_east

TELLING = 0.75
"""How sure a phrase makes us that can hardly mean anything else."""

HINTING = 0.45
"""How sure a word makes us that has other meanings too: values or neighbours have to agree."""

# Phrases that give a column away wherever they stand in its name.
_ANYWHERE = {
    "first_name": """firstnm
        firstname givenname forename fname vorname prenom nombredepila primernombre nomedibattesimo
        primeironome voornaam imie givennames firstnames imiona vornamen preferredname""",
    "last_name": """lastnm surnm
        lastname surname familyname lname nachname familienname nomdefamille apellido apellidos apellidop
        cognome sobrenome apelido achternaam nazwisko secondname primerapellido segundoapellido""",
    "maiden_name": """maiden maidenname birthname namebeforemarriage geburtsname nomdejeunefille nomnaissance
        nomdenaissance apellidodesoltera apellidodesoltero cognomedanubile nomedesolteira geboortenaam meisjesnaam
        nazwiskopanienskie nazwiskorodowe mothersmaiden mothersmaidenname mothermaidenname""",
    "person_name": """fullname middlename middleinitial personname namefull contactname nameofperson vollname
        vollstandigername vollstaendigername nomcomplet nomprenom prenomnom nombrecompleto nombreyapellidos
        nomecompleto nomecognome cognomenome volledigenaam imieinazwisko imienazwisko patientenname kundenname
        ansprechpartner cardholder cardholdername accountholder kontoinhaber titulaire titular intestatario
        rekeninghouder patientname customername clientname employeename username_full beneficiaryname payeename
        passengername guestname studentname teachername doctorname physicianname spousename mothersname fathersname
        mothername fathername nameofmother nameoffather nextofkin emergencycontact emergencycontactname signatory
        middlenames secondgivenname initials namensinitialen nickname pid5""",
    "email": """email emails emailaddress emailaddr eml courriel adressemail adresseemail adresseelectronique correo
        correoelectronico posteelettronica postaelettronica emailadresse mailadresse mailadres emailadres emailadresse
        adresemail enderecoeletronico mailaddress mailaddr usermail contactmail workmail homemail""",
    "phone": """phone phones telephone telephones phonenumber phoneno phonenum telephonenumber telno telnr telefon
        telefonnummer telefonnr telefono telefoon telefoonnummer telefone numerotelefono numerotelephone numtel notel
        cellphone cellnumber celular telefonocelular mobilenumber mobileno mobilephone mobilnummer handy handynummer
        handynr portable telephoneportable movil telefonomovil cellulare telemovel gsm nrtelefonu numertelefonu
        komorka telkomorkowy faxnumber fax faxno telefax msisdn homephone workphone dayphone eveningphone festnetz
        rufnummer mobiel mobielnummer telnumber contactnumber whatsapp landline
        pid13 callingnumber callednumber callernumber calleenumber dialednumber dialednumbers diallednumber callerid
        callingparty calledparty anumber bnumber""",
    "username": """username userlogin loginname loginid screenname userhandle benutzername benutzerkennung
        nomutilisateur nomdutilisateur identifiant nombreusuario nombredeusuario usuario nomeutente nomeusuario
        nomedeusuario utilizador gebruikersnaam
        nazwauzytkownika uzytkownik accountname twitterhandle githubuser
        instagramhandle skypeid""",
    "password": """password passwd passphrase passwort kennwort motdepasse mdp contrasena contrasenia clave_acceso
        parolachiave senha palavrapasse wachtwoord haslo passwordhash passwdhash pwdhash userpassword userpwd
        securityanswer secretanswer""",
    "secret_key": """apikey apitoken apisecret accesskey accesstoken secretkey secretaccesskey secrettoken authtoken
        bearertoken refreshtoken sessiontoken privatekey clientsecret encryptionkey sshkey webhooksecret
        signingsecret jwt jwttoken oauthtoken awskey awssecret githubtoken passkey sharedsecret personalaccesstoken
        connectionstring""",
    "address": """address addresses addr postaladdress mailingaddress streetandcity fulladdress anschrift adresse
        direccion domicilio indirizzo endereco morada adres adreszamieszkania homeaddress shippingaddress
        billingaddress lieferadresse rechnungsadresse wohnadresse adressepostale domicile residence wohnort_adresse
        addressline addressline1 addressline2 addr1 addr2 address1 address2 woonadres adresskorrespondencyjny pid11""",
    "street": """street streetname streetaddress streetaddr streetno strasse strassenname strassehausnummer hausnummer
        housenumber houseno nomrue nomderue numerorue nombrecalle calle calleynumero numeroexterior numerocivico
        nomedarua indirizzovia logradouro straat straatnaam huisnummer ulica numerdomu nrdomu streetline""",
    "city": """city town cityname townname homecity hometown birthplace placeofbirth birthcity cityofbirth
        municipality county parish village wohnort ortschaft geburtsort geburtsstadt commune villeresidence
        lieunaissance lieudenaissance neighbourhood
        neighborhood suburb borough barrio quartier stadtteil dzielnica bairro frazione ciudad municipio localidad
        poblacion lugarnacimiento lugardenacimiento citta
        comune luogonascita luogodinascita localita cidade localidade municipality concelho freguesia localnascimento
        naturalidade woonplaats plaatsnaam geboorteplaats gemeente miasto miejscowosc miejsceurodzenia gmina""",
    "postcode": """zip zipcode zipplus zip4 postcode postalcode postcodes postleitzahl plz codepostal codigopostal cap
        codicepostale codicedavviamentopostale cep codpostal cpostal postnummer postnr kodpocztowy pincode
        postzip zippostal eircode postalzip""",
    "country": """country countryname countrycode countryiso countryofresidence countryofbirth birthcountry
        landeskennung herkunftsland wohnland pays paysnaissance paysderesidence paisresidencia paisnacimiento pais
        paese nazione landcode kraj krajpochodzenia geburtsland staatname""",
    "latitude": "latitude breitengrad latitud latitudine szerokoscgeograficzna breedtegraad geolat gpslat poslat",
    "longitude": """longitude laengengrad langengrad longitud longitudine dlugoscgeograficzna lengtegraad geolon geolng
        gpslon gpslng gpslong poslon poslng""",
    "date_of_birth": """dateofbirth birthdate birthday birthyear yearofbirth datebirth dob birthdt bdate bday borndate
        bornon pid7 geburtsdatum gebdatum gebdat geburtstag geburtsjahr gebjahr datedenaissance datenaissance datenais
        dtnaissance anneenaissance fechanacimiento fechadenacimiento fechanac fecnac fnacimiento datadinascita
        datanascita annonascita datanascimento datadenascimento dtnasc dtnascimento nascimento geboortedatum
        gebdatum geboortejaar dataurodzenia dataur rokurodzenia naissance gebam geborenam natoil natail""",
    "date_of_death": """dateofdeath deathdate datedeath deathyear yearofdeath dod deathdt diedon deceaseddate datedeces
        datededeces sterbedatum todesdatum todestag fechadefuncion fechafallecimiento datamorte datadecesso
        dataobito datafalecimento overlijdensdatum datazgonu""",
    "age": """ageyears ageinyears ageyrs agegroup agerange ageatdiagnosis patientage customerage
        ageatadmission ageatdeath ageatvisit ageatonset ageatevent alterjahre lebensalter
        altersgruppe edadanos ageans idade leeftijd wiek etaanni""",
    "gender": """gender sex geschlecht genre sexe sexo genero sesso genere geslacht plec gendercode sexcode
        genderidentity biologicalsex pid8""",
    "ethnicity": """ethnicity ethnicgroup ethnicorigin ethnic racial raceethnicity ethnie origineethnique etnia
        etniaraza raza razza raca rasa etniciteit etnicznosc pochodzenieetniczne ethnischeherkunft racecode
        indigenousstatus""",
    "religion": """religion religiousaffiliation faith konfession religionszugehorigkeit religione religiao religie
        wyznanie religia confesion glaube""",
    "nationality": """nationality citizenship citizenof staatsangehorigkeit staatsangehoerigkeit staatsburgerschaft
        nationalitaet nationalitat nationalite citoyennete nacionalidad ciudadania nazionalita cittadinanza
        nacionalidade nationaliteit obywatelstwo narodowosc""",
    "marital_status": """evermarried
        marital maritalstatus civilstatus relationshipstatus familienstand etatcivil
        situationfamiliale situationmatrimoniale estadocivil statocivile burgerlijkestaat stancywilny marstat marst
        maritalst""",
    "us_ssn": """ssn ssnumber ssnum ssnno socialsecurity socialsecuritynumber socialsecurityno socsec socsecnum
        socialsec ssnlast4 ssnlastfour pid19""",
    "national_id": """nationalid nationalidnumber nationalidentifier nationalinsurance nationalinsurancenumber nino
        nhsnumber nhsno nhsnr idcard idcardnumber identitynumber identitycard identitycardno personalausweis
        personalausweisnummer ausweisnummer ausweisnr numerosecu numerosecuritesociale securitesociale nir insee
        numerodni dni nie dninie documentoidentidad cedula curp codicefiscale codfiscale cpf numerocpf bsn
        burgerservicenummer sofinummer pesel nrpesel numerpesel dowodosobisty personnummer personnr fodselsnummer
        cprnummer cprnr hetu henkilotunnus rijksregisternummer numeronational registrenational ppsn ppsnumber aadhaar
        aadhar aadhaarnumber nric residentid residentregistration mynumber sinnumber socialinsurancenumber
        sozialversicherungsnummer svnr rentenversicherungsnummer cartaodecidadao bilhetedeidentidade rgnumber
        personalnumber governmentid govid idnumber rsanumber southafricanid voterid voteridnumber
        epicnumber""",
    "tax_id": """taxid taxpayerid taxnumber taxno taxidentificationnumber tin tfn taxfilenumber steuernummer steuernr
        steuerid steueridentifikationsnummer
        steueridnr idnr_steuer numerofiscal nif numfiscal spi vatnumber vatno vatid vatreg
        ustid ustidnr umsatzsteuerid tvaintra numerotva partitaiva piva cnpj nip numernip btwnummer ein itin
        employeridentificationnumber pannumber pancard pancardnumber rfc cuit""",
    "passport": """passport passportno passportnumber passportnum passnummer reisepass reisepassnummer passeport
        numeropasseport pasaporte passaporto passaporte paspoort paspoortnummer paszport numerpaszportu""",
    "driver_license": """drivers driverlicense driverslicense driverlicence driverslicence drivinglicence
        drivinglicense driverlicensenumber driverslicensenumber licensedriver dlnumber dlno driverlic fuhrerschein
        fuehrerschein fuhrerscheinnummer permisdeconduire permisconduire licenciaconducir licenciadeconducir
        carnetdeconducir permisoconducir patentediguida numeropatente cartadeconducao cnh rijbewijs rijbewijsnummer
        prawojazdy""",
    "medical_record_number": """mrn medicalrecord medicalrecordnumber medicalrecordno medrecno medrec patientmrn
        hospitalnumber hospitalno chartnumber chartno healthplanid healthinsurancenumber insurancenumber
        insurancememberid insurancepolicynumber medicareid medicarenumber medicaidid mbi hicn hicno beneficiaryid
        krankenversichertennummer versichertennummer versichertennr kvnr kvnummer krankenversicherungsnummer
        patientennummer patientennr
        numeropatient ipp historiaclinica numerohistoriaclinica nhc cartellaclinica numerocartella prontuario
        numeroutente patientnummer patientnumber patientno tesserasanitaria
        cartevitale gesundheitskarte medicareno medicaidno""",
    "health_condition": """diag1 diag2 diag3 diagcode1 dx1 dx2
        diagnosis diagnoses diagnosiscode diagcode dxcode icd icd9 icd10 icdcode icd10code snomed
        snomedcode loinc loinccode ndc ndccode medicalcondition healthcondition disease illness symptoms comorbidity
        comorbidities medication medications prescription allergy allergies bloodtype bloodgroup treatment
        diagnosen hauptdiagnose nebendiagnose nebendiagnosen aufnahmediagnose entlassdiagnose entlassungsdiagnose
        einweisungsdiagnose verdachtsdiagnose
        diagnose krankheit vorerkrankung medikament medikamente blutgruppe diagnostic maladie traitement medicament
        groupesanguin diagnostico enfermedad medicamento gruposanguineo diagnosi malattia farmaco grupposanguigno
        doenca diagnoza choroba lek grupakrwi ziekte aandoening medicatie bloedgroep hivstatus disability
        disabilitystatus behinderung handicap pregnancy pregnant smoker smokingstatus procedurecode cptcode
        primarydiagnosis secondarydiagnosis reasonforvisit chiefcomplaint mentalhealth""",
    "credit_card": """creditcard creditcardnumber creditcardno ccnumber ccnum ccno cardnumber cardno cardnum pan_card
        paymentcard debitcard debitcardnumber kreditkarte kreditkartennummer kartennummer cartebancaire
        numerocarte cartecredit cartedecredit tarjetacredito tarjetadecredito numerotarjeta cartadicredito
        cartacredito numerocarta cartaocredito cartaodecredito numerocartao creditkaart kaartnummer kartakredytowa
        numerkarty ccn""",
    "cvv": "cvv cvv2 cvc cvc2 cardverification cardsecuritycode securitycode cvvcode cvccode prufziffer_karte",
    "iban": "iban ibannumber ibancode ibannummer ibannr",
    "bank_account": """bankaccount bankaccountnumber bankacct acctnumber_bank accountnumber accountno acctno acctnum
        routingnumber routingno abarouting abanumber sortcode bankverbindung kontonummer kontonr kto_nr compteb
        numerocompte numerodecompte comptebancaire rib numerocuenta numerodecuenta cuentabancaria contocorrente
        numeroconto contabancaria numeroconta bankrekening rekeningnummer numerkonta nrkonta kontobankowe ccc bban
        blz bankleitzahl clabe""",
    "swift_bic": "swift bic swiftcode biccode swiftbic bicswift",
    "salary_or_income": """nettoeinkommen bruttoeinkommen haushaltseinkommen bruttolohn nettolohn
        overtimepay totalpay regularpay annualinc monthlyinc baserate pensionpay hourlywage takehome
        salary salaries wage wages income annualincome yearlyincome monthlyincome householdincome
        netincome grossincome grosspay netpay basepay payrate hourlyrate compensation annualsalary earnings_person
        gehalt jahresgehalt monatsgehalt lohn bruttogehalt nettogehalt einkommen salaire revenu revenuannuel salario
        sueldo ingresos nomina stipendio reddito retribuzione ordenado renda rendimento salaris loon inkomen
        wynagrodzenie pensja zarobki dochod remuneration""",
    "ip_address": """ipaddress ipaddr ipv4 ipv6 clientip serverip remoteip sourceip srcip dstip destip userip hostip
        remoteaddr ipadresse adresseip direccionip indirizzoip enderecoip ipadres adresip loginip lastloginip""",
    "mac_address": "macaddress macaddr macadresse ethernetaddress wifimac bluetoothaddress hwaddr adressemac",
    "imei": "imei imeinumber imei1 imei2 imeisv",
    "vehicle_id": """plateid licenceplatenumber licenseplatenumber regplate vehicleplate registrationno
        vin vinnumber vehicleid vehicleidentification vehicleidentificationnumber vehiclevin chassisnumber
        fahrgestellnummer fin_fahrzeug licenseplate licenceplate platenumber plateno numberplate registrationplate
        vehicleregistration carplate kennzeichen kfzkennzeichen nummernschild immatriculation plaqueimmatriculation
        plaque matriculavehiculo numeroplaca targa placaveiculo kenteken numerrejestracyjny rejestracja vrm immat""",
    "device_id": """deviceid deviceserial deviceuuid deviceidentifier serialnumber_device udid idfa idfv aaid gaid
        advertisingid androidid hardwareid machineid imsi iccid deviceserialnumber simnumber pacemakerserial
        geratenummer geraetenummer iddispositif""",
    "account_id": """accountid userid useridentifier customerid clientid memberid patientid employeeid personid
        studentid subscriberid contactid loyaltyid loyaltynumber membershipnumber membershipno customernumber
        customerno clientnumber employeenumber employeeno staffid personnelnumber personalnummer mitarbeiternummer
        kundennummer kundennr kundenid mitgliedsnummer benutzerid numeroclient idclient idcliente numerocliente
        idutente idutilisateur idusuario codicecliente klantnummer klantid numerklienta idklienta matricola
        idempleado personnelid badgenumber badgeno certificatenumber licensenumber professionallicense
        npi deanumber policyholderid participantid subjectid cookieid sessionid visitorid userguid useruuid""",
    "url": """url urls website webpage homepage weburl profileurl siteweb sitioweb sitoweb linkedin linkedinurl
        facebookurl twitterurl strona internetseite webseite permalink href""",
    "biometric": """biometric biometrics biometrictemplate fingerprinttemplate irisscan iristemplate retinascan
        retinalscan voiceprint voicesample palmprint handgeometry facetemplate faceembedding faceencoding
        facevector facephoto faceimage facialimage headshot mugshot selfie portraitphoto passportphoto passfoto
        lichtbild fingerabdruck empreintedigitale empreintesdigitales huelladactilar huellasdactilares
        improntadigitale impressaodigital vingerafdruk odciskpalca""",
    "special_category": """politicalparty politicalaffiliation politicalopinion politicalopinions politicalview
        politicalviews partyaffiliation partymembership votingintention voteintention politischemeinung
        politischepartei parteizugehorigkeit opinionpolitique opinionspolitiques ideologiapolitica opinionpolitica
        filiacaopartidaria tradeunion tradeunionmember unionmember unionmembership gewerkschaft
        gewerkschaftsmitglied syndicat appartenancesyndicale afiliacionsindical iscrizionesindacale
        filiacaosindical vakbond sexualorientation sexualpreference sexualidentity sexuelleorientierung
        orientationsexuelle orientacionsexual orientamentosessuale orientacaosexual seksuelegeaardheid
        orientacjaseksualna sexlife geneticdata genetictest genetictestresult geneticrisk dnaprofile criminalrecord
        criminalhistory criminalconviction convictions vorstrafen strafregister casierjudiciaire
        antecedentespenales casellariogiudiziale antecedentescriminais strafblad karalnosc""",
    "free_text": """notes freetext comments comment_text remarks clinicalnotes doctorsnotes casenotes progressnotes
        bemerkung bemerkungen anmerkung anmerkungen kommentar notizen commentaire commentaires remarques comentario
        comentarios observaciones osservazioni observacoes opmerking opmerkingen uwagi komentarz freitext""",
}

# Words that give a column away when they are its whole name, but for words such as `user` and numbers around them.
_WHOLE = {
    "first_name": "first given nombre_pila forename",
    "last_name": "last family familie",
    "person_name": """name names person nom nombre nome naam nazwa_osoby middle contact_person author employee patient
        customer client passenger holder owner_name doctor physician suspect victim spouse
        attending insured policyholder guardian driver
        paziente paciente patientin pacjent kunde kundin klant klient cliente mitarbeiter empleado dipendente
        funcionario medewerker pracownik schuler eleve alumno etudiant studente aluno leerling uczen student teacher
        arzt medecin medico lekarz conjoint assure asegurado assicurato versicherter""",
    "phone": "ph mobile cell tel tlf gsm fon telef cellular mob contact_no fixnet",
    "email": "mail e_mail correo posta poczta",
    "credit_card": "card cc pan karte carte tarjeta carta cartao kaart karta",
    "password": "pwd pass pw passcode clave parola pin",
    "secret_key": "secret token apikey credential credentials",
    "username": "login handle alias nick pseudo benutzer loginname twitter instagram tiktok mastodon telegram",
    "ip_address": "ip",
    "mac_address": "mac",
    "latitude": "lat",
    "longitude": "lon lng long",
    "city": "ort stadt ville plaats localidade birth_place wohnsitz",
    "street": "rue via rua str",
    "address": "adresse",
    "postcode": "cp postal npa kod_pocztowy",
    "country": "land ctry nation staat",
    "age": "age alter edad eta ages yrs",
    "gender": "gndr mf mv mw gen_der anrede_geschlecht",
    "ethnicity": "race races",
    "religion": "belief",
    "nationality": "national cittadino",
    "marital_status": "married civil",
    "national_id": "nhs sin cpr cns ahv",
    "tax_id": "vat pan_no",
    "passport": "pass_no",
    "driver_license": "dl license licence licence_no license_no",
    "health_condition": "dx condition diag maladies conditions bp_diagnosis patologia",
    "bank_account": "account acct konto compte cuenta conto rekening routing aba",
    "salary_or_income": "pay earnings",
    "date_of_birth": "born birth ddn geboren nato nacimiento geburt",
    "date_of_death": "death died deceased gestorben",
    "vehicle_id": "plate placa",
    "device_id": "device imei_no serial",
    "account_id": "member account_no",
    "url": "link web site",
    "biometric": "photo photograph portrait fingerprint fingerprints",
    "special_category": "politics",
    "free_text": "note comment comments remark text message body description narrative feedback review",
}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Words about whom: they leave the whole of a name as it is (`customer_name`), and make a bare `name` a person's.
_PEOPLE = _set(
    """user customer client patient person employee member contact owner holder student teacher guest passenger
    doctor physician nurse provider applicant borrower insured subscriber donor candidate author signer tenant
    buyer seller payee payer beneficiary spouse mother father parent child guardian witness suspect victim staff
    worker agent manager cust cli emp pat usr pers kunde kunden mitarbeiter nutzer benutzer klient cliente
    empleado persona paciente dipendente paziente utente pessoa funcionario klant medewerker klienta pracownik
    pacjent salarie recipient sender billing shipping mothers fathers legal preferred participant subject
    individual voter attendee caller
    officer judge attorney lawyer landlord driver operator visitor resident household claimant insured policyholder
    debtor guardian husband wife son daughter surgeon supervisor fahrer schuler conducteur eleve etudiant conductor
    alumno studente aluno leerling uczen vater mutter pere mere padre madre ojciec matka arzt medecin medico
    lekarz"""
)
_PADDING = _PEOPLE | _set(
    """the my our your primary secondary main alt alternate alternative home work personal private business office
    current old new other bill ship delivery mailing permanent temporary emergency number no num nr nbr full raw
    original clean value field col column data str txt text_ info details id_ dim src x y a b s"""
)

# Words after which a column is about the thing, and does not hold it: `email_count`, `phone_type`, `ssn_verified`.
_ABOUT = _set(
    """type kind count counts cnt flag status verified valid validity invalid consent optin optout opt subscribed
    preference preferences length len score scores format source provider domain label enabled allowed required
    sent opened clicked bounced pct percent percentage ratio rate average avg mean median sum total delta change
    changed created updated modified expires expiry expiration issuer issued brand network quality method
    channel carrier campaign template queue missing present matched distance diff risk rank weight size version
    scheme category level model state province region file path product table feature typ anzahl art nombre_de quantite
    cantidad tipo numero_de aantal soort liczba rodzaj group_id changes attempts resets failures requests page
    views visits population
    area"""
)
_ABOUT_BEFORE = _set("""is has had have was can no_of numberof num_of count cnt hat ist est tiene valid""")

# What else has a name, a first or an owner: then `name` is nobody's.
_THINGS = _set(
    """product item company brand file column table event category city country state project team department dept
    course school store shop file_ server domain class variable feature model game movie song album artist_
    band book title package module function method process job task service app application system device hotel
    restaurant station street species genus gene protein drug dish recipe street_ region plan campaign channel
    group role skill organisation organization org business firm vendor supplier manufacturer merchant bank
    branch vessel ship aircraft airline airport league club stadium holiday month day color colour material
    ingredient layer node field key produkt firma unternehmen datei projekt stadt produit entreprise fichier
    producto empresa archivo prodotto azienda produto ficheiro bedrijf bestand produkt_ plik index metric
    measure parameter status stage step test title movie film publisher breed animal plant
    flower fruit food drink cuisine sport zodiac relationship currency language religion_ carrier provider insurer
    college university clinic hospital ward"""
)

# A column so called may hold logins; its values have to look like some.
_USERS = _set("user users usr uid userid login author by creator editor modifier owner poster sender reporter assignee")

# After a word about whom: what somebody is kept under (`emp_id`).
_NUMBERED = _set("id ids no nr num number code key ref nummer numero")

# Words that are cut short in names of columns.
_SHORT = {"nm": "name", "dt": "date", "yr": "year", "cd": "code", "nbr": "number", "passwd": "password"}

# At the end of a name, whatever stands before it: `merch_lat`, `start_lng`. Values have to be degrees.
_DEGREES = {"lat": "latitude", "lon": "longitude", "lng": "longitude", "long": "longitude"}

# What columns are called that nobody has given a name.
_PLACEHOLDERS = _set(
    """col cols column columns field fields fld var vars variable variables val value values attr attribute attributes
    feature feat item data unnamed index spalte feld champ colonne columna campo colonna coluna kolom kolumna
    pole ix"""
)

_LONGEST_PHRASE = 4
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")
_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "đ": "d"})


# Words that stand beside a more exact one: a `calle` of a `direccion`.
_GENERAL = frozenset({"address", "country", "account_id", "url", "free_text"})


# Said of a person these words mean what they say: `patient_photo`.
_SURE_OF_PEOPLE = frozenset({"person_name", "first_name", "last_name", "date_of_birth", "phone", "biometric"})


class Said(NamedTuple):
    """What a name says: a tag, how sure it makes us, and the words that say it."""

    tag: str
    strength: float
    words: str


class _Entry(NamedTuple):
    tag: str
    anywhere: bool


def plain(text: str) -> str:
    """Without accents, ligatures, full-width forms, and characters nobody sees; letters keep their case."""
    spelled = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(char for char in spelled if not unicodedata.category(char).startswith(("M", "C")))


def words_of(name: str) -> tuple[str, ...]:
    """The words of a column's name, in lower case."""
    return tuple(word.lower() for word in _WORD.findall(plain(name)[:300]))


def said(name: str, own: tuple[tuple[str, str], ...] = ()) -> Said | None:
    """What a column's name says; None when it says nothing. `own` are further (column name, tag) of an organisation."""
    words = words_of(name)
    for theirs, tag in own:
        if words and words == words_of(theirs):
            return Said(tag, TELLING, theirs)
    if (east := names_east.said(name)) is not None:
        return Said(east[0], TELLING, east[1])
    if not words or _is_about_it(words):
        return None
    words = tuple(_SHORT.get(word, word) for word in words)
    found = max(_phrases(words, _entries()), key=lambda one: (one.tag not in _GENERAL, len(one.words)), default=None)
    if found is not None:
        return found
    if words[-1] in _NUMBERED and not _PEOPLE.isdisjoint(words[:-1]):
        return Said("account_id", TELLING, "".join(words))
    return _whole(words)


def silent(name: str) -> bool:
    """Whether a name says nothing whatever, such as `c1`, `column_7`, `V3` or `0`."""
    return all(word.isdigit() or len(word) == 1 or word in _PLACEHOLDERS for word in words_of(name))


def of_a_user(name: str) -> bool:
    """Whether a name speaks of whoever uses a system, such as `uid` or `created_by`."""
    return not _USERS.isdisjoint(words_of(name))


def about_things(name: str) -> bool:
    """Whether a name speaks of something that is nobody: whatever looks like people there is titles and brands."""
    words = words_of(name)
    return not _THINGS.isdisjoint(words) and _PEOPLE.isdisjoint(words)


def _is_about_it(words: tuple[str, ...]) -> bool:
    """Whether a name is about a thing, such as `phone_type`; `marital_status` is a thing of its own."""
    if words[-1] in _ABOUT:
        entry = _entries().get("".join(words[-2:]))
        return entry is None or not entry.anywhere or len(words) < 2
    return words[0] in _ABOUT_BEFORE and len(words) > 1


def _phrases(words: tuple[str, ...], entries: dict[str, _Entry]) -> Iterator[Said]:
    """Every run of up to four neighbouring words that stands in the table of telling phrases."""
    for start in range(len(words)):
        for stop in range(start + 1, min(start + _LONGEST_PHRASE, len(words)) + 1):
            together = "".join(words[start:stop])
            entry = entries.get(together)
            if entry is not None and entry.anywhere:
                yield Said(entry.tag, TELLING, together)


def _whole(words: tuple[str, ...]) -> Said | None:
    """What is left of a name without words about whom and which one, if that is a word of the other table."""
    if not _THINGS.isdisjoint(words):
        return None
    if words[-1] in _DEGREES:
        return Said(_DEGREES[words[-1]], HINTING, words[-1])
    kept = [word for word in words if word not in _PADDING and not word.isdigit()]
    person = not _PEOPLE.isdisjoint(words)
    entry = _entries().get("".join(kept)) if kept else _entries().get("".join(w for w in words if not w.isdigit()))
    if entry is None:
        entry = _of_one_tag(kept)
    if entry is None:
        return None
    sure = person and bool(kept) and entry.tag in _SURE_OF_PEOPLE
    return Said(entry.tag, TELLING if sure else HINTING, "".join(kept or words))


def _of_one_tag(words: Sequence[str]) -> _Entry | None:
    """What all of several words say alike: a `tel_mobile`."""
    said_each = {_entries().get(word) for word in words} if len(words) > 1 else set()
    tags = {entry.tag for entry in said_each if entry is not None}
    return _Entry(tags.pop(), anywhere=False) if len(tags) == 1 and None not in said_each else None


@functools.cache
def _entries() -> dict[str, _Entry]:
    """Both tables as one; a phrase that says it anywhere is not weakened by standing in the other too."""
    whole = _flat(_WHOLE, anywhere=False)
    return whole | _flat(_ANYWHERE, anywhere=True)


def _flat(table: dict[str, str], *, anywhere: bool) -> dict[str, _Entry]:
    return {
        phrase.replace("_", ""): _Entry(tag, anywhere) for tag, phrases in table.items() for phrase in phrases.split()
    }
