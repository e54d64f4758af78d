import { leakedKeysRequestSchema, leakedKeysResponseSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { limitKeyOfAddress } from "../../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import { readBytes } from "../../kernel/read-body.ts";
import { type GithubReports, readGithubReport } from "./github-reports.ts";
import type { LeakedKeys } from "./leaked-keys.ts";

const TAG = "Leaked keys";
const PER_ADDRESS: LimitPolicy = { limit: 10, windowMs: 60_000 };
/** Of one signed report: 1,000 keys with their addresses. */
const MAX_GITHUB_BYTES = 1024 * 1024;

export interface LeakedKeyRouteOptions {
  readonly leakedKeys: LeakedKeys;
  readonly limiter: Limiter;
  readonly github: GithubReports;
}

export function leakedKeyRoutes({ leakedKeys, limiter, github }: LeakedKeyRouteOptions): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/v1/leaked-keys",
      summary: "Report keys that were found in public",
      description:
        "For everybody who finds one, and for secret scanners. Account keys and secret project keys among them are revoked at once and their owners are told; public keys are made to be seen and stay. The answer does not tell what a key was. Ten reports a minute from one address.",
      tag: TAG,
      auth: "none",
      body: leakedKeysRequestSchema,
      response: { status: 202, schema: leakedKeysResponseSchema },
      handler: async ({ body: { keys, foundAt }, clientAddress }) => {
        await requireAllowed(limiter, `leaked-keys:address:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS);
        await leakedKeys.report(keys, { reporter: "somebody who found it and reported it", foundAt });
        return { received: keys.length };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/leaked-keys/github",
      summary: "Take a report of GitHub's secret scanning",
      description:
        "In the format of GitHub's secret scanning partner program: signed, in the headers `Github-Public-Key-Identifier` and `Github-Public-Key-Signature`. Only where the operator has set `AEROSTACK_SECRET_SCANNING_KEYS`.",
      tag: TAG,
      auth: "none",
      rawBody: {
        contentType: "application/json",
        description: "A list of `{ token, type, url, source }`, as it was signed.",
      },
      maxBodyBytes: MAX_GITHUB_BYTES,
      response: { status: 202, schema: leakedKeysResponseSchema },
      errors: ["NOT_FOUND", "FORBIDDEN", "REQUEST_TOO_LARGE"],
      handler: async ({ request, clientAddress }) => {
        const body = await readBytes(request, MAX_GITHUB_BYTES);
        // Only what is not signed counts: the scanner sends all that it finds from a few addresses.
        await github.requireSignature(request.headers, body, () =>
          requireAllowed(limiter, `leaked-keys:github:${limitKeyOfAddress(clientAddress)}`, PER_ADDRESS),
        );
        const found = readGithubReport(body);
        for (const { token, url } of found) {
          await leakedKeys.report([token], { reporter: "GitHub secret scanning", foundAt: url });
        }
        return { received: found.length };
      },
    }),
  ];
}
