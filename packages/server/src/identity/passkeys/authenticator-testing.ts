// For tests only: a device that makes passkeys and signs with them (WebAuthn Level 3), ES256, attestation "none".
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

const FLAG_USER_PRESENT = 0x01;
const FLAG_USER_VERIFIED = 0x04;
const FLAG_ATTESTED = 0x40;

export interface AuthenticatorOptions {
  readonly origin: string;
  /** False: it does not ask the person for a finger or PIN. */
  readonly verifiesUser?: boolean;
}

interface Credential {
  readonly id: Buffer;
  readonly privateKey: KeyObject;
  readonly userHandle: string;
  counter: number;
}

type Options = Record<string, unknown> & { readonly challenge: string };

export function createAuthenticator({ origin, verifiesUser = true }: AuthenticatorOptions) {
  const credentials: Credential[] = [];
  const flags = FLAG_USER_PRESENT | (verifiesUser ? FLAG_USER_VERIFIED : 0);

  function clientData(type: string, challenge: string): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false }));
  }

  function authenticatorData(rpId: string, extraFlags: number, counter: number, rest = Buffer.alloc(0)): Buffer {
    const head = Buffer.alloc(5);
    head.writeUInt8(flags | extraFlags, 0);
    head.writeUInt32BE(counter, 1);
    return Buffer.concat([createHash("sha256").update(rpId).digest(), head, rest]);
  }

  return {
    /** What `navigator.credentials.create` gives, as JSON. */
    create(options: Options) {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const { x = "", y = "" } = publicKey.export({ format: "jwk" });
      const id = randomBytes(32);
      const user = options.user as { id: string };
      credentials.push({ id, privateKey, userHandle: user.id, counter: 0 });
      const coseKey = cborMap([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(x, "base64url")],
        [-3, Buffer.from(y, "base64url")],
      ]);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const attested = Buffer.concat([Buffer.alloc(16), length, id, coseKey]);
      const authData = authenticatorData((options.rp as { id: string }).id, FLAG_ATTESTED, 0, attested);
      const attestationObject = cborMap([
        ["fmt", "none"],
        ["attStmt", new Map<never, never>()],
        ["authData", authData],
      ]);
      return answer(id, {
        clientDataJSON: clientData("webauthn.create", options.challenge).toString("base64url"),
        attestationObject: attestationObject.toString("base64url"),
        transports: ["internal"],
      });
    },

    /** What `navigator.credentials.get` gives, as JSON. */
    get(options: Options, change: { readonly counter?: number } = {}) {
      const credential = credentials.at(-1);
      if (credential === undefined) throw new Error("the device has no passkey");
      credential.counter = change.counter ?? credential.counter + 1;
      const authData = authenticatorData(String(options.rpId), 0, credential.counter);
      const client = clientData("webauthn.get", options.challenge);
      const signed = Buffer.concat([authData, createHash("sha256").update(client).digest()]);
      return answer(credential.id, {
        clientDataJSON: client.toString("base64url"),
        authenticatorData: authData.toString("base64url"),
        signature: sign("sha256", signed, credential.privateKey).toString("base64url"),
        userHandle: credential.userHandle,
      });
    },
  };
}

function answer(id: Buffer, response: Record<string, unknown>) {
  const text = id.toString("base64url");
  return {
    id: text,
    rawId: text,
    type: "public-key",
    response,
    clientExtensionResults: {},
    authenticatorAttachment: "platform",
  };
}

type CborValue = number | string | Buffer | ReadonlyMap<never, never>;

/** As much of CBOR (RFC 8949) as these objects need. */
function cborMap(entries: readonly (readonly [number | string, CborValue])[]): Buffer {
  const encoded = entries.flatMap(([key, value]) => [cbor(key), cbor(value)]);
  return Buffer.concat([head(5, entries.length), ...encoded]);
}

function cbor(value: CborValue): Buffer {
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string") return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  return head(5, 0);
}

function head(majorType: number, argument: number): Buffer {
  if (argument < 24) return Buffer.from([(majorType << 5) | argument]);
  if (argument < 256) return Buffer.from([(majorType << 5) | 24, argument]);
  return Buffer.from([(majorType << 5) | 25, argument >> 8, argument & 255]);
}
