/** What the process ends with; part of the CLI's contract with scripts. */
export const EXIT_CODES = {
  ok: 0,
  /** The command was understood and did not succeed. */
  failed: 1,
  /** The command line or a file it reads is wrong. */
  usage: 2,
  /** No credential, or one that does not allow this. */
  auth: 3,
  notFound: 4,
  /** The server failed, or did not answer. */
  server: 5,
  /** Ended by Ctrl-C, as a shell reports it. */
  interrupted: 130,
} as const;

export type ExitKind = keyof typeof EXIT_CODES;
