from chancery.core.merkle import *  # noqa: F403
