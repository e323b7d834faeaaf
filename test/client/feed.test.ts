import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createBacklog, createPlace, type FeedEvent } from "../../src/client/feed.ts";

/** A place by its number alone; what follows it is the server's. */
const at = (n: number) => `${n}-mhx0`;
const numberOf = (place: string) => Number.parseInt(place, 10);

const message = (n: number) => ({ conversation: "c", message: `m${n}`, html: "", isNew: true, item: "" });

/** A page that follows, and what it has shown and asked for. */
function page(start: number) {
  const shown: number[] = [];
  const asked: number[] = [];
  const place = createPlace(
    at(start),
    ({ id }) => shown.push(numberOf(id)),
    (id) => asked.push(numberOf(id)),
  );
  return { place, shown, asked };
}

describe("a page that follows the stream", () => {
  test("applies each event once, in order, and asks for what is missing before one", () => {
    const backlog = createBacklog(at(10));
    const [a, b, c] = [11, 15, 16].map((id) => backlog.add("message", at(id), message(id)));
    const { place, shown, asked } = page(10);
    place.take(a!);
    place.take(a!);
    place.take(c!);
    expect([shown, asked]).toEqual([[11], [11]]);
    for (const event of backlog.since(at(11))!) place.take(event);
    place.take(b!);
    expect([shown, asked, place.id]).toEqual([[11, 15, 16], [11], at(16)]);
  });

  test("takes a reset wherever it is", () => {
    for (const id of [3, 10, 99]) {
      const { place, shown, asked } = page(10);
      place.take({ kind: "reset", after: at(50), id: at(id), data: {} });
      expect([shown, asked, place.id]).toEqual([[id], [], at(id)]);
    }
  });

  test("shows everything that was told, however much of it is lost on the way", () => {
    const losses = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9 }), losses, (start, steps) => {
        const backlog = createBacklog(at(start));
        const told: number[] = [];
        const shown: number[] = [];
        const wanted: string[] = [];
        const place = createPlace(
          at(start),
          ({ id }) => shown.push(numberOf(id)),
          (id) => wanted.push(id),
        );
        for (const [step, isLost] of steps) {
          const event = backlog.add("message", at(numberOf(backlog.end) + step), message(0));
          told.push(numberOf(event.id));
          if (!isLost) place.take(event);
          for (const id of wanted.splice(0)) for (const again of backlog.since(id)!) place.take(again);
        }
        for (const event of backlog.since(place.id)!) place.take(event);
        expect(shown).toEqual(told);
      }),
    );
  });
});

describe("the backlog of the tab that reads", () => {
  test("holds the last 500 events, and says where it cannot go back", () => {
    const backlog = createBacklog(at(0));
    expect(backlog.since(at(0))).toEqual([]);
    for (let id = 1; id <= 501; id++) backlog.add("heartbeat", at(id), {});
    expect(backlog.end).toBe(at(501));
    expect(backlog.since(at(0))).toBeUndefined();
    expect(backlog.since(at(1))!.map(({ id }) => id)).toEqual(
      Array.from({ length: 500 }, (_, n) => at(n + 2)),
    );
    expect(backlog.since(at(501))).toEqual([]);
    // The first that is kept names the one before it, which a page must have to go on.
    expect((backlog.since(at(1))![0] as FeedEvent).after).toBe(at(1));
  });
});
