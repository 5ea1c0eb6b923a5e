"""Hypothesis profiles: `dev`, and `ci` with many more examples. HYPOTHESIS_PROFILE or CI select one."""

import os

from hypothesis import settings

NAME = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
LONG = NAME == "ci"

settings.register_profile("dev", max_examples=30, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None)
settings.load_profile(NAME)


def examples(count: int) -> int:
    """`max_examples` of a test that needs more than the profile's: all of them in CI, a tenth elsewhere."""
    return count if LONG else max(count // 10, 5)
