"""What is no secret stays: prose, code, references, placeholders, counts."""

import json

import pytest

from chancery.core.redaction import REDACTED, redact, redact_text

PROSE = [
    "Authorization: the board approved the budget.",
    "Cookies: we bake them daily. Open from 8.",
    "Cookies: bake 12 minutes. Serve warm.",
    "Credentials: PhD in Chemistry",
    "Password: must be 12 characters",
    "Password: 8-64 characters, one digit",
    "Passwords must not be shared. Pass: the exam is over.",
    "Token: a small gift",
    "The secret is to start early, and the key: patience",
    "Email: write a friendly subject",
    "Address: the concerns of the first meeting",
    "Full name: as in your passport",
    "The cookie is required, the token was revoked, and the password is expired",
    "Basic 24/7/365 support",
    "Requires basic HTML5/CSS3 knowledge",
    "Basic 12months plan",
    "bearer bonds-2024",
    "| password: | required |",
    "| password | string | The user's password |",
    "<th>Password</th><th>Email</th>",
    "Added column password: string to users",
    "x-check-secrets: ENABLED",
    "- id-token: write on the job",
    "A contract for Cookies: The Bakery",
    "Birthday: next week, phone: to be agreed",
]
CODE = [
    'token = started["token"]',
    "CHARS_PER_TOKEN = 4.0",
    'api_key = os.environ["API_KEY"]',
    'password = getpass.getpass("Password: ")',
    "password=self.password, token=token",
    "secret = settings.SECRET_KEY",
    'token: config.get("auth.token")',
    "credentials: new AWS.SharedIniFileCredentials()",
    "def login(user: str, password: str) -> Token:",
    "const { password, token } = req.body;",
    "if password is None or token == other.token:",
    "SELECT password, email FROM users WHERE token = ?",
    '{"type": "object", "properties": {"password": {"type": "string"}}}',
    'curl -H "Authorization: Bearer $TOKEN" https://a.example',
]
REFERENCES = [
    "token: ${{ secrets.TOKEN }}",
    "API_KEY=${API_KEY}",
    "password: $DB_PASSWORD",
    "password: <your password>",
    'password: "{{ vault_password }}"',
    "client_secret=<client-secret>",
    "secret: arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf",
    "password: op://vault/item/field",
    "password: ********",
    "password=%PASSWORD%",
    "password: null",
    f"password={REDACTED}",
]


@pytest.mark.parametrize("text", [*PROSE, *CODE, *REFERENCES])
def test_text_that_holds_no_secret_stays(text):
    assert redact_text(text) == text
    assert redact({"description": text}) == {"description": text}


@pytest.mark.parametrize(
    "value",
    [
        {"usage": {"tokens": {"prompt": 512, "completion": 100}}},
        {"usage": {"token": 512, "maxTokens": 4096, "tokens": [512]}},
        {"scores": {"mobile": 62, "desktop": 90}},
        {"channels": {"email": {"budget": 500}, "social": {"budget": 300}}},
        {"chart": [{"name": "Email", "value": 1250}]},
        {"theme": {"tokens": {"color": "#fff", "space": "16px"}}},
        {"cookies": [], "secrets": {}, "password": "", "token": None, "email": False},
        {"password": "${DB_PASSWORD}", "apiKey": "{{ key }}", "secret": "<secret>"},
        {"password": {"minLength": 12, "digits": True}},
        {"schema": {"password": {"type": "string", "format": "password", "description": "of the account"}}},
        {"publishedUrl": "https://www.example.com/permalink.php?story_fbid=4539148803436467&id=1"},
        {"columns": ["email", "password", "name", "phone"]},
        {"pin": "top-left", "tan": "light brown"},
        {"address": "0.0.0.0:8080", "macAddress": "00:1b:44:11:3a:b7"},
        {"pageToken": "abc123", "passes": 12, "compass": "N", "iphone": "15 Pro"},
    ],
)
def test_values_that_say_nothing_stay(value):
    assert redact(value) == value
    assert redact_text(json.dumps(value)) == json.dumps(value)
