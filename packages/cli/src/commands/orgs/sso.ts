import {
  type SetSignOnRequest,
  signOnDomainResponseSchema,
  signOnResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import type { z } from "zod";
import { apiPath } from "../../api/api-client.ts";
import { usageError } from "../../command/cli-error.ts";
import type { CommandContext } from "../../command/context.ts";
import { defineCommand } from "../../command/define-command.ts";
import { flag, list, text } from "../../command/option.ts";
import { readSecretFromStdin } from "../../command/read-input.ts";
import type { Terminal } from "../../output/terminal.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";
import { findOrganisation, organisationArgument } from "./find-organisation.ts";

type SignOn = z.infer<typeof signOnResponseSchema>;

export const orgsSsoCommand = defineCommand({
  name: "sso",
  summary: "Show or set how an organisation's people log in",
  details: [
    "By a provider of OpenID Connect of its own, for e-mail addresses of domains that are proven. What is not named stays as it is.",
    "The client secret comes from standard input, or is asked for without being shown; never from the command line.",
  ],
  arguments: { organisation: organisationArgument },
  options: {
    issuer: text("url", "The provider"),
    clientId: text("id", "What the provider knows this installation by"),
    newSecret: flag("Read a client secret"),
    role: list("group=role", "Which role a group of the provider has; the first that fits decides"),
    defaultRole: text("role", "Of who has none of the groups; `none`: they are no members"),
    required: text("on|off", "Whether members other than owners have to log in so"),
    addDomain: text("domain", "Begin to prove a domain: shows its record"),
    verifyDomain: text("domain", "Look for the record in the DNS"),
    remove: flag("Have no single sign-on any more"),
    dryRun: dryRunOption,
  },
  examples: [
    { command: "aerostack orgs sso Engines", explanation: "What is set, and the address to register at the provider" },
    {
      command: "aerostack orgs sso Engines --issuer https://id.example.com --client-id aerostack --new-secret",
      explanation: "Asks for the client secret",
    },
    { command: "aerostack orgs sso Engines --add-domain example.com", explanation: "Prints the DNS record" },
  ],
  async run(context, { args, options }) {
    const api = await context.api();
    const { id, name } = await findOrganisation(api, args.organisation);
    const path = apiPath("organisations", id, "sign-on");
    const domainPath = (...more: string[]) => apiPath("organisations", id, "sign-on", "domains", ...more);
    const { addDomain, verifyDomain, remove, dryRun } = options;
    const changes = await changesOf(context, options);
    const asked = [addDomain !== undefined, verifyDomain !== undefined, remove, Object.keys(changes).length > 0];
    if (asked.filter(Boolean).length > 1) throw usageError("Settings, a domain and --remove are given one at a time.");
    if (dryRun && !remove) throw usageError("--dry-run goes with --remove.");
    if (remove) {
      return destroy(context, {
        verb: ["remove", "Removing", "Removed"],
        what: `the single sign-on of ${name}`,
        facts: { organisation: { id, name } },
        dryRun,
        work: () => api.call("DELETE", path, successSchema),
      });
    }
    if (addDomain !== undefined || verifyDomain !== undefined) {
      const answer =
        addDomain === undefined
          ? await api.call("POST", domainPath(verifyDomain ?? "", "verify"), signOnDomainResponseSchema)
          : await api.call("POST", domainPath(), signOnDomainResponseSchema, { json: { domain: addDomain } });
      const { domain, record, verifiedAt } = answer.domain;
      return {
        data: answer,
        render: (terminal) =>
          terminal.pairs([
            ["Domain", domain],
            ["Proven", verifiedAt ?? "not yet"],
            ["TXT record", record.name],
            ["Value", record.value],
          ]),
      };
    }
    const shown = await api.call("GET", path, signOnResponseSchema);
    if (Object.keys(changes).length === 0) return { data: shown, render: (terminal) => describe(terminal, shown) };
    const { updatedAt: _, ...current } = shown.signOn ?? { updatedAt: "" };
    const answer = await context.terminal.step(
      `Setting the single sign-on of ${name}`,
      () => api.call("PUT", path, signOnResponseSchema, { json: { ...current, ...changes } }),
      () => `Set the single sign-on of ${name}`,
    );
    return { data: answer, render: (terminal) => describe(terminal, answer) };
  },
});

interface SsoOptions {
  readonly issuer: string | undefined;
  readonly clientId: string | undefined;
  readonly newSecret: boolean;
  readonly role: readonly string[];
  readonly defaultRole: string | undefined;
  readonly required: string | undefined;
}

async function changesOf(context: CommandContext, options: SsoOptions): Promise<Partial<SetSignOnRequest>> {
  const { issuer, clientId, newSecret, role, defaultRole, required } = options;
  if (required !== undefined && required !== "on" && required !== "off") {
    throw usageError(`--required is '${required}'; it can be on, off.`);
  }
  const { stdin } = context.surroundings;
  const readSecret = async () =>
    stdin.isTTY === true
      ? await context.prompts.password("Client secret", { fix: "Pass it on standard input." })
      : await readSecretFromStdin(stdin, "client secret");
  return {
    ...(issuer === undefined ? {} : { issuer }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(newSecret ? { clientSecret: await readSecret() } : {}),
    ...(role.length === 0 ? {} : { roles: role.map(roleOfGroup) }),
    ...(defaultRole === undefined ? {} : { defaultRole: defaultRole === "none" ? null : defaultRole }),
    ...(required === undefined ? {} : { required: required === "on" }),
  };
}

/** A group may hold an equals sign; a role holds none. */
function roleOfGroup(given: string) {
  const [, group, role] = /^(.+)=([^=]+)$/.exec(given) ?? [];
  if (group === undefined || role === undefined) throw usageError(`--role is '${given}'; it is <group>=<role>.`);
  return { group, role };
}

function describe(terminal: Terminal, { signOn, callbackUrl, domains }: SignOn): void {
  if (signOn === null) terminal.note("No single sign-on.");
  terminal.pairs([
    ...(signOn === null
      ? []
      : ([
          ["Issuer", signOn.issuer],
          ["Client", signOn.clientId],
          ["Roles", signOn.roles.map(({ group, role }) => `${group} → ${role}`).join(", ")],
          ["Others", signOn.defaultRole ?? "no members"],
          ["Required", signOn.required ? "yes" : "no"],
        ] as [string, string][])),
    ["Callback", callbackUrl],
    ...domains.map(({ domain, verifiedAt }): [string, string] => [
      "Domain",
      `${domain} (${verifiedAt === null ? "not proven" : "proven"})`,
    ]),
  ]);
}
