"""Fields of audit events."""

from contextlib import suppress
from ipaddress import ip_address

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from chancery.audit.models import AuditEvent
from tests.builders import event

GROUPS = st.lists(st.sampled_from(["0", "1", "01", "00db", "ffff", "10000", "g", ""]), min_size=1, max_size=9)
QUADS = st.lists(st.sampled_from(["0", "1", "01", "127", "255", "256", ""]), min_size=1, max_size=5)
ADDRESSES = (
    st.ip_addresses().map(str)
    | GROUPS.map(":".join)
    | QUADS.map(".".join)
    | st.tuples(GROUPS.map(":".join), QUADS.map(".".join)).map(":".join)
)


def accepted(text: str) -> bool:
    with suppress(ValidationError):
        AuditEvent.model_validate(event(ipAddress=text))
        return True
    return False


@given(ADDRESSES, st.sampled_from(["", "", "%eth0"]))
@example("fe80::1", "%eth0")
@example("10.0.0.1", "%eth0")
@example("::ffff:10.0.0.1", "")
@example("10.0.0.1:80", "")
@example("127.1", "")
def test_ip_addresses_are_validated_like_the_standard_library_does(address, zone):
    text = address + zone
    try:
        ip_address(text)
    except ValueError:
        assert not accepted(text)
    else:
        assert accepted(text)
