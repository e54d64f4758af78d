import { z } from "zod";

export const MAX_TOPIC_CHARACTERS = 256;
export const MAX_EVENT_CHARACTERS = 100;
export const MAX_HISTORY_LIMIT = 200;

const topicSchema = z.string().min(1).max(MAX_TOPIC_CHARACTERS);
const eventSchema = z.string().min(1).max(MAX_EVENT_CHARACTERS);
const clientIdSchema = z.string().min(1).max(100);

/** What a client sends over its WebSocket, as JSON text. */
export const clientFrameSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("subscribe"),
    topic: topicSchema,
    filter: z.record(z.string(), z.unknown()).nullish(),
    /** Of the last event that was seen: what came after it is sent again, as far as it is still known. */
    since: z.number().nullish(),
  }),
  z.object({ type: z.literal("unsubscribe"), topic: topicSchema }),
  z.object({
    type: z.literal("publish"),
    topic: topicSchema,
    event: eventSchema,
    data: z.unknown(),
    persist: z.boolean().nullish(),
    id: clientIdSchema.nullish(),
  }),
  z.object({ type: z.literal("track"), topic: topicSchema, state: z.record(z.string(), z.unknown()).nullish() }),
  z.object({ type: z.literal("untrack"), topic: topicSchema }),
  z.object({
    type: z.literal("chat"),
    roomId: z.string().min(1).max(MAX_TOPIC_CHARACTERS),
    text: z.string().max(10_000),
    metadata: z.record(z.string(), z.unknown()).nullish(),
  }),
  z.object({ type: z.literal("ping") }),
  z.object({ type: z.literal("auth"), token: z.string().min(1).max(8_000) }),
]);
export type ClientFrame = z.output<typeof clientFrameSchema>;

export const publishRequestSchema = z.object({
  topic: topicSchema,
  event: eventSchema,
  data: z.unknown(),
  persist: z.boolean().nullish(),
});
export const publishResponseSchema = z.object({ success: z.literal(true), topic: z.string() });

export const historyQuerySchema = z.object({
  room: topicSchema.describe("The topic, in full or as it was subscribed to."),
  limit: z.coerce.number().int().min(1).max(MAX_HISTORY_LIMIT).default(50),
  before: z.string().max(100).optional().describe("Unix milliseconds, or the id of a message."),
  projectId: z.string().max(100).optional(),
});
export const streamQuerySchema = z.object({
  topic: topicSchema.describe("As it is subscribed to; may stand several times."),
  projectId: z.string().max(100).optional(),
  token: z.string().max(8_000).optional().describe("A user's access token, where no header can be sent"),
  lastEventId: z.string().max(1_000).optional().describe("Instead of the header Last-Event-ID"),
});
export const historyResponseSchema = z.object({
  /** The newest first. */
  messages: z.array(
    z.object({
      id: z.string(),
      room_id: z.string(),
      user_id: z.string().nullable(),
      event: z.string(),
      data: z.unknown(),
      /** Unix milliseconds. */
      created_at: z.number(),
    }),
  ),
});

const MAX_RULES = 100;
/** `public` everybody with a key; `signed-in` users; `owner` the user whose id stands for `{userId}`; `none` secret keys alone. */
export const realtimeAudienceSchema = z.enum(["public", "signed-in", "owner", "none"]);
export const realtimeRuleSchema = z
  .strictObject({
    pattern: z
      .string()
      .min(1)
      .max(MAX_TOPIC_CHARACTERS)
      .regex(
        /^(?:[^/{}*\s]+|\{\w{1,40}\})(?:\/(?:[^/{}*\s]+|\{\w{1,40}\}))*(?:\/\*)?$|^\*$/,
        "A pattern is parts between slashes: words, {names}, and * at the end, such as room/{id}.",
      ),
    listen: realtimeAudienceSchema.default("public"),
    publish: realtimeAudienceSchema.default("none"),
  })
  .refine(({ pattern, listen, publish }) => ![listen, publish].includes("owner") || pattern.includes("{userId}"), {
    error: "'owner' needs {userId} in the pattern.",
    path: ["pattern"],
  })
  .refine(({ pattern, publish }) => !pattern.startsWith("table/") || publish === "none", {
    error: "Nobody publishes to a table: its rows are written.",
    path: ["publish"],
  });
export type RealtimeRule = z.output<typeof realtimeRuleSchema>;
export const realtimeRulesSchema = z.array(realtimeRuleSchema).max(MAX_RULES);
export const realtimeRulesRequestSchema = z.strictObject({ rules: realtimeRulesSchema });
export const realtimeRulesResponseSchema = z.object({ rules: realtimeRulesSchema });

export const realtimeUsageResponseSchema = z.object({
  month: z.string().describe("Such as `2026-06`, in UTC"),
  messages: z.number().int(),
  /** Of the plan; null: none. */
  limit: z.number().int().nullable(),
  rooms: z.number().int().describe("Topics that messages are kept in"),
  /** Of the plan; null: none. */
  roomLimit: z.number().int().nullable(),
});
