import { z } from "zod";
import { emailSchema } from "./accounts.ts";
import { displayNameSchema, nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";

const MAX_SUBJECT_CHARACTERS = 200;
const MAX_TEXT_CHARACTERS = 10_000;
const MAX_TOKEN_CHARACTERS = 200;

export const SUPPORT_TOPICS = ["support", "privacy", "security"] as const;
export const supportTopicSchema = z.enum(SUPPORT_TOPICS);
export type SupportTopic = z.infer<typeof supportTopicSchema>;

export const SUPPORT_STATUSES = ["open", "answered", "closed"] as const;
export const supportStatusSchema = z
  .enum(SUPPORT_STATUSES)
  .describe("`open`: the person wrote last · `answered`: the operator did · `closed`: until the person writes again");
export type SupportStatus = z.infer<typeof supportStatusSchema>;

const subjectSchema = z
  .string()
  .trim()
  .min(1)
  .max(MAX_SUBJECT_CHARACTERS)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  .regex(/^[^\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]*$/u, "A subject is one line without control characters.");

/** Plain text with line breaks and tabs, and no other control character. */
const textSchema = z
  .string()
  .trim()
  .min(1)
  .max(MAX_TEXT_CHARACTERS)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/u, "A message is plain text without control characters.");

const threadTokenSchema = z.string().min(1).max(MAX_TOKEN_CHARACTERS).describe("From the link in the mail");

export const newConversationRequestSchema = z.object({
  topic: supportTopicSchema.default("support"),
  email: emailSchema.describe("Where the answer goes"),
  name: displayNameSchema(1).optional(),
  subject: subjectSchema,
  text: textSchema,
});
export const newConversationResponseSchema = z.object({
  received: z.literal(true).describe("The link to the conversation goes to the e-mail address and nowhere else"),
});

export const newAccountConversationRequestSchema = newConversationRequestSchema.omit({ email: true, name: true });

export const supportMessageSchema = z.object({
  id: z.string(),
  author: z.enum(["person", "operator"]),
  from: z.string().nullable().describe("The address that a mail came from; null for what was written on a page"),
  text: z.string(),
  createdAt: timestampSchema,
});

export const supportConversationSchema = z.object({
  id: z.string(),
  topic: supportTopicSchema,
  subject: z.string(),
  status: supportStatusSchema,
  createdAt: timestampSchema,
  updatedAt: timestampSchema.describe("When its last message came"),
});
export type SupportConversation = z.infer<typeof supportConversationSchema>;

export const supportThreadSchema = z.object({
  conversation: supportConversationSchema,
  messages: z.array(supportMessageSchema).describe("Oldest first; at most the newest 200"),
});

export const readThreadRequestSchema = z.object({ token: threadTokenSchema });
export const writeThreadRequestSchema = z.object({ token: threadTokenSchema, text: textSchema });

export const listConversationsResponseSchema = z.object({
  conversations: z.array(supportConversationSchema),
  nextCursor: nextCursorSchema,
});

export const conversationParamsSchema = z.object({ conversation: z.string().min(1).max(100) });
export const newMessageRequestSchema = z.object({ text: textSchema });

/** What an operator sees beside it. */
export const operatorConversationSchema = supportConversationSchema.extend({
  email: z.string(),
  name: z.string().nullable(),
  accountId: z.string().nullable().describe("Where the person was logged in"),
});
export type OperatorConversation = z.infer<typeof operatorConversationSchema>;

export const operatorConversationsQuerySchema = pageQuerySchema.extend({
  status: supportStatusSchema.optional(),
  topic: supportTopicSchema.optional(),
});
export const operatorConversationsResponseSchema = z.object({
  conversations: z.array(operatorConversationSchema),
  nextCursor: nextCursorSchema,
});
export const operatorThreadSchema = supportThreadSchema.extend({ conversation: operatorConversationSchema });
export const changeConversationRequestSchema = z.object({ status: z.enum(["open", "closed"]) });
export const operatorConversationResponseSchema = z.object({ conversation: operatorConversationSchema });

export const inboundMailResponseSchema = z.object({
  received: z.boolean().describe("False for what is no message of a person, such as an out-of-office reply"),
});
