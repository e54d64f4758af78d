import { DEFAULT_LIMITS, type HostLimits } from "../limits.ts";

/** Limits of D1 that hold before the engine sees a request. */
export type D1Limits = Pick<
  HostLimits,
  "maxSqlBytes" | "maxParameters" | "maxValueBytes" | "maxBatchStatements" | "maxTransactionMs"
>;

export const DEFAULT_D1_LIMITS: D1Limits = DEFAULT_LIMITS;

/** One request. A blob travels as a list of numbers, so the largest value may take four times its bytes. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;
/** Bodies that one project may have on their way in at once. */
export const MAX_INCOMING_BYTES_PER_PROJECT = 4 * MAX_BODY_BYTES;
/** Bodies up to this size do not ask the budget. */
export const SMALL_BODY_BYTES = 64 * 1024;
/** Texts, names, lists and objects of one larger body: see `hasMoreParts`. A full batch of 1,000 statements has 103,000. */
export const MAX_BODY_PARTS = 200_000;
