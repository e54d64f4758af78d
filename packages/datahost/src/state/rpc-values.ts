import { AerostackError } from "@aerostack/contracts/errors";

/** Bytes in a call between processes; see the kernel's RpcPeer. */
export interface RpcBytes {
  /** Base64. */
  readonly $bytes: string;
}

export function toRpcBytes(bytes: Buffer): RpcBytes {
  return { $bytes: bytes.toString("base64") };
}

/** Text stands for its UTF-8 bytes. */
export function fromRpcBytes(value: string | RpcBytes): Buffer {
  return typeof value === "string" ? Buffer.from(value, "utf8") : Buffer.from(value.$bytes, "base64");
}

/** What a resource is stored as: its name, and what the server adds for the environment. */
const STORED_NAME_PATTERN = /^[a-z0-9][a-z0-9_-]{0,79}$/;

/** @throws AerostackError VALIDATION_ERROR when a namespace, queue or bucket cannot have that name. */
export function checkResourceName(name: string, field: string): void {
  if (STORED_NAME_PATTERN.test(name)) return;
  refuseField(field, "Use lower-case letters, digits, '-' or '_', starting with a letter or digit.");
}

/** Refuses a call for one of its parameters. @throws AerostackError VALIDATION_ERROR */
export function refuseField(field: string, message: string): never {
  throw new AerostackError("VALIDATION_ERROR", { message, details: { fieldErrors: { [field]: [message] } } });
}
