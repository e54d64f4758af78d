import { AerostackError } from "@aerostack/contracts";
import { readBytes } from "../../kernel/read-body.ts";

/** Room for the form around the file. */
const FORM_BYTES = 16 * 1024;

/**
 * The bytes of one file of a form.
 *
 * @throws UNSUPPORTED_MEDIA_TYPE for anything but a form · VALIDATION_ERROR without the file · REQUEST_TOO_LARGE
 */
export async function readUploadedFile(request: Request, field: string, maxBytes: number): Promise<Uint8Array> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\b/i.test(contentType)) {
    throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", {
      message: "The body must be a form with a file.",
      fix: `Send multipart/form-data with the field '${field}'.`,
    });
  }
  const body = await readBytes(request, maxBytes + FORM_BYTES);
  const form = await new Response(new Uint8Array(body), { headers: { "content-type": contentType } })
    .formData()
    .catch((cause: unknown) => {
      throw new AerostackError("REQUEST_MALFORMED", { message: "The form could not be read.", cause });
    });
  const file = form.get(field);
  if (!(file instanceof File)) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: `The form has no file in the field '${field}'.`,
      details: { fieldErrors: { [field]: ["is needed"] } },
    });
  }
  if (file.size > maxBytes) {
    throw new AerostackError("REQUEST_TOO_LARGE", { message: `The file may have at most ${maxBytes} bytes.` });
  }
  return new Uint8Array(await file.arrayBuffer());
}
