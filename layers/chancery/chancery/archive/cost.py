"""An estimate of the cost of an archived file."""

from typing import Any

# US dollars in us-east-1 (https://aws.amazon.com/s3/pricing/): a GB for a month, and a thousand requests. Parts are
# sent at the rate of STANDARD; the request that makes the file of them is one of its storage class.
_STANDARD = (0.023, 0.005)
_PRICES = {"GLACIER": (0.0036, 0.03), "DEEP_ARCHIVE": (0.00099, 0.05)}
# "For each object, S3 adds 32 KB at the rate of the storage class and 8 KB at that of STANDARD."
_OVERHEAD, _STANDARD_OVERHEAD = 32 * 1024, 8 * 1024
_GB = 1024**3


def cost(size: int, parts: int, storage_class: str) -> dict[str, Any]:
    """US dollars: once to write an archived file of `size` bytes, and for each month it is stored.

    Without its manifest, proof and index in STANDARD.
    """
    month, thousand = _PRICES[storage_class]
    writing = ((parts + 1) * _STANDARD[1] + thousand) / 1000
    keeping = ((size + _OVERHEAD) * month + _STANDARD_OVERHEAD * _STANDARD[0]) / _GB
    return {"writingUsd": round(writing, 6), "monthlyUsd": round(keeping, 9), "prices": "us-east-1"}
