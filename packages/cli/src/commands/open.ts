import { functionResponseSchema, projectResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../api/api-client.ts";
import { optional } from "../command/argument.ts";
import { usageError } from "../command/cli-error.ts";
import { defineCommand } from "../command/define-command.ts";
import { browserAddress } from "../output/browser-address.ts";
import { chosenFunction, functionOption } from "./shared-options.ts";

export const openCommand = defineCommand({
  name: "open",
  summary: "Open the function, the dashboard or the API reference in a browser",
  arguments: { what: optional("function (the default), dashboard or docs") },
  options: { function: functionOption },
  examples: [{ command: "aerostack open", explanation: "The deployed function" }],
  async run(context, { args, options }) {
    const what = args.what ?? "function";
    const url = browserAddress(await addressOf(what));
    const opened = await context.surroundings.openBrowser(url);
    return {
      data: { what, url, opened },
      render(terminal) {
        terminal.line(url);
        if (!opened) terminal.note("There is no browser to open on this machine; the address is above.");
      },
    };

    async function addressOf(target: string): Promise<string> {
      if (target === "dashboard") return (await context.baseUrl()).url;
      if (target === "docs") return `${(await context.baseUrl()).url}/api/docs`;
      if (target !== "function")
        throw usageError(`There is no '${target}' to open.`, "It is function, dashboard or docs.");
      const project = await context.project();
      const api = await context.api();
      const name = options.function ?? (await context.config())?.main.name;
      if (name === undefined) {
        return (await api.call("GET", apiPath("projects", project.id), projectResponseSchema)).project.url;
      }
      const path = apiPath("projects", project.id, "functions", await chosenFunction(context, name));
      return (await api.call("GET", path, functionResponseSchema)).function.url;
    }
  },
});
