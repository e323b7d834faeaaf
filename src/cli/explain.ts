import { describeReason, LOCALES } from "../locales/index.ts";
import { overlapSecondsOf, overlapOf } from "../core/auth/overlap.ts";
import { decideRotation } from "../core/auth/rotation.ts";
import { nameDevice } from "../core/auth/devices.ts";
import { issuerOf } from "../config.ts";
import { beside } from "./beside.ts";
import { JSON_OPTION, UsageError, type Command } from "./command.ts";
import { askPassword, refusable, timeOf } from "./people.ts";

const { rows: RULE } = LOCALES.en.lab;
const EVENTS = LOCALES.en.events as Record<string, string>;

export const tokenCommands: Command[] = [
  {
    name: "token inspect",
    takes: ["[TOKEN]"],
    options: JSON_OPTION,
    does: "Says what a token is, whether Duet signed it and its session lives; from standard input, or it shows in ps",
    example: "duet token inspect < token.txt",
    run: async ({ words: [given], options, config }) => {
      const settings = config();
      const token = (given ?? (await askPassword("Token: "))).trim();
      if (token === "") throw new UsageError("a token is needed");
      await beside(settings, async ({ operator, endings }) => {
        const { type, verification } = await operator.inspect(token);
        const { claims } = verification;
        const end = claims ? await endings.recordedEnd(claims.sid) : null;
        const verdict = verification.ok ? (end ? "session_ended" : "good") : verification.code;
        const said = { type, verdict, reason: end?.reason ?? null, claims: claims ?? null };
        if (options["json"]) return console.log(JSON.stringify(said, null, 2));
        const issuer = issuerOf(settings);
        if (!type && issuerIn(token) !== undefined && issuerIn(token) !== issuer)
          console.log(`It says that ${issuerIn(token)} issued it; these settings are those of ${issuer}.`);
        console.log(`${type ?? "no"} token of ours: ${verdict}${end ? ` (${end.reason})` : ""}`);
        for (const [name, value] of Object.entries(claims ?? {}))
          console.log(
            `  ${name.padEnd(10)}${isTime(name) ? timeOf(Number(value) * 1000) : JSON.stringify(value)}`,
          );
      });
    },
  },
  {
    name: "explain",
    takes: ["SESSION"],
    does: "Says in words how a session came to where it is, and what the rule would decide now",
    example: "duet explain 01a207a2-3280-7461-ab6c-44c7127b3ddf",
    run: ({ words: [id], config }) => {
      const settings = config();
      return beside(settings, async ({ operator }) => {
        const { session, events } = await refusable(() => operator.session(id!));
        const device = [nameDevice(session.user_agent), session.ip].filter(Boolean).join(", ");
        const w = overlapSecondsOf(session, settings);
        const held = session.key_thumbprint ? `, held by the key ${session.key_thumbprint}` : "";
        console.log(
          `A ${session.kind}'s session of ${session.username ?? "a deleted account"}, from ${device}${held}.`,
        );
        console.log(
          `Started ${timeOf(session.created_at)}. It ends ${timeOf(session.idle_ends_at)} if it idles, ${timeOf(session.ends_at)} at the latest.`,
        );
        const used =
          session.confirmed_at === null ? "not used yet" : `first used ${timeOf(session.confirmed_at)}`;
        console.log(
          `Its newest pair is generation ${session.generation}, made ${timeOf(session.rotated_at)}, ${used}.`,
        );
        if (session.previous_confirmed_at !== null)
          console.log(`The one before was first used ${timeOf(session.previous_confirmed_at)}. W is ${w} s.`);
        if (session.end_reason !== null) {
          const by =
            session.ended_ip === null
              ? ""
              : `, by ${[nameDevice(session.ended_user_agent ?? ""), session.ended_ip].filter(Boolean).join(", ")}`;
          console.log(
            `It ended ${timeOf(session.ended_at)}${by}: ${session.end_reason}. ${describeReason("en", session.end_reason)}`,
          );
          if (session.end_reason === "reuse_detected")
            console.log(`Decided by the row "reuse": ${RULE.reuse[0]}. ${RULE.reuse[1]}`);
        }
        console.log("\nIf a refresh token of it were shown now:");
        const oldest = Math.max(1, session.generation - 3);
        for (let generation = session.generation; generation >= oldest; generation--) {
          const shown = { generation, key: session.key_thumbprint };
          const overlap = overlapOf(session, settings, Number.POSITIVE_INFINITY);
          const { kind } = decideRotation(session, shown, Date.now(), overlap);
          console.log(`  generation ${String(generation).padEnd(4)} ${kind.padEnd(12)} ${RULE[kind]![1]}`);
        }
        if (events.length > 0) console.log("\nWhat is written down of it, the latest first:");
        for (const { kind, outcome, created_at, ip } of events)
          console.log(
            `  ${timeOf(created_at)}  ${EVENTS[kind] ?? kind}${outcome === "failure" ? " (refused)" : ""}, ${ip}`,
          );
      });
    },
  },
];

/** Nothing of this is checked. */
function issuerIn(token: string): string | undefined {
  try {
    return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).iss;
  } catch {
    return undefined;
  }
}

const isTime = (claim: string): boolean => claim === "iat" || claim === "exp";
