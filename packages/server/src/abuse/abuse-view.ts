import {
  type AbuseFinding,
  type AbuseKind,
  AerostackError,
  DEFAULT_ABUSE_WINDOW_HOURS,
  MAX_ABUSE_WINDOW_DAYS,
} from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { BlockCheck } from "../front-door/blocks/block-check.ts";
import type { Page } from "../kernel/page.ts";
import { type Finding, type FindingSource, idOf, SEVERITY_RANK, showFinding } from "./finding.ts";

/**
 * What looks like abuse (P12), of the whole installation or of one project. Nothing of it is kept: each look works it out of
 * what is stored anyway, so every server sees the same, and what is deleted elsewhere is gone here too.
 */
export interface AbuseView {
  /** The gravest first, then the newest. @throws VALIDATION_ERROR */
  list(request: AbuseRequest): Promise<Page<AbuseFinding>>;
}

export interface AbuseRequest {
  /** Null: of the whole installation. */
  readonly projectId: string | null;
  readonly kind?: AbuseKind | undefined;
  /** ISO 8601. */
  readonly since?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface AbuseViewOptions {
  readonly clock: Clock;
  readonly blocks: Pick<BlockCheck, "of" | "ofAddress">;
  readonly sources: Readonly<Partial<Record<AbuseKind, FindingSource>>>;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** Where a finding stands: what is greater comes first. */
type Place = readonly [rank: number, lastAtMs: number, id: string];

const placeOf = (finding: Finding): Place => [SEVERITY_RANK[finding.severity], finding.lastAtMs, idOf(finding)];

function isBehind([rank, at, id]: Place, other: Place): boolean {
  if (rank !== other[0]) return rank < other[0];
  return at === other[1] ? id > other[2] : at < other[1];
}

export function createAbuseView({ clock, blocks, sources }: AbuseViewOptions): AbuseView {
  function windowOf(since: string | undefined): { sinceMs: number; nowMs: number } {
    const nowMs = clock.now();
    const sinceMs = since === undefined ? nowMs - DEFAULT_ABUSE_WINDOW_HOURS * HOUR_MS : Date.parse(since);
    if (sinceMs > nowMs || sinceMs < nowMs - MAX_ABUSE_WINDOW_DAYS * DAY_MS - HOUR_MS) {
      throw new AerostackError("VALIDATION_ERROR", {
        message: `Findings look back ${MAX_ABUSE_WINDOW_DAYS} days at most, and not ahead.`,
        details: { fieldErrors: { since: [`must be within the last ${MAX_ABUSE_WINDOW_DAYS} days`] } },
      });
    }
    return { sinceMs, nowMs };
  }

  async function blockOf({ subject }: Finding): Promise<string | null> {
    const { kind, id } = subject;
    if (kind === "email_pattern" || kind === "installation") return null;
    const refusal = await (kind === "network" ? blocks.ofAddress(id.split("/", 1)[0] ?? "") : blocks.of(kind, id));
    return refusal === null ? null : String(refusal.details?.block);
  }

  return {
    async list({ projectId, kind, since, limit, cursor }) {
      const after = cursor === undefined ? null : readCursor(cursor);
      const query = { projectId, ...windowOf(since) };
      const found: Finding[] = [];
      for (const source of new Set(kind === undefined ? Object.values(sources) : [sources[kind]])) {
        if (source !== undefined) found.push(...(await source(query)));
      }
      const wanted = found
        .filter((finding) => kind === undefined || finding.kind === kind)
        .map((finding) => [placeOf(finding), finding] as const)
        .filter(([place]) => after === null || isBehind(place, after))
        .sort(([a], [b]) => (isBehind(a, b) ? 1 : -1));
      const page = wanted.slice(0, limit);
      const items = await Promise.all(page.map(async ([, finding]) => showFinding(finding, await blockOf(finding))));
      const last = page.at(-1)?.[0];
      return { items, nextCursor: wanted.length > limit && last !== undefined ? writeCursor(last) : null };
    },
  };
}

function writeCursor(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** @throws VALIDATION_ERROR for what no page of ours ended with */
function readCursor(text: string): Place {
  try {
    const place: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (
      Array.isArray(place) &&
      typeof place[0] === "number" &&
      typeof place[1] === "number" &&
      typeof place[2] === "string"
    ) {
      return [place[0], place[1], place[2]];
    }
  } catch {
    // Not ours.
  }
  throw new AerostackError("VALIDATION_ERROR", {
    message: "The cursor is none of this list.",
    details: { fieldErrors: { cursor: ["must be the nextCursor of the page before"] } },
  });
}
