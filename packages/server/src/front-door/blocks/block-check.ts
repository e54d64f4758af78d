import { AerostackError, type BlockKind } from "@aerostack/contracts";
import type { Principal } from "../../keys/principal.ts";
import type { BlockFact, HeldBlocks } from "./held-blocks.ts";

type Refusal = AerostackError | null;
type Maybe<Value> = Value | Promise<Value>;

/** Asks whether somebody is kept out. At once, as long as the database is known to say nothing new. */
export interface BlockCheck {
  ofAddress(ip: string): Maybe<Refusal>;
  /** Of an account, a project or a key, and of what it belongs to. */
  ofPrincipal(principal: Principal): Maybe<Refusal>;
  /** A project's block, or its organisation's. */
  ofProject(projectId: string): Maybe<Refusal>;
  of(kind: Exclude<BlockKind, "network">, subject: string): Maybe<Refusal>;
  /** @throws BLOCKED */
  require(kind: Exclude<BlockKind, "network">, subject: string): Promise<void>;
  /** @throws BLOCKED */
  requireProject(projectId: string): Promise<void>;
  /** False where no request has to be asked which project it is for. */
  someOfPlaces(): Maybe<boolean>;
}

export interface BlockCheckOptions {
  readonly held: () => Maybe<HeldBlocks>;
  /** Null when there is no such project. */
  readonly organisationOf: (projectId: string) => Maybe<string | null>;
  /** Where people object, as a sentence may name it. */
  readonly contact: () => string;
}

const SUBJECTS: Readonly<Record<BlockKind, string>> = {
  network: "The address that you are calling from",
  account: "This account",
  end_user: "This user",
  project: "This project",
  organisation: "The organisation of this project",
  key: "This key",
};

function then<Value, Result>(value: Maybe<Value>, next: (value: Value) => Maybe<Result>): Maybe<Result> {
  return value instanceof Promise ? value.then(next) : next(value);
}

export function createBlockCheck({ held, organisationOf, contact }: BlockCheckOptions): BlockCheck {
  /** What whoever is refused may know: that it is so, until when, where to object, and the reason only if it is public. */
  function refusalOf(fact: BlockFact | null): Refusal {
    if (fact === null) return null;
    const until = fact.endsAtMs === null ? "" : ` until ${new Date(fact.endsAtMs).toISOString()}`;
    const reason = fact.publicReason === null ? "" : ` The reason: ${fact.publicReason}`;
    return new AerostackError("BLOCKED", {
      // Not every shape of an error shows the advice.
      message: `${SUBJECTS[fact.kind]} is blocked${until}.${reason} To object, write to ${contact()} and name ${fact.id}.`,
      fix: `Write to ${contact()} and name ${fact.id}, if you think that it is wrong.`,
      details: { block: fact.id },
    });
  }

  const ofProject = (projectId: string): Maybe<Refusal> =>
    then(held(), (blocks) => {
      const own = blocks.of("project", projectId);
      if (own !== null || !blocks.someOfOrganisations) return refusalOf(own);
      return then(organisationOf(projectId), (id) => (id === null ? null : refusalOf(blocks.of("organisation", id))));
    });

  const of = (kind: Exclude<BlockKind, "network">, subject: string): Maybe<Refusal> =>
    then(held(), (blocks) => refusalOf(blocks.of(kind, subject)));

  return {
    of,
    ofProject,
    ofAddress: (ip) => then(held(), (blocks) => refusalOf(blocks.ofAddress(ip))),
    ofPrincipal: (principal) =>
      then(held(), (blocks) => {
        const own =
          blocks.of("key", principal.credentialId) ??
          (principal.kind === "account" ? blocks.of("account", principal.accountId) : null);
        if (own !== null) return refusalOf(own);
        return principal.kind === "project" && blocks.someOfPlaces ? ofProject(principal.projectId) : null;
      }),
    async require(kind, subject) {
      const refused = await of(kind, subject);
      if (refused !== null) throw refused;
    },
    async requireProject(projectId) {
      const refused = await ofProject(projectId);
      if (refused !== null) throw refused;
    },
    someOfPlaces: () => then(held(), (blocks) => blocks.someOfPlaces),
  };
}

/** Nobody is blocked: for tests and parts that run without blocks. */
export const NO_BLOCKS: BlockCheck = {
  of: () => null,
  ofProject: () => null,
  ofAddress: () => null,
  ofPrincipal: () => null,
  require: async () => {},
  requireProject: async () => {},
  someOfPlaces: () => false,
};
