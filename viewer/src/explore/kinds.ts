/** What can be explored: the audit trail and each kind of log, with its columns and what the API filters by. */

/** A row of a list, or a whole record. */
export type Row = Readonly<Record<string, unknown>> & { readonly refId: string; readonly createdOn: string };

export interface Kind {
  readonly id: string;
  readonly label: string;
  /** Of the API. */
  readonly path: string;
  /** Fields that the API filters by, equal to one value; other fields are filtered in this page. */
  readonly filters: readonly string[];
  /** The fields of a list's items: whole records have others, by which no list can be filtered. */
  readonly listed: readonly string[];
  /** Columns that are shown where the URL chooses none. */
  readonly columns: readonly string[];
  readonly range: string;
}

const LOG_FILTERS = ["level", "userId", "sessionId", "activityId", "traceId", "fingerprint"];
const LOG_FIELDS = [
  ...[
    "createdOn",
    "level",
    "message",
    "summary",
    "eventType",
    "logger",
    "endpoint",
    "method",
    "statusCode",
    "durationMs",
  ],
  ...["userId", "sessionId", "activityId", "goalId", "actorId", "actorType", "feature", "fingerprint", "release"],
  ...["traceId", "correlationId", "createdBy", "tenantId", "refId"],
];

export const AUDIT: Kind = {
  id: "audit",
  label: "Audit",
  path: "/audit-logs",
  filters: ["action", "actorId", "onBehalfOfId", "resourceType", "resourceId", "traceId"],
  listed: [
    ...["createdOn", "actor", "action", "what", "actorId", "actorName", "actorType", "actorRole", "onBehalfOfId"],
    ...["onBehalfOfName", "resourceType", "resourceId", "resourceName", "description", "ipAddress", "userAgent"],
    ...["traceId", "correlationId", "recordedOn", "recordedBy", "eventId", "tenantId", "tenantName", "digest", "refId"],
  ],
  columns: ["createdOn", "actor", "action", "what"],
  range: "7d",
};

export const KINDS: readonly Kind[] = [
  AUDIT,
  logs("app", "App logs", ["level", "logger", "what"], ["logger"]),
  logs("error", "Error logs", ["level", "endpoint", "what", "userId"], ["endpoint", "logger"]),
  logs("event", "Event logs", ["level", "eventType", "what", "actorId"], ["eventType"]),
  logs("activity", "Activity logs", ["level", "activityId", "what"], []),
  logs("user-activity", "User activity", ["userId", "eventType", "what"], ["eventType"]),
  logs("performance", "Performance", ["endpoint", "method", "statusCode", "durationMs"], ["endpoint"]),
  logs("feature-usage", "Feature usage", ["feature", "userId", "what"], ["feature"]),
];

function logs(id: string, label: string, columns: readonly string[], filters: readonly string[]): Kind {
  return {
    id,
    label,
    path: `/logs/${id}`,
    filters: [...LOG_FILTERS, ...filters],
    listed: ["createdOn", "what", ...LOG_FIELDS.filter((field) => field !== "createdOn")],
    columns: ["createdOn", ...columns],
    range: "24h",
  };
}

/** The kind of an id; the audit trail for another one. */
export function kindOf(id: string | undefined): Kind {
  return KINDS.find((kind) => kind.id === id) ?? AUDIT;
}

const TITLES: Readonly<Record<string, string>> = { createdOn: "When", what: "What", actor: "Actor", durationMs: "ms" };

/** The heading of a column: `resourceType` is `Resource type`. */
export function titleOf(field: string): string {
  const words = field.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`).replace(/ id$/, " id");
  return TITLES[field] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** What a column shows of a row: a field, or one of the two that are composed. */
export function cellOf(row: Row, column: string): unknown {
  if (column === "actor") return row.actorName ?? row.actorId;
  if (column === "what") return summaryOf(row);
  return row[column];
}

function summaryOf(row: Row): string {
  const resource = row.resourceType ? `${row.resourceType}/${row.resourceId}` : "";
  const text = row.description ?? row.resourceName ?? row.message ?? row.summary;
  const fallback = row.eventType ?? row.feature ?? [row.method, row.endpoint, row.statusCode].filter(Boolean).join(" ");
  return [resource, text ?? (resource ? "" : fallback)].filter(Boolean).join("  ");
}

const BAD_VERBS = /\.(?:\w*_)?(?:rejected|failed|denied|refused|revoked|deleted|blocked|missed)$/;

/** How a row is marked: what failed or was refused is `bad`, a warning `warn`. The words are shown as well. */
export function gravityOf(row: Row): "bad" | "warn" | "" {
  const level = row.level;
  if (level === "error" || level === "fatal") return "bad";
  if (level === "warn") return "warn";
  return typeof row.action === "string" && BAD_VERBS.test(row.action) ? "bad" : "";
}
