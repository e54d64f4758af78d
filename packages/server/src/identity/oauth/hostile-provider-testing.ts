// For tests only: a provider that signs whatever it is told to, and that log-ins must not believe.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** How the ID token is wrong. */
export const LIES = [
  "unsigned",
  "other-key",
  "client-secret-as-key",
  "other-audience",
  "other-issuer",
  "other-nonce",
  "no-nonce",
  "expired",
  "without-end",
  "no-id-token",
] as const;
export type Lie = (typeof LIES)[number] | "none";

export async function startHostileProvider(
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
  claims: Record<string, unknown>,
) {
  const keys = await generateKeyPair("RS256");
  const strangers = await generateKeyPair("RS256");
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "k1", alg: "RS256", use: "sig" };
  let issuer = "";
  let claimedIssuer: string | undefined;
  let lie: Lie = "none";
  let nonce = "";

  async function idToken(): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    const body = {
      ...claims,
      iss: lie === "other-issuer" ? "https://accounts.example.com" : issuer,
      aud: lie === "other-audience" ? "somebody-else" : clientId,
      ...(lie === "no-nonce" ? {} : { nonce: lie === "other-nonce" ? "x" : nonce }),
      iat: lie === "expired" ? now - 7_200 : now,
      ...(lie === "without-end" ? {} : { exp: lie === "expired" ? now - 3_600 : now + 300 }),
    };
    if (lie === "unsigned") {
      const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
      return `${part({ alg: "none" })}.${part(body)}.`;
    }
    if (lie === "client-secret-as-key") {
      return await new SignJWT(body).setProtectedHeader({ alg: "HS256" }).sign(Buffer.from(clientSecret));
    }
    const key = lie === "other-key" ? strangers.privateKey : keys.privateKey;
    return await new SignJWT(body).setProtectedHeader({ alg: "RS256", kid: "k1" }).sign(key);
  }

  async function tokens() {
    const bearer = { access_token: "t", token_type: "bearer" };
    return lie === "no-id-token" ? bearer : { ...bearer, id_token: await idToken() };
  }

  const server = createServer((req, res) => {
    const answer = async (): Promise<unknown> => {
      const path = new URL(req.url ?? "", issuer).pathname;
      if (path === "/jwks") return { keys: [jwk] };
      if (path === "/token") return await tokens();
      return {
        issuer: claimedIssuer ?? issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ["code"],
        id_token_signing_alg_values_supported: ["RS256"],
        subject_types_supported: ["public"],
      };
    };
    req.resume().on("end", () => {
      void answer().then((body) => {
        res.setHeader("content-type", "application/json");
        res.end(JSON.stringify(body));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    issuer,
    tell(next: Lie): void {
      lie = next;
    },
    /** What it publishes says that it is another one; undefined: itself. */
    claimToBe(other: string | undefined): void {
      claimedIssuer = other;
    },
    /** The address that it sends a browser back to which it was sent. */
    back(left: URL): URL {
      nonce = left.searchParams.get("nonce") ?? "";
      const returned = new URL(left.searchParams.get("redirect_uri") ?? "");
      returned.searchParams.set("code", "c1");
      returned.searchParams.set("state", left.searchParams.get("state") ?? "");
      return returned;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
