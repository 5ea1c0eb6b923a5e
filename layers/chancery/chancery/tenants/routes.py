"""The routes of tenants: their settings, and a trial of their redaction."""

from chancery.core.identity.roles import ADMINS, READERS
from chancery.core.web.routes import Route, group, validated_body
from chancery.core.web.validation import TenantChoice
from chancery.tenants.answers import RedactionResult, Settings
from chancery.tenants.models import RedactionTrial, SettingsChange
from chancery.tenants.service import RedactionTrials, SettingsManager

SETTINGS = group(
    "manage_settings",
    Route(
        "GET",
        "/v1/settings",
        "A tenant's settings",
        SettingsManager.get,
        READERS,
        query=TenantChoice,
        answers={200: Settings, 304: ()},
        precondition="If-None-Match",
    ),
    Route(
        "PUT",
        "/v1/settings",
        "Change a tenant's settings",
        SettingsManager.put,
        ADMINS,
        query=TenantChoice,
        body=validated_body(SettingsChange),
        answers={200: Settings},
        precondition="If-Match",
    ),
)

REDACTIONS = group(
    "try_redactions",
    Route(
        "POST",
        "/v1/redactions",
        "Try what would be redacted of a value, and why; nothing is stored",
        RedactionTrials.try_out,
        READERS,
        query=TenantChoice,
        body=validated_body(RedactionTrial),
        answers={200: RedactionResult},
    ),
)
