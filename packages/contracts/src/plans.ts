import { z } from "zod";

/** What a project may use of realtime. */
export interface RealtimeLimits {
  /** Open at the same time, on all servers together; streams of server-sent events count like WebSockets. */
  readonly connections: number;
  /** One message, as it is sent. */
  readonly messageBytes: number;
  /** Messages of one connection, pings and subscriptions included. */
  readonly messagesPerSecond: number;
  /** What a connection may send at once; it refills by `messagesPerSecond`. */
  readonly messageBurst: number;
  /** Events that are published in a project, from wherever; row changes do not count. */
  readonly publishedPerSecond: number;
  /** Events that are published in a month (UTC), from wherever; row changes do not count. Null: no limit. */
  readonly messagesPerMonth: number | null;
  /** Topics that messages are kept in. Null: no limit. */
  readonly rooms: number | null;
  /** How long messages that were published to be kept can be read. */
  readonly historyDays: number;
}

export interface Plan {
  readonly realtime: RealtimeLimits;
}

export const PLAN_NAMES = ["free", "starter", "pro", "business", "enterprise", "self-hosted"] as const;
export const planNameSchema = z.enum(PLAN_NAMES);
export type PlanName = z.infer<typeof planNameSchema>;

const KIBIBYTE = 1024;

/** What each plan allows. `self-hosted`: bounds that keep a machine alive, not ones that sell the next plan. */
export const PLANS: Readonly<Record<PlanName, Plan>> = {
  free: {
    realtime: {
      connections: 200,
      messageBytes: 64 * KIBIBYTE,
      messagesPerSecond: 50,
      messageBurst: 200,
      publishedPerSecond: 100,
      messagesPerMonth: 50_000,
      rooms: 5,
      historyDays: 7,
    },
  },
  starter: {
    realtime: {
      connections: 1_000,
      messageBytes: 64 * KIBIBYTE,
      messagesPerSecond: 100,
      messageBurst: 200,
      publishedPerSecond: 500,
      messagesPerMonth: 500_000,
      rooms: 50,
      historyDays: 30,
    },
  },
  pro: {
    realtime: {
      connections: 5_000,
      messageBytes: 128 * KIBIBYTE,
      messagesPerSecond: 200,
      messageBurst: 400,
      publishedPerSecond: 2_500,
      messagesPerMonth: 5_000_000,
      rooms: 500,
      historyDays: 90,
    },
  },
  business: {
    realtime: {
      connections: 25_000,
      messageBytes: 256 * KIBIBYTE,
      messagesPerSecond: 500,
      messageBurst: 1_000,
      publishedPerSecond: 10_000,
      messagesPerMonth: 50_000_000,
      rooms: 5_000,
      historyDays: 365,
    },
  },
  enterprise: {
    realtime: {
      connections: 250_000,
      messageBytes: 256 * KIBIBYTE,
      messagesPerSecond: 1_000,
      messageBurst: 2_000,
      publishedPerSecond: 50_000,
      messagesPerMonth: null,
      rooms: null,
      historyDays: 3_650,
    },
  },
  "self-hosted": {
    realtime: {
      connections: 250_000,
      messageBytes: 256 * KIBIBYTE,
      messagesPerSecond: 1_000,
      messageBurst: 2_000,
      publishedPerSecond: 50_000,
      messagesPerMonth: null,
      rooms: null,
      historyDays: 3_650,
    },
  },
};

export const realtimeLimitsSchema = z.object({
  connections: z.number().int(),
  messageBytes: z.number().int(),
  messagesPerSecond: z.number().int(),
  messageBurst: z.number().int(),
  publishedPerSecond: z.number().int(),
  messagesPerMonth: z.number().int().nullable(),
  rooms: z.number().int().nullable(),
  historyDays: z.number().int(),
});
export const projectPlanResponseSchema = z.object({
  plan: planNameSchema,
  isDefault: z.boolean().describe("True: nothing was chosen, so the installation's default counts"),
  realtime: realtimeLimitsSchema,
});
/** Of any project, for an admin of the installation. */
export const installationProjectParamsSchema = z.object({
  id: z.string().min(1).max(100).describe("The project's id or slug"),
});
export const setProjectPlanRequestSchema = z.strictObject({
  plan: planNameSchema.nullable().describe("null: the installation's default"),
});
