import { describe, expect, it } from "vitest";
import { parseWrkOutput } from "./wrk-output.ts";

/** Printed by wrk 4.1.0 of Debian; it pads whole seconds with a space. */
const CLEAN = `Running 1s test @ http://127.0.0.1:18999/ok
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     4.87ms   11.23ms  85.01ms   90.95%
    Req/Sec    24.93k     9.81k   45.93k    80.00%
  Latency Distribution
     50%  721.00us
     75%    2.89ms
     90%   13.83ms
     99%    1.02s 
  24916 requests in 1.01s, 2.92MB read
Requests/sec:  24728.41
Transfer/sec:      2.90MB
`;
const FAULTY = CLEAN.replace(
  "Requests/sec:",
  "  Socket errors: connect 1, read 804, write 2, timeout 3\n  Non-2xx or 3xx responses: 2613\nRequests/sec:",
);

describe("parseWrkOutput", () => {
  it("reads the rate and the number of requests", () => {
    expect(parseWrkOutput(CLEAN)).toMatchObject({ requestsPerSecond: 24_728.41, requests: 24_916 });
  });

  it("reads latencies of every unit as milliseconds", () => {
    expect(parseWrkOutput(CLEAN).latencyMs).toEqual({ p50: 0.721, p75: 2.89, p90: 13.83, p99: 1020 });
  });

  it("counts no errors where wrk names none", () => {
    expect(parseWrkOutput(CLEAN)).toMatchObject({ errorAnswers: 0, socketErrors: 0 });
  });

  it("counts error answers and every kind of socket error", () => {
    expect(parseWrkOutput(FAULTY)).toMatchObject({ errorAnswers: 2613, socketErrors: 810 });
  });

  it("refuses the output of a run that did not finish", () => {
    expect(() => parseWrkOutput("unable to connect to 127.0.0.1:1 Connection refused")).toThrow(/did not report/);
  });
});
