import { z } from "zod";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";

// Who is kept out by the people who run the installation, since when, until when and why.

export const BLOCK_KINDS = ["network", "account", "end_user", "project", "organisation", "key"] as const;
export const blockKindSchema = z
  .enum(BLOCK_KINDS)
  .describe(
    "`network`: an address or network · `account` · `end_user`: of a project · `project` · `organisation`, with all its projects · `key`: of an account, a project or S3",
  );
export type BlockKind = z.infer<typeof blockKindSchema>;

/** Blocks that are in force at once: every server holds them in memory. */
export const MAX_BLOCKS_IN_FORCE = 10_000;
/** Of the narrowest prefix that a block of a network may have: a wider one is a mistake, or a whole continent. */
export const MIN_BLOCKED_PREFIX_BITS = { 4: 8, 6: 20 } as const;

const subjectSchema = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[\w.:/@+-]+$/, "An id, an address, or a network such as 192.0.2.0/24.")
  .describe(
    "Id of what is blocked; of an account its e-mail address does as well, of a project its slug. For `network` an address, or a network such as 192.0.2.0/24 or 2001:db8::/32",
  );

/** What people write, over several lines if need be. */
const reasonSchema = z
  .string()
  .trim()
  .min(1)
  .max(1_000)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  .regex(/^[^\u0000-\u0009\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]*$/u, "A reason has no control characters.");

export const createBlockRequestSchema = z.strictObject({
  kind: blockKindSchema,
  subject: subjectSchema,
  reason: reasonSchema.describe("Why; for the operators alone, unless it is said to be public"),
  isReasonPublic: z
    .boolean()
    .default(false)
    .describe("True: whoever is refused reads the reason, and so does whoever is told of the block by mail"),
  endsAt: z.iso
    .datetime({ offset: true })
    .optional()
    .describe("When it ends by itself; without it, when somebody lifts it"),
});
export type CreateBlockRequest = z.output<typeof createBlockRequestSchema>;

export const liftBlockRequestSchema = z.strictObject({ reason: reasonSchema.describe("Why it is lifted") });

export const blockStateSchema = z
  .enum(["in_force", "ended", "lifted"])
  .describe("`ended`: its time was over · `lifted`: by an operator");
export type BlockState = z.infer<typeof blockStateSchema>;

export const blockSchema = z.object({
  id: z.string(),
  kind: blockKindSchema,
  subject: z.string(),
  projectId: z.string().nullable().describe("Of an end user, or of a project's key"),
  reason: z.string(),
  isReasonPublic: z.boolean(),
  state: blockStateSchema,
  createdAt: timestampSchema,
  createdBy: z.string().describe("The operator's account"),
  endsAt: timestampSchema.nullable(),
  liftedAt: timestampSchema.nullable(),
  liftedBy: z.string().nullable(),
  liftReason: z.string().nullable(),
});
export type Block = z.infer<typeof blockSchema>;

export const blockResponseSchema = z.object({ block: blockSchema });
export const blockParamsSchema = z.object({ block: z.string().min(1).max(100).describe("The block's id") });
export const listBlocksQuerySchema = pageQuerySchema.extend({
  kind: blockKindSchema.optional(),
  subject: subjectSchema.optional(),
  state: blockStateSchema.optional(),
});
export const listBlocksResponseSchema = z.object({ blocks: z.array(blockSchema), nextCursor: nextCursorSchema });
