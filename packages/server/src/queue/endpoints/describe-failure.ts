/** Why an address could not be asked, in words for its owner: what the connection said, and nothing of this server. */
export function describeFailure(thrown: unknown): string {
  const chain: Error[] = [];
  for (let error = thrown; error instanceof Error && chain.length < MAX_CAUSES; error = error.cause) chain.push(error);
  const codes = chain.map((error) => (error as { code?: unknown }).code);
  if (codes.includes("EGRESS_BLOCKED")) return "The endpoint's address is private, where this server sends nothing.";
  const isTimeout = chain.some((error) => error.name === "TimeoutError" || error.name.endsWith("TimeoutError"));
  if (isTimeout) return "The endpoint did not answer in time.";
  const code = codes.findLast((one): one is string => typeof one === "string" && CODE.test(one));
  return code === undefined ? "The endpoint could not be reached." : `The endpoint could not be reached (${code}).`;
}

const MAX_CAUSES = 5;
const CODE = /^[A-Z][A-Z0-9_]{2,60}$/;
