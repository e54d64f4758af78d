import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { configError } from "../command/cli-error.ts";

const entrySchema = z.looseObject({
  api_key: z.string(),
  email: z.string().optional(),
  /** Id of the key on the server, so that logging out can revoke it. */
  key_id: z.string().optional(),
});
const fileSchema = z.looseObject({
  /** The key in use, where other clients look for it. */
  api_key: z.string().optional(),
  /** The server of the last log-in. */
  api_url: z.string().optional(),
  /** One entry per server: a key goes only to the server that gave it. */
  servers: z.record(z.string(), entrySchema).optional(),
});

export type CredentialEntry = z.infer<typeof entrySchema>;
export type Credentials = z.infer<typeof fileSchema>;

export function credentialsPath(homeDirectory: string): string {
  return join(homeDirectory, ".aerostack", "credentials.json");
}

/** An absent file is no credentials; one that cannot be understood is an error that names it. */
export async function readCredentials(homeDirectory: string): Promise<Credentials> {
  const path = credentialsPath(homeDirectory);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return {};
  }
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    throw configError(`${path} is damaged.`, "Delete it and run `aerostack login`.");
  }
}

/** Replaced as a whole, readable by its owner only from the first byte on. */
export async function writeCredentials(homeDirectory: string, credentials: Credentials): Promise<string> {
  const path = credentialsPath(homeDirectory);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, `${JSON.stringify(credentials, null, 2)}\n`, { mode: 0o600 });
  await chmod(temporary, 0o600);
  await rename(temporary, path);
  return path;
}

export function withServer(credentials: Credentials, baseUrl: string, entry: CredentialEntry): Credentials {
  return {
    ...credentials,
    api_key: entry.api_key,
    api_url: baseUrl,
    servers: { ...credentials.servers, [baseUrl]: entry },
  };
}

export function withoutServer(credentials: Credentials, baseUrl: string): Credentials {
  const { [baseUrl]: _removed, ...servers } = credentials.servers ?? {};
  const { api_key: _key, api_url: url, ...others } = credentials;
  if (url !== undefined && url !== baseUrl) return { ...credentials, servers };
  return { ...others, servers };
}
