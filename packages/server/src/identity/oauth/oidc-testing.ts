// For tests only: a real OpenID provider, and a browser that logs in there without being asked.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";

export interface OidcAccount {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly name?: string;
  readonly groups?: readonly string[];
}

export interface OidcTestOptions {
  readonly redirectUri: string;
  /** Who is sitting at the browser. */
  readonly account: () => OidcAccount;
  /** True: the person says no. */
  readonly refuses?: () => boolean;
}

export const OIDC_CLIENT = { clientId: "shop", clientSecret: "client-secret-of-the-shop" };

export async function startOidcProvider({ redirectUri, account, refuses = () => false }: OidcTestOptions) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: OIDC_CLIENT.clientId,
        client_secret: OIDC_CLIENT.clientSecret,
        redirect_uris: [redirectUri],
        response_types: ["code"],
        grant_types: ["authorization_code"],
      },
    ],
    cookies: { keys: ["test"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    features: { devInteractions: { enabled: false } },
    pkce: { required: () => true },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...account() }) }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client?.clientId ?? "",
        accountId: ctx.oidc.session?.accountId ?? "",
      });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  });
  const serve = provider.callback();
  server.on("request", (req, res) => {
    if (req.url?.startsWith("/interaction/") !== true) {
      void serve(req, res);
      return;
    }
    const outcome = refuses()
      ? { error: "access_denied", error_description: "<script>no</script>" }
      : { login: { accountId: account().sub } };
    void provider.interactionFinished(req, res, outcome);
  });

  /** Opens an address as a browser does, and follows it until it leads away from the provider. */
  async function browse(url: string): Promise<URL> {
    const jar = new Map<string, string>();
    for (let next = new URL(url), hops = 0; hops < 20; hops++) {
      if (next.origin !== issuer) return next;
      const answer = await fetch(next, {
        redirect: "manual",
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; ") },
      });
      for (const cookie of answer.headers.getSetCookie()) {
        const [pair = ""] = cookie.split(";");
        jar.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
      }
      const location = answer.headers.get("location");
      if (location === null) throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`);
      next = new URL(location, next);
    }
    throw new Error("the provider sends the browser round and round");
  }

  return {
    issuer,
    browse,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
