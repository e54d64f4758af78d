export type EtagMatch = { readonly type: "strong" | "weak"; readonly value: string } | { readonly type: "wildcard" };

/** When an operation is to be done: R2's `onlyIf`. Times are milliseconds since the epoch. */
export interface ObjectCondition {
  /** If-Match */
  readonly etagMatches?: readonly EtagMatch[] | undefined;
  /** If-None-Match */
  readonly etagDoesNotMatch?: readonly EtagMatch[] | undefined;
  /** If-Unmodified-Since */
  readonly uploadedBefore?: number | undefined;
  /** If-Modified-Since */
  readonly uploadedAfter?: number | undefined;
  /** Compares whole seconds, as HTTP headers do. */
  readonly secondsGranularity: boolean;
}

const MS_PER_SECOND = 1000;

/**
 * Whether an object meets a condition. An etag that is compared decides over the time that goes with it (RFC 9110,
 * section 13.2.2); an object that is not there meets only what asks for none.
 */
export function meetsCondition(
  condition: ObjectCondition,
  object: { readonly etag: string; readonly uploadedAt: number } | undefined,
): boolean {
  const { etagMatches, etagDoesNotMatch, uploadedBefore, uploadedAfter } = condition;
  if (object === undefined) return etagMatches === undefined && uploadedAfter === undefined;
  const time = (ms: number): number =>
    condition.secondsGranularity ? Math.floor(ms / MS_PER_SECOND) * MS_PER_SECOND : ms;
  const uploaded = time(object.uploadedAt);

  if (etagMatches !== undefined) {
    if (!includesEtag(etagMatches, object.etag, "strong")) return false;
  } else if (uploadedBefore !== undefined && !(uploaded < time(uploadedBefore))) {
    return false;
  }
  if (etagDoesNotMatch !== undefined) return !includesEtag(etagDoesNotMatch, object.etag, "weak");
  return uploadedAfter === undefined || time(uploadedAfter) < uploaded;
}

/** A weak etag never matches in a strong comparison (RFC 9110, section 8.8.3.2). */
function includesEtag(matches: readonly EtagMatch[], etag: string, comparison: "strong" | "weak"): boolean {
  return matches.some(
    (match) =>
      match.type === "wildcard" || (match.value === etag && (match.type === "strong" || comparison === "weak")),
  );
}
