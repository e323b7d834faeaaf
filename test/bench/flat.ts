import { readFileSync } from "node:fs";
import { load } from "./load.ts";
import { machine, post, startDuet } from "./kit.ts";

// What the server holds while ten million requests are answered: memory by the million, and the slope of its last half.

const MILLIONS = 10;

console.log(machine());
await using duet = await startDuet();
const body = { username: "alice", password: "a kettle for the lighthouse" };
const { access_token: token } = await post(duet.url, "/api/auth/register", body);
const megabytes = () =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${duet.process.pid}/status`, "utf8"))![1]) / 1024;
const held = [megabytes()];
let requests = 0;
while (requests < MILLIONS * 1e6) {
  const one = await load(`${duet.url}/api/auth/me`, {
    seconds: 5,
    headers: { authorization: `Bearer ${token}` },
  });
  requests += one.requests;
  if (requests >= held.length * 1e6) held.push(megabytes());
}
const half = held.slice(Math.floor(held.length / 2));
const slope = ((half.at(-1)! - half[0]!) * 1024) / (half.length - 1);
console.log(`\nresident after each million of requests: ${held.map((mb) => mb.toFixed(0)).join(" ")} MB`);
console.log(`slope of the last half: ${slope.toFixed(0)} KB a million`);
