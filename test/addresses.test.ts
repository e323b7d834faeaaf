import { describe, expect, test } from "bun:test";
import { networkOf, networks } from "../src/core/addresses.ts";
import { createClientAddress } from "../src/http/proxies.ts";

describe("the network that a limit counts", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::6", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:ffff::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["somewhere", "somewhere"],
    [":::", ":::"],
  ])("of %s is %s", (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });
});

describe("a list of networks", () => {
  test.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.0/8", "::ffff:10.0.0.1", true],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.8", false],
    ["fd00::/8", "fd12::1", true],
    ["fd00::/8", "fe80::1", false],
    ["10.0.0.0/8", "not an address", false],
  ])("%s includes %s: %p", (network, ip, included) => {
    expect(networks([network]).include(ip)).toBe(included);
  });

  test.each(["", "proxy", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "fd00::/129", "10.0.0"])(
    "refuses %p",
    (text) => {
      expect(() => networks([text])).toThrow("must be addresses or networks");
    },
  );
});

describe("the caller's address", () => {
  const from = (trusted: string[], peer: string, forwarded?: string, headers: Record<string, string> = {}) =>
    createClientAddress(trusted)(
      peer,
      new Request("http://localhost:3000/", {
        headers: { ...headers, ...(forwarded !== undefined && { "x-forwarded-for": forwarded }) },
      }),
    );

  test("is the peer's, whatever any header says, while no proxy is trusted", () => {
    const headers = {
      forwarded: "for=192.0.2.1",
      "x-real-ip": "192.0.2.1",
      "cf-connecting-ip": "192.0.2.1",
      "true-client-ip": "192.0.2.1",
    };
    expect(from([], "203.0.113.7", "192.0.2.1", headers)).toBe("203.0.113.7");
    expect(from(["10.0.0.0/8"], "203.0.113.7", "192.0.2.1", headers)).toBe("203.0.113.7");
  });

  test.each([
    ["192.0.2.1", "192.0.2.1"],
    ["198.51.100.9, 192.0.2.1", "192.0.2.1"], // what stands before, anybody wrote
    ["198.51.100.9, 192.0.2.1, 10.0.0.5", "192.0.2.1"], // two proxies of ours
    ["10.0.0.6, 10.0.0.5", "10.0.0.6"],
    ["<script>", "10.0.0.1"],
    ["", "10.0.0.1"],
    [undefined, "10.0.0.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1"],
    ["192.0.2.1:4001", "192.0.2.1"],
    ["[2001:db8::1]:4001", "2001:db8::1"],
    ["198.51.100.9:1, 192.0.2.1:4001, 10.0.0.5:80", "192.0.2.1"],
    ["192.0.2.1.example", "10.0.0.1"],
    ["unknown", "10.0.0.1"],
  ])("behind a trusted proxy that forwards for %p is %s", (forwarded, address) => {
    expect(from(["10.0.0.0/8"], "::ffff:10.0.0.1", forwarded, { "x-real-ip": "198.51.100.9" })).toBe(address);
  });
});
