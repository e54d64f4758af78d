import {
  type Block,
  blockParamsSchema,
  blockResponseSchema,
  createBlockRequestSchema,
  liftBlockRequestSchema,
  listBlocksQuerySchema,
  listBlocksResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso, toIsoOrNull } from "../../kernel/page.ts";
import { type BlockRow, stateOf } from "./block-store.ts";
import type { Blocks } from "./service.ts";

const TAG = "Abuse";
const BLOCKS = "/api/v1/admin/blocks";

export interface BlockRoutesOptions {
  readonly blocks: Blocks;
  readonly now: () => number;
}

export function createBlockRoutes({ blocks, now }: BlockRoutesOptions): Route[] {
  const common = { tag: TAG, auth: "admin" } as const;
  return [
    defineRoute({
      ...common,
      method: "get",
      path: BLOCKS,
      summary: "List who is kept out, and who was",
      description: "Newest first. What is over stays in the list.",
      query: listBlocksQuerySchema,
      response: { status: 200, schema: listBlocksResponseSchema },
      async handler({ query }) {
        const { items, nextCursor } = await blocks.list(query, query);
        return { blocks: items.map((row) => showBlock(row, now())), nextCursor };
      },
    }),
    defineRoute({
      ...common,
      method: "post",
      path: BLOCKS,
      summary: "Keep somebody out",
      description:
        "An address or network, an account, a user of a project, a project, an organisation with its projects, or a key. In force on every server within a second: whoever is blocked is answered `BLOCKED`, and what they have open ends. An account, and the owners of a project or organisation, are told by mail. Nobody blocks themselves, the last administrator, or this machine.",
      body: createBlockRequestSchema,
      bodyIsContent: true,
      response: { status: 201, schema: blockResponseSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      idempotent: true,
      handler: async ({ principal, clientAddress, body }) => ({
        block: showBlock(await blocks.add({ principal, clientAddress }, body), now()),
      }),
    }),
    defineRoute({
      ...common,
      method: "get",
      path: `${BLOCKS}/:block`,
      summary: "Read a block",
      params: blockParamsSchema,
      response: { status: 200, schema: blockResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ params }) => ({ block: showBlock(await blocks.find(params.block), now()) }),
    }),
    defineRoute({
      ...common,
      method: "post",
      path: `${BLOCKS}/:block/lift`,
      summary: "Let somebody in again",
      description: "The block stays in the list, with who lifted it and why.",
      params: blockParamsSchema,
      body: liftBlockRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: blockResponseSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ principal, clientAddress, params, body }) => ({
        block: showBlock(await blocks.lift({ principal, clientAddress }, params.block, body.reason), now()),
      }),
    }),
  ];
}

export function showBlock(row: BlockRow, nowMs: number): Block {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    projectId: row.project_id,
    reason: row.reason,
    isReasonPublic: row.is_reason_public === 1,
    state: stateOf(row, nowMs),
    createdAt: toIso(row.created_at),
    createdBy: row.created_by,
    endsAt: toIsoOrNull(row.ends_at),
    liftedAt: toIsoOrNull(row.lifted_at),
    liftedBy: row.lifted_by,
    liftReason: row.lift_reason,
  };
}
