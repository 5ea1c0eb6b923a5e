"""URLs that have more than one reading are refused."""

import pytest

from chancery.core.outbound.destination import Destination
from chancery.core.outbound.errors import UrlRefused

REFUSED = (
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.1./",
    "http://127.0.0.01/",
    "http://1.2.3.4.5/",
    "http://example.0x7f/",
    "http://256.1.1.1/",
    "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127\u30020\u30020\u30021/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1%2f@example.org/",
    "http://bücher.example/",
    "http://[::1",
    "http://[::1%251]/",
    "http://[fe80::1%eth0]/",
    "http://[127.0.0.1]/",
    "http://[::ffff:127.0.0.1/",
    "http://::1/",
    "http://user@example.org/",
    "http://user:secret@example.org/",
    "http://example.org@127.0.0.1/",
    "http://example.org\\@127.0.0.1/",
    "http://example.org:80\\@127.0.0.1/",
    "http://127.0.0.1:80:80/",
    "http://example.org:0/",
    "http://example.org:65536/",
    "http://example.org:8o/",
    "http://exa mple.org/",
    "http://exam\tple.org/",
    "http://example.org/\r\nHost: other",
    "http://example.org/\x00",
    "http://example..org/",
    "http://.example.org/",
    "http://-example.org/",
    f"http://{'a' * 64}.org/",
    f"http://{'a.' * 127}org/",
    "http:///path",
    "http://",
    "http:example.org",
    "//example.org/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "ftp://example.org/",
    "",
    "https://example.org/" + "a" * 8192,
)


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_clients_read_in_different_ways_is_refused(url):
    with pytest.raises(UrlRefused):
        Destination.parse(url)


def test_the_reason_does_not_repeat_credentials():
    with pytest.raises(UrlRefused) as refused:
        Destination.parse("http://user:hunter2@example.org/")

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "authority"),
    [
        ("https://api.Example.org", "api.example.org", 443, "/", "api.example.org"),
        ("http://example.org:8080/a/b?c=d&e#f", "example.org", 8080, "/a/b?c=d&e", "example.org:8080"),
        ("http://192.0.2.1/", "192.0.2.1", 80, "/", "192.0.2.1"),
        ("https://[2001:DB8::1]:8443/?q", "2001:db8::1", 8443, "/?q", "[2001:db8::1]:8443"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        ("https://_dmarc.my-host.example:443/", "_dmarc.my-host.example", 443, "/", "_dmarc.my-host.example"),
        ("http://localhost:3000/x", "localhost", 3000, "/x", "localhost:3000"),
    ],
)
def test_a_url_in_its_usual_form_is_taken_apart(url, host, port, target, authority):
    destination = Destination.parse(url)

    assert (destination.host, destination.port, destination.target) == (host, port, target)
    assert destination.authority == authority
