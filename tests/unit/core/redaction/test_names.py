"""Which names lose their values."""

import pytest

from chancery.core.redaction import REDACTED, names, redact
from chancery.core.redaction.names import RULES, is_sensitive

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
fullName pin nextToken next_page_token pageToken syncToken continuationToken recipe tip zipAddress membership_address
"""


@pytest.mark.parametrize("name", FOUND.split())
def test_a_sensitive_name_loses_its_value_in_any_spelling(name):
    assert is_sensitive(name)
    assert redact({"deep": [{name: "value"}]}) == {"deep": [{name: REDACTED}]}


@pytest.mark.parametrize("name", KEPT.split())
def test_a_name_that_only_resembles_keeps_its_value(name):
    assert redact({name: "value"}) == {name: "value"}


@pytest.mark.parametrize(
    "name", ["\uff45\uff4dail", "em\u200bail", "pass\u00adword", "e\u2010mail", "first\u00a0name", "to\u212aen"]
)
def test_a_name_is_what_it_looks_like(name):
    assert is_sensitive(name)


@pytest.mark.parametrize("name", ["tokens", "totalTokens", "maxTokens", "promptTokens", "input_tokens"])
def test_a_count_is_no_list(name):
    assert redact({name: 512}) == {name: 512}
    assert redact({name: [512]}) == {name: REDACTED}


def test_a_flag_says_nothing():
    flags = {"email": True, "hasPassword": False, "token": None}

    assert redact(flags) == flags


def test_long_names_are_neither_kept_in_memory_nor_read_whole(monkeypatch):
    before, name, read = len(RULES), "aB" * 2_000_000 + "Email", []
    rule = names._rule
    monkeypatch.setattr(names, "_rule", lambda part: read.append(len(part)) or rule(part))

    assert is_sensitive(name)
    assert len(RULES) == before
    assert read == [100]
