import { COMMAND_LINE } from "../core/auth/actors.ts";
import { LIMITS } from "../limits.ts";
import { StartError } from "../errors.ts";
import { adopt } from "./adopt.ts";
import { beside } from "./beside.ts";
import { JSON_OPTION, print, UsageError, type Command } from "./command.ts";
import { askPassword, refusable, timeOf } from "./people.ts";

const setDisabled = (verb: "disable" | "enable", does: string): Command => ({
  name: `users ${verb}`,
  takes: ["NAME"],
  does,
  example: `duet users ${verb} alice`,
  run: ({ words: [name], config }) =>
    beside(config(), async ({ operator }) => {
      const user = await refusable(() => operator.find(name!));
      await operator[verb](user);
      console.log(`${user.username} is ${verb}d`);
    }),
});

/** Beside a running server what they change holds from the next request on. */
export const userCommands: Command[] = [
  {
    name: "users list",
    options: {
      search: { type: "string", does: "whose names begin so" },
      after: { type: "string", does: "those after this name" },
      limit: { type: "string", does: `how many, at most ${LIMITS.pageItemsMax}` },
      ...JSON_OPTION,
    },
    does: "Lists accounts by name",
    example: "duet users list --search al",
    run: ({ options, config }) =>
      beside(config(), async ({ operator }) => {
        const { search, after, limit, json } = options;
        const page = {
          ...(search !== undefined && { search: String(search) }),
          ...(after !== undefined && { after: String(after) }),
          ...(limit !== undefined && { limit: Number(limit) }),
        };
        const { items, next } = await refusable(() => operator.list(page));
        print(
          items.map(({ id, username, email, created_at, disabled_at, operator_since }) => ({
            username,
            email,
            created: timeOf(created_at),
            disabled: timeOf(disabled_at),
            operator: timeOf(operator_since),
            id,
          })),
          json,
        );
        if (next !== null && !json) console.error(`more: --after ${next}`);
      }),
  },
  {
    name: "users show",
    takes: ["NAME"],
    options: JSON_OPTION,
    does: "Shows one account, by its name or address, with its sessions",
    example: "duet users show alice",
    run: ({ words: [name], options, config }) =>
      beside(config(), async ({ operator, ownFactors }) => {
        const user = await refusable(() => operator.find(name!));
        const { id, username, email } = user;
        const { items, recoveryCodesLeft: recovery_codes } = await ownFactors.list({ userId: id });
        const factors = items.map(({ kind }) => kind).join(" ") || "none";
        const { disabled_at, operator_since } = await operator.findById(id);
        const state = { operator: timeOf(operator_since), disabled: timeOf(disabled_at) };
        const sessions = (await operator.sessionsOf(user)).map(shownSession);
        if (options["json"])
          return console.log(
            JSON.stringify({ id, username, email, factors, recovery_codes, ...state, sessions }, null, 2),
          );
        print([{ username, email, factors, ...state, id }], false);
        console.log(sessions.length === 0 ? "\nsigned in nowhere" : "");
        print(sessions, false);
      }),
  },
  {
    name: "users add",
    takes: ["NAME"],
    options: {
      email: { type: "string", does: "the account's address" },
      admin: { type: "boolean", does: "an operator, for whom /admin is" },
    },
    does: "Makes an account; the password is asked for, or read from standard input",
    example: "duet users add alice --email alice@example.com",
    run: async ({ words: [username], options, config }) => {
      const settings = config();
      const password = await askPassword(`Password of ${username}: `);
      if (password === "") throw new UsageError("a password is needed, at the prompt or on standard input");
      const email = options["email"] === undefined ? undefined : String(options["email"]);
      await beside(settings, async ({ operator }) => {
        const user = await refusable(() => operator.add({ username: username!, password, email }));
        if (options["admin"]) await operator.setOperator(user, true);
        console.log(`${user.username} may sign in${options["admin"] ? ", and is an operator" : ""}`);
      });
    },
  },
  {
    name: "users admin",
    takes: ["NAME"],
    options: { not: { type: "boolean", does: "an operator no more" } },
    does: "Makes somebody an operator, for whom /admin is",
    example: "duet users admin alice",
    run: ({ words: [name], options, config }) =>
      beside(config(), async ({ operator }) => {
        const user = await refusable(() => operator.find(name!));
        await operator.setOperator(user, !options["not"]);
        console.log(`${user.username} is an operator${options["not"] ? " no more" : ""}`);
      }),
  },
  {
    name: "users reset-link",
    takes: ["NAME"],
    options: {
      "without-factors": { type: "boolean", does: "the new password takes all second factors away" },
    },
    does: "A link for somebody who has forgotten their password: good once, for half an hour",
    example: "duet users reset-link alice",
    run: ({ words: [name], options, config }) =>
      beside(config(), async ({ operator, links }) => {
        const user = await refusable(() => operator.find(name!));
        const { disabled_at } = await operator.findById(user.id);
        if (disabled_at !== null)
          throw new StartError(`${user.username} is disabled, and a new password would let nobody in`);
        const withoutFactors = options["without-factors"] === true;
        console.log(await links.makeReset(user, COMMAND_LINE, { withoutFactors }));
        const also = withoutFactors ? ", and takes all second factors away" : "";
        console.error(`whoever opens it within half an hour sets a new password for ${user.username}${also}`);
      }),
  },
  {
    name: "users import",
    takes: ["FILE"],
    does: "Takes over accounts with the hashes of their passwords, a JSON object in each line",
    example: "duet users import people.jsonl",
    run: ({ words: [file], config }) => adopt(file!, config()),
  },
  setDisabled("disable", "Ends every session of an account, and lets nobody sign in to it"),
  setDisabled("enable", "Lets its owner sign in again"),
];

export const sessionCommands: Command[] = [
  {
    name: "sessions list",
    takes: ["NAME"],
    options: JSON_OPTION,
    does: "Lists where an account is signed in",
    example: "duet sessions list alice",
    run: ({ words: [name], options, config }) =>
      beside(config(), async ({ operator }) => {
        const user = await refusable(() => operator.find(name!));
        print((await operator.sessionsOf(user)).map(shownSession), options["json"]);
      }),
  },
  {
    name: "sessions end",
    takes: ["ID"],
    does: "Ends one session; its tokens are dead with the next request",
    example: "duet sessions end 01a207a2-3280-7461-ab6c-44c7127b3ddf",
    run: ({ words: [id], config }) =>
      beside(config(), async ({ operator }) => {
        await refusable(() => operator.endSession(id!));
        console.log("it is over");
      }),
  },
];

const shownSession = (session: {
  id: string;
  kind: string;
  key_thumbprint: string | null;
  user_agent: string;
  ip: string;
  created_at: number;
  seen_at: number;
}) => ({
  id: session.id,
  kind: session.kind,
  bound: session.key_thumbprint !== null,
  ip: session.ip,
  created: timeOf(session.created_at),
  seen: timeOf(session.seen_at),
  device: session.user_agent.slice(0, LIMITS.deviceNameCharsMax),
});
