import type { Blocks } from "../../front-door/blocks/service.ts";
import type { FindingSource } from "../finding.ts";

const MAX_BLOCKS = 500;

/** Who is kept out now. To a project's own people the reason is shown only where it is public. */
export function createBlockedSource(blocks: Pick<Blocks, "list">): FindingSource {
  return async ({ projectId }) => {
    const filter = { state: "in_force", ...(projectId === null ? {} : { projectId }) } as const;
    const { items } = await blocks.list(filter, { limit: MAX_BLOCKS });
    return items.map((row) => ({
      kind: "blocked",
      severity: "low",
      subject: { kind: row.kind, id: row.subject },
      projectId: row.project_id,
      count: 1,
      firstAtMs: row.created_at,
      lastAtMs: row.created_at,
      summary: projectId === null || row.is_reason_public === 1 ? `Blocked: ${row.reason}` : "Blocked by the operators",
      evidence: projectId === null ? [{ what: "the block", href: `/api/v1/admin/blocks/${row.id}` }] : [],
    }));
  };
}
