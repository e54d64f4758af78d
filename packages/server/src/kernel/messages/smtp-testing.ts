// For tests only: a real SMTP server that keeps what it takes.
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly source: string;
  readonly encrypted: boolean;
  readonly user: string | undefined;
}

export interface SmtpTestOptions {
  readonly user?: string;
  readonly password?: string;
  /** What the server answers to a message: an error code, or 0 to take it. */
  readonly refuse?: () => number;
  /** False: it does not offer STARTTLS. */
  readonly startTls?: boolean;
}

export async function startSmtpServer({ user, password, refuse = () => 0, startTls = false }: SmtpTestOptions = {}) {
  const received: ReceivedMail[] = [];
  const server = new SMTPServer({
    logger: false,
    authOptional: user === undefined,
    disabledCommands: startTls ? [] : ["STARTTLS"],
    allowInsecureAuth: true,
    onAuth(auth, _session, done) {
      if (auth.username === user && auth.password === password) done(null, { user: auth.username });
      else done(new Error("wrong user name or password"));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const code = refuse();
        if (code !== 0) {
          done(Object.assign(new Error("not now"), { responseCode: code }));
          return;
        }
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          source: Buffer.concat(chunks).toString(),
          encrypted: session.secure,
          user: session.user,
        });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as AddressInfo;
  return { port, received, close: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

/** The readable text of a mail's first part. */
export function textOfMail(mail: ReceivedMail): string {
  const decoded = mail.source
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(decoded, "latin1").toString("utf8");
}
