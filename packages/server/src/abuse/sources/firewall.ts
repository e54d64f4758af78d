import { isLoopbackHost } from "../../kernel/config.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { type Finding, type FindingSource, severityOf } from "../finding.ts";

/** As far as hits are looked at. */
interface HitTables {
  firewall_hits: {
    project_id: string;
    day: number;
    action: string;
    count: number;
    first_at: number;
    last_at: number;
    last_ip: string | null;
  };
}

const DAY_MS = 24 * 60 * 60_000;
/** Lines of hits, each of many that are alike. */
const MAX_LINES = 2_000;
const MEDIUM = 10;
const HIGH = 100;

/** Attacks that the firewall found, by the address that they came from last and the project that they went to. */
export function createFirewallSource(untyped: Sql<unknown>): FindingSource {
  const { db } = untyped.withTables<HitTables>();
  return async ({ sinceMs, projectId }) => {
    let query = db
      .selectFrom("firewall_hits")
      .select(["project_id", "action", "count", "first_at", "last_at", "last_ip"])
      .where("day", ">=", Math.floor(sinceMs / DAY_MS) * DAY_MS)
      .where("last_at", ">=", sinceMs)
      .where("last_ip", "is not", null);
    if (projectId !== null) query = query.where("project_id", "=", projectId);
    const lines = await query.orderBy("last_at", "desc").limit(MAX_LINES).execute();
    return [...Map.groupBy(lines, (line) => `${line.last_ip} ${line.project_id}`).values()].flatMap(
      (own): Finding[] => {
        const [first] = own;
        if (first === undefined || first.last_ip === null || isLoopbackHost(first.last_ip)) return [];
        const count = own.reduce((sum, line) => sum + line.count, 0);
        const blocked = own.filter(({ action }) => action === "blocked").reduce((sum, line) => sum + line.count, 0);
        const project = first.project_id === "" ? null : first.project_id;
        return [
          {
            kind: "firewall",
            severity: severityOf(count, MEDIUM, HIGH),
            subject: { kind: "network", id: `${first.last_ip}/${first.last_ip.includes(":") ? 128 : 32}` },
            projectId: project,
            count,
            firstAtMs: Math.min(...own.map((line) => line.first_at)),
            lastAtMs: Math.max(...own.map((line) => line.last_at)),
            summary: `${count} attacks found, ${blocked} of them refused`,
            evidence: [
              {
                what: "hits of the firewall",
                href: project === null ? "/api/v1/admin/firewall/hits" : `/api/v1/projects/${project}/firewall/hits`,
              },
            ],
          },
        ];
      },
    );
  };
}
