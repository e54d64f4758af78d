import { successSchema, userResponseSchema } from "@aerostack/contracts";
import { optional } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { flag } from "../../command/option.ts";
import { putPicture } from "../put-picture.ts";

const PATH = "/api/auth/avatar";

export const accountAvatarCommand = defineCommand({
  name: "avatar",
  summary: "Show, set or remove your picture",
  details: [
    "With a file, its middle is kept as a square of 256 pixels, without what else the file holds, such as where it was taken.",
  ],
  arguments: { file: optional("JPEG, PNG, WebP, AVIF, GIF or TIFF of at most 5 MB") },
  options: { remove: flag("Remove the picture") },
  examples: [
    { command: "aerostack account avatar ada.jpg", explanation: "Prints its address" },
    { command: "aerostack account avatar --remove", explanation: "Have none" },
  ],
  async run(context, { args: { file }, options: { remove } }) {
    if (file !== undefined && remove) throw usageError("A file and --remove exclude each other.");
    const api = await context.api();
    if (file !== undefined) return await putPicture(context, PATH, file);
    if (remove) {
      await context.terminal.step(
        "Removing the picture",
        () => api.call("DELETE", PATH, successSchema),
        () => "Removed the picture",
      );
      return { data: { url: null }, render: () => {} };
    }
    const { user } = await api.call("GET", "/api/auth/me", userResponseSchema);
    const url = user.avatarUrl === null ? null : `${api.baseUrl}${user.avatarUrl}`;
    return { data: { url }, render: (terminal) => (url === null ? terminal.note("No picture.") : terminal.line(url)) };
  },
});
