import { load } from "./load.ts";
import { machine, post, startDuet } from "./kit.ts";

// Sign-ins beside `Bun.password.verify` alone, and what they leave of the check of every request.

const PASSWORD = "a kettle for the lighthouse";
const SECONDS = 4;

if (process.argv[2] === "verify") {
  const hash = await Bun.password.hash(PASSWORD, { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 });
  let done = 0;
  const endsAt = performance.now() + SECONDS * 1000;
  const one = async () => {
    for (; performance.now() < endsAt; done++) await Bun.password.verify(PASSWORD, hash);
  };
  await Promise.all(Array.from({ length: navigator.hardwareConcurrency }, one));
  console.log(done / SECONDS);
} else {
  console.log(machine());
  await using duet = await startDuet();
  const names = Array.from({ length: 16 }, (_, i) => `person${i}`);
  for (const username of names) await post(duet.url, "/api/auth/register", { username, password: PASSWORD });
  const username = names[0]!;
  const { access_token: token } = await post(duet.url, "/api/auth/login", { username, password: PASSWORD });
  const me = () =>
    load(`${duet.url}/api/auth/me`, { seconds: SECONDS, headers: { authorization: `Bearer ${token}` } });
  async function signIn(): Promise<number> {
    let done = 0;
    const endsAt = performance.now() + SECONDS * 1000;
    const one = async (name: string) => {
      for (; performance.now() < endsAt; done++)
        await post(duet.url, "/api/auth/login", { username: name, password: PASSWORD });
    };
    await Promise.all(names.map(one));
    return done / SECONDS;
  }
  await me();
  const alone = await me();
  const child = Bun.spawn(["bun", import.meta.path, "verify"], { stdout: "pipe" });
  const verified = Number(await new Response(child.stdout).text());
  const logins = await signIn();
  const [together, beside] = await Promise.all([signIn(), me()]);
  const rate = (one: typeof alone) => one.requests / one.seconds;
  console.log(`\nBun.password.verify alone     ${verified.toFixed(0)}/s`);
  console.log(`POST /api/auth/login          ${logins.toFixed(0)}/s  ${(logins / verified).toFixed(2)} ×`);
  console.log(`GET /api/auth/me alone        ${rate(alone).toFixed(0)}/s  p99 ${alone.p99.toFixed(1)} ms`);
  console.log(
    `  beside ${together.toFixed(0)} sign-ins/s        ${rate(beside).toFixed(0)}/s  p99 ${beside.p99.toFixed(1)} ms  ${(rate(beside) / rate(alone)).toFixed(2)} ×`,
  );
}
