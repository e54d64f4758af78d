import { basename, resolve } from "node:path";
import { anything } from "../../api/answers.ts";
import { TRANSFER_TIMEOUT_MS } from "../../api/api-client.ts";
import { optional, required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { openInputFile } from "../../command/open-input-file.ts";
import { text } from "../../command/option.ts";
import { formatBytes } from "../../output/format.ts";
import { bucketOption } from "../shared-options.ts";
import { contentTypeOf } from "./content-type.ts";
import { objectPath } from "./object-path.ts";

export const storagePutCommand = defineCommand({
  name: "put",
  summary: "Upload a file",
  details: ["The file is read while it is sent, so its size does not matter. An object of that key is replaced."],
  arguments: { file: required("File to upload"), key: optional("Key of the object; by default the file's name") },
  options: { bucket: bucketOption, contentType: text("type", "Content type; by default told by the file's ending") },
  examples: [{ command: "aerostack storage put logo.png images/logo.png", explanation: "Upload under another name" }],
  async run(context, { args, options }) {
    const file = resolve(context.surroundings.cwd, args.file);
    const key = args.key ?? basename(file);
    const bucket = options.bucket ?? "default";
    const contentType = options.contentType ?? contentTypeOf(file);
    const body = await openInputFile(file);
    const project = await context.project();
    const api = await context.api();
    await context.terminal.step(
      `Uploading ${key} (${formatBytes(body.size)})`,
      () =>
        api.call("PUT", objectPath(project.id, bucket, key), anything, {
          body,
          headers: { "content-type": contentType },
          timeoutMs: TRANSFER_TIMEOUT_MS,
        }),
      () => `Uploaded ${key} to ${bucket} (${formatBytes(body.size)})`,
    );
    return { data: { key, bucket, sizeBytes: body.size, contentType }, render: () => {} };
  },
});
