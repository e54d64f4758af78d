import { expect } from "vitest";
import type { ThirdPartyProgram } from "./third-party-program.ts";

export const joseTokens: ThirdPartyProgram = {
  name: "jose-tokens",
  secrets: { SIGNING_SECRET: "a shared secret of thirty-two ch" },
  guarantees: {
    async "jose signs and verifies with every family of algorithms, encrypts, and refuses what it must"(call) {
      const answer = await call("/");
      expect(await answer.json()).toEqual({
        signed: {
          HS256: "ada",
          ES256: "ada",
          "ES256 from PKCS8": "ES256",
          RS256: "ada",
          "RS256 from PKCS8": "RS256",
          PS384: "ada",
          "PS384 from PKCS8": "PS384",
          EdDSA: "ada",
          "EdDSA from PKCS8": "EdDSA",
        },
        decrypted: 1234,
        thumbprint: 43,
        refused: {
          forged: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
          expired: "ERR_JWT_EXPIRED",
          audience: "ERR_JWT_CLAIM_VALIDATION_FAILED",
          unsecured: expect.stringMatching(/^ERR_/),
          otherKey: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
        },
      });
    },
  },
};
