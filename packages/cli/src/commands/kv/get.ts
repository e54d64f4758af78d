import { apiPath, TRANSFER_TIMEOUT_MS } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { namespaceOption } from "../shared-options.ts";

export const kvGetCommand = defineCommand({
  name: "get",
  summary: "Write a value to standard output",
  details: [
    "Byte for byte; on a terminal a newline follows. With --json a value that is not UTF-8 is given in base64.",
  ],
  arguments: { key: required("Key") },
  options: { namespace: namespaceOption },
  examples: [{ command: "aerostack kv get session:42 > session.json", explanation: "Save a value to a file" }],
  async run(context, { args, options }) {
    const namespace = options.namespace ?? "default";
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "kv", namespace, "values", args.key);
    const response = await api.open("GET", path, { timeoutMs: TRANSFER_TIMEOUT_MS });
    const bytes = new Uint8Array(await response.arrayBuffer());
    return {
      data: { key: args.key, namespace, ...readableValue(bytes) },
      render(terminal) {
        terminal.raw(bytes);
        if (terminal.interactive && bytes.at(-1) !== "\n".charCodeAt(0)) terminal.raw("\n");
      },
    };
  },
});

function readableValue(bytes: Uint8Array): { value: string; encoding: "utf-8" | "base64" } {
  try {
    return { value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes), encoding: "utf-8" };
  } catch {
    return { value: Buffer.from(bytes).toString("base64"), encoding: "base64" };
  }
}
