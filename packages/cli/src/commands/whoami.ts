import { validateKeyResponseSchema } from "@aerostack/contracts";
import { defineCommand } from "../command/define-command.ts";

export const whoamiCommand = defineCommand({
  name: "whoami",
  summary: "Show who the key in use belongs to",
  examples: [{ command: "aerostack whoami", explanation: "Account, server, and where the key comes from" }],
  async run(context) {
    const api = await context.api();
    const credential = await context.credential();
    const baseUrl = await context.baseUrl();
    const identity = await api.call("POST", "/api/v1/cli/validate", validateKeyResponseSchema);
    return {
      data: { server: baseUrl.url, serverSource: baseUrl.source, keySource: credential?.source, ...identity },
      render(terminal) {
        const who: [string, string][] =
          identity.keyType === "account"
            ? [["Account", identity.email ?? identity.userId ?? ""]]
            : [["Project", identity.slug ?? identity.projectId ?? ""]];
        terminal.pairs([
          ...who,
          ["Server", `${baseUrl.url} (${baseUrl.source})`],
          ["Key", `from ${credential?.source ?? ""}`],
        ]);
      },
    };
  },
});
