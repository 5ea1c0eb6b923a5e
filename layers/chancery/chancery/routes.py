"""Every route of the HTTP API: the one list that the OpenAPI document and the 404 and 405 answers come from.

A test holds it against template.yaml.
"""

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from chancery.archive.queries import ArchiveSearch, LocateQuery, RestoreRequest, RunRequest
from chancery.audit.exports import ExportRequest
from chancery.audit.models import AuditEvent
from chancery.audit.search import AuditSearch, RecordQuery, StatsQuery
from chancery.audit.settings import SettingsChange
from chancery.content.outputs.queries import Decision, OutputRequest, OutputSearch, Publication
from chancery.content.research.queries import ResearchRequest, ResearchSearch, StrategyRequest, StrategySearch
from chancery.content.skills.queries import SkillChange, SkillRequest, SkillSearch
from chancery.content.tool_calls.models import ToolCallRequest, UploadRequest
from chancery.content.tool_calls.queries import ToolCallSearch
from chancery.contracts.queries import (
    ContractRequest,
    ContractSearch,
    TemplatePublication,
    TemplateSearch,
    VerificationRequest,
)
from chancery.core.errors import ChanceryError, MethodNotAllowed, NotFound
from chancery.core.listing import ListQuery, Page
from chancery.core.query import TenantChoice
from chancery.sealing.queries import ConsistencyQuery
from chancery.traces import TraceQuery


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path, the function that serves it, what it takes, and its answers: status → schema name.

    `precondition`: the header of RFC 9110 section 13 that it heeds; a change cannot do without.
    """

    method: str
    path: str
    function: str
    summary: str
    answers: dict[int, str]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    batch: bool = False
    optional_body: bool = False
    open: bool = False
    precondition: Literal["If-Match", "If-None-Match"] | None = None

    @property
    def openapi_path(self) -> str:
        """OpenAPI has no parameter that takes slashes; what it calls one takes them all the same."""
        return self.path.replace("+}", "}")

    @property
    def pattern(self) -> re.Pattern[str]:
        greedy = re.sub(r"\\{\w+\\\+\\}", r".+", re.escape(self.path))
        return re.compile(re.sub(r"\\{\w+\\}", r"[^/]+", greedy))


ROUTES = (
    Route(
        "POST",
        "/v1/audit-logs",
        "record_audit_logs",
        "Record one audit event, or up to 500",
        {201: "Recorded", 207: "Results"},
        body=AuditEvent,
        batch=True,
    ),
    Route("GET", "/v1/audit-logs", "read_audit_logs", "Search", {200: "RecordPage"}, query=AuditSearch),
    Route("GET", "/v1/audit-logs/stats", "read_audit_logs", "Count in groups", {200: "Groups"}, query=StatsQuery),
    Route("GET", "/v1/audit-logs/{refId}", "read_audit_logs", "One whole record", {200: "Record"}, query=RecordQuery),
    Route(
        "GET",
        "/v1/audit-logs/{refId}/proof",
        "prove_audit_logs",
        "That a record is in its log: a C2SP tlog-proof, or JSON where asked for",
        {200: "Proof"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/audit-checkpoint",
        "prove_audit_logs",
        "The newest checkpoint of a tenant's log",
        {200: "Note"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/audit-consistency",
        "prove_audit_logs",
        "That a log of one size is the beginning of it at another",
        {200: "Consistency"},
        query=ConsistencyQuery,
    ),
    Route(
        "GET",
        "/v1/audit-verifier-key",
        "prove_audit_logs",
        "The key that checks a log's checkpoints, as a C2SP vkey",
        {200: "Note"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/audit-tiles/{log}/{path+}",
        "prove_audit_logs",
        "A log as C2SP tlog-tiles: checkpoint, tile/<L>/<N>, tile/entries/<N>",
        {200: "Tile", 307: "Redirect"},
    ),
    Route("GET", "/v1/traces/{traceId}", "read_traces", "All records of a trace", {200: "Trace"}, query=TraceQuery),
    Route("GET", "/v1/audit-catalog", "read_audit_logs", "The actions that are audited", {200: "Catalogue"}),
    Route(
        "GET",
        "/v1/audit-catalog/coverage",
        "read_audit_logs",
        "Which of them were seen, and when last",
        {200: "Coverage"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/audit-settings",
        "manage_audit_settings",
        "A tenant's settings",
        {200: "Settings"},
        query=TenantChoice,
    ),
    Route(
        "PUT",
        "/v1/audit-settings",
        "manage_audit_settings",
        "Change a tenant's settings",
        {200: "Settings"},
        query=TenantChoice,
        body=SettingsChange,
    ),
    Route(
        "POST", "/v1/audit-exports", "manage_audit_exports", "Ask for an export", {202: "Queued"}, body=ExportRequest
    ),
    Route("GET", "/v1/audit-exports/{id}", "manage_audit_exports", "How far an export is", {200: "Export"}),
    Route("GET", "/v1/archives", "manage_archives", "What is archived", {200: "ArchivePage"}, query=ArchiveSearch),
    Route("GET", "/v1/archives/{id}", "manage_archives", "One tenant's month in the archive", {200: "Archive"}),
    Route("GET", "/v1/archives/runs", "manage_archives", "Runs of the archive", {200: "RunPage"}, query=Page),
    Route(
        "POST",
        "/v1/archives/runs",
        "manage_archives",
        "Archive every month that is due, or show what that would be",
        {200: "Due", 202: "RunBegun"},
        body=RunRequest,
    ),
    Route("GET", "/v1/archives/runs/{id}", "manage_archives", "How far a run is", {200: "Run"}),
    Route(
        "GET",
        "/v1/archives/locate",
        "manage_archives",
        "Which archived months may hold an actor, a resource, an action",
        {200: "Located"},
        query=LocateQuery,
    ),
    Route(
        "POST",
        "/v1/archives/{id}/restore",
        "manage_archives",
        "Have an archived month back for a while",
        {202: "Restoring"},
        body=RestoreRequest,
    ),
    Route(
        "POST",
        "/v1/skills",
        "manage_skills",
        "Make a skill, global or a tenant's",
        {201: "SkillHead"},
        body=SkillRequest,
    ),
    Route(
        "GET",
        "/v1/skills",
        "read_skills",
        "A tenant's skills and the global ones that they do not hide",
        {200: "SkillPage"},
        query=SkillSearch,
    ),
    Route(
        "GET",
        "/v1/skills/{refId}",
        "read_skills",
        "One skill with its content",
        {200: "Skill", 304: "Empty"},
        query=TenantChoice,
        precondition="If-None-Match",
    ),
    Route(
        "PUT",
        "/v1/skills/{refId}",
        "manage_skills",
        "Change a skill; the version before stays",
        {200: "SkillHead"},
        body=SkillChange,
        precondition="If-Match",
    ),
    Route(
        "DELETE",
        "/v1/skills/{refId}",
        "manage_skills",
        "Delete a skill; its versions stay, a global one of its name is seen again",
        {204: "Empty"},
        precondition="If-Match",
    ),
    Route(
        "GET",
        "/v1/skills/{refId}/versions",
        "read_skills",
        "A skill's versions, the newest first",
        {200: "SkillPage"},
        query=ListQuery,
    ),
    Route(
        "GET",
        "/v1/skills/{refId}/versions/{version}",
        "read_skills",
        "One version with its content",
        {200: "SkillVersion", 304: "Empty"},
        query=TenantChoice,
        precondition="If-None-Match",
    ),
    Route(
        "GET",
        "/v1/agents/{role}/skills",
        "read_skills",
        "What an agent's role gets, in order: JSON, or one prompt where Accept asks for text/markdown",
        {200: "AgentSkills", 304: "Empty"},
        query=TenantChoice,
        precondition="If-None-Match",
    ),
    Route(
        "POST",
        "/v1/contract-templates",
        "issue_contracts",
        "Publish a version of a contract template",
        {200: "ContractTemplate", 201: "ContractTemplate"},
        body=TemplatePublication,
    ),
    Route(
        "GET",
        "/v1/contract-templates",
        "read_contracts",
        "Versions of contract templates",
        {200: "ContractTemplatePage"},
        query=TemplateSearch,
    ),
    Route(
        "GET",
        "/v1/contract-templates/{name}",
        "read_contracts",
        "The versions of one template, the newest first",
        {200: "ContractTemplateVersions"},
    ),
    Route(
        "GET",
        "/v1/contract-templates/{name}/{version}",
        "read_contracts",
        "One version, with its source",
        {200: "ContractTemplate"},
    ),
    Route(
        "POST",
        "/v1/contracts",
        "issue_contracts",
        "Issue a contract: a sealed PDF/A of a tenant's values",
        {201: "Contract"},
        body=ContractRequest,
    ),
    Route("GET", "/v1/contracts", "read_contracts", "Contracts", {200: "ContractPage"}, query=ContractSearch),
    Route("GET", "/v1/contracts/{refId}", "read_contracts", "One contract", {200: "Contract"}, query=TenantChoice),
    Route(
        "GET",
        "/v1/contracts/{refId}/pdf",
        "read_contracts",
        "Its PDF, by a link of fifteen minutes",
        {303: "Redirect"},
        query=TenantChoice,
    ),
    Route(
        "POST",
        "/v1/contracts/verify",
        "read_contracts",
        "What the file with a SHA-256 is, with the proof that its issue is sealed",
        {200: "ContractVerdict"},
        body=VerificationRequest,
    ),
    Route(
        "POST",
        "/v1/activity-outputs",
        "manage_activity_outputs",
        "Keep what an activity has produced, as a draft",
        {201: "OutputHead"},
        body=OutputRequest,
    ),
    Route(
        "GET",
        "/v1/activity-outputs",
        "manage_activity_outputs",
        "What activities have produced, without the content",
        {200: "OutputPage"},
        query=OutputSearch,
    ),
    Route(
        "GET",
        "/v1/activity-outputs/{refId}",
        "manage_activity_outputs",
        "One output with its content",
        {200: "Output"},
        query=TenantChoice,
    ),
    Route(
        "POST",
        "/v1/activity-outputs/{refId}/approve",
        "manage_activity_outputs",
        "Approve a draft",
        {200: "OutputHead"},
        body=Decision,
        optional_body=True,
    ),
    Route(
        "POST",
        "/v1/activity-outputs/{refId}/reject",
        "manage_activity_outputs",
        "Reject a draft",
        {200: "OutputHead"},
        body=Decision,
        optional_body=True,
    ),
    Route(
        "POST",
        "/v1/activity-outputs/{refId}/publish",
        "manage_activity_outputs",
        "Say where an approved output was published",
        {200: "OutputHead"},
        body=Publication,
    ),
    Route(
        "POST",
        "/v1/onboarding-research",
        "record_content",
        "Keep an onboarding run's research, without any markup",
        {201: "ResearchHead"},
        body=ResearchRequest,
    ),
    Route(
        "GET",
        "/v1/onboarding-research",
        "read_content",
        "A list without texts",
        {200: "ResearchPage"},
        query=ResearchSearch,
    ),
    Route(
        "GET",
        "/v1/onboarding-research/{refId}",
        "read_content",
        "One document with its texts",
        {200: "Research"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/onboarding-research/{refId}/prompt",
        "read_content",
        "Its texts for a prompt, between delimiters that they cannot contain",
        {200: "Prompt"},
        query=TenantChoice,
    ),
    Route(
        "POST",
        "/v1/strategies-content",
        "record_content",
        "Keep a strategy's text, without any markup",
        {201: "StrategyHead"},
        body=StrategyRequest,
    ),
    Route(
        "GET",
        "/v1/strategies-content",
        "read_content",
        "A list without texts",
        {200: "StrategyPage"},
        query=StrategySearch,
    ),
    Route(
        "GET",
        "/v1/strategies-content/{refId}",
        "read_content",
        "One document with its texts",
        {200: "Strategy"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/strategies-content/{refId}/prompt",
        "read_content",
        "Its texts for a prompt, between delimiters that they cannot contain",
        {200: "Prompt"},
        query=TenantChoice,
    ),
    Route(
        "POST",
        "/v1/tool-calls",
        "record_tool_calls",
        "Record a tool call with its input and output",
        {201: "ToolCallReceipt"},
        body=ToolCallRequest,
    ),
    Route(
        "POST",
        "/v1/tool-calls/uploads",
        "record_tool_calls",
        "Announce a body that is too large for a request; the answer is a link to PUT it to",
        {201: "UploadLink"},
        body=UploadRequest,
    ),
    Route("GET", "/v1/tool-calls", "read_tool_calls", "Tool calls", {200: "ToolCallPage"}, query=ToolCallSearch),
    Route(
        "GET",
        "/v1/tool-calls/{refId}",
        "read_tool_calls",
        "One tool call with the heads of its bodies",
        {200: "ToolCall"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/tool-calls/{refId}/input",
        "read_tool_calls",
        "The whole input, byte for byte, or a range of it, or where it is",
        {200: "Body", 206: "Body", 307: "Redirect"},
        query=TenantChoice,
    ),
    Route(
        "GET",
        "/v1/tool-calls/{refId}/output",
        "read_tool_calls",
        "The whole output, byte for byte, or a range of it, or where it is",
        {200: "Body", 206: "Body", 307: "Redirect"},
        query=TenantChoice,
    ),
    Route("GET", "/v1/health", "check_health", "Health", {200: "Health", 503: "Health"}, open=True),
    Route("GET", "/v1/openapi.json", "describe_api", "This document", {200: "Document"}, open=True),
)


def refusal(method: str, path: str) -> ChanceryError:
    """The error of a request that no route serves: MethodNotAllowed on a known path, else NotFound."""
    allowed = sorted({route.method for route in ROUTES if route.pattern.fullmatch(path)})
    if allowed:
        return MethodNotAllowed(f"{path} does not take {method}; it takes {', '.join(allowed)}.", allowed)
    return NotFound("There is no such route; see GET /v1/openapi.json.")
