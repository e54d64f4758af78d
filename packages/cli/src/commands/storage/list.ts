import { listObjectsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { formatAgo, formatBytes } from "../../output/format.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { bucketOption, cursorOption, limitOption } from "../shared-options.ts";

export const storageListCommand = defineCommand({
  name: "list",
  summary: "List objects",
  options: {
    prefix: text("prefix", "Only keys that start with this"),
    bucket: bucketOption,
    limit: limitOption,
    cursor: cursorOption,
  },
  examples: [{ command: "aerostack storage list --prefix images/", explanation: "What is under images/" }],
  async run(context, { options }) {
    const bucket = options.bucket ?? "default";
    const { prefix, limit, cursor } = options;
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "storage", bucket, "objects");
    const answer = await api.call("GET", path, listObjectsResponseSchema, { query: { prefix, limit, cursor } });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Key", paint: terminal.style.accent },
            { title: "Size", align: "right" },
            { title: "Type" },
            { title: "Uploaded" },
          ],
          rows: answer.objects.map((object) => [
            printableLine(object.key),
            formatBytes(object.sizeBytes),
            printableLine(object.contentType ?? ""),
            formatAgo(object.uploadedAt, context.surroundings.now()),
          ]),
          empty: `No objects in ${bucket}${prefix === undefined ? "" : ` under '${prefix}'`}.`,
          nextCursor: answer.nextCursor,
        }),
    };
  },
});
