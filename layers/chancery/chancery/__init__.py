"""Chancery, the record office of a multi-tenant SaaS."""

import gc
import os

__version__ = "0.1.0"

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.disable()  # what a cold start makes stays: `instrument` freezes it and turns the collector on
