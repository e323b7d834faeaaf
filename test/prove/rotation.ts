import {
  Api,
  count,
  generationOf,
  must,
  pool,
  Server,
  spanned,
  traceWith,
  type Scenario,
  type Span,
} from "./kit.ts";

/** W of programs where nothing is set. */
export const PROGRAM_OVERLAP_MS = 120_000;

/** 100 clients that share one refresh token refresh it at the same moment. */
export const together: Scenario = async ({ scale }) => {
  const clients = 100;
  const rounds = Math.max(3, Math.round(100 * scale));
  await using server = await new Server({ DUET_RATE_LIMITS: "on" }).start();
  const api = new Api(server.url, fetch, traceWith(PROGRAM_OVERLAP_MS));
  // As many as the limits on one session, and on signing in, allow.
  const names = Array.from({ length: 5 }, (_, i) => `user${i}`);
  for (const name of names) await api.register(name);
  const sessions = Math.ceil(rounds / 2);
  const zeros = { refused: 0, "second successors": 0, "skipped or repeated generations": 0 };
  for (let session = 0; session < sessions; session++) {
    let token = (await api.login(names[session % names.length]!)).refresh_token;
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(Array.from({ length: clients }, () => api.refresh(token)));
      const pairs = answers.flatMap((answer) => (answer.ok ? [answer.body] : []));
      zeros.refused += clients - pairs.length;
      zeros["second successors"] += new Set(pairs.map((pair) => pair.refresh_token)).size - 1;
      if (generationOf(pairs[0]!.refresh_token) !== generationOf(token) + 1)
        zeros["skipped or repeated generations"]++;
      token = pairs[0]!.refresh_token;
      must(await api.me(pairs[0]!.access_token));
    }
  }
  const done = `${count(sessions * 2)} × ${clients} clients`;
  return [{ what: "clients refresh one token at once", done, zeros }];
};

/**
 * Half of all answers are lost: the client, having heard nothing, asks again with what it has. What it does get it
 * may use, or not yet.
 */
export const lostAnswers: Scenario = async ({ scale, random }) => {
  const refreshes = Math.round(100_000 * scale);
  const clients = 50;
  await using server = await new Server().start();
  const api = new Api(server.url, fetch, traceWith(PROGRAM_OVERLAP_MS));
  const zeros = { "sign-outs": 0, "other refusals": 0, "sessions that forked": 0 };
  let lost = 0;
  await pool(clients, clients, async (client) => {
    const choose = random.fork();
    let token = (await api.register(`user${client}`)).refresh_token;
    for (let i = 0; i < refreshes / clients; i++) {
      const answer = await api.refresh(token);
      if (!answer.ok) {
        zeros[answer.status === 401 ? "sign-outs" : "other refusals"]++;
        continue;
      }
      if (choose.chance(0.5)) {
        lost++;
        continue;
      }
      const steps = generationOf(answer.body.refresh_token) - generationOf(token);
      if (steps !== 0 && steps !== 1) zeros["sessions that forked"]++;
      token = answer.body.refresh_token;
      if (choose.chance(0.5)) must(await api.me(answer.body.access_token));
    }
  });
  const done = `${count(refreshes)} refreshes, ${count(lost)} answers lost`;
  return [{ what: "half of all answers are lost", done, zeros }];
};

const OVERLAP_MS = 1000;
/**
 * A refresh token is copied at a random moment. Owner and thief then refresh and use what they get, each when they
 * please, until the session ends. An oracle of its own says which token must be taken and which must not.
 */
export const thief: Scenario = async ({ scale, random }) => {
  const thefts = Math.round(1000 * scale);
  const users = Math.min(10, thefts);
  await using server = await new Server({ DUET_PROGRAM_OVERLAP: `${OVERLAP_MS / 1000}s` }).start();
  const api = new Api(server.url, fetch, traceWith(OVERLAP_MS));
  const bystanders = await Promise.all(Array.from({ length: users }, (_, i) => api.register(`user${i}`)));
  const zeros = {
    "not caught": 0,
    "caught too late": 0,
    "signed out by accident": 0,
    "other sessions ended": 0,
  };
  let byOwnersToken = 0;
  let thiefsRefreshes = 0;

  await pool(thefts, 50, async (theft) => {
    const choose = random.fork();
    let token = (await api.login(`user${theft % users}`)).refresh_token;
    for (let steps = choose.below(4); steps > 0; steps--) {
      const pair = must(await api.refresh(token));
      must(await api.me(pair.access_token));
      token = pair.refresh_token;
    }
    const holders = [
      { name: "owner", token },
      { name: "thief", token },
    ];
    /** When the first token of each generation was used. */
    const used = new Map<number, Span>();
    const use = (generation: number, { sent, answered }: Span) => {
      const first = used.get(generation);
      used.set(generation, {
        sent: Math.min(sent, first?.sent ?? sent),
        answered: Math.min(answered, first?.answered ?? answered),
      });
    };
    for (let turn = 0; turn < 40; turn++) {
      const holder = choose.chance(0.5) ? holders[0]! : holders[1]!;
      await Bun.sleep(choose.below(1.6 * OVERLAP_MS));
      const shown = generationOf(holder.token);
      const { result: answer, ...span } = await spanned(() => api.refresh(holder.token));
      const successor = used.get(shown + 1);
      // The longest and the shortest that the successor can have been in use by then.
      const longestMs = successor ? span.answered - successor.sent : -1;
      const shortestMs = successor ? span.sent - successor.answered : -1;
      if (!answer.ok) {
        if (answer.reason !== "reuse_detected" || longestMs < OVERLAP_MS) zeros["signed out by accident"]++;
        if (holder.name === "owner") byOwnersToken++;
        return;
      }
      if (shortestMs > OVERLAP_MS) zeros["caught too late"]++;
      if (holder.name === "thief") thiefsRefreshes++;
      use(shown, span);
      holder.token = answer.body.refresh_token;
      if (choose.chance(0.8)) {
        const { result, ...meantime } = await spanned(() => api.me(answer.body.access_token));
        must(result);
        use(generationOf(answer.body.access_token), meantime);
      }
    }
    zeros["not caught"]++;
  });
  for (const { access_token } of bystanders)
    if (!(await api.me(access_token)).ok) zeros["other sessions ended"]++;
  return [
    {
      what: "a refresh token is stolen at a random moment",
      done: `${count(thefts)} thefts`,
      zeros,
      measured: `the owner's token gave it away ${count(byOwnersToken)} times, the thief's ${count(
        thefts - byOwnersToken,
      )}; the thief got ${(thiefsRefreshes / thefts).toFixed(2)} refreshes each`,
    },
  ];
};
