import { z } from "zod";
import { displayNameSchema, nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";
import { keyFactsShape, newKeyLimitsShape } from "./keys.ts";

export const projectSchema = z.object({
  id: z.string(),
  name: z.string(),
  slug: z.string().describe("Part of the project's addresses; never changes"),
  url: z.string().describe("Where the project's functions answer"),
  organisationId: z.string().describe("The organisation that owns the project"),
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type Project = z.infer<typeof projectSchema>;

export const projectParamsSchema = z.object({
  project: z.string().min(1).max(100).describe("The project's id or slug"),
});
const organisationIdSchema = z.string().min(1).max(100);
export const createProjectRequestSchema = z.object({
  name: displayNameSchema(2),
  organisation: organisationIdSchema.optional().describe("Which organisation owns it; without it the account's own"),
});
export const listProjectsQuerySchema = pageQuerySchema.extend({
  organisation: organisationIdSchema.optional().describe("Only the projects of this organisation"),
});
export const renameProjectRequestSchema = z.object({ name: displayNameSchema(2) });
export const projectResponseSchema = z.object({ project: projectSchema });
export const listProjectsResponseSchema = z.object({ projects: z.array(projectSchema), nextCursor: nextCursorSchema });
export const deleteProjectQuerySchema = z.object({
  confirm: z.string().optional().describe("The project's slug, so that nothing is deleted by mistake"),
});

export const projectKeyKindSchema = z.enum(["public", "secret"]);
export type ProjectKeyKind = z.infer<typeof projectKeyKindSchema>;

export const projectKeySchema = z.object({ ...keyFactsShape, kind: projectKeyKindSchema });
export type ProjectKey = z.infer<typeof projectKeySchema>;

export const projectKeyParamsSchema = projectParamsSchema.extend({ key: z.string().min(1).max(100) });
export const createProjectKeyRequestSchema = z.object({
  name: displayNameSchema(1),
  kind: projectKeyKindSchema,
  ...newKeyLimitsShape,
});
export const createProjectKeyResponseSchema = z.object({
  key: projectKeySchema,
  secret: z.string().describe("The key itself, shown this once"),
});
export const listProjectKeysResponseSchema = z.object({
  keys: z.array(projectKeySchema),
  nextCursor: nextCursorSchema,
});
