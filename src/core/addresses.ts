import { BlockList, isIP, isIPv6 } from "node:net";

/** Whether an address is in one of some networks: `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`. Throws an Error on any other text. */
export function networks(list: string[]): { include(ip: string): boolean } {
  const blocks = new BlockList();
  for (const text of list) {
    const [address = "", bits, more] = text.split("/");
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    const width = family === "ipv6" ? 128 : 32;
    const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : -1;
    if (!isIP(address) || prefix < 0 || prefix > width || more !== undefined)
      throw new Error("must be addresses or networks, such as 127.0.0.1, 10.0.0.0/8 or fd00::/8");
    blocks.addSubnet(address, prefix, family);
  }
  return { include: (ip) => isIP(ip) !== 0 && blocks.check(plain(ip), isIPv6(plain(ip)) ? "ipv6" : "ipv4") };
}

/** An IPv4 address inside IPv6 (RFC 4291 section 2.5.5.2) is the IPv4 address. */
export const plain = (ip: string): string =>
  ip.startsWith(":") ? (/^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip) : ip;

/**
 * Whom a limit counts: an IPv4 address, or an IPv6 /64, which is what one household or one server is given
 * (RFC 6177). What is no address is one network of its own.
 */
export const networkOf = (ip: string): string => networkBy(ip, 4, 4);

/** What many of those may belong to: a /24 of IPv4, or a /48. */
export const wideNetworkOf = (ip: string): string => networkBy(ip, 3, 3);

/** By the first parts of an address: of four numbers, or of eight groups. */
function networkBy(ip: string, numbers: number, groupsKept: number): string {
  const address = plain(ip);
  if (!address.includes(":")) return numbers === 4 ? address : address.split(".").slice(0, numbers).join(".");
  // The URL parser knows every spelling of an address and answers with one.
  const host = URL.parse(`http://[${address.split("%")[0]}]`)?.hostname.slice(1, -1);
  if (!host) return address;
  const [head = "", tail] = host.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill("0"), ...groups(tail ?? "")];
  return `${all.slice(0, groupsKept).join(":")}::/${groupsKept * 16}`;
}
