import type { App } from "../app.ts";

/** Four people who know each other, and what they say, each in their own language. */
const PEOPLE = ["alice", "bob", "小明", "小红"] as const;
type Name = (typeof PEOPLE)[number];

const CONVERSATIONS: { title: string; members: Name[]; lines: [Name, string][] }[] = [
  {
    title: "Saturday on the island",
    members: ["alice", "bob", "小明"],
    lines: [
      ["alice", "The ferry leaves at 7:40. Who is coming?"],
      ["bob", "Me! I’ll bring the coffee."],
      ["小明", "我也去，带上相机。"],
      ["alice", "Timetable: https://ferries.example/saturday"],
      ["bob", "What if it rains?"],
      ["小明", "下雨就去那家面馆。"],
      ["alice", "Deal. Rain or noodles."],
    ],
  },
  {
    title: "周末爬山",
    members: ["小明", "小红", "alice"],
    lines: [
      ["小明", "周日早上六点山脚集合，怎么样？"],
      ["小红", "六点太早了吧，七点？"],
      ["alice", "Seven is fine. I am slow before breakfast."],
      ["小红", "我带水果和热茶。"],
      ["小明", "好，那就七点，不见不散。"],
    ],
  },
  {
    title: "Two tokens, explained over lunch",
    members: ["bob", "alice", "小红"],
    lines: [
      ["bob", "So why two tokens?"],
      ["alice", "One is short and goes everywhere. The other is long and goes to one place only."],
      ["小红", "就像房卡和前台的登记。"],
      ["bob", "And if somebody copies the long one?"],
      ["alice", "Then it shows up twice. Open the Token lab and steal your own."],
    ],
  },
];

/** What goes on being said, so that a page that is open is seen to live. */
const SMALL_TALK: Record<Name, string[]> = {
  alice: ["By the way, has anybody seen my umbrella?", "The kettle is on.", "Back in five minutes."],
  bob: ["I found the map.", "Coffee?", "That took longer than I thought."],
  小明: ["照片洗出来了。", "谁有充电器？", "刚才那句我没看懂。"],
  小红: ["茶快凉了。", "我到了。", "明天还来吗？"],
};

const TALK_EVERY_MS = 12_000;
const SMALL_TALK_MAX = 300;

type Person = { name: Name; password: string; token: string; refreshToken: string };

/**
 * Fills a new server with people and conversations, through its own API, and lets them go on talking. Answers the
 * passwords, made up on the spot, and how to stop it.
 */
export async function populate(app: App): Promise<{ people: Person[]; stop(): void }> {
  async function call(person: Person | null, method: string, path: string, body: object) {
    const answer = await app.handle(
      new Request(`http://localhost${path}`, {
        method,
        headers: {
          "content-type": "application/json",
          ...(person && { authorization: `Bearer ${person.token}` }),
        },
        body: JSON.stringify(body),
      }),
    );
    if (answer.status === 401 && person) {
      const pair = await call(null, "POST", "/api/auth/refresh", { refresh_token: person.refreshToken });
      Object.assign(person, { token: pair.access_token, refreshToken: pair.refresh_token });
      return call(person, method, path, body);
    }
    if (!answer.ok) throw new Error(`the demo was refused: ${answer.status} ${path}`);
    return (await answer.json()) as { id: string; access_token: string; refresh_token: string };
  }

  const people = new Map<Name, Person>();
  for (const name of PEOPLE) {
    const password = makePassword();
    const pair = await call(null, "POST", "/api/auth/register", { username: name, password });
    people.set(name, { name, password, token: pair.access_token, refreshToken: pair.refresh_token });
  }

  const rooms: { id: string; members: Name[] }[] = [];
  for (const { title, members, lines } of CONVERSATIONS) {
    const [owner, ...others] = members.map((name) => people.get(name)!);
    const { id } = await call(owner!, "POST", "/api/conversations", { title });
    for (const { name } of others)
      await call(owner!, "POST", `/api/conversations/${id}/members`, { username: name });
    for (const [name, body] of lines)
      await call(people.get(name)!, "POST", `/api/conversations/${id}/messages`, { body });
    rooms.push({ id, members });
  }

  let said = 0;
  const talking = setInterval(async () => {
    if (++said > SMALL_TALK_MAX) return clearInterval(talking);
    const { id, members } = pick(rooms);
    const name = pick(members);
    const url = `/api/conversations/${id}/messages`;
    // Somebody may have deleted the conversation, or signed this person out: then they are silent.
    await call(people.get(name)!, "POST", url, { body: pick(SMALL_TALK[name]) }).catch(() => undefined);
  }, TALK_EVERY_MS);

  return { people: [...people.values()], stop: () => clearInterval(talking) };
}

const pick = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)]!;

/** 80 random bits in letters and digits that cannot be mistaken for each other. */
function makePassword(): string {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const text = [...bytes].map((byte) => letters[byte % letters.length]).join("");
  return text.match(/.{4}/g)!.join("-");
}
