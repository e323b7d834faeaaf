import type { Service } from "../support/service.ts";
import type { Fault, Issued } from "../support/tokens.ts";
import type { Row } from "./table.ts";

/** What a verifier did with the tokens of one algorithm. */
export type Judgement = {
  /** Why it refused a good token, or null if it took it. */
  against: string | null;
  /** What it took, and should not have. */
  taken: Fault[];
  /** What it refused as a fault of its own: with 500. */
  broke: Fault[];
  takesOtherTyp: boolean;
  takesBound: boolean;
};

/** How a verifier met keys that it had not seen. */
export type Rotation = { next: boolean; unknownAfter: number | null };

const POLL_MS = 5000;
const PATIENCE_MS = 60_000;

export const takes = ({ against, taken }: Judgement) => against === null && taken.length === 0;

const answerTo = async (service: Service, token: string) => {
  const { status, text, headers } = await service.ask(token);
  return { status, text, isTaken: status === 200 && (headers.get("duet-username") ?? text) === "alice" };
};

export const isTaken = async (service: Service, token: string) => (await answerTo(service, token)).isTaken;

export async function judge(service: Service, t: Issued): Promise<Judgement> {
  const good = await answerTo(service, t.good);
  const [taken, broke]: [Fault[], Fault[]] = [[], []];
  for (const [fault, token] of Object.entries(t.refused) as [Fault, string][]) {
    const answer = await answerTo(service, token);
    // Whatever it answers with 200 has been let through.
    if (answer.status < 400) taken.push(fault);
    if (answer.status >= 500) broke.push(fault);
  }
  return {
    against: good.isTaken ? null : `${good.status} ${good.text}`,
    taken,
    broke,
    takesOtherTyp: await isTaken(service, t.otherTyp),
    takesBound: await isTaken(service, t.bound),
  };
}

/**
 * The key that was published as the next one signs; then one that no verifier has fetched, as after an operator rotates
 * twice. How long each takes to accept that one, in seconds; null if it had not when patience ended.
 */
export async function watchRotation(services: { row: Row; service: Service }[], t: Issued): Promise<void> {
  const next = await t.rotate();
  const rotations = new Map<Service, Rotation>();
  for (const { row, service } of services) {
    row.rotation = { next: await isTaken(service, next), unknownAfter: null };
    rotations.set(service, row.rotation);
  }
  const unknown = await t.rotate();
  const since = performance.now();
  for (;;) {
    for (const [service, rotation] of rotations) {
      if (!(await isTaken(service, unknown))) continue;
      rotation.unknownAfter = Math.round((performance.now() - since) / 1000);
      rotations.delete(service);
    }
    if (rotations.size === 0 || performance.now() - since > PATIENCE_MS) return;
    await Bun.sleep(POLL_MS);
  }
}
