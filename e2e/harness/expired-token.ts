const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");

/** An access token that ended in 1970, by its own word: nobody signed it. */
export const EXPIRED_TOKEN = `${encode({ alg: "EdDSA" })}.${encode({ exp: 1 })}.eA`;
