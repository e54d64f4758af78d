import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "@aerostack/kernel";

/**
 * The credential that travels with each call to a function (`x-as-dispatch-token`), with which the function's code calls
 * the platform back for its own project. Any node can check it; nothing is stored.
 *
 * Form: `<expiry in Unix seconds, base 36>.<HMAC-SHA256 of project id and expiry, base64url>`.
 */
export interface DispatchTokens {
  /** A token for the project, valid for 15 to 16 minutes. */
  issue(projectId: string): string;
  verify(projectId: string, token: string): boolean;
}

const LIFETIME_SECONDS = 15 * 60;
const STEP_SECONDS = 60;
const MAX_CACHED = 10_000;

export function createDispatchTokens(key: Uint8Array, clock: Clock): DispatchTokens {
  let cacheStep = 0;
  let cache = new Map<string, string>();

  function sign(projectId: string, expiry: string): Buffer {
    return createHmac("sha256", key).update(`${projectId}\n${expiry}`).digest();
  }

  return {
    issue(projectId) {
      // One token per project and minute: signing each call would cost as much as all other headers together.
      const step = Math.floor(clock.now() / 1000 / STEP_SECONDS);
      if (step !== cacheStep || cache.size > MAX_CACHED) {
        cacheStep = step;
        cache = new Map();
      }
      let token = cache.get(projectId);
      if (token === undefined) {
        const expiry = ((step + 1) * STEP_SECONDS + LIFETIME_SECONDS).toString(36);
        token = `${expiry}.${sign(projectId, expiry).toString("base64url")}`;
        cache.set(projectId, token);
      }
      return token;
    },
    verify(projectId, token) {
      const dot = token.indexOf(".");
      if (dot <= 0) return false;
      const expiry = token.slice(0, dot);
      const given = Buffer.from(token.slice(dot + 1), "base64url");
      const expected = sign(projectId, expiry);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
      return Number.parseInt(expiry, 36) * 1000 > clock.now();
    },
  };
}
