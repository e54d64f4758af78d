import { generateKeyPairSync, randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Clock, randomText } from "@aerostack/kernel";
import { z } from "zod";
import { StartError } from "./start-error.ts";

export interface MasterKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** A key pair for signing access tokens (ES256), as JWKs. */
export interface SigningKey {
  readonly kid: string;
  readonly privateJwk: Readonly<Record<string, string>>;
  readonly publicJwk: Readonly<Record<string, string>>;
}

/** What only this installation knows. Lists are newest first: the newest encrypts and signs, all decrypt and verify. */
export interface Secrets {
  readonly masterKeys: readonly [MasterKey, ...MasterKey[]];
  readonly signingKeys: readonly [SigningKey, ...SigningKey[]];
}

const MASTER_KEY_BYTES = 32;
const FILE_NAME = "secrets.json";
const OWNER_ONLY_FILE = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

const masterKeySchema = z.object({ id: z.string().regex(/^[a-z0-9_]{1,40}$/), key: z.base64(), createdAt: z.string() });
const signingKeySchema = z.object({
  kid: z.string(),
  privateJwk: z.record(z.string(), z.string()),
  createdAt: z.string(),
});
const fileSchema = z.object({
  version: z.literal(1),
  masterKeys: z.array(masterKeySchema).min(1),
  signingKeys: z.array(signingKeySchema).min(1),
});
type SecretsFile = z.infer<typeof fileSchema>;

/** The file cannot be used; the message says why and what to do. */
export class SecretsError extends StartError {
  override readonly name = "SecretsError";
}

/**
 * Reads `secrets.json` of the data folder, or makes folder (mode 700) and file (mode 600) at the first start. Deleting
 * the file means losing everything that is encrypted with it, so a damaged one stops the start instead of being replaced.
 *
 * @throws SecretsError when the file is readable by others or damaged.
 */
export function loadSecrets(dataDir: string, clock: Clock): Secrets {
  mkdirSync(dataDir, { recursive: true, mode: OWNER_ONLY_FOLDER });
  if ((statSync(dataDir).mode & 0o077) !== 0) chmodSync(dataDir, OWNER_ONLY_FOLDER);
  const path = join(dataDir, FILE_NAME);
  const existing = readSecretsFile(path);
  if (existing !== undefined) return toSecrets(existing);
  const fresh: SecretsFile = {
    version: 1,
    masterKeys: [newMasterKey(clock)],
    signingKeys: [newSigningKey(clock)],
  };
  writeSecretsFile(path, fresh);
  return toSecrets(fresh);
}

/** Adds a new master key in front; the ones before stay readable. */
export function addMasterKey(dataDir: string, clock: Clock): Secrets {
  return changeSecretsFile(dataDir, (file) => ({ ...file, masterKeys: [newMasterKey(clock), ...file.masterKeys] }));
}

/** Adds a new signing key in front; tokens signed by the ones before stay valid until they expire. */
export function addSigningKey(dataDir: string, clock: Clock): Secrets {
  return changeSecretsFile(dataDir, (file) => ({ ...file, signingKeys: [newSigningKey(clock), ...file.signingKeys] }));
}

function changeSecretsFile(dataDir: string, change: (file: SecretsFile) => SecretsFile): Secrets {
  const path = join(dataDir, FILE_NAME);
  const file = readSecretsFile(path);
  if (file === undefined) throw new SecretsError(`${path} does not exist.`);
  const changed = change(file);
  writeSecretsFile(path, changed);
  return toSecrets(changed);
}

function readSecretsFile(path: string): SecretsFile | undefined {
  let text: string;
  try {
    const mode = statSync(path).mode & 0o777;
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new SecretsError(
        `${path} has mode ${mode.toString(8)}, so other users can read the keys of this installation; run: chmod 600 '${path}'`,
      );
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SecretsError(`${path} is damaged; restore it from a backup. Without it nothing encrypted can be read.`, {
      cause,
    });
  }
}

/** Written beside and renamed, flushed in between: after a power cut there is the old file or the new one, never half. */
function writeSecretsFile(path: string, file: SecretsFile): void {
  const temporary = `${path}.${randomText(8)}.tmp`;
  const handle = openSync(temporary, "wx", OWNER_ONLY_FILE);
  try {
    writeSync(handle, `${JSON.stringify(file, null, 2)}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(temporary, path);
  const folder = openSync(dirname(path), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function newMasterKey(clock: Clock): SecretsFile["masterKeys"][number] {
  return {
    id: `mk_${randomText(8)}`,
    key: randomBytes(MASTER_KEY_BYTES).toString("base64"),
    createdAt: new Date(clock.now()).toISOString(),
  };
}

function newSigningKey(clock: Clock): SecretsFile["signingKeys"][number] {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y, d } = privateKey.export({ format: "jwk" }) as Record<"kty" | "crv" | "x" | "y" | "d", string>;
  return {
    kid: `sk_${randomText(8)}`,
    privateJwk: { kty, crv, x, y, d },
    createdAt: new Date(clock.now()).toISOString(),
  };
}

function toSecrets(file: SecretsFile): Secrets {
  const masterKeys = file.masterKeys.map(({ id, key }) => ({ id, key: new Uint8Array(Buffer.from(key, "base64")) }));
  if (masterKeys.some(({ key }) => key.length !== MASTER_KEY_BYTES)) {
    throw new SecretsError(`${FILE_NAME} holds a master key that is not ${MASTER_KEY_BYTES} bytes long.`);
  }
  const signingKeys = file.signingKeys.map(({ kid, privateJwk }) => {
    const { d: _private, ...publicJwk } = privateJwk;
    return { kid, privateJwk, publicJwk };
  });
  return { masterKeys: nonEmpty(masterKeys), signingKeys: nonEmpty(signingKeys) };
}

function nonEmpty<Item>(items: readonly Item[]): readonly [Item, ...Item[]] {
  const [first, ...rest] = items;
  if (first === undefined) throw new SecretsError(`${FILE_NAME} holds an empty list.`);
  return [first, ...rest];
}
