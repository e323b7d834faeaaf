import { Elysia, t } from "elysia";
import type { Duet } from "../duet.ts";
import { about, says } from "../http/reference.ts";

const Well = t.Object({ status: t.Literal("ok") });

/** `/healthz`: the process answers. `/readyz`: its database is in its place and a write to it is durable, else 503. */
export const healthRoutes = ({ ready }: Pick<Duet, "ready">) =>
  new Elysia({ name: "api/health", ...about("server") })
    .get("/healthz", () => ({ status: "ok" }), says("healthz", { 200: Well }))
    .get(
      "/readyz",
      async () => {
        await ready();
        return { status: "ok" };
      },
      says("readyz", { 200: Well }),
    );
