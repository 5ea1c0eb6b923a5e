"""Which names lose their values."""

import pytest

from chancery.core.redaction import REDACTED, name_rules, redact, redact_text
from chancery.core.redaction.name_rules import RULES, is_sensitive

FOUND = """
email Email EMAIL userEmail user_email user-email eMail emailAddress phone phone_number work-phone firstName first_name
FIRST-NAME First_Name lastname ipAddress ip_address IP-Address password userPassword PASSWORD password1 Authorization
Cookie Set-Cookie X-Api-Key apiKey api_key token access_token refreshToken clientSecret client-secret
aws_secret_access_key private_key cardNumber
PassWord pass_word IPaddress EMAILaddress accesstoken passwordhash refreshtoken privatekey secretkey setcookie
cardnumber useremail contactemail customeremail homephone workphone mobilephone newpassword oldpassword currentpassword
userpassword emails phones phoneNumbers emailAddresses ipAddresses firstNames passwords tokens accessTokens apiKeys
refreshTokenHash email_old passwordConfirm clientSecretV2 phoneHome tokenValue oldEmail
clientIp ipAddr REMOTE_ADDR X-Forwarded-For X-Real-IP given_name familyName surname otp ssn social_security_number
creditCard credit_card_number iban connectionString accessKeyId X-Amz-Signature X-Amz-Security-Token code_verifier
user.email /users/0/email
"""
KEPT = """
emailVerified passwordChangedAt secretary tokenizer tokenType tokenCount token_count name status phase sessionId
nextToken next_page_token pageToken syncToken continuationToken recipe tip macAddress walletAddress compass bypass
passes iphone microphone description script zip pinned fieldName resourceName tenantName displayName city country
user auth admin root login proxy my app
"""
RUN_TOGETHER = "dbpassword billingemail smtppass myapikey appsecret passwordhash refreshtokens homeemailaddress"
PERSONAL = """
dateOfBirth birth_date dob passportNumber passport_no nationalId taxId fullName first_name maidenName cardholderName
phoneNo phone_num mobileNo streetAddress postalCode zip_code iban accountNumber routing_number sort_code driverLicense
nino ipv4 X-Client-IP
"""
CREDENTIALS = """
pass auth.pass password_digest PGPASSWORD otp_backup_codes recoveryCodes cvv2 pwd passphrase Passwort contrase\u00f1a
AccountKey SharedAccessKey storage_key signingKey master-key clientAssertion connectionStrings mnemonic
"""


@pytest.mark.parametrize("name", " ".join([FOUND, RUN_TOGETHER, PERSONAL, CREDENTIALS]).split())
def test_a_sensitive_name_loses_its_value_in_any_spelling(name):
    assert is_sensitive(name)
    assert redact({"deep": [{name: "some value"}]}) == {"deep": [{name: REDACTED}]}


@pytest.mark.parametrize("name", KEPT.split())
def test_a_name_that_only_resembles_keeps_its_value(name):
    assert redact({name: "value"}) == {name: "value"}
    assert redact_text(f"{name}=value1234") == f"{name}=value1234"


@pytest.mark.parametrize(
    "name", ["\uff45\uff4dail", "em\u200bail", "pass\u00adword", "e\u2010mail", "first\u00a0name", "to\u212aen"]
)
def test_a_name_is_what_it_looks_like(name):
    assert is_sensitive(name)


@pytest.mark.parametrize("name", ["tokens", "totalTokens", "maxTokens", "promptTokens", "input_tokens"])
def test_a_count_is_no_list(name):
    assert redact({name: 512}) == {name: 512}
    assert redact({name: [512]}) == {name: [512]}
    assert redact({name: ["a1b2c3d4"]}) == {name: REDACTED}


@pytest.mark.parametrize(
    "value",
    [
        {"password": 12345678},
        {"pin": 1234},
        {"cvv": 123},
        {"otp": "493021"},
        {"phones": 4915112345678},
        {"ssns": 123456789},
        {"dateOfBirth": 19800102},
        {"accountNumber": 12345678},
        {"pins": ["1234"]},
    ],
)
def test_a_number_that_is_a_value_is_redacted(value):
    assert redact(value) == dict.fromkeys(value, REDACTED)


def test_a_flag_says_nothing():
    flags = {"email": True, "hasPassword": False, "token": None}

    assert redact(flags) == flags


def test_long_names_are_neither_kept_in_memory_nor_read_whole(monkeypatch):
    before, name, read = len(RULES), "aB" * 2_000_000 + "Email", []
    words_of = name_rules.words_of
    monkeypatch.setattr(name_rules, "words_of", lambda part: read.append(len(part)) or words_of(part))

    assert is_sensitive(name)
    assert len(RULES) == before
    assert read == [100]
