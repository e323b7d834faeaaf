import { pbkdf2, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** What a hash may cost to check: about a second of one processor, and a quarter of a gigabyte. */
const MOST = {
  bcryptRounds: 14,
  memoryKiB: 262_144,
  argonPasses: 12,
  argonLanes: 16,
  pbkdf2Rounds: 2_000_000,
};

/** What takes one place in the queue for hashing; Duet's own hash is far below. */
const ONE_PLACE = { memoryKiB: 64 * 1024, bcryptRounds: 11, pbkdf2Rounds: 400_000 };

type Check = (password: string) => Promise<boolean>;

const deriveScrypt = promisify<string, Buffer, number, object, Buffer>(scrypt);
const derivePbkdf2 = promisify(pbkdf2);

/**
 * How a password is held against a stored hash: Argon2 and bcrypt, which Bun checks, scrypt and PBKDF2 (PHC, passlib's and
 * Django's spelling), as other systems leave them. null for what is none of these, or would cost more than `MOST` to check.
 */
export function readHash(stored: string): Check | null {
  const argon =
    /^\$argon2(?:id|i|d)\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$[\w+/]{8,}\$[\w+/]{16,}$/.exec(stored);
  if (argon) {
    const [memory, passes, lanes] = argon.slice(1).map(Number) as [number, number, number];
    const isFair = memory <= MOST.memoryKiB && passes <= MOST.argonPasses && lanes <= MOST.argonLanes;
    return isFair ? (password) => Bun.password.verify(password, stored) : null;
  }
  const bcrypt = /^\$2[aby]\$(\d\d)\$[./\w]{53}$/.exec(stored);
  if (bcrypt)
    // Bun knows the oldest letter only by its successor; what they name is the same for passwords of up to 72 bytes.
    return Number(bcrypt[1]) <= MOST.bcryptRounds
      ? (password) => Bun.password.verify(password, stored.replace(/^\$2y\$/, "$2b$"))
      : null;
  const parts = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]+=*)\$([\w+/]+=*)$/.exec(stored);
  if (parts) {
    const [ln, r, p] = parts.slice(1, 4).map(Number) as [number, number, number];
    const bytes = 128 * 2 ** ln * r;
    if (ln < 1 || r < 1 || p < 1 || bytes * p > MOST.memoryKiB * 1024) return null;
    const options = { N: 2 ** ln, r, p, maxmem: bytes * 2 + 2 ** 20 };
    return derived(parts[5]!, (password, length) =>
      deriveScrypt(password, bytesOf(parts[4]!), length, options),
    );
  }
  const [, digest, rounds, salt, hash] =
    /^\$pbkdf2-(sha256|sha512)\$(?:i=)?(\d{1,7})(?:,l=\d+)?\$([\w+/.]+=*)\$([\w+/.]+=*)$/.exec(stored) ??
    /^pbkdf2_(sha256)\$(\d{1,7})\$([^$]+)\$([\w+/]+=*)$/.exec(stored) ??
    [];
  if (!digest || Number(rounds) < 1 || Number(rounds) > MOST.pbkdf2Rounds) return null;
  // Django's salt is text, the others' is base64, passlib's with a dot for the plus.
  const seasoning = stored.startsWith("pbkdf2_") ? Buffer.from(salt!) : bytesOf(salt!);
  return derived(hash!, (password, length) =>
    derivePbkdf2(password, seasoning, Number(rounds), length, digest),
  );
}

/** How many places in the queue for hashing it takes to check: by the memory that it needs and by its time. */
export function weightOf(stored: string): number {
  const [, memory] = /^\$argon2\w*\$v=19\$m=(\d{1,7}),/.exec(stored) ?? [];
  if (memory) return Math.max(1, Math.ceil(Number(memory) / ONE_PLACE.memoryKiB));
  const [, rounds] = /^\$2[aby]\$(\d\d)\$/.exec(stored) ?? [];
  if (rounds) return 2 ** Math.max(0, Number(rounds) - ONE_PLACE.bcryptRounds);
  const [, ln, r, p] = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$/.exec(stored) ?? [];
  if (ln) return Math.max(1, Math.ceil((2 ** Number(ln) * Number(r) * Number(p)) / 8 / ONE_PLACE.memoryKiB));
  const [, times] = /^(?:\$pbkdf2-sha\d+\$(?:i=)?|pbkdf2_sha256\$)(\d{1,7})/.exec(stored) ?? [];
  return Math.max(1, Math.ceil(Number(times ?? 0) / ONE_PLACE.pbkdf2Rounds));
}

const bytesOf = (base64: string): Buffer => Buffer.from(base64.replaceAll(".", "+"), "base64");

function derived(hash: string, derive: (password: string, length: number) => Promise<Buffer>): Check {
  const expected = bytesOf(hash);
  return async (password) =>
    expected.length >= 16 && timingSafeEqual(await derive(password, expected.length), expected);
}
