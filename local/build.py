"""`make build`: the deployable bundle in .aws-sam/build, for the architecture named by ARCHITECTURE (arm64)."""

import os
import sys

from local.deploy import BUILD, build
from local.process import StartFailed

if __name__ == "__main__":
    try:
        build(os.environ.get("ARCHITECTURE", "arm64"))
    except StartFailed as exc:
        sys.exit(str(exc))
    print(f"Built in {BUILD.relative_to(BUILD.parents[1])}; deploy with: sam deploy --config-env production")
