"""The kinds of sensitive values, and the names that they stand under: a table.

To add a name is to add it to its kind, in words and in lower case; spellings, plurals and qualifiers follow from it.
"""

from dataclasses import dataclass

from .patterns import Pattern


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of sensitive values, and the names that they stand under.

    `digits`: a number of so many digits or more is such a value, 0 for never. `shape`: what a string must hold to be
    one where the name alone does not say so: in prose, in an object under the name and, if `strict`, everywhere.
    `objects`: an object under the name is sensitive whatever its strings look like. `phrase`: how such a value reads in
    prose, behind `name:`; without one, a single word that is no word of a language.
    """

    name: str
    names: str
    digits: int = 0
    shape: Pattern[str] = Pattern(r"\S")
    strict: bool = False
    objects: bool = False
    personal: bool = True
    phrase: Pattern[bytes] | None = None


_DIGITS = Pattern(r"\d(?:\D{0,3}\d){2}")
_PHONE = Pattern(r"\d(?:\D{0,3}\d){5}")
_EMAIL_PHRASE = Pattern(rb"[^\s@<>,;\"'()]{1,100}@[^\s@<>,;\"'()]{2,}")
_PHONE_PHRASE = Pattern(rb"\+?[(0-9][0-9 ()./\xa0\xc2-]{4,40}[0-9]")
_NUMBER_PHRASE = Pattern(rb"(?=[^\n,;]{0,40}[0-9]{2})[A-Z0-9][A-Z0-9./ -]{2,40}[A-Z0-9](?![A-Za-z])")
_PERSON_PHRASE = Pattern(
    rb"[A-Z\xc3][\w'.\x80-\xff-]*+(?:,? (?:[a-z]{2,3} )?[A-Z\xc3][\w'.\x80-\xff-]*+){0,4}(?=[ \t]*(?:[\r\n,;|)]|\Z))"
)
_BIRTH_PHRASE = Pattern(
    rb"[0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}|[0-9]{1,2}\.?(?:st|nd|rd|th)? [A-Z][a-z]+\.?,? [0-9]{4}"
    rb"|[A-Z][a-z]+\.? [0-9]{1,2},? [0-9]{4}|[12][0-9]{3}(?![0-9])"
)
_ADDRESS_PHRASE = Pattern(
    rb"[0-9]{1,5}[A-Za-z]?,? (?:[A-Z\xc3][\w.'\x80-\xff-]*+,? ?){1,8}[0-9 -]{0,8}"
    rb"|(?:[A-Z\xc3][\w.'\x80-\xff-]*+,? ){1,5}[0-9]{1,5}[a-z]?(?![\w-])(?:,? ?[A-Z0-9\xc3][\w.'\x80-\xff-]*+){0,8}"
)
_IP_PHRASE = Pattern(rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]+)?|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
_TOKEN = Pattern(r"^(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])(?!#)[^\s()]{6,}$|^[^\s,;()]{24,}$")

KINDS = (
    Kind(
        "password",
        """password, passwd, passphrase, pass phrase, pwd, pass, passwort, kennwort, contrasena, senha, wachtwoord,
        mot de passe, security answer, secret answer, seed phrase, recovery phrase, mnemonic, mnemonic phrase""",
        digits=4,
        objects=True,
        personal=False,
    ),
    Kind(
        "code",
        """passcode, otp, otp code, totp, one time code, one time password, verification code, backup code,
        recovery code,
        mfa code, sms code, tfa code, cvv, cvc, card verification value, card security code""",
        digits=3,
        shape=Pattern(r"\d"),
        personal=False,
    ),
    Kind(
        "code",
        """pin, pin code, pin number, tan, security code, auth code, authorization code, login code, access code,
        csc""",
        digits=3,
        shape=Pattern(r"\d"),
        strict=True,
        personal=False,
    ),
    Kind("token", "token, bearer, bearer token", shape=_TOKEN, personal=False),
    Kind(
        "secret",
        """secret, credential, credentials, jwt, connection string, private key, signing key, encryption key, decryption
        key, api key, api secret, access key, access key id, secret access key, secret key, master key, account key,
        shared key, shared access key, shared access signature, ssh key, license key, auth key, consumer key, app key,
        application key, service key, storage key, session key, symmetric key, hmac key, deploy key, admin key, server
        key, webhook key, subscription key, service account key, client key, host key, function key, functions key,
        stripe key, openai key, aws key, azure key, sendgrid key, mailgun key, twilio key, key material, code verifier,
        client assertion, saml response, amz signature, goog signature, sas url, kubeconfig, otp seed, totp seed""",
        shape=_TOKEN,
        objects=True,
        personal=False,
    ),
    Kind(
        "signature",
        "sig, signature, hmac, sas",
        shape=Pattern(r"^[A-Za-z0-9+/=_%~.-]{16,}$"),
        strict=True,
        personal=False,
    ),
    Kind("header", "authorization, cookie", shape=_TOKEN, objects=True, personal=False),
    Kind(
        "e-mail address",
        "email, e mail, email address, e mail address, mail address, email addr",
        shape=Pattern("@"),
        phrase=_EMAIL_PHRASE,
    ),
    Kind("e-mail address", "mail, reply to, email id", shape=Pattern("@"), phrase=_EMAIL_PHRASE, strict=True),
    Kind(
        "phone number",
        """phone, phone number, phone no, phone num, telephone, telephone number, telephone no, mobile, mobile number,
        mobile no, mobile phone, cell phone, cell number, fax, fax number, fax no, msisdn, contact number,
        whatsapp number, home phone, work phone""",
        digits=7,
        shape=_PHONE,
        phrase=_PHONE_PHRASE,
    ),
    Kind(
        "phone number",
        "tel, tel no, tel number, cell, whatsapp",
        digits=7,
        shape=_PHONE,
        phrase=_PHONE_PHRASE,
        strict=True,
    ),
    Kind(
        "person's name",
        """first name, last name, middle name, given name, family name, maiden name, mothers maiden name, birth name,
        full name, surname, sur name, forename, fname, lname, real name, cardholder, cardholder name, card holder,
        card holder name, account holder, account holder name, holder name, patient name, contact name, employee name,
        customer name, guest name, passenger name, recipient name, beneficiary name, applicant name, person name,
        spouse name, vorname, nachname, prenom, apellido""",
        shape=Pattern(r"^(?:[A-ZÀ-ÖØ-Þ]['\u2019.\w-]*[ ,]*){1,5}$"),
        phrase=_PERSON_PHRASE,
    ),
    Kind(
        "birth",
        """date of birth, birth date, birthdate, dob, birthday, year of birth, birth year, place of birth, birth place,
        birthplace, geburtsdatum, date naissance, fecha nacimiento""",
        digits=4,
        shape=Pattern(r"\d"),
        phrase=_BIRTH_PHRASE,
    ),
    Kind(
        "identity number",
        """ssn, social security, social security number, social security no, social insurance number, nino,
        national insurance number, national id, national id number, national identity number, identity number,
        identity card, identity card number, id card number, passport, passport number, passport no, passport num,
        passport id, tax id, tax number, tax no, tax identification number, taxpayer id, tin, itin, cpf, aadhaar,
        aadhaar number, pan number, curp, steuer id, driver license, drivers license, driver licence, drivers licence,
        driving licence, driving license, driver license number, drivers license number, driving licence number,
        driving license number, driver licence number, medical record number, nhs number, health insurance number,
        health insurance id, residence permit number""",
        digits=5,
        shape=_DIGITS,
        phrase=_NUMBER_PHRASE,
    ),
    Kind(
        "account",
        """iban, account number, account no, account num, acct number, acct no, bank account, bank account number,
        bank account no, routing number, sort code, card number, card no, card num, credit card, credit card number,
        credit card no, debit card, debit card number, cc number, cc num, primary account number""",
        digits=5,
        shape=_DIGITS,
        phrase=_NUMBER_PHRASE,
    ),
    Kind(
        "address",
        """street, street address, street name, home address, postal address, mailing address, shipping address,
        billing address, residential address, delivery address, private address, customer address, contact address,
        address line, street line, postal code, post code, postcode, zip code""",
        digits=4,
        shape=Pattern(r"\d"),
        phrase=_ADDRESS_PHRASE,
    ),
    Kind(
        "address",
        "address, zip",
        shape=Pattern(r"[^\W\d_]{2}.*\s.*\d|\d.*\s.*[^\W\d_]{2}|^\d{4,}$"),
        strict=True,
        phrase=_ADDRESS_PHRASE,
    ),
    Kind(
        "IP address",
        """ip, ip addr, ip address, remote addr, remote ip, client ip, client addr, forwarded for, real ip, source ip,
        user ip, ipv, ipv address""",
        shape=Pattern(r"\d+\.\d+\.\d+\.\d+|:.*:"),
        phrase=_IP_PHRASE,
    ),
)
