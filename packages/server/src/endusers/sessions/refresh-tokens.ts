import { createHmac, timingSafeEqual } from "node:crypto";
import { randomText } from "@aerostack/kernel";
import { hashToken } from "../../kernel/crypto/token-hash.ts";

/**
 * Refresh tokens: `rt_<session id>_<130 random bits>_<MAC>`. The session stores the SHA-256 of the one that is valid. The
 * MAC tells a token that was valid once (its reuse ends the session) from one that somebody made up (which must not end
 * anybody's session), so that nothing has to be kept of tokens that were used.
 */
export interface RefreshTokens {
  create(sessionId: string): { readonly token: string; readonly hash: string };
  /** Null for what was never given out. */
  read(token: string): { readonly sessionId: string; readonly hash: string } | null;
}

const RANDOM_CHARACTERS = 26;
const MAC_BYTES = 16;
const FORM = /^rt_(ses_[0-9a-z]{26})_([0-9a-z]{26})_([0-9a-f]{32})$/;

/** @param key 32 bytes, the same on every server. */
export function createRefreshTokens(key: Uint8Array): RefreshTokens {
  function macOf(sessionId: string, random: string): Buffer {
    return createHmac("sha256", key).update(`${sessionId}_${random}`).digest().subarray(0, MAC_BYTES);
  }

  return {
    create(sessionId) {
      const random = randomText(RANDOM_CHARACTERS);
      const token = `rt_${sessionId}_${random}_${macOf(sessionId, random).toString("hex")}`;
      return { token, hash: hashToken(token) };
    },
    read(token) {
      const [, sessionId, random, mac] = FORM.exec(token) ?? [];
      if (sessionId === undefined || random === undefined || mac === undefined) return null;
      if (!timingSafeEqual(macOf(sessionId, random), Buffer.from(mac, "hex"))) return null;
      return { sessionId, hash: hashToken(token) };
    },
  };
}
