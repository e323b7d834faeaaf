import { Stream } from "../support/stream.ts";
import { Api, count, must, Server, sessionOf, times, type Scenario } from "./kit.ts";

/** One device ends the session of another, which asks again at once and has an open event stream. */
export const revocation: Scenario = async ({ scale }) => {
  const rounds = Math.max(5, Math.round(200 * scale));
  await using server = await new Server().start();
  const api = new Api(server.url);
  const { access_token: token } = await api.register("owner");
  const zeros = { "requests let through": 0, "refreshes let through": 0, "events after the end": 0 };
  const refused: number[] = [];
  const closed: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const other = await api.login("owner");
    const stream = await Stream.open((path, init) => fetch(server.url + path, init), other.access_token);
    await stream.next();
    const ended = (async () => {
      const last = await stream.next();
      if (last?.event !== "session_ended" || (await stream.next()) !== null) zeros["events after the end"]++;
      return performance.now();
    })();
    const from = performance.now();
    must(await api.ask("DELETE", `/api/auth/sessions/${sessionOf(other.access_token)}`, { token }));
    if ((await api.me(other.access_token)).ok) zeros["requests let through"]++;
    refused.push(performance.now() - from);
    closed.push((await ended) - from);
    if ((await api.refresh(other.refresh_token)).ok) zeros["refreshes let through"]++;
  }
  return [
    {
      what: "a session is revoked from another device",
      done: `${count(rounds)} times`,
      zeros,
      measured: `revoked to refused: ${times(refused)}; revoked to stream closed: ${times(closed)}`,
    },
  ];
};
