import { Elysia } from "elysia";
import type { Duet } from "../duet.ts";

/** `/healthz`: the process answers. `/readyz`: its database is in its place and a write to it is durable, else 503. */
export const healthRoutes = ({ ready }: Pick<Duet, "ready">) =>
  new Elysia({ name: "api/health" })
    .get("/healthz", () => ({ status: "ok" }))
    .get("/readyz", async () => {
      await ready();
      return { status: "ok" };
    });
