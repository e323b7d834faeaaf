import { Api, count, must, Server, times, type Pair, type Random, type Scenario } from "./kit.ts";

type Load = {
  api: Api;
  isOver: boolean;
  acknowledged: string[];
  refreshes: number;
  signedOut: number;
};

/** Posts, and refreshes after every fifth message, as a client does whose server comes and goes. */
async function work(load: Load, name: string, pair: Pair, conversation: string, choose: Random) {
  const { api } = load;
  /** The same request until it is answered; false if the session is lost, or the load is over. */
  async function untilAnswered<T>(ask: () => ReturnType<typeof api.ask<T>>): Promise<T | null> {
    while (!load.isOver) {
      const answer = await ask();
      if (answer.ok) return answer.body;
      if (answer.status !== 0 && answer.status < 500) {
        load.signedOut++;
        return null;
      }
      await Bun.sleep(2 + choose.below(8));
    }
    return null;
  }
  const path = `/api/conversations/${conversation}/messages`;
  for (let n = 0; ; n++) {
    const body = `${name} ${n}`;
    const headers = { "idempotency-key": body.replace(" ", "-") };
    const post = () => api.ask("POST", path, { body: { body }, token: pair.access_token, headers });
    if ((await untilAnswered(post)) === null) return;
    load.acknowledged.push(body);
    if (n % 5 !== 4) continue;
    const next = await untilAnswered<Pair>(() => api.refresh(pair.refresh_token));
    if (next === null) return;
    pair = next;
    load.refreshes++;
  }
}

/** SIGKILL at random moments, while four people post and refresh. Strict rotation: no overlap helps. */
export const kills: Scenario = async ({ scale, random }) => {
  const rounds = Math.max(5, Math.round(200 * scale));
  await using server = await new Server({ DUET_PROGRAM_OVERLAP: "0" }).start();
  const api = new Api(server.url);
  const load: Load = { api, isOver: false, acknowledged: [], refreshes: 0, signedOut: 0 };
  const witness = await api.register("witness");
  const people = [];
  for (const name of ["anna", "bert", "cleo", "dora"]) {
    const pair = await api.register(name);
    const options = { body: { title: name }, token: pair.access_token };
    const { id } = must(await api.ask<{ id: string }>("POST", "/api/conversations", options));
    people.push({ name, pair, id });
  }
  const going = people.map(({ name, pair, id }) => work(load, name, pair, id, random.fork()));

  const restarts: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await Bun.sleep(20 + random.below(180));
    await server.kill();
    const from = performance.now();
    await server.start();
    must(await api.me(witness.access_token));
    restarts.push(performance.now() - from);
  }
  load.isOver = true;
  await Promise.all(going);
  await server.kill();

  const stored = (await server.read<{ body: string }>("SELECT body FROM messages")).map((row) => row.body);
  const kept = new Set(stored);
  const zeros = {
    "acknowledged messages lost": load.acknowledged.filter((body) => !kept.has(body)).length,
    "messages stored twice": stored.length - kept.size,
    "half-rotated sessions": load.signedOut,
    ...(await server.damages()),
  };
  return [
    {
      what: "SIGKILL at a random moment, under load",
      done: `${count(rounds)} kills, ${count(load.acknowledged.length)} messages, ${count(load.refreshes)} refreshes`,
      zeros,
      measured: `from start to the first 200: ${times(restarts)}`,
    },
  ];
};
