import { timingSafeEqual } from "node:crypto";
import { Resolver } from "node:dns/promises";
import { randomText } from "@aerostack/kernel";

/** What the DNS says of a proof. `unknown`: it did not answer, which proves neither that it is there nor that it is gone. */
export type TxtProofState = "proven" | "missing" | "unknown";

/** Looks up the TXT records of a name: a list of records, each in the pieces that it travels in. */
export type ResolveTxt = (name: string) => Promise<readonly (readonly string[])[]>;

/** Proof that whoever asks controls a domain's DNS: a TXT record with a token that was made for this claim alone. */
export interface TxtProof {
  /** Never rejects. */
  check(domain: string, token: string): Promise<TxtProofState>;
}

const CHALLENGE_LABEL = "_aerostack-challenge";
const VALUE_PREFIX = "aerostack-verify=";
/** 160 random bits. The token is no secret, everybody can read it in the DNS; it must only be nobody else's. */
const TOKEN_CHARACTERS = 32;
const ANSWER_TIMEOUT_MS = 3_000;
const TRIES = 2;
/** Answers that say that there is no such record; all others say that nobody knows. */
const ABSENT = new Set(["ENOTFOUND", "ENODATA"]);

export function createProofToken(): string {
  return randomText(TOKEN_CHARACTERS);
}

/** The record that proves a claim, as it is put into the DNS. */
export function proofRecord(domain: string, token: string): { readonly name: string; readonly value: string } {
  return { name: `${CHALLENGE_LABEL}.${domain}`, value: `${VALUE_PREFIX}${token}` };
}

/** @param servers addresses of name servers, with a port where it is not 53; by default those of the machine */
export function createTxtResolver(servers?: readonly string[]): ResolveTxt {
  const resolver = new Resolver({ timeout: ANSWER_TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined && servers.length > 0) resolver.setServers(servers);
  return (name) => resolver.resolveTxt(name);
}

/**
 * @example
 * const proof = createTxtProof(createTxtResolver());
 * await proof.check("shop.example", token) // "proven"
 */
export function createTxtProof(resolveTxt: ResolveTxt): TxtProof {
  return {
    async check(domain, token) {
      const { name, value } = proofRecord(domain, token);
      try {
        const records = await resolveTxt(name);
        // Others may prove the same domain to others, or to another project: one record of several is enough.
        return records.some((pieces) => isSame(pieces.join("").trim(), value)) ? "proven" : "missing";
      } catch (error) {
        return ABSENT.has((error as NodeJS.ErrnoException).code ?? "") ? "missing" : "unknown";
      }
    },
  };
}

function isSame(found: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(found), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
