import { describe, expect, test } from "vitest";
import { canonicalRequest, deriveSigningKey, EMPTY_SHA256, sign, stringToSign } from "./sigv4.ts";

// The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, with the key of that page.
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SCOPE = { date: "20130524", region: "us-east-1", service: "s3" };
const TIMESTAMP = "20130524T000000Z";
const HOST = ["host", "examplebucket.s3.amazonaws.com"] as const;
const DATE = ["x-amz-date", TIMESTAMP] as const;

function signatureOf(request: Parameters<typeof canonicalRequest>[0]): string {
  return sign(deriveSigningKey(SECRET, SCOPE), stringToSign(TIMESTAMP, SCOPE, canonicalRequest(request)));
}

describe("signatures are those that AWS documents", () => {
  test("of a ranged GET", () => {
    const headers = [HOST, ["range", "bytes=0-9"], ["x-amz-content-sha256", EMPTY_SHA256], DATE] as const;
    const request = { method: "GET", path: "/test.txt", query: [], headers, payloadHash: EMPTY_SHA256 };
    expect(signatureOf(request)).toBe("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  });

  test("of a PUT with a key that is encoded", () => {
    const payloadHash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const headers = [
      ["date", "Fri, 24 May 2013 00:00:00 GMT"],
      HOST,
      ["x-amz-content-sha256", payloadHash],
      DATE,
      ["x-amz-storage-class", "REDUCED_REDUNDANCY"],
    ] as const;
    const request = { method: "PUT", path: "/test$file.text", query: [], headers, payloadHash };
    expect(signatureOf(request)).toBe("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  });

  test("of a list with parameters", () => {
    const headers = [HOST, ["x-amz-content-sha256", EMPTY_SHA256], DATE] as const;
    const query = [
      ["prefix", "J"],
      ["max-keys", "2"],
    ] as const;
    const request = { method: "GET", path: "/", query, headers, payloadHash: EMPTY_SHA256 };
    expect(signatureOf(request)).toBe("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
  });
});
