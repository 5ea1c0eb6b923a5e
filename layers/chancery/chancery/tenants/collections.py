"""The collection of settings."""

from chancery.core.mongo.collections import Collection, Index
from chancery.tenants.models import TenantSettings

TENANT_SETTINGS = Collection(
    name="tenant_settings",
    model=TenantSettings,
    access={"writer": ("find", "insert", "update"), "reader": ("find",), "archiver": ("find",), "deliverer": ("find",)},
    indexes=(Index((("tenantId", 1),), unique=True),),
)
COLLECTIONS = (TENANT_SETTINGS,)
