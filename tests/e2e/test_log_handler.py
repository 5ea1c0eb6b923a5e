"""Python's `logging` against the local stack, through `LogHandler` and the bus."""

import logging
import secrets

from chancery_client import Correlation, LogHandler, correlated


def test_lines_of_logging_are_found_with_trace_and_level(stack, aws, api, eventually):
    handler = LogHandler(stack["eventBusName"], tenant_id="acme", put_events=aws("events").put_events)
    logger = logging.Logger("crm.contacts")
    logger.addHandler(handler)
    trace = secrets.token_hex(16)

    with correlated(Correlation(trace)):
        logger.warning("Disk at %d %%", 91)
        logger.error("The contact is not saved", exc_info=ValueError("contact is null"))
    handler.close()

    assert handler.stats.sent == 2
    expected = {("app_log", "warn", "Disk at 91 %"), ("error_log", "error", "The contact is not saved")}
    eventually(lambda: _found(api, trace) == expected)


def _found(api, trace):
    items = api("GET", f"/traces/{trace}").json()["items"]
    return {(item["kind"], item["level"], item["message"]) for item in items}
