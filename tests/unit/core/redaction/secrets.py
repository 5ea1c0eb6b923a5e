"""What redaction has to find, and mixes of it, for the tests of every part of it."""

import json

from hypothesis import strategies as st

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
JWE = "eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2oja.48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvT"
CREDENTIALS = [
    JWT,
    JWE,
    "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..Qx0pmsDa8KnJc9Jo.LpJkh6Kw.oN_iAAA",
    "eyJhbGciOiJIUzI1NiJ9..dozjgNryP4J3jVmNHl0w5N",
    AWS_KEY,
    "Bearer mF_9.B5f-4.1JqM",
    "bearer mF_9.B5f-4.1JqM",
    "bEaReR\tabcd3fgh1x2345",
    "Bearer abcdefghijklmnopqrstuv",
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    "bAsIc QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQ9dQx7\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQVYBGM=\n-----END PGP PRIVATE KEY BLOCK-----",
    "-----BEGIN X25519 PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIKg7\n-----END X25519 PRIVATE KEY-----",
    "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_" + "11ABCDEFG0abcdefghij_klmnop",
    "xoxb-" + "123456789012-AbCdEfGh",
    "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
    "sk-" + "ant-api03-abcdef1234567890",
    "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "glpat-" + "abcdefghij1234567890",
]
CARDS = [
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111.1111.1111.1111",
    "4111\u00a01111\u00a01111\u00a01111",
    "4111\u202f1111\u202f1111\u202f1111",
    "4111\u20131111\u20131111\u20131111",
    "4111\u20111111\u20111111\u20111111",
    "4111 - 1111 - 1111 - 1111",
    "378282246310005",
    "3782 822463 10005",
    "2223003122003222",
    "6304000000000000000",
]
SECRETS = CREDENTIALS + CARDS
PAIRS = [
    "https://a.example/cb?token=hunter2&api_key=hunter2",
    "email=hunter2&client_secret=hunter2",
    "user%5Bpassword%5D=hunter2",
    "user[password]=hunter2",
    "mongodb+srv://admin:hunter2@cluster0.example/db",
    "GET / HTTP/1.1\r\nAuthorization: Basic hunter2\r\nCookie: sid=hunter2; a=hunter2\r\nHost: a",
    "Authorization:Basic hunter2",
    "DB_PASSWORD=hunter2\nAWS_SECRET_ACCESS_KEY=hunter2",
    "password: hunter2\nport: 80",
    "password:hunter2",
    "the api key: hunter2",
    "{'password': 'hunter2', 'n': None}",
    '{\\"password\\":\\"hunter2\\"}',
    '{\\\\\\"password\\\\\\":\\\\\\"hunter2\\\\\\"}',
    '{"password"=>"hunter2"}',
    "email: token: hunter2",
    "curl -H 'Cookie: a=hunter2' https://a.example",
    "log\\npassword=hunter2",
    "password = ['hunter2']",
]
_PIECES = st.sampled_from(
    [
        *SECRETS,
        *PAIRS,
        "[REDACTED]",
        "Bearer",
        "Basic",
        "eyJ",
        "password",
        "=",
        ":",
        ": ",
        "'",
        '"',
        "\\",
        "\\n",
        " ",
        "{",
        "}",
        "[",
        "]",
        ",",
        '{"',
        '":',
        '{"token":',
        '["',
        "\n",
        "x",
        "é",
        "12/27",
        "123",
        "-",
        ".",
        "://",
        "@",
        "&",
    ]
)
TEXTS = st.text(max_size=30) | st.lists(_PIECES, max_size=6).map("".join)
NUMBERS = st.integers(-(2**53), 2**53) | st.sampled_from([4111111111111111, -4111111111111111, 4111111111111111.0, 1.5])
_KEYS = st.sampled_from(
    ["email", "note", "name", "key", "Name", "Value", "value", "newValue", "path", "tokens", "old_value", *SECRETS[:5]]
)
FORMS = st.sampled_from(
    [
        {},
        {"indent": 2},
        {"indent": "\t"},
        {"ensure_ascii": False},
        {"separators": (",", ":")},
        {"separators": (" ,", " : ")},
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(_KEYS, inner).map(lambda pair: [list(pair)])
        | st.dictionaries(_KEYS | TEXTS, inner, max_size=4)
        | st.builds(lambda value, form: json.dumps(value, **form), inner, FORMS)
        | st.builds(lambda before, value: f"{before}{json.dumps(value)}", TEXTS, inner)
        | st.builds(lambda value, end: json.dumps(value)[:end], inner, st.integers(0, 60))
    ),
    max_leaves=12,
)
